//! Drift: where store, NetBox, AAA and sessions say different things. What counts as a finding, how two sorted streams are compared in
//! bounded memory, and which repair is proposed. Pure: reading the sources and repairing is done elsewhere.

mod crossing;
mod finding;
mod join;
mod kind;
mod login;
mod netbox;
mod ports;
mod repair;
mod report;
mod rows;
mod session;

pub use crossing::Crossings;
pub use finding::{Finding, Subject, Who};
pub use join::{Merge, Pair, name_order};
pub use kind::{DriftKind, DriftSource};
pub use login::{aaa_pair, aaa_stranger};
pub use netbox::{Parents, netbox_alone, netbox_missing, netbox_pair, wanted_status};
pub use ports::{DriftRows, RowsError};
pub use repair::Repair;
pub use report::{CheckProgress, Dismissal, DriftView, KEPT, KeptFinding, LastCheck, Report, SourceReport};
pub use rows::{DriftRow, Limits, NetboxRow, row_alone};
pub use session::session_of;
