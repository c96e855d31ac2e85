//! Every key of the configuration, once: what it takes, its default, what it is for. The walk over the file, the environment layer and
//! docs/config.md read this table.

/// What a value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Path,
    Flag,
    Number {
        min: i64,
        max: i64,
    },
    /// One of these words.
    Word(&'static [&'static str]),
    /// A reference to a secret; never taken from the environment layer, because a variable would hold the secret itself.
    Secret,
    /// Texts in brackets.
    Texts,
    /// Numbers in brackets, each within.
    Numbers {
        min: i64,
        max: i64,
    },
    /// `[[netbox.pools]]`, `[[ipam.pools]]`.
    Tables,
}

#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub section: &'static str,
    pub name: &'static str,
    pub kind: Kind,
    /// As written in a file; empty when there is none.
    pub default: &'static str,
    pub help: &'static str,
}

const fn key(section: &'static str, name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Key {
    Key { section, name, kind, default, help }
}

const THEMES: &[&str] = &["dark", "light", "high-contrast", "mono"];
const ROLES: &[&str] = &["admin", "noc", "dispatcher", "technician", "viewer"];
const BACKENDS: &[&str] = &["freeradius-postgresql"];
const NAMES: &[&str] = &["escaped", "plain"];
const TLS: &[&str] = &["verify-full", "off"];
const POOL_RULES: &[&str] = &["in_order", "least_used", "fill"];
const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];

