//! What a pane can ask and what comes back. Plain data: the executor answers each question from the store, never from the screen's
//! thread. Bulk data never travels: a question about a long list is a question about one page of it.

use noctule_domain::drift::DriftView;
use noctule_domain::lifecycle::{Expected, OperationRow, OperationView};
use noctule_domain::page::{Page, PageRequest};
use noctule_domain::subscriber::{Subscriber, SubscriberRow};
use noctule_domain::sync::{Conflict, Op, OpState, Other, SyncStatus, Table};
use noctule_domain::{
    OperationId, SafeText, SubscriberId, ipam::Pool, nas::NasRow, nas::ProbeReport, overview::Overview, task::Task, technician::Technician,
};
use serde::{Deserialize, Serialize};

/// Most subscribers that one `Query::Rows` names.
pub const MAX_ROWS: usize = 1000;

/// Names one question. A reply carries it back; a reply that is not the latest of its slot is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub u64);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Query {
    /// One page of the board.
    Subscribers(PageRequest),
    /// The rows of these subscribers as they are now, in any order; those that are gone are left out. At most [`MAX_ROWS`].
    Rows(Vec<SubscriberId>),
    /// Everything about one subscriber, with its operations, newest first, at most `timeline` of them.
    Subscriber {
        id: SubscriberId,
        timeline: u16,
    },
    Overview,
    Technicians,
    Tasks,
    /// Newest first; open ones before ended ones.
    Operations {
        open_only: bool,
        limit: u16,
    },
    Operation(OperationId),
    Network,
    Map,
    /// Names for completion in the filter bar.
    Vocabulary,
    /// The sync with the centre: status, outbox, conflicts, who else is there.
    Sync,
    /// What checks for drift found on this machine.
    Drift,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    Subscribers(Page<SubscriberRow>),
    Rows(Vec<SubscriberRow>),
    Subscriber(Box<SubscriberView>),
    Overview(Box<Overview>),
    Technicians(Vec<Technician>),
    Tasks(Vec<Task>),
    Operations(Vec<OperationRow>),
    Operation(Box<OperationView>),
    Network(Box<NetworkView>),
    Map(Box<MapView>),
    Sync(Box<SyncView>),
    Drift(Box<DriftView>),
    Vocabulary {
        nas: Vec<String>,
        sites: Vec<String>,
    },
    /// The operator's sentence. What was shown stays, marked as old.
    Failed(SafeText),
}

/// The detail of a subscriber.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubscriberView {
    pub subscriber: Subscriber,
    /// Name of the registered NAS.
    pub nas_name: Option<SafeText>,
    /// Name of the NAS that owns the session.
    pub session_nas_name: Option<SafeText>,
    /// Newest first.
    pub timeline: Vec<OperationView>,
    /// Other people's consoles that look at this subscriber now.
    #[serde(default)]
    pub others: Vec<Other>,
    /// What accounting is still to show of what a NAS acknowledged.
    #[serde(default)]
    pub expected: Option<Expected>,
    /// This console reads accounting: a session that it does not tell of is not there.
    #[serde(default)]
    pub accounting_read: bool,
}

/// What the Network pane shows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct NetworkView {
    pub pools: Vec<Pool>,
    pub nases: Vec<NasRow>,
    /// NetBox in words: address, version, what it said last.
    pub netbox: SafeText,
    /// The last probe of each NAS by this console, where one was.
    #[serde(default)]
    pub probes: Vec<ProbeReport>,
}

/// What the Map pane shows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MapView {
    pub technicians: Vec<Technician>,
    pub tasks: Vec<Task>,
    pub nases: Vec<NasRow>,
}

/// What the Sync pane shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SyncView {
    /// `None`: no centre is configured, this machine works alone.
    pub status: Option<SyncStatus>,
    /// Where the centre is, in words: hosts and database.
    pub centre: SafeText,
    /// Rows of each table in the local copy.
    pub rows: Vec<(Table, u64)>,
    /// What waits, oldest first; at most 200.
    pub outbox: Vec<(Op, OpState, SafeText)>,
    pub conflicts: Vec<Conflict>,
    /// Other consoles that are connected, as the centre told last.
    pub others: Vec<Other>,
}
