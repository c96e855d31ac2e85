//! The framing of `COPY … TO STDOUT (FORMAT binary)`, read as it streams in, whatever the pieces it comes in. Whole tuples are handed on as
//! slices of what came; only one that lies across two pieces is put together in a buffer.

/// Signature, flags, length of the header's extension.
const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";
const HEADER: usize = 19;
/// A row larger than this does not come from our tables: the stream is out of step.
const LARGEST: usize = 64 << 20;

/// What came is not what `COPY` sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stream of rows is damaged: {0}")]
pub struct DamagedCopy(pub(crate) &'static str);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Header,
    Tuples,
    Ended,
}

/// Takes the stream apart. One per COPY.
#[derive(Debug)]
pub struct CopyReader {
    columns: usize,
    state: State,
    /// The beginning of a tuple whose end has not come yet.
    rest: Vec<u8>,
}

impl CopyReader {
    pub fn new(columns: usize) -> Self {
        Self { columns, state: State::Header, rest: Vec::new() }
    }

    /// Calls `each` with every tuple that is complete: lengths and values of its columns, without their count.
    pub fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8]) -> Result<(), DamagedCopy>) -> Result<(), DamagedCopy> {
        if self.rest.is_empty() {
            let used = self.consume(bytes, &mut each)?;
            self.rest.extend_from_slice(&bytes[used..]);
        } else {
            let mut rest = std::mem::take(&mut self.rest);
            rest.extend_from_slice(bytes);
            let used = self.consume(&rest, &mut each)?;
            rest.drain(..used);
            self.rest = rest;
        }
        if self.rest.len() > LARGEST {
            return Err(DamagedCopy("a row is too large"));
        }
        Ok(())
    }

    /// The stream has ended: was its end there?
    pub fn finish(self) -> Result<(), DamagedCopy> {
        if self.state == State::Ended && self.rest.is_empty() { Ok(()) } else { Err(DamagedCopy("it ends too early")) }
    }

    fn consume(&mut self, bytes: &[u8], each: &mut impl FnMut(&[u8]) -> Result<(), DamagedCopy>) -> Result<usize, DamagedCopy> {
        let mut at = 0;
        if self.state == State::Header {
            let Some((header, extension)) = bytes.split_at_checked(HEADER) else { return Ok(0) };
            if header[..SIGNATURE.len()] != SIGNATURE[..] {
                return Err(DamagedCopy("it does not begin as COPY BINARY does"));
            }
            let flags = u32::from_be_bytes([header[11], header[12], header[13], header[14]]);
            if flags >> 16 != 0 {
                return Err(DamagedCopy("it has features that are not known here"));
            }
            let more = u32::from_be_bytes([header[15], header[16], header[17], header[18]]) as usize;
            if more > 1 << 16 {
                return Err(DamagedCopy("its header is too large"));
            }
            if extension.len() < more {
                return Ok(0);
            }
            at = HEADER + more;
            self.state = State::Tuples;
        }
        loop {
            let left = &bytes[at..];
            if left.is_empty() {
                return Ok(at);
            }
            if self.state == State::Ended {
                return Err(DamagedCopy("something follows its end"));
            }
            let Some(count) = left.first_chunk::<2>() else { return Ok(at) };
            match i16::from_be_bytes(*count) {
                -1 => {
                    self.state = State::Ended;
                    at += 2;
                }
                count if usize::try_from(count) == Ok(self.columns) => match self.tuple(&left[2..])? {
                    Some(length) => {
                        each(&left[2..2 + length])?;
                        at += 2 + length;
                    }
                    None => return Ok(at),
                },
                _ => return Err(DamagedCopy("a row has another number of columns")),
            }
        }
    }

    /// How long the tuple is; `None` when its end has not come yet.
    fn tuple(&self, bytes: &[u8]) -> Result<Option<usize>, DamagedCopy> {
        let mut at = 0usize;
        for _ in 0..self.columns {
            let Some(length) = bytes.get(at..at + 4) else { return Ok(None) };
            let length = i32::from_be_bytes([length[0], length[1], length[2], length[3]]);
            at += 4;
            match usize::try_from(length) {
                Ok(length) if length <= LARGEST => at += length,
                Err(_) if length == -1 => {}
                _ => return Err(DamagedCopy("a value has no sound length")),
            }
            if at > bytes.len() {
                return Ok(None);
            }
        }
        Ok(Some(at))
    }
}

/// The id that stands first in a tuple.
pub(crate) fn leading_id(tuple: &[u8]) -> Result<uuid::Uuid, DamagedCopy> {
    let bytes = tuple.get(..20).filter(|head| head[..4] == 16i32.to_be_bytes()).ok_or(DamagedCopy("a row has no id"))?;
    uuid::Uuid::from_slice(&bytes[4..]).map_err(|_| DamagedCopy("a row has no id"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stream(rows: &[Vec<Option<Vec<u8>>>]) -> Vec<u8> {
        let mut out = SIGNATURE.to_vec();
        out.extend([0; 8]);
        for row in rows {
            out.extend((row.len() as i16).to_be_bytes());
            for value in row {
                match value {
                    None => out.extend((-1i32).to_be_bytes()),
                    Some(bytes) => {
                        out.extend((bytes.len() as i32).to_be_bytes());
                        out.extend(bytes);
                    }
                }
            }
        }
        out.extend((-1i16).to_be_bytes());
        out
    }

    fn rows() -> impl Strategy<Value = Vec<Vec<Option<Vec<u8>>>>> {
        proptest::collection::vec(proptest::collection::vec(proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40)), 3), 0..20)
    }

    proptest! {
        #[test]
        fn the_same_rows_whatever_the_pieces(rows in rows(), cuts in proptest::collection::vec(1usize..60, 1..60)) {
            let bytes = stream(&rows);
            let (mut reader, mut got, mut at, mut turn) = (CopyReader::new(3), Vec::new(), 0, 0);
            while at < bytes.len() {
                let end = (at + cuts[turn % cuts.len()]).min(bytes.len());
                reader.feed(&bytes[at..end], |tuple| { got.push(tuple.to_vec()); Ok(()) }).expect("sound");
                (at, turn) = (end, turn + 1);
            }
            reader.finish().expect("complete");
            let mut wanted = Vec::new();
            for row in &rows {
                let one = stream(std::slice::from_ref(row));
                wanted.push(one[HEADER + 2..one.len() - 2].to_vec());
            }
            prop_assert_eq!(got, wanted);
        }

        #[test]
        fn no_bytes_make_it_panic_and_a_cut_is_noticed(rows in rows(), junk in proptest::collection::vec(any::<u8>(), 0..200), cut in any::<proptest::sample::Index>()) {
            let _ = CopyReader::new(3).feed(&junk, |_| Ok(()));
            let bytes = stream(&rows);
            let mut damaged = bytes[..HEADER].to_vec();
            damaged.extend(&junk);
            let _ = CopyReader::new(3).feed(&damaged, |_| Ok(()));
            let mut reader = CopyReader::new(3);
            reader.feed(&bytes[..cut.index(bytes.len())], |_| Ok(())).expect("sound so far");
            prop_assert!(reader.finish().is_err());
        }
    }
}