pub const KEYS: &[Key] = &[
    key(
        "console",
        "theme",
        Kind::Word(THEMES),
        "dark",
        "Colours of the console. `dark` and `light` use the terminal's own sixteen colours.",
    ),
    key("console", "ascii", Kind::Flag, "false", "Draw with ASCII characters only, for terminals and fonts without box drawing."),
    key("console", "plain", Kind::Flag, "false", "Plain lines instead of a full screen."),
    key("console", "mouse", Kind::Flag, "false", "Take the mouse. While it is on, selecting text needs Shift in most terminals."),
    key(
        "console",
        "refresh_ms",
        Kind::Number { min: 250, max: 60_000 },
        "1000",
        "How often ages and counters are refreshed, in milliseconds.",
    ),
    key("console", "keymap", Kind::Path, "", "Keymap file. Without it, `keymap.toml` beside this file is read when it is there."),
    key("operator", "name", Kind::Text, "", "Who acts, as written into operations and the audit log. Without it, the name of the account."),
    key(
        "operator",
        "role",
        Kind::Word(ROLES),
        "admin",
        "What the console offers. The store is a file of yours, so on one machine the role keeps from slips, not from intent.",
    ),
    key(
        "tenant",
        "id",
        Kind::Text,
        "",
        "Identity of the tenant, a UUID. `noctule init` makes one. Consoles that work on the same subscribers share it.",
    ),
    key("tenant", "name", Kind::Text, "", "Name of the provider, shown in the title line."),
    key("store", "path", Kind::Path, "", "The store. Without it, `noctule.db` in the data folder."),
    key(
        "store",
        "hold_hours",
        Kind::Number { min: 0, max: 8760 },
        "24",
        "Hours for which a released prefix rests before it is deleted in NetBox.",
    ),
    key("netbox", "url", Kind::Text, "", "Address of NetBox without `/api`, such as `https://netbox.example.net`."),
    key(
        "netbox",
        "token",
        Kind::Secret,
        "",
        "Where the API token is found: `env:NAME`, `file:PATH` (mode 0600 or stricter), `command:PROGRAM ARGUMENTS` or `keyring:NAME`.",
    ),
    key("netbox", "tag", Kind::Text, "", "Slug of a tag that every prefix made by Noctule gets; `noctule init netbox` makes it."),
    key(
        "netbox",
        "allow_plain_http",
        Kind::Flag,
        "false",
        "Allow `http://` to another machine. The token then crosses the network unprotected.",
    ),
    key("netbox", "ca_file", Kind::Path, "", "Certificates (PEM) of your own authority, beside those of the system."),
    key("netbox", "connect_timeout_s", Kind::Number { min: 1, max: 120 }, "5", "Seconds to wait for a connection."),
    key(
        "netbox",
        "timeout_s",
        Kind::Number { min: 1, max: 600 },
        "30",
        "Seconds to wait for an answer. After that its end is unclear and is looked up.",
    ),
    key(
        "netbox",
        "tenant",
        Kind::Text,
        "",
        "NetBox tenant, by slug or id, that prefixes made by Noctule belong to. One that belongs to another is not adopted.",
    ),
    key(
        "netbox",
        "pool_rule",
        Kind::Word(POOL_RULES),
        "in_order",
        "Which of the pools that serve a subscriber equally is asked first: `in_order` of the file, `least_used` (spreads), `fill` (the \
         fullest with room).",
    ),
    key(
        "netbox",
        "pools",
        Kind::Tables,
        "",
        "The parent prefixes from which delegations are made: one `[[netbox.pools]]` each. See docs/pools.md.",
    ),
    key(
        "ipam",
        "built_in",
        Kind::Flag,
        "false",
        "Give prefixes out of `[[ipam.pools]]` by the program itself, without NetBox: the store keeps the book, or the centre for all consoles.",
    ),
    key("ipam", "pool_rule", Kind::Word(POOL_RULES), "in_order", "As `netbox.pool_rule`, for `[[ipam.pools]]`."),
    key("ipam", "warning_percent", Kind::Number { min: 1, max: 100 }, "60", "A pool that is fuller is a warning, of NetBox or built in."),
    key("ipam", "critical_percent", Kind::Number { min: 1, max: 100 }, "80", "A pool that is fuller is critical."),
    key(
        "ipam",
        "warning_days",
        Kind::Number { min: 0, max: 3650 },
        "30",
        "A pool that will be full within so many days at its present rate is a warning, however full it is.",
    ),
    key("ipam", "pools", Kind::Tables, "", "The parents of the built-in IPAM: one `[[ipam.pools]]` each. See docs/pools.md."),
    key("radius", "source", Kind::Text, "", "Address from which CoA and Disconnect are sent, where the NAS expects a certain one."),
    key(
        "radius",
        "profiles_dir",
        Kind::Path,
        "",
        "Folder with further NAS profiles (`*.toml`); one with the key of a built-in profile replaces it.",
    ),
    key(
        "radius",
        "radsec_ca_file",
        Kind::Path,
        "",
        "RADIUS over TLS: certificates (PEM) of the authority of the NASes, instead of those of the system.",
    ),
    key("radius", "radsec_cert_file", Kind::Path, "", "RADIUS over TLS: client certificate (PEM). With `radsec_key_file`."),
    key(
        "radius",
        "radsec_key_file",
        Kind::Path,
        "",
        "RADIUS over TLS: private key (PEM, mode 0600 or stricter) of the client certificate.",
    ),
    key(
        "central",
        "url",
        Kind::Text,
        "",
        "The centre that consoles share, `postgresql://host1[:port],host2[:port]/database`: no user and no password in it. Without it, this \
         machine works alone. A socket folder is written `%2Frun%2Fpostgresql`.",
    ),
    key("central", "user", Kind::Text, "", "Login at the centre. Without it, the operator's name."),
    key(
        "central",
        "password",
        Kind::Secret,
        "",
        "Where the password is found: `keyring:NAME` (the kernel's keyring, filled by `noctule login`), `prompt` (asked at each start), \
         `command:PROGRAM ARGUMENTS` or `env:NAME`. `file:` is refused: it would lie on the disk in clear. Without it, \
         what `noctule login` keeps for this centre, tenant and user, then a question where there is a terminal.",
    ),
    key(
        "central",
        "tls",
        Kind::Word(TLS),
        "verify-full",
        "`verify-full`: TLS, the certificate must be valid and carry the name of the host. `off` only where every host is this machine.",
    ),
    key("central", "ca_file", Kind::Path, "", "Certificates (PEM) of your own authority, instead of those of the system."),
    key("central", "cert_file", Kind::Path, "", "Client certificate (PEM), where the centre asks for one. With `key_file`."),
    key("central", "key_file", Kind::Path, "", "Private key (PEM, mode 0600 or stricter) of the client certificate."),
    key("central", "read_url", Kind::Text, "", "A standby to read from, written as `url`. Changes still go to `url`."),
    key(
        "central",
        "poll_s",
        Kind::Number { min: 1, max: 300 },
        "5",
        "Seconds between two looks for changes. A wake-up of the centre comes in between, so this is the longest wait, not the usual one.",
    ),
    key("central", "listen", Kind::Flag, "true", "Let the centre wake this console. Off: it only polls, and needs one connection less."),
    key("central", "connect_timeout_s", Kind::Number { min: 1, max: 120 }, "5", "Seconds to wait for a connection."),
    key("central", "timeout_s", Kind::Number { min: 1, max: 600 }, "30", "Seconds to wait for an answer of the centre."),
    key(
        "central",
        "folder",
        Kind::Path,
        "",
        "Folder of the local copy and its outbox. Without it, `central/` in the data folder, by tenant.",
    ),
    key(
        "central",
        "store_key",
        Kind::Secret,
        "",
        "Encrypts the local copy and its outbox (SQLCipher), in a program that was built with the feature `sqlcipher`: where the key is found, \
         64 hexadecimal digits. `keyring:NAME`, `command:PROGRAM ARGUMENTS` or `env:NAME`. The store opens with it, so a slow command delays the start.",
    ),
    key(
        "server",
        "listen",
        Kind::Text,
        "127.0.0.1:8470",
        "Address and port of `noctule server`. It speaks plain HTTP: towards other machines put a reverse proxy with TLS in front.",
    ),
    key(
        "server",
        "netbox_secret",
        Kind::Secret,
        "",
        "Where the secret of the webhook in NetBox is found: `env:NAME`, `file:PATH`, `command:PROGRAM ARGUMENTS` or `keyring:NAME`. Without it \
         webhooks are refused.",
    ),
    key(
        "aaa",
        "backend",
        Kind::Word(BACKENDS),
        "freeradius-postgresql",
        "Which AAA system decides logins: `freeradius-postgresql` is the SQL tables of FreeRADIUS 3.2 on PostgreSQL.",
    ),
    key(
        "aaa",
        "dsn",
        Kind::Text,
        "",
        "The database with those tables, `postgres://host[:port]/database`: no user and no password in it; or `central`, where they lie in the \
         database of the centre. Without it, logins are not written and accounting is not read.",
    ),
    key("aaa", "user", Kind::Text, "", "Login at this database. Without it, the operator's name."),
    key(
        "aaa",
        "password",
        Kind::Secret,
        "",
        "Where its password is found: `env:NAME`, `file:PATH` (mode 0600 or stricter), `command:PROGRAM ARGUMENTS` or `keyring:NAME`.",
    ),
    key(
        "aaa",
        "tls",
        Kind::Word(TLS),
        "verify-full",
        "`verify-full`: TLS, the certificate must be valid and carry the name of the host. `off` only where every host is this machine.",
    ),
    key("aaa", "ca_file", Kind::Path, "", "Certificates (PEM) of your own authority, instead of those of the system."),
    key("aaa", "cert_file", Kind::Path, "", "Client certificate (PEM), where the database asks for one. With `key_file`."),
    key("aaa", "key_file", Kind::Path, "", "Private key (PEM, mode 0600 or stricter) of the client certificate."),
    key("aaa", "schema", Kind::Text, "public", "The schema that holds the tables."),
    key(
        "aaa",
        "names",
        Kind::Word(NAMES),
        "escaped",
        "How user names stand in the tables: `escaped` as FreeRADIUS is installed, `plain` with `auto_escape = yes` in its queries.conf.",
    ),
    key("aaa", "accounting", Kind::Flag, "true", "Read sessions from radacct. One console reads for all."),
    key("aaa", "poll_s", Kind::Number { min: 1, max: 300 }, "5", "Seconds between two looks for changed sessions."),
    key(
        "aaa",
        "whole_min",
        Kind::Number { min: 1, max: 1440 },
        "10",
        "Minutes between two slow looks at everything that is open, which find what the quick ones can not.",
    ),
    key("aaa", "connect_timeout_s", Kind::Number { min: 1, max: 120 }, "5", "Seconds to wait for a connection."),
    key("aaa", "timeout_s", Kind::Number { min: 1, max: 600 }, "20", "Seconds to wait for an answer of the database."),
    key(
        "drift",
        "every_hours",
        Kind::Number { min: 0, max: 8760 },
        "6",
        "Hours between two whole checks of a running console, all consoles of this machine together. 0: only when asked for.",
    ),
    key(
        "drift",
        "poll_s",
        Kind::Number { min: 0, max: 86_400 },
        "60",
        "Seconds between two looks for what NetBox changed or deleted since. 0: only whole checks see it.",
    ),
    key("drift", "page", Kind::Number { min: 10, max: 1000 }, "500", "Prefixes that a check asks of NetBox at once."),
    key(
        "drift",
        "pause_ms",
        Kind::Number { min: 0, max: 60_000 },
        "200",
        "Rest between two such pages in the background, so that NetBox is not burdened. A check that was asked for does not rest.",
    ),
    key(
        "drift",
        "allocated_hours",
        Kind::Number { min: 1, max: 8760 },
        "24",
        "Hours after which an allocated prefix that is not activated is a finding.",
    ),
    key(
        "drift",
        "revoking_minutes",
        Kind::Number { min: 1, max: 525_600 },
        "60",
        "Minutes after which a revoke that has not ended is a finding.",
    ),
    key(
        "drift",
        "revoked_days",
        Kind::Number { min: 1, max: 3650 },
        "90",
        "Days after which a revoked subscriber is proposed to go back to pending.",
    ),
    key("log", "level", Kind::Word(LEVELS), "info", "How much is logged."),
    key("log", "file", Kind::Path, "", "Write the log into this file too (mode 0600). Secrets are never logged."),
];

