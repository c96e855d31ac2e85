//! The sync against a real PostgreSQL: copies, increments, comparison, the link and what breaks it.

mod changes;
mod copying;
mod failover;
mod link;
mod model;
mod place;
mod store;
mod tls;
mod verifying;
