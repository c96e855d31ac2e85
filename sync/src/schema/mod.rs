//! The schema of the centre: migrations, roles, operators, cleaning up. Run with an owner's DSN.

mod cleanup;
mod error;
mod init;
mod migrations;
mod owner;
mod password;
mod revoke;
mod roles;
mod status;
mod tenants;
mod users;
mod work;

pub use cleanup::{Cleaned, cleanup};
pub use error::SchemaError;
pub use init::{InitReport, init, upgrade};
pub use migrations::{MIGRATIONS, Migration, SCHEMA};
pub use owner::OwnerConfig;
pub use password::generate_password;
pub use revoke::{Revoked, user_revoke};
pub use status::{Applied, SchemaStatus, TableSize, TenantState, status};
pub use tenants::{tenant_aaa, tenant_add};
pub use users::{NewUser, User, UserAdded, user_add, user_list, user_passwd, user_set_role};
