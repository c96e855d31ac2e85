//! From fields to rows of the store, a file a kind. A column that is not in the file keeps what an existing row has; an empty field
//! clears it.

mod nas;
mod subscriber;
mod task;
mod technician;

pub use nas::nas;
pub use subscriber::{Known, subscriber};
pub use task::task;
pub use technician::technician;
