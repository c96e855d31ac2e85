//! Types and rules of Noctule. Nothing here does I/O or reads a clock: time comes in as an argument, effects go out as data.

pub mod aaa;
pub mod audit;
pub mod drift;
pub mod filter;
pub mod geo;
pub mod ids;
pub mod ipam;
pub mod job;
pub mod lifecycle;
pub mod nas;
pub mod overview;
pub mod page;
pub mod permission;
pub mod ports;
pub mod radius;
pub mod retry;
pub mod secret;
pub mod sentence;
pub mod subscriber;
pub mod sync;
pub mod task;
pub mod technician;
pub mod text;
pub mod time_entry;
pub mod words;

pub use ids::*;
pub use retry::Retry;
pub use text::SafeText;

/// A moment, always UTC. Screens turn it into the operator's zone.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
