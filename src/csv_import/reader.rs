//! Reads rows as a stream: the file is never held as a whole, and a row that does not end (a quotation mark that nobody closed) is stopped
//! before it fills the memory.

use super::columns::{Column, columns};
use super::{CsvError, Fields};
use crate::cli::ImportKind;
use crate::near;
use csv::ByteRecord;
use noctule_domain::SafeText;
use std::io::{self, BufRead, BufReader, Read};

/// Longest row, in bytes.
pub const MAX_ROW: u64 = 1 << 20;
const BUFFER: usize = 1 << 16;
const TOO_LONG: &str = "row too long";

/// Rows of one file.
pub struct Rows<R: Read> {
    csv: csv::Reader<Bounded<BufReader<R>>>,
    /// Column of the table for each field of a row.
    places: Vec<&'static Column>,
    record: ByteRecord,
    /// Line on which the bytes begin that are not taken yet.
    line: u64,
    taken: u64,
}

impl<R: Read> Rows<R> {
    pub fn new(kind: ImportKind, from: R) -> Result<Self, CsvError> {
        let mut from = BufReader::with_capacity(BUFFER, from);
        let delimiter = delimiter(&mut from)?;
        let bounded = Bounded { inner: from, kept: Vec::new(), base: 0, taken: 0 };
        let mut csv = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(true)
            .flexible(true)
            .trim(csv::Trim::Headers)
            .buffer_capacity(BUFFER)
            .from_reader(bounded);
        let header = csv.byte_headers().map_err(|error| unreadable(&error, 1))?.clone();
        let places = places(kind, &header)?;
        let mut rows = Self { csv, places, record: ByteRecord::new(), line: 1, taken: 0 };
        rows.take();
        Ok(rows)
    }

    /// The next row with the line on which it begins. `Err` ends the file; what is wrong with one row is inside.
    #[allow(clippy::should_implement_trait, clippy::type_complexity)]
    pub fn next(&mut self) -> Option<Result<(u64, Result<Fields<'_>, String>), CsvError>> {
        let read = self.csv.read_byte_record(&mut self.record);
        // The reader of rows counts from before the line ends and blank lines that it passes over: those are counted here.
        let passed = self.csv.get_ref().since(self.taken).iter().take_while(|b| matches!(b, b'\r' | b'\n'));
        let line = self.line + passed.filter(|b| **b == b'\n').count() as u64;
        match read {
            Ok(false) => return None,
            Ok(true) => {}
            Err(error) => return Some(Err(unreadable(&error, line))),
        }
        self.take();
        Some(Ok((line, Fields::of(&self.places, &self.record))))
    }

    /// Counts the lines of what the last row took, and lets the bytes go.
    fn take(&mut self) {
        let until = self.csv.position().byte();
        let row = self.csv.get_ref().since(self.taken);
        let row = &row[..usize::try_from(until - self.taken).unwrap_or(usize::MAX).min(row.len())];
        self.line += row.iter().filter(|b| **b == b'\n').count() as u64;
        self.taken = until;
        self.csv.get_mut().forget(until);
    }
}

fn unreadable(error: &csv::Error, line: u64) -> CsvError {
    match error.kind() {
        csv::ErrorKind::Io(io) if io.to_string() == TOO_LONG => CsvError::RowTooLong { line, max: MAX_ROW },
        _ => CsvError::Unreadable { file: SafeText::new("the file"), why: SafeText::new(&error.to_string()) },
    }
}

/// What separates the fields: whichever of comma, semicolon and tab the header line has most of. Cuts a byte order mark.
fn delimiter(from: &mut impl BufRead) -> Result<u8, CsvError> {
    let fail = |error: io::Error| CsvError::Unreadable { file: SafeText::new("the file"), why: SafeText::new(&error.to_string()) };
    let head = from.fill_buf().map_err(fail)?;
    if head.is_empty() {
        return Err(CsvError::Empty);
    }
    let mark = if head.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let line = head[mark..].split(|b| *b == b'\n').next().unwrap_or_default();
    let count = |wanted: u8| line.iter().filter(|b| **b == wanted).count();
    let best = [b',', b';', b'\t'].into_iter().rev().max_by_key(|d| count(*d)).unwrap_or(b',');
    from.consume(mark);
    Ok(best)
}

