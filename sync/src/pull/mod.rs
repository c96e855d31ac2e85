//! Whole copies and increments, from the centre into the local cache.

mod binary;
mod copy;
mod hello;
mod increment;
mod plan;
mod poll;
mod puller;
mod safe;
mod sql;
mod stream;

pub(crate) use binary::leading_id;
pub use binary::{CopyReader, DamagedCopy};
pub(crate) use copy::estimate;
pub use hello::Hello;
pub(crate) use increment::changes_since;
pub use plan::{Plan, plan};
pub(crate) use poll::bad;
pub use puller::{Progress, Pulled, Puller};
pub(crate) use sql::{column_list, copy_range};
pub(crate) use stream::TupleStream;
