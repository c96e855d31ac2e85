//! Simulated upstreams that speak the real wire protocols, and a believable provider for them to serve. For `demo`, tests and benches;
//! nothing here is used against real devices.

pub mod aaa;
pub mod dice;
pub mod nas;
pub mod netbox;
pub mod world;
