//! An import on its way to the centre: rows wait in a file without a name until the whole input was read, so that one bad row stops all;
//! then they go in batches, with bounded memory, in one transaction of the centre. What it does not take is told line by line, and takes all back
//! unless the good rows are asked for.

use super::{Context, Progress};
use crate::compose::{self, central_of};
use crate::csv_import::Report;
use crate::exit::{Exit, Failure};
use noctule_domain::SafeText;
use noctule_domain::audit::AuditEntry;
use noctule_sync::push::import::{Entry, Import, Kind};
use serde_json::Value;
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Rows of one call.
const BATCH: usize = 1000;

pub(super) struct Spool {
    to: BufWriter<File>,
    rows: u64,
}

impl Spool {
    /// In the folder of the copy, where there must be room anyway. Its name is taken away at once: nothing is left behind by a kill.
    pub fn new(folder: &Path) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            let shown = SafeText::new(&folder.to_string_lossy());
            Failure::new(Exit::Store, format!("rows can not be kept in {shown} on their way: {error}; nothing was sent"))
        };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let path = folder.join(format!(".import-{}", uuid::Uuid::new_v4().simple()));
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
        std::fs::remove_file(&path).map_err(failed)?;
        Ok(Self { to: BufWriter::new(file), rows: 0 })
    }

    pub fn put(&mut self, kind: Kind, line: u64, row: &Value) -> Result<(), Failure> {
        let full =
            |error: std::io::Error| Failure::new(Exit::Store, format!("rows can not be kept on their way: {error}; nothing was sent"));
        serde_json::to_writer(&mut self.to, &(kind, line, row)).map_err(|error| full(error.into()))?;
        self.to.write_all(b"\n").map_err(full)?;
        self.rows += 1;
        Ok(())
    }

    /// Sends everything and brings the copy up to date. Gives how many rows of the file are in the centre now; `None`: some were not taken, and
    /// so none was, unless `skip_bad`.
    pub async fn send(self, context: &Context, entry: &AuditEntry, skip_bad: bool, report: &mut Report) -> Result<Option<u64>, Failure> {
        let central = central_of(context)?;
        compose::ask(context).await?;
        let centre = central.open().await?;
        let facts = Entry {
            origin: entry.origin.clone(),
            target: entry.target.clone(),
            reason: entry.reason.clone(),
            after: entry.after.clone(),
            load: false,
        };
        let unreadable = |error: std::io::Error| Failure::new(Exit::Store, format!("rows on their way can not be read back: {error}"));
        let all = self.rows;
        let mut file = self.to.into_inner().map_err(|error| unreadable(error.into_error()))?;
        file.rewind().map_err(unreadable)?;
        let progress = Progress::new();
        let mut import = Import::begin(&centre).await?;
        let mut taken = 0;
        let mut seen = 0u64;
        // The session of a subscriber that was not taken is the same bad row, not a second one.
        let mut refused = HashSet::new();
        let mut lines = BufReader::new(file).lines();
        // Sessions come beside their subscribers, which must be there first: two kinds are two batches.
        let mut batches: [(Kind, Vec<u64>, Vec<Value>); 2] = [(Kind::Subscribers, vec![], vec![]), (Kind::Sessions, vec![], vec![])];
        loop {
            let line = lines.next().transpose().map_err(unreadable)?;
            let ended = line.is_none();
            if let Some(text) = line {
                seen += 1;
                let (kind, line, row): (Kind, u64, Value) = serde_json::from_str(&text).map_err(|error| unreadable(error.into()))?;
                let batch = &mut batches[usize::from(kind == Kind::Sessions)];
                batch.0 = kind;
                batch.1.push(line);
                batch.2.push(row);
            }
            if ended || batches.iter().any(|batch| batch.2.len() >= BATCH) {
                for (kind, lines, rows) in &mut batches {
                    let errors = send(&mut import, *kind, rows, &facts)
                        .await
                        .map_err(|failure| failure.during(&format!("after {taken} of {all} rows; nothing was stored")))?;
                    if *kind != Kind::Sessions {
                        taken += (rows.len() - errors.len()) as u64;
                    }
                    for (place, words) in errors {
                        let line = lines.get(place).copied().unwrap_or(0);
                        if refused.insert(line) {
                            report.bad(line, words.as_str());
                        }
                    }
                    lines.clear();
                    rows.clear();
                }
                progress.say(&format!("importing into the centre: {seen} of {all} rows"));
            }
            if ended {
                break;
            }
        }
        drop(progress);
        if !refused.is_empty() && !skip_bad {
            import.rollback().await?;
            return Ok(None);
        }
        import.commit().await.map_err(|error| {
            Failure::from(error).during("whether the rows are stored is not known; importing the same file again changes nothing then")
        })?;
        // The rows are in the centre either way; here they come with this, or with the next sync.
        if let Err(failure) = compose::fresh(context, &central).await {
            eprintln!("noctule: the rows are in the centre; the copy here follows with the next sync: {}", failure.sentence);
        }
        Ok(Some(taken))
    }
}

async fn send(import: &mut Import, kind: Kind, rows: &[Value], entry: &Entry) -> Result<Vec<(usize, SafeText)>, Failure> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let done = import.rows(kind, rows, entry).await?;
    Ok(done.errors.into_iter().map(|error| (usize::try_from(error.index).unwrap_or(usize::MAX), error.words)).collect())
}
