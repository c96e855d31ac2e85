//! The configuration as types, a section each. Meanings, defaults and limits stand in `keys`, from which the documentation is made; a
//! test holds the two together.

use super::{AaaConfig, CentralConfig, ConfigError};
use ipnet::Ipv6Net;
use noctule_domain::drift::Limits;
use noctule_domain::ipam::{PoolPolicy, PoolRule, PoolThresholds};
use noctule_domain::permission::Role;
use noctule_domain::secret::SecretRef;
use noctule_domain::{SafeText, TenantId, words};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub console: ConsoleConfig,
    pub operator: OperatorConfig,
    pub tenant: TenantConfig,
    pub store: StoreConfig,
    pub netbox: NetboxConfig,
    pub ipam: IpamConfig,
    pub radius: RadiusConfig,
    pub central: CentralConfig,
    pub aaa: AaaConfig,
    pub server: ServerConfig,
    pub drift: DriftConfig,
    pub log: LogConfig,
}

words!(Theme { Dark = "dark", Light = "light", HighContrast = "high-contrast", Mono = "mono" });
words!(LogLevel { Error = "error", Warn = "warn", Info = "info", Debug = "debug", Trace = "trace" });

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsoleConfig {
    pub theme: Theme,
    pub ascii: bool,
    pub plain: bool,
    pub mouse: bool,
    pub refresh_ms: u32,
    pub keymap: Option<PathBuf>,
}

impl Default for ConsoleConfig {
    fn default() -> Self {
        Self { theme: Theme::Dark, ascii: false, plain: false, mouse: false, refresh_ms: 1000, keymap: None }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OperatorConfig {
    pub name: Option<SafeText>,
    pub role: Role,
}

impl Default for OperatorConfig {
    fn default() -> Self {
        Self { name: None, role: Role::Admin }
    }
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TenantConfig {
    pub id: Option<TenantId>,
    pub name: Option<SafeText>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    pub path: Option<PathBuf>,
    pub hold_hours: u32,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { path: None, hold_hours: 24 }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetboxConfig {
    pub url: Option<String>,
    pub token: Option<SecretRef>,
    pub tag: Option<String>,
    pub allow_plain_http: bool,
    pub ca_file: Option<PathBuf>,
    pub connect_timeout_s: u32,
    pub timeout_s: u32,
    /// NetBox tenant that allocated prefixes get, by slug or id.
    pub tenant: Option<String>,
    pub pool_rule: PoolRule,
    pub pools: Vec<PoolConfig>,
}

impl Default for NetboxConfig {
    fn default() -> Self {
        Self {
            url: None,
            token: None,
            tag: None,
            allow_plain_http: false,
            ca_file: None,
            connect_timeout_s: 5,
            timeout_s: 30,
            tenant: None,
            pool_rule: PoolRule::InOrder,
            pools: Vec::new(),
        }
    }
}

impl NetboxConfig {
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_secs(self.connect_timeout_s.into())
    }

    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s.into())
    }
}

/// A parent prefix, named by value or by NetBox id, and whom it serves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PoolConfig {
    pub prefix: Option<Ipv6Net>,
    pub id: Option<i64>,
    pub vrf: Option<i64>,
    pub sites: Vec<SafeText>,
    pub nas: Vec<SafeText>,
    pub delegated_len: Option<u8>,
    pub lengths: Vec<u8>,
    pub order: i64,
    pub netbox_tenant: Option<String>,
}

/// The built-in IPAM, and when a pool wants a look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IpamConfig {
    pub built_in: bool,
    pub pool_rule: PoolRule,
    pub warning_percent: u8,
    pub critical_percent: u8,
    pub warning_days: u32,
    pub pools: Vec<IpamPoolConfig>,
}

impl Default for IpamConfig {
    fn default() -> Self {
        Self {
            built_in: false,
            pool_rule: PoolRule::InOrder,
            warning_percent: 60,
            critical_percent: 80,
            warning_days: 30,
            pools: Vec::new(),
        }
    }
}

