//! The flight recorder: every message and every size, a JSON line each, so that a session can be played again exactly. Secrets never
//! come in messages, so none get into a recording; names of subscribers do, and the file is made for its owner alone.

use noctule_ui::{Msg, Preferences};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::time::Instant;

/// Longest line that a replay reads: a page of rows with the longest texts stays well below.
const MAX_LINE: u64 = 64 * 1024 * 1024;

/// The first line: how the screen was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Header {
    /// Format of the lines that follow.
    pub format: u32,
    pub program: String,
    pub now: noctule_domain::Timestamp,
    pub actor: noctule_domain::SafeText,
    pub role: noctule_domain::permission::Role,
    pub tenant: noctule_domain::SafeText,
    pub theme: String,
    pub ascii: bool,
    #[serde(default)]
    pub central: bool,
    pub preferences: Preferences,
    pub width: u16,
    pub height: u16,
}

pub const FORMAT: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Milliseconds since the start.
    pub at_ms: u64,
    pub msg: Msg,
}

pub struct Recorder {
    out: BufWriter<File>,
    start: Instant,
}

impl Recorder {
    /// Makes the file, readable by its owner only; one that is there already is not written over.
    pub fn create(path: &Path, header: &Header) -> io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let mut out = BufWriter::new(file);
        serde_json::to_writer(&mut out, header)?;
        out.write_all(b"\n")?;
        Ok(Self { out, start: Instant::now() })
    }

    pub fn record(&mut self, msg: &Msg) -> io::Result<()> {
        let at_ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        #[derive(Serialize)]
        struct Line<'a> {
            at_ms: u64,
            msg: &'a Msg,
        }
        serde_json::to_writer(&mut self.out, &Line { at_ms, msg })?;
        self.out.write_all(b"\n")
    }

    /// To disk, so that a crash leaves everything up to here.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A recording, read line by line.
pub struct Recording {
    pub header: Header,
    lines: BufReader<File>,
    number: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    #[error("the recording can not be read: {0}")]
    Read(#[from] io::Error),
    #[error("line {line} of the recording is not one of ours: {detail}")]
    Line { line: u64, detail: String },
    #[error("the recording has format {0}, this program reads {FORMAT}")]
    Format(u32),
}

impl Recording {
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let mut lines = BufReader::new(File::open(path)?);
        let first = read_line(&mut lines)?.unwrap_or_default();
        let header: Header = serde_json::from_slice(&first).map_err(|e| RecordingError::Line { line: 1, detail: e.to_string() })?;
        if header.format != FORMAT {
            return Err(RecordingError::Format(header.format));
        }
        Ok(Self { header, lines, number: 1 })
    }

    /// The next entry; a last line that a crash cut short ends the recording.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, RecordingError> {
        let Some(line) = read_line(&mut self.lines)? else { return Ok(None) };
        self.number += 1;
        match serde_json::from_slice(&line) {
            Ok(entry) => Ok(Some(entry)),
            Err(_) if !line.ends_with(b"\n") => Ok(None),
            Err(error) => Err(RecordingError::Line { line: self.number, detail: error.to_string() }),
        }
    }
}

fn read_line(lines: &mut BufReader<File>) -> io::Result<Option<Vec<u8>>> {
    use std::io::Read;
    let mut line = Vec::new();
    let read = lines.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
    Ok((read > 0).then_some(line))
}
