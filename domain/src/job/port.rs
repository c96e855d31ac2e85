//! The port behind which jobs are kept. The runner and the screens use it; the local store implements it.

use super::{Change, Course, Entry, ItemGroup, ItemRow, JobHead, JobState, JobView, Slot, Tally, Terms};
use crate::lifecycle::{Actor, Enforcement, Facts, OperationKind, Refusal};
use crate::permission::Role;
use crate::subscriber::Subscriber;
use crate::{JobId, Retry, SafeText, SubscriberId, Timestamp, sentence, words};
use async_trait::async_trait;

words!(
    /// What an operator asks of a job.
    Wish { Preview = "preview", Go = "go", Pause = "pause", Cancel = "cancel" }
);

/// A job to be kept. Its items follow in pieces; it is not shown before it is `ready`.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    pub id: JobId,
    pub course: Course,
    pub terms: Terms,
    pub actor: Actor,
    pub source: SafeText,
    pub retry_of: Option<JobId>,
    pub made_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NewItem {
    pub subscriber: SubscriberId,
    pub subscriber_number: SafeText,
    pub name: SafeText,
    /// Name of its NAS, or empty.
    pub nas: SafeText,
    pub seen_version: Option<i64>,
    /// The stage at which it enters, or why it does not.
    pub entry: Result<u8, SafeText>,
}

impl NewItem {
    /// By the guards of the course, as the store will ask them.
    pub fn of(course: &Course, subscriber: &Subscriber, nas: SafeText, role: Role, now: Timestamp) -> Self {
        let mut facts = Facts::of(subscriber, None);
        // Which operation it is does not matter for a no.
        facts.running = subscriber.running.map(|id| (id, OperationKind::Allocate, "a console".into()));
        let entry = match course.entry(&facts, role, Some(subscriber.version), now) {
            Entry::At(stage) => Ok(stage),
            Entry::AlreadyThere => Err(SafeText::new(&format!("already {}", subscriber.ipv6.state))),
            Entry::Refused(Refusal::Busy { .. }) => Err("an operation is running".into()),
            Entry::Refused(refusal) => Err(SafeText::new(&sentence::greyed(&refusal))),
        };
        Self {
            subscriber: subscriber.id,
            subscriber_number: subscriber.subscriber_number.clone(),
            name: subscriber.full_name.clone(),
            nas,
            seen_version: Some(subscriber.version),
            entry,
        }
    }
}

/// What a course that waits for a proof asks.
#[async_trait]
pub trait Proofs: Send + Sync + 'static {
    /// What the network is known to do for a subscriber now; `None` when it is not there.
    async fn enforcement(&self, subscriber: SubscriberId) -> Option<Enforcement>;
}

/// Which items are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ItemFilter {
    /// Only those that stand so.
    pub group: Option<ItemGroup>,
    /// Only those that ended refused, unanswered or failed.
    pub bad: bool,
}

/// Why the journal of jobs did not do it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum JobError {
    #[error("there is no job {0}")]
    NotFound(SafeText),
    /// It can not be asked for in this state.
    #[error("{0}")]
    Refused(SafeText),
    #[error("{message}")]
    Store { message: SafeText, retry: Retry },
}

/// Where jobs are kept. Every method is one durable transaction.
#[async_trait]
pub trait JobJournal: Send + Sync + 'static {
    async fn create(&self, job: NewJob) -> Result<(), JobError>;

    /// Adds items, in the order in which they are to go. Only before `ready`.
    async fn add(&self, job: JobId, items: Vec<NewItem>) -> Result<(), JobError>;

    /// The set is whole and does not change any more: canaries are chosen, the job can be looked at and begun.
    async fn ready(&self, job: JobId) -> Result<JobView, JobError>;

    /// Newest first.
    async fn jobs(&self, limit: u32) -> Result<Vec<JobView>, JobError>;

    async fn job(&self, id: JobId) -> Result<Option<JobView>, JobError>;

    /// Items after a place, in their order.
    async fn items(&self, job: JobId, filter: ItemFilter, after: Option<u32>, limit: u32) -> Result<Vec<ItemRow>, JobError>;

    /// Asks for something; the process that runs jobs does it.
    async fn wish(&self, job: JobId, wish: Wish) -> Result<JobView, JobError>;

    /// Begun and not over, oldest first: what a runner takes up.
    async fn unfinished(&self) -> Result<Vec<JobHead>, JobError>;

    /// Everything that a runner needs to go on.
    async fn load(&self, job: JobId) -> Result<(JobHead, Vec<Slot>), JobError>;

    /// What happened, all of it in one transaction, with the state that it left.
    async fn record(&self, job: JobId, changes: Vec<Change>, state: StateChange) -> Result<(), JobError>;

    /// Forgets a job that was looked at and is not wanted. One that was begun stays.
    async fn discard(&self, job: JobId) -> Result<(), JobError>;

    /// How many go on each NAS, the most first.
    async fn per_nas(&self, job: JobId) -> Result<Vec<(SafeText, u32)>, JobError>;

    /// Why some were left out by the preview, with how many, the most first; at most twenty reasons.
    async fn left_out(&self, job: JobId) -> Result<Vec<(SafeText, u32)>, JobError>;

    /// Takes out jobs that were only looked at, and ended ones, older than this.
    async fn forget(&self, before: Timestamp) -> Result<u32, JobError>;
}

/// The state of a job after something happened.
#[derive(Debug, Clone, PartialEq)]
pub struct StateChange {
    pub state: JobState,
    pub tally: Tally,
    pub why: Option<SafeText>,
    pub forgiven: u32,
    pub at: Timestamp,
    pub per_s: Option<f32>,
    pub eta_s: Option<u32>,
}
