//! What consoles and the centre agree on: which tables travel and in which shape, what a change waiting to be pushed looks like, how the
//! centre answers, where in its history a copy stands. Types and pure rules; the centre's side lives in `sync/`, the local side in `storage/`.

mod cursor;
mod mark;
mod op;
mod ports;
mod rows;
mod status;
mod tables;

pub use cursor::{BadCursor, Cursor, Position};
pub use mark::{Checksum, RangeSum, row_sum};
pub use op::{
    Answer, Change, ClockIn, Collision, Conflict, EmergencyReport, FieldChange, LifecycleRequest, Op, OpState, Outbox, Resolution,
    merge_text,
};
pub use ports::{Answered, CopyPoint, Increment, LocalCopy, Replica, ReplicaError};
pub use rows::{BadRow, Row, Rows, RowsBuilder};
pub use status::{CentreState, Link, Other, Phase, SyncStatus};
pub use tables::{Column, Kind, TABLES, Table};

/// Version of what consoles and the centre say to each other. Raised when an older console could do harm or would miss something.
pub const PROTOCOL: i32 = 2;
