//! Jobs: a durable set of subscribers that go through the same course, of one operation (a bulk) or of several (provision, deprovision).
//! Here stands what starts next and when it stops; nothing here does anything.

mod course;
mod estimate;
mod group;
mod item;
mod machine;
#[cfg(test)]
mod machine_tests;
mod port;
mod preview;
mod terms;
mod view;

pub use course::{Course, Entry, Follow, Stage, StageEnd};
pub use estimate::{NasLoad, estimate};
pub use group::ItemGroup;
pub use item::{ItemState, Outcome};
pub use machine::{Change, Machine, Slot, Start, choose_canaries};
pub use port::{ItemFilter, JobError, JobJournal, NewItem, NewJob, Proofs, StateChange, Wish};
pub use preview::{JobPreview, TYPED_OVER};
pub use terms::{MAX_CANARIES, Terms, Threshold};
pub use view::{ItemRow, JobHead, JobState, JobView, Tally};
