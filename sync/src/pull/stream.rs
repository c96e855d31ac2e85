//! Tuples of one COPY as they come, with a limit on silence. The line must be dropped after an error: its state is not known then.

use super::binary::{CopyReader, DamagedCopy};
use crate::connect::{CentreError, Line};
use futures::StreamExt;
use std::pin::Pin;
use std::time::Duration;
use tokio_postgres::CopyOutStream;

pub(crate) struct TupleStream<'l> {
    line: &'l Line,
    stream: Pin<Box<CopyOutStream>>,
    reader: CopyReader,
    stall: Duration,
}

impl<'l> TupleStream<'l> {
    /// `stall`: how long the server may say nothing.
    pub(crate) async fn start(line: &'l Line, sql: &str, columns: usize, stall: Duration) -> Result<Self, CentreError> {
        let stream = line.within(stall, "copy", line.client.copy_out(sql)).await?;
        Ok(Self { line, stream: Box::pin(stream), reader: CopyReader::new(columns), stall })
    }

    /// Waits for the next piece and gives its tuples to `each`. False at the end, which is checked.
    pub(crate) async fn next(&mut self, each: impl FnMut(&[u8]) -> Result<(), DamagedCopy>) -> Result<bool, CentreError> {
        let damaged = |error: DamagedCopy| CentreError::Lost(error.to_string().into());
        match tokio::time::timeout(self.stall, self.stream.next()).await {
            Err(_) => Err(CentreError::Timeout { what: "copy".into(), limit: self.stall }),
            Ok(Some(Ok(bytes))) => self.reader.feed(&bytes, each).map(|()| true).map_err(damaged),
            Ok(Some(Err(error))) => Err(self.line.explain(&error).await),
            Ok(None) => {
                std::mem::replace(&mut self.reader, CopyReader::new(0)).finish().map_err(damaged)?;
                Ok(false)
            }
        }
    }
}
