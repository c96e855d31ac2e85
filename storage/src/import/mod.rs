//! Import: everything that one import brings goes into one transaction, in batches, held on the writer's thread until it is committed
//! or given up. A bad row is reported in words and leaves the others alone.

mod bulk;
mod field;
mod importer;
mod subscribers;
mod types;

pub use importer::{Importer, MAX_BATCH};
pub use types::{ImportCount, NewNas, NewSession, NewSubscriber, NewTask, NewTechnician, RowError};

pub(crate) use importer::is_constraint;
use importer::{Bad, Put, Session};
