//! Private PostgreSQL clusters: found binaries, a template that makes starting quick, one running cluster, its databases.

mod binaries;
mod certificates;
mod cluster;
mod database;
mod options;
mod settings;
mod standby;
mod template;

pub use cluster::Postgres;
pub use database::{Database, PsqlOutput};
pub use options::PostgresOptions;
