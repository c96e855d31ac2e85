//! NetBox over HTTP: the client behind the `Ipam` port, its start-up check and its set-up. It decides nothing about subscribers; what it
//! promises is that an operation id never has two prefixes and that an unclear answer is called one.

mod allocate;
mod batch;
mod change;
mod check;
mod choose;
mod client;
mod config;
mod error;
mod http;
mod init;
mod ipam;
mod look;
mod put_back;
mod remote;
mod scan;
mod words;

pub use check::NetboxCheck;
pub use client::Netbox;
pub use config::{HOLD_FIELD, NetboxConfig, OPERATION_FIELD, PoolConfig, PoolRef, SUBSCRIBER_FIELD, TenantRef, Timeouts};
pub use error::{Doing, Garbage, NetboxError, Setup, Why};
pub use init::InitStep;
pub use remote::RemotePrefix;
