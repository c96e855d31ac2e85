//! How a simulated NetBox is set up: its version, who may do what in it, and what it holds at the start.

use std::net::SocketAddr;

/// Which NetBox is simulated. The differences are those of the recordings (4.4.10 and 4.6.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    V4_4,
    V4_6,
}

impl Version {
    pub fn full(self) -> &'static str {
        match self {
            Self::V4_4 => "4.4.10",
            Self::V4_6 => "4.6.8",
        }
    }

    pub fn api(self) -> &'static str {
        match self {
            Self::V4_4 => "4.4",
            Self::V4_6 => "4.6",
        }
    }

    pub(super) fn python(self) -> &'static str {
        match self {
            Self::V4_4 => "3.11.7",
            Self::V4_6 => "3.12.1",
        }
    }
}

#[derive(Debug, Clone)]
pub struct NetboxConfig {
    pub version: Version,
    /// Loopback and a port of its own unless set.
    pub listen: SocketAddr,
    pub tokens: Vec<SimToken>,
    /// Creates `operation_id` (unique, exact), `subscriber_id` and `hold_until` at the start, as `noctule init netbox` would.
    pub fields: bool,
    /// Tags by slug.
    pub tags: Vec<String>,
    pub vrfs: Vec<SeedVrf>,
    pub tenants: Vec<(String, String)>,
    pub roles: Vec<(String, String)>,
    pub prefixes: Vec<SeedPrefix>,
    /// ENFORCE_GLOBAL_UNIQUE; true by default, as in NetBox.
    pub enforce_global_unique: bool,
    /// Keeps at most so many change records and events.
    pub history: usize,
    /// Its clock is so much ahead of ours; negative is behind.
    pub clock_ahead: chrono::Duration,
}

impl Default for NetboxConfig {
    fn default() -> Self {
        Self {
            version: Version::V4_6,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tokens: vec![SimToken::v1(DEFAULT_TOKEN)],
            fields: true,
            tags: vec!["noctule".to_owned()],
            vrfs: Vec::new(),
            tenants: Vec::new(),
            roles: Vec::new(),
            prefixes: Vec::new(),
            enforce_global_unique: true,
            history: 10_000,
            clock_ahead: chrono::Duration::zero(),
        }
    }
}

/// The token of a simulated NetBox when none is set. It guards nothing but the simulator.
pub const DEFAULT_TOKEN: &str = "5151515151515151515151515151515151515151";

/// An API token. `nbt_<key>.<secret>` is a version 2 token, anything else version 1.
#[derive(Debug, Clone)]
pub struct SimToken {
    pub text: String,
    pub user: String,
    pub write: bool,
    pub enabled: bool,
    pub expired: bool,
    pub rights: Rights,
}

impl SimToken {
    pub fn v1(text: &str) -> Self {
        Self { text: text.to_owned(), user: "admin".to_owned(), write: true, enabled: true, expired: false, rights: Rights::All }
    }

    /// `key` has 12 characters and `secret` 40 in NetBox.
    pub fn v2(key: &str, secret: &str) -> Self {
        Self::v1(&format!("nbt_{key}.{secret}"))
    }

    pub fn read_only(mut self) -> Self {
        self.write = false;
        self
    }

    pub fn with_rights(mut self, user: &str, rights: Rights) -> Self {
        self.user = user.to_owned();
        self.rights = rights;
        self
    }
}

/// What a user may do. Everything, or some actions on prefixes within constraints and nothing else.
#[derive(Debug, Clone)]
pub enum Rights {
    All,
    Prefixes {
        view: bool,
        add: bool,
        change: bool,
        delete: bool,
        /// Only prefixes inside or equal to this one.
        within: Option<String>,
        /// Only prefixes of these statuses; empty is any.
        statuses: Vec<String>,
        /// May also read custom fields and tags.
        view_fields: bool,
    },
}

#[derive(Debug, Clone)]
pub struct SeedVrf {
    pub name: String,
    pub rd: String,
    pub enforce_unique: bool,
}

/// A prefix that is there from the start, or is put there by a test or the demo.
#[derive(Debug, Clone, Default)]
pub struct SeedPrefix {
    pub prefix: String,
    pub vrf: Option<i64>,
    /// container, active, reserved, deprecated; empty is active.
    pub status: String,
    pub description: String,
    /// Tags by slug.
    pub tags: Vec<String>,
    pub operation_id: Option<String>,
    pub subscriber_id: Option<String>,
    pub hold_until: Option<String>,
    pub is_pool: bool,
    pub mark_utilized: bool,
}

impl SeedPrefix {
    pub fn container(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), status: "container".to_owned(), ..Self::default() }
    }

    pub fn delegated(prefix: &str, status: &str, operation: &str, subscriber: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            status: status.to_owned(),
            operation_id: Some(operation.to_owned()),
            subscriber_id: Some(subscriber.to_owned()),
            ..Self::default()
        }
    }
}