/// Keys of one `[[netbox.pools]]`.
pub const POOL_KEYS: &[Key] = &[
    key("netbox.pools", "prefix", Kind::Text, "", "The parent prefix, such as `2001:db8:1000::/36`. Either this or `id`."),
    key("netbox.pools", "id", Kind::Number { min: 1, max: i64::MAX }, "", "The parent prefix by its NetBox id."),
    key(
        "netbox.pools",
        "vrf",
        Kind::Number { min: 1, max: i64::MAX },
        "",
        "NetBox id of the VRF, where the prefix is not in the global table.",
    ),
    key(
        "netbox.pools",
        "delegated_len",
        Kind::Number { min: 48, max: 64 },
        "56",
        "Length that is delegated from it unless another is asked. Without it, the first of `lengths`.",
    ),
    key("netbox.pools", "lengths", Kind::Numbers { min: 48, max: 64 }, "", "The only lengths that it gives. Without it, any that fits."),
    key(
        "netbox.pools",
        "sites",
        Kind::Texts,
        "",
        "Sites that it serves. Without `sites` and `nas` it serves everybody, after those that do.",
    ),
    key("netbox.pools", "nas", Kind::Texts, "", "Names of NASes whose subscribers it serves, before the pools of their site."),
    key(
        "netbox.pools",
        "order",
        Kind::Number { min: -1000, max: 1000 },
        "0",
        "Among pools that serve equally and that the rule does not tell apart, lower is asked first; then the order of the file.",
    ),
    key("netbox.pools", "netbox_tenant", Kind::Text, "", "NetBox tenant of its prefixes, instead of `netbox.tenant`."),
];