impl IpamConfig {
    pub fn thresholds(&self) -> PoolThresholds {
        PoolThresholds {
            warning: self.warning_percent.into(),
            critical: self.critical_percent.into(),
            warning_days: self.warning_days.into(),
        }
    }
}

/// A parent of the built-in IPAM.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IpamPoolConfig {
    pub prefix: Option<Ipv6Net>,
    pub vrf: Option<i64>,
    pub description: SafeText,
    pub sites: Vec<SafeText>,
    pub nas: Vec<SafeText>,
    pub delegated_len: Option<u8>,
    pub lengths: Vec<u8>,
    pub order: i64,
}

impl IpamPoolConfig {
    /// Whom it serves: as a pool of NetBox.
    pub fn as_pool(&self) -> PoolConfig {
        PoolConfig {
            prefix: self.prefix,
            id: None,
            vrf: self.vrf,
            sites: self.sites.clone(),
            nas: self.nas.clone(),
            delegated_len: self.delegated_len,
            lengths: self.lengths.clone(),
            order: self.order,
            netbox_tenant: None,
        }
    }
}

impl PoolConfig {
    /// Given when no length is asked: as said, else the first of the lengths, else /56.
    pub fn default_len(&self) -> u8 {
        self.delegated_len.or(self.lengths.first().copied()).unwrap_or(noctule_domain::lifecycle::DEFAULT_PREFIX_LEN)
    }

    pub fn policy(&self) -> PoolPolicy {
        PoolPolicy {
            sites: self.sites.clone(),
            nas: self.nas.clone(),
            delegated_len: self.default_len(),
            lengths: self.lengths.clone(),
            order: self.order,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RadiusConfig {
    pub source: Option<IpAddr>,
    pub profiles_dir: Option<PathBuf>,
    pub radsec_ca_file: Option<PathBuf>,
    pub radsec_cert_file: Option<PathBuf>,
    pub radsec_key_file: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    pub listen: SocketAddr,
    pub netbox_secret: Option<SecretRef>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8470)), netbox_secret: None }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DriftConfig {
    pub every_hours: u32,
    pub poll_s: u32,
    pub page: u32,
    pub pause_ms: u32,
    pub allocated_hours: u32,
    pub revoking_minutes: u32,
    pub revoked_days: u32,
}

impl Default for DriftConfig {
    fn default() -> Self {
        Self { every_hours: 6, poll_s: 60, page: 500, pause_ms: 200, allocated_hours: 24, revoking_minutes: 60, revoked_days: 90 }
    }
}

impl DriftConfig {
    pub fn limits(&self) -> Limits {
        Limits {
            allocated: chrono::Duration::hours(self.allocated_hours.into()),
            revoking: chrono::Duration::minutes(self.revoking_minutes.into()),
            revoked: chrono::Duration::days(self.revoked_days.into()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    pub level: LogLevel,
    pub file: Option<PathBuf>,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: LogLevel::Info, file: None }
    }
}

impl Config {
    /// The tenant whose rows this machine works on. There is no default: two machines with the same made-up id would mix their rows later.
    pub fn tenant_id(&self) -> Result<TenantId, ConfigError> {
        self.tenant.id.ok_or(ConfigError::NoTenant)
    }

    /// Who acts: the configured name, else the name of the account.
    pub fn operator_name(&self) -> SafeText {
        let configured = self.operator.name.clone().filter(|name| !name.is_empty());
        configured.unwrap_or_else(|| {
            let account = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()).filter(|name| !name.is_empty());
            SafeText::bounded(account.as_deref().unwrap_or("operator"), 80)
        })
    }

    /// How long a released prefix rests.
    pub fn hold(&self) -> Duration {
        Duration::from_secs(u64::from(self.store.hold_hours) * 3600)
    }
}
