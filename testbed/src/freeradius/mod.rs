//! A private FreeRADIUS with rlm_sql_postgresql on a database of a private PostgreSQL, and radclient to speak to it: what a NAS would see.

mod client;
mod configuration;
mod server;

pub use client::{Accounting, RadiusAnswer};
pub use server::FreeRadius;