fn places(kind: ImportKind, header: &ByteRecord) -> Result<Vec<&'static Column>, CsvError> {
    let known = columns(kind);
    let mut places: Vec<&'static Column> = Vec::with_capacity(header.len());
    for raw in header {
        let name = std::str::from_utf8(raw).map_err(|_| CsvError::HeaderNotUtf8)?.to_ascii_lowercase();
        let Some(column) = known.iter().find(|column| column.name == name) else {
            let names = || known.iter().map(|column| column.name);
            let hint = near::hint(&name, names());
            return Err(CsvError::UnknownColumn {
                name: SafeText::bounded(&name, 60),
                hint,
                known: names().collect::<Vec<_>>().join(", "),
            });
        };
        if places.iter().any(|there| there.name == column.name) {
            return Err(CsvError::TwiceColumn(SafeText::new(column.name)));
        }
        places.push(column);
    }
    if places.is_empty() {
        return Err(CsvError::Empty);
    }
    let missing: Vec<&str> =
        known.iter().filter(|column| column.required && !places.iter().any(|there| there.name == column.name)).map(|c| c.name).collect();
    if missing.is_empty() { Ok(places) } else { Err(CsvError::MissingColumn(missing.join(", "))) }
}

/// Keeps the bytes of the row that is being read, so that its line can be told, and fails when a row has more of them than it may have.
struct Bounded<R> {
    inner: R,
    kept: Vec<u8>,
    /// Place in the file of the first byte kept.
    base: u64,
    taken: u64,
}

impl<R> Bounded<R> {
    fn since(&self, place: u64) -> &[u8] {
        let start = usize::try_from(place.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.kept.len());
        &self.kept[start..]
    }

    fn forget(&mut self, until: u64) {
        self.taken = until;
        let gone = self.kept.len() - self.since(until).len();
        // Moved together now and then only, not for every row.
        if gone >= BUFFER {
            self.kept.drain(..gone);
            self.base += gone as u64;
        }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since(self.taken).len() as u64 > MAX_ROW {
            return Err(io::Error::other(TOO_LONG));
        }
        let read = self.inner.read(buffer)?;
        self.kept.extend_from_slice(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &[u8]) -> Vec<(u64, Result<String, String>)> {
        let mut rows = Rows::new(ImportKind::Technicians, text).unwrap();
        let mut out = Vec::new();
        while let Some(row) = rows.next() {
            let (line, fields) = row.unwrap();
            out.push((line, fields.and_then(|f| f.required("name").map(|t| t.to_string()))));
        }
        out
    }

    #[test]
    fn separators_marks_quotes_and_blank_lines_are_taken_with_their_lines() {
        let text = b"\xef\xbb\xbfEmployee_ID;name\r\n1;Anna\r\n\r\n2;\"Ben;\nB\"\r\n3;Cy\r\n";
        let got = names(text);
        assert_eq!(got.iter().map(|(_, n)| n.clone().unwrap()).collect::<Vec<_>>(), ["Anna", "Ben;\u{240a}B", "Cy"]);
        assert_eq!(got.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 4, 6]);
        assert_eq!(names(b"employee_id\tname\n1\tAnna\n")[0].1.as_deref(), Ok("Anna"));
    }

    #[test]
    fn a_row_with_too_many_or_too_few_fields_or_of_another_encoding_is_bad_alone() {
        let got = names(b"employee_id,name\n1,Anna,x\n2\n3,J\xf6rg\n4,Ok\n");
        assert!(got[0].1.as_ref().unwrap_err().contains("3 fields"));
        assert!(got[1].1.as_ref().unwrap_err().contains("1 field"));
        assert!(got[2].1.as_ref().unwrap_err().contains("UTF-8"));
        assert_eq!(got[3], (5, Ok("Ok".into())));
    }

    #[test]
    fn a_wrong_header_says_what_is_right() {
        let error = |text: &[u8]| Rows::new(ImportKind::Technicians, text).err().unwrap().to_string();
        assert!(error(b"employee_id,nmae\n").contains("did you mean 'name'?"));
        assert!(error(b"employee_id,name,name\n").contains("twice"));
        assert!(error(b"name\n").contains("employee_id is missing"));
        assert!(error(b"").contains("empty"));
        assert!(error(b"\xff\xfe\x00e\n").contains("UTF-8"));
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_does_not_fill_the_memory() {
        let endless = io::Cursor::new(b"employee_id,name\n1,\"".to_vec()).chain(io::repeat(b'x'));
        let mut rows = Rows::new(ImportKind::Technicians, endless).unwrap();
        let error = rows.next().unwrap().err().unwrap();
        assert_eq!(error, CsvError::RowTooLong { line: 2, max: MAX_ROW });
    }

    #[test]
    fn many_rows_are_no_long_row() {
        let mut text = b"employee_id,name\n".to_vec();
        for n in 0..60_000 {
            text.extend_from_slice(format!("{n},\"a name that is of a sensible length\"\n").as_bytes());
        }
        assert!(text.len() as u64 > 2 * MAX_ROW);
        assert_eq!(names(&text).len(), 60_000);
    }
}
