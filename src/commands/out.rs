//! Output of commands: aligned tables, pairs, JSON. A reader that goes away (`| head`) is not an error.

use crate::cli::ColorChoice;
use crate::exit::{Exit, Failure};
use noctule_domain::SafeText;
use serde::Serialize;
use std::io::{self, BufWriter, IsTerminal, Write};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Where a command writes.
pub struct Out {
    to: Box<dyn Write + Send>,
    colour: bool,
}

impl Out {
    pub fn stdout(choice: ColorChoice) -> Self {
        let stdout = io::stdout();
        let colour = colour_wanted(choice, stdout.is_terminal());
        Self { to: Box::new(BufWriter::with_capacity(1 << 16, stdout)), colour }
    }

    /// Any other place, never coloured.
    pub fn to(writer: impl Write + Send + 'static) -> Self {
        Self { to: Box::new(BufWriter::with_capacity(1 << 16, writer)), colour: false }
    }

    pub fn line(&mut self, text: impl AsRef<str>) -> Result<(), Failure> {
        self.to.write_all(text.as_ref().as_bytes())?;
        self.to.write_all(b"\n")?;
        Ok(())
    }

    pub fn raw(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        Ok(self.to.write_all(bytes)?)
    }

    /// One JSON value, indented, with a line end.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
        self.line(true_breaks(&text))
    }

    /// One JSON value on one line, without its end.
    pub fn json_row(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(io::Error::from)?;
        self.raw(true_breaks(&text).as_bytes())
    }

    pub fn table(&mut self, table: &Table) -> Result<(), Failure> {
        let widths = table.widths();
        let header = joined(table.header.iter().map(|h| (*h).to_owned()), &widths);
        let header = self.bold(&header);
        self.line(header)?;
        for row in &table.rows {
            let last = row.len().saturating_sub(1);
            self.line(joined(row.iter().enumerate().map(|(at, cell)| if at < last { fitted(cell) } else { cell.clone() }), &widths))?;
        }
        Ok(())
    }

    /// `name   value` lines; pairs without a value are left out.
    pub fn pairs(&mut self, pairs: &[(&str, Option<String>)]) -> Result<(), Failure> {
        let width = pairs.iter().filter(|(_, v)| v.is_some()).map(|(k, _)| k.width()).max().unwrap_or(0);
        for (name, value) in pairs {
            if let Some(value) = value {
                self.line(format!("{name}{}  {value}", " ".repeat(width - name.width())))?;
            }
        }
        Ok(())
    }

    pub fn bold(&self, text: &str) -> String {
        if self.colour { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// One of the sixteen colours by its SGR number.
    pub fn tinted(&self, text: &str, sgr: u8) -> String {
        if self.colour { format!("\x1b[{sgr}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.to.flush()?)
    }
}

/// Line breaks and tabs, which the store shows by a sign (`SafeText`), as the escapes of JSON: these drive no terminal either, and a program that
/// reads them has the text as it was typed.
fn true_breaks(json: &str) -> String {
    json.replace('\u{240a}', "\\n").replace('\u{2409}', "\\t")
}

/// Whether colours may be used: asked for, or a terminal that has them and nobody said NO_COLOR.
pub fn colour_wanted(choice: ColorChoice, terminal: bool) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty());
            terminal && set("NO_COLOR").is_none() && set("TERM").is_some_and(|term| term != "dumb")
        }
    }
}

/// Columns of a table are not wider than this, but for the last one.
const WIDEST: usize = 60;

/// Rows under a header.
pub struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(header: &[&'static str]) -> Self {
        Self { header: header.to_vec(), rows: Vec::new() }
    }

    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn widths(&self) -> Vec<usize> {
        let cells = |column: usize| self.rows.iter().filter_map(move |row| row.get(column)).map(|cell| cell.as_str().width());
        self.header.iter().enumerate().map(|(column, name)| cells(column).max().unwrap_or(0).max(name.width()).min(WIDEST)).collect()
    }
}

/// A cell that others stand behind, so that one long name does not push them out of sight.
fn fitted(cell: &str) -> String {
    if cell.width() <= WIDEST {
        return cell.to_owned();
    }
    let mut width = 1;
    let kept = cell.chars().take_while(|c| {
        width += c.width().unwrap_or(0);
        width <= WIDEST
    });
    format!("{}…", kept.collect::<String>())
}

fn joined(cells: impl Iterator<Item = String>, widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.zip(widths) {
        line.push_str(&cell);
        line.push_str(&" ".repeat(width.saturating_sub(cell.as_str().width()) + 2));
    }
    line.truncate(line.trim_end().len());
    line
}

/// A value that may be missing, as a cell.
pub fn cell(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| v.to_string())
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // The reader has what it wanted.
            io::ErrorKind::BrokenPipe => Failure::new(Exit::Ok, ""),
            _ => Failure::new(Exit::Internal, format!("the output could not be written: {}", SafeText::new(&error.to_string()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);
    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn json_keeps_line_breaks_and_tabs_true_and_every_other_control_visible() {
        let shared = Shared::default();
        let mut out = Out::to(shared.clone());
        let notes = SafeText::new("gate\t12\nring \"twice\" \\ \u{1b}[2J");
        out.json(&serde_json::json!({ "notes": notes })).unwrap();
        out.json_row(&notes).unwrap();
        out.flush().unwrap();
        let text = String::from_utf8(shared.0.lock().unwrap().clone()).unwrap();
        let (pretty, row) = text.trim_end().rsplit_once('\n').unwrap();
        let typed = "gate\t12\nring \"twice\" \\ \u{241b}[2J";
        assert_eq!(serde_json::from_str::<serde_json::Value>(pretty).unwrap()["notes"], typed);
        assert_eq!(serde_json::from_str::<String>(row).unwrap(), typed);
        assert!(!text.contains('\u{1b}') && !text.contains('\t'));
    }

    #[test]
    fn tables_are_aligned_by_what_is_seen_not_by_bytes() {
        let shared = Shared::default();
        let mut out = Out::to(shared.clone());
        let mut table = Table::new(&["name", "state"]);
        table.row(vec!["日本".into(), "active".into()]);
        table.row(vec!["anna".into(), "failed".into()]);
        out.table(&table).unwrap();
        out.pairs(&[("a", Some("1".into())), ("long", Some("2".into())), ("none", None)]).unwrap();
        out.flush().unwrap();
        let text = String::from_utf8(shared.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text, "name  state\n日本  active\nanna  failed\na     1\nlong  2\n");
    }
}