/// Keys of one `[[ipam.pools]]`.
pub const IPAM_POOL_KEYS: &[Key] = &[
    key("ipam.pools", "prefix", Kind::Text, "", "The parent prefix, such as `2001:db8:1000::/36`. No two overlap in one VRF."),
    key("ipam.pools", "vrf", Kind::Number { min: 1, max: i64::MAX }, "", "A number of your own for a VRF; without it the global table."),
    key("ipam.pools", "description", Kind::Text, "", "What it is for, shown beside it."),
    key(
        "ipam.pools",
        "delegated_len",
        Kind::Number { min: 48, max: 64 },
        "56",
        "Length that is delegated from it unless another is asked. Without it, the first of `lengths`.",
    ),
    key("ipam.pools", "lengths", Kind::Numbers { min: 48, max: 64 }, "", "The only lengths that it gives. Without it, any that fits."),
    key("ipam.pools", "sites", Kind::Texts, "", "As in `[[netbox.pools]]`."),
    key("ipam.pools", "nas", Kind::Texts, "", "As in `[[netbox.pools]]`."),
    key("ipam.pools", "order", Kind::Number { min: -1000, max: 1000 }, "0", "As in `[[netbox.pools]]`."),
];

/// The variable that sets a key: `NOCTULE_NETBOX_URL`. Secrets and pools have none.
pub fn env_name(key: &Key) -> Option<String> {
    match key.kind {
        Kind::Secret | Kind::Texts | Kind::Numbers { .. } | Kind::Tables => None,
        _ => Some(format!("NOCTULE_{}_{}", key.section.to_uppercase(), key.name.to_uppercase())),
    }
}

/// Variables that look like ours and are not: a slip in a name would otherwise be silently without effect. With the nearest right name.
pub fn unknown_variables<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    let known: Vec<String> =
        KEYS.iter().filter_map(env_name).chain(["NOCTULE_CONFIG".to_owned(), "NOCTULE_CENTRAL_OWNER_DSN".to_owned()]).collect();
    names
        .filter(|name| name.starts_with("NOCTULE_") && !known.iter().any(|k| k == name))
        .filter_map(|name| {
            let near = crate::near::nearest(name, known.iter().map(String::as_str))?;
            // They all share a beginning, so only a real slip counts.
            (strsim::levenshtein(name, near) <= 2).then(|| (name.to_owned(), near.to_owned()))
        })
        .collect()
}
