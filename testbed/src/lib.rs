//! Private real servers for tests and benches: PostgreSQL, its standby, a FreeRADIUS on it, networks that fail, a disk that is full.
//! Nothing of the product imports this; a component that is missing is an error in words, never a skipped test.

mod account;
mod disk;
mod error;
mod freeradius;
mod link;
mod ports;
mod postgres;
mod process;
mod watcher;

pub use disk::SmallDisk;
pub use error::TestbedError;
pub use freeradius::{Accounting, FreeRadius, RadiusAnswer};
pub use link::Link;
pub use postgres::{Database, Postgres, PostgresOptions, PsqlOutput};
