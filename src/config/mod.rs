//! Configuration: defaults, then the file, then the environment, then the command line. A wrong configuration names its file, line, key
//! and the nearest key that would be right; no message ever repeats the value of a secret.

mod aaa;
mod central;
mod check;
mod docs;
mod error;
mod folders;
mod init;
mod keys;
mod load;
mod sections;

pub use aaa::{AaaBackend, AaaConfig, AaaNames};
pub use central::{CentralConfig, Place as CentralPlace, TlsMode};
pub use docs::markdown;
pub use error::{ConfigError, Place};
pub use folders::Folders;
pub use init::{EXAMPLE, example_for, write_example, write_private};
pub use keys::{IPAM_POOL_KEYS, KEYS, Key, Kind, POOL_KEYS, env_name, unknown_variables};
pub use load::{Environment, Loaded, load, load_or_safe};
pub use sections::{
    Config, ConsoleConfig, DriftConfig, IpamConfig, IpamPoolConfig, LogConfig, LogLevel, NetboxConfig, OperatorConfig, PoolConfig,
    RadiusConfig, StoreConfig, TenantConfig, Theme,
};
