//! AAA: what RADIUS hands out to a login, and what accounting tells. One trait (`upstream::Aaa`); here it stands over the stock tables of
//! FreeRADIUS 3.2 on PostgreSQL. Another AAA system is another implementation of that trait.

mod accounting;
mod changes;
mod config;
mod error;
mod freeradius;
mod line;
mod names;
mod plan;
mod read;
mod row;
mod schema;
mod write;

pub use accounting::{AccountingReader, AccountingStatus, ReaderConfig, Reading};
pub use config::{AaaConfig, Names};
pub use freeradius::FreeRadius;
pub use noctule_tls::{ClientCertificate, Tls};
pub use schema::{AaaCheck, AaaFinding};
