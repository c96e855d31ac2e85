//! The schema, its rights and its people, against a private PostgreSQL.

mod feed;
mod fill;
mod late;
mod people;
mod plans;
mod rights;
mod setup;
mod structure;
mod support;
mod wire;
