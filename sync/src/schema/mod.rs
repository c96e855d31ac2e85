//! The schema of the centre: migrations, roles, operators, cleaning up. Run with an owner's DSN.

mod error;
mod init;
mod migrations;
mod owner;
mod password;
mod roles;
mod tenants;
mod users;
mod work;

pub use error::SchemaError;
pub use init::{InitReport, init, upgrade};
pub use migrations::{MIGRATIONS, Migration, SCHEMA};
pub use owner::OwnerConfig;
pub use password::generate_password;
pub use tenants::tenant_add;
pub use users::{NewUser, User, UserAdded, user_add};
