//! Private real servers for tests and benches: PostgreSQL, its standby, networks that fail, a disk that is full.
//! Nothing of the product imports this; a component that is missing is an error in words, never a skipped test.

mod account;
mod error;
mod ports;
mod postgres;
mod process;
mod watcher;

pub use error::TestbedError;
pub use postgres::{Database, Postgres, PostgresOptions, PsqlOutput};
