//! A simulated NetBox: an HTTP server on loopback that behaves as NetBox 4.4 or 4.6 does where a client can meet it. Checked against
//! recordings of the real ones. It is for `demo`, tests and benches; nothing else of the program may depend on it.

mod answer;
mod auth;
mod config;
mod db;
mod fault;
mod input;
mod list;
mod net;
mod render;
mod routes;
mod server;
mod sim;
mod space;
mod write;

pub use config::{DEFAULT_TOKEN, NetboxConfig, Rights, SeedPrefix, SeedVrf, SimToken, Version};
pub use fault::{Fault, On, Say};
pub use server::Event;
pub use sim::{NetboxSim, NetboxSimError, SimPrefix};
