//! What acts on the network: NetBox over HTTP, NASes over RADIUS, and the executor that drives an operation through both.

pub mod lifecycle;
pub mod netbox;
pub mod radius;
pub mod upstream;
