//! The central PostgreSQL: schema and roles, the authority of lifecycle operations, pull and push. It knows the domain and reaches the
//! local store only through the ports in `noctule_domain::sync`.

pub mod authority;
pub mod connect;
pub mod pull;
pub mod push;
pub mod run;
pub mod schema;
pub mod verify;
