//! The schema, its rights and its people, against a private PostgreSQL.

mod setup;
mod support;
