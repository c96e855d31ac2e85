//! Reads accounting and tells it to the book of sessions: one reader for a book, held by an advisory lock of its own connection, so that another
//! takes over when it dies. Changes are found by new rows and by the time of the last change, with an overlap; because clocks of NASes jump
//! and rows are pruned, all open rows and all known sessions are gone through slowly too. Nothing depends on having seen every change: for
//! each name that was heard of, all that the table has of it now is told.

use super::changes::{Mark, Place};
use super::freeradius::FreeRadius;
use super::line::Line;
use crate::upstream::AaaError;
use noctule_domain::lifecycle::{Proofs, Told};
use noctule_domain::ports::{AuthorityError, Heard, SessionBook};
use noctule_domain::retry::backoff;
use noctule_domain::subscriber::Username;
use noctule_domain::{SafeText, SubscriberId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Users that are told in one transaction.
const BATCH: usize = 500;
/// Rows of one step of the slow look.
const PAGE: i64 = 2000;
/// How long a proof is looked for by name; after that only the slow look may still find it.
const AWAITED: chrono::Duration = chrono::Duration::hours(24);

#[derive(Debug, Clone, Copy)]
pub struct ReaderConfig {
    /// Between two looks for changes.
    pub poll: Duration,
    /// Between the ends of two slow looks at everything that is open.
    pub whole: Duration,
}

/// How the reading goes, for the header and the doctor.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AccountingStatus {
    pub reading: Reading,
    pub since: Option<Timestamp>,
    /// When accounting was last read.
    pub read_at: Option<Timestamp>,
    pub note: Option<SafeText>,
    /// Added up since the start.
    pub heard: Heard,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reading {
    /// Not asked yet.
    #[default]
    Starting,
    /// This process reads.
    Leading,
    /// Another console reads for the same book.
    Following,
    Away,
}

/// The reader of one book.
pub struct AccountingReader {
    aaa: FreeRadius,
    book: Arc<dyn SessionBook>,
    proofs: Arc<BTreeMap<String, Proofs>>,
    /// Names the book: readers of one book are one at a time.
    lock: String,
    config: ReaderConfig,
    status: watch::Sender<AccountingStatus>,
}

/// Why a round ended.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error("{0}")]
    Aaa(#[from] AaaError),
    #[error("{0}")]
    Book(#[from] AuthorityError),
}

/// Where the slow look is.
enum Slow {
    Open { after: i64 },
    Known { after: Option<SubscriberId> },
    Done { at: Instant },
}

impl AccountingReader {
    pub fn new(
        aaa: FreeRadius,
        book: Arc<dyn SessionBook>,
        proofs: Arc<BTreeMap<String, Proofs>>,
        lock: String,
        config: ReaderConfig,
    ) -> Self {
        Self { aaa, book, proofs, lock, config, status: watch::Sender::default() }
    }

    pub fn status(&self) -> watch::Receiver<AccountingStatus> {
        self.status.subscribe()
    }

    /// Reads for as long as it is polled.
    pub async fn run(&self) {
        let mut failures = 0u32;
        loop {
            let began = Instant::now();
            let wait = match self.lead().await {
                Ok(()) => {
                    failures = 0;
                    self.tell(Reading::Following, Some("another console reads accounting for this tenant".into()));
                    self.config.poll.max(Duration::from_secs(2))
                }
                Err(stop) => {
                    failures = if began.elapsed() > Duration::from_secs(60) { 1 } else { failures.saturating_add(1) };
                    tracing::warn!(target: "aaa", "accounting is not read: {stop}");
                    self.tell(Reading::Away, Some(SafeText::new(&stop.to_string())));
                    backoff(failures, Duration::from_secs(1), Duration::from_secs(60), f64::from(failures % 7) / 7.0)
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// One look at everything, for a command: `None` when another process reads.
    pub async fn once(&self) -> Result<Option<Heard>, SafeText> {
        let words = |stop: Stop| SafeText::new(&stop.to_string());
        let line = Line::open(self.aaa.config()).await.map_err(|error| words(error.into()))?;
        let place = Place::new(&line, &self.aaa);
        if !place.lock(&self.lock).await.map_err(|error| words(error.into()))? {
            return Ok(None);
        }
        place.learn().await.map_err(|error| words(error.into()))?;
        let before = self.status.borrow().heard.clone();
        let mut slow = Slow::Open { after: 0 };
        let mut awaiting = None;
        self.awaited(&place, &mut awaiting).await.map_err(words)?;
        while !matches!(slow, Slow::Done { .. }) {
            slow = self.step(&place, slow).await.map_err(words)?;
        }
        let mut after = self.status.borrow().heard.clone();
        after.put -= before.put;
        after.ended -= before.ended;
        after.observed -= before.observed;
        after.strangers -= before.strangers;
        Ok(Some(after))
    }

    /// Holds the lock and reads until something fails; `Ok` when another has it.
    async fn lead(&self) -> Result<(), Stop> {
        let line = Line::open(self.aaa.config()).await?;
        let place = Place::new(&line, &self.aaa);
        if !place.lock(&self.lock).await? {
            return Ok(());
        }
        let note = place.learn().await?;
        self.tell(Reading::Leading, note);
        let mut mark: Mark = place.mark().await?;
        let (mut slow, mut looked, mut awaiting) = (Slow::Open { after: 0 }, Instant::now(), None);
        self.awaited(&place, &mut awaiting).await?;
        loop {
            if looked.elapsed() >= self.config.poll {
                looked = Instant::now();
                let next = place.mark().await?;
                let names = place.changed(&mark).await?;
                self.told(&place, names).await?;
                self.awaited(&place, &mut awaiting).await?;
                if next.reloaded != mark.reloaded {
                    // A NAS came up again, and its sessions are over without a word for each.
                    slow = Slow::Open { after: 0 };
                }
                mark = next;
                self.status.send_modify(|status| status.read_at = Some(chrono::Utc::now()));
            }
            slow = match slow {
                Slow::Done { at } if at.elapsed() < self.config.whole => {
                    tokio::time::sleep(self.config.poll.saturating_sub(looked.elapsed()).max(Duration::from_millis(1))).await;
                    Slow::Done { at }
                }
                Slow::Done { .. } => Slow::Open { after: 0 },
                under_way => self.step(&place, under_way).await?,
            };
        }
    }

    async fn step(&self, place: &Place<'_>, slow: Slow) -> Result<Slow, Stop> {
        Ok(match slow {
            Slow::Open { after } => {
                let (names, last) = place.open_after(after, PAGE).await?;
                match last {
                    None => Slow::Known { after: None },
                    Some(last) => {
                        self.told(place, names).await?;
                        Slow::Open { after: last }
                    }
                }
            }
            Slow::Known { after } => {
                let known = self.book.known(after, PAGE as u32).await?;
                match known.last() {
                    None => {
                        self.status.send_modify(|status| status.read_at = Some(chrono::Utc::now()));
                        Slow::Done { at: Instant::now() }
                    }
                    Some((last, _)) => {
                        let after = Some(*last);
                        let names: BTreeSet<Username> = known.into_iter().map(|(_, name)| name).collect();
                        let gone = place.without_open(names).await?;
                        self.told(place, gone).await?;
                        Slow::Known { after }
                    }
                }
            }
            done => done,
        })
    }

    /// A proof that is awaited is looked for by name, so that none depends on a change having been seen in its moment.
    async fn awaited(&self, place: &Place<'_>, after: &mut Option<Timestamp>) -> Result<(), Stop> {
        let from = after.unwrap_or_else(|| chrono::Utc::now() - AWAITED);
        let awaiting = self.book.awaiting(from, BATCH as u32).await?;
        *after = if awaiting.len() < BATCH { None } else { awaiting.last().map(|one| one.ended_at) };
        self.told(place, awaiting.into_iter().map(|one| one.username).collect()).await
    }

    async fn told(&self, place: &Place<'_>, names: BTreeSet<Username>) -> Result<(), Stop> {
        let names: Vec<Username> = names.into_iter().collect();
        for some in names.chunks(BATCH) {
            let told: Vec<Told> = place.all_of(some).await?;
            let heard = self.book.told(told, self.proofs.clone()).await?;
            self.status.send_modify(|status| status.heard.add(heard));
        }
        Ok(())
    }

    fn tell(&self, reading: Reading, note: Option<SafeText>) {
        self.status.send_if_modified(|status| {
            let changed = status.reading != reading || status.note != note;
            if status.reading != reading {
                status.since = Some(chrono::Utc::now());
            }
            (status.reading, status.note) = (reading, note);
            changed
        });
    }
}
