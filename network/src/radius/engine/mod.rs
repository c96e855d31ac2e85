//! The engine: sends requests to many NASes over few sockets and waits for authentic answers. It owns sockets, identifiers,
//! retransmission and pacing; it knows nothing of subscribers, and an outcome is all that leaves it.

mod config;
mod exchange;
mod identifiers;
mod nas;
mod receive;
mod retransmit;
mod sockets;
mod stats;
mod ticket;

pub use config::{EngineConfig, Exchange, Priority, Request, Target};
pub use exchange::Engine;
pub use stats::{Dropped, NasStats, ROUND_TRIP_BOUNDS_MS};
