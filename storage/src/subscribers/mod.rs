//! Subscribers: rows and types, pages and search, look-ups.

mod compile;
mod export;
mod find;
mod notes;
mod page;
mod plan;
pub(crate) mod row;
mod sort;

pub(crate) use compile::fold;
pub use page::MAX_PAGE;
