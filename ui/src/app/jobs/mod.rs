//! Jobs on the screen: how far they are in the header and above the operations, their list, what can be asked of one, what one would do
//! before it begins, and who of it stands how. What happens is decided by the process that runs them.

mod items;
mod menus;
mod news;
mod preview;
mod words;

pub(super) use items::arrived as items_arrived;
pub(super) use menus::{list, one};
pub(super) use news::arrived;
pub(crate) use preview::{Asked, Previewing};
pub(super) use preview::{arrived as previewed, ask};
pub(crate) use words::{at_work, at_work_words, percent};
