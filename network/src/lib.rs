//! What acts on the network: NetBox over HTTP or the built-in IPAM, NASes over RADIUS, AAA over SQL, and the executor that drives an operation through all.

pub mod aaa;
pub mod drift;
pub mod ipam;
pub mod lifecycle;
pub mod netbox;
pub mod radius;
pub mod upstream;
