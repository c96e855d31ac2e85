//! The children of all pools in one stream by id: a page of each pool in memory.

use super::source::{Parent, PrefixSource};
use crate::upstream::IpamError;
use noctule_domain::drift::NetboxRow;
use std::collections::VecDeque;
use std::time::Duration;

struct Stream {
    parent: Parent,
    rows: VecDeque<NetboxRow>,
    after: i64,
    ended: bool,
}

pub(super) struct Children<'a> {
    source: &'a dyn PrefixSource,
    streams: Vec<Stream>,
    page: usize,
    pause: Duration,
    asked: bool,
    last: i64,
}

impl<'a> Children<'a> {
    pub fn new(source: &'a dyn PrefixSource, parents: &[Parent], page: usize, pause: Duration) -> Self {
        let streams = parents.iter().map(|p| Stream { parent: p.clone(), rows: VecDeque::new(), after: 0, ended: false }).collect();
        Self { source, streams, page: page.clamp(1, 1000), pause, asked: false, last: 0 }
    }

    /// The next of them by id; empty at the end.
    pub async fn next(&mut self) -> Result<Vec<NetboxRow>, IpamError> {
        let mut out = Vec::with_capacity(self.page);
        while out.len() < self.page {
            for stream in self.streams.iter_mut().filter(|s| s.rows.is_empty() && !s.ended) {
                if self.asked && !self.pause.is_zero() {
                    tokio::time::sleep(self.pause).await;
                }
                self.asked = true;
                let page = self.source.page(&stream.parent, stream.after, self.page).await?;
                stream.ended = page.len() < self.page;
                stream.after = page.last().map_or(stream.after, |row| row.id);
                stream.rows.extend(page);
            }
            let first =
                self.streams.iter_mut().filter(|s| !s.rows.is_empty()).min_by_key(|s| s.rows.front().map_or(i64::MAX, |row| row.id));
            let Some(row) = first.and_then(|s| s.rows.pop_front()) else { break };
            // A pool inside a pool shows its children twice.
            if row.id > self.last {
                self.last = row.id;
                out.push(row);
            }
        }
        Ok(out)
    }
}
