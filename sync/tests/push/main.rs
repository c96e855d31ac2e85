//! Pushing into the centre, against a private PostgreSQL: every op is applied once and answered, nothing that was typed is lost without a
//! conflict, rules are those of the domain, one bad op holds up nobody. And imports.

mod bring;
mod emergency;
mod field_work;
mod fields;
mod model;
mod once;
mod outbox;
mod place;
mod rules;
mod tasks;
