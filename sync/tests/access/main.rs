//! The schema, its rights and its people, against a private PostgreSQL.

mod fill;
mod people;
mod rights;
mod setup;
mod support;
