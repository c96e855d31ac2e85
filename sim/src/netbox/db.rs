//! The simulated database: objects, the index of taken space, look-up by unique custom field, change records. No HTTP here. One mutex
//! around all of it plays the part of NetBox's advisory lock and of its transactions.

use super::config::{NetboxConfig, SeedPrefix, Version};
use super::net::{BadNet, Net};
use super::space::{Key, Space};
use chrono::{DateTime, Duration, Utc};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, VecDeque};
use uuid::Uuid;

pub const STATUSES: [&str; 4] = ["container", "active", "reserved", "deprecated"];

#[derive(Debug, Clone, PartialEq)]
pub struct Prefix {
    pub id: i64,
    pub net: Net,
    pub vrf: Option<i64>,
    pub tenant: Option<i64>,
    pub role: Option<i64>,
    pub status: &'static str,
    pub is_pool: bool,
    pub mark_utilized: bool,
    pub description: String,
    pub comments: String,
    pub tags: Vec<i64>,
    /// Custom fields that have a value; the others read as null.
    pub custom: BTreeMap<String, Value>,
    pub created: DateTime<Utc>,
    pub updated: DateTime<Utc>,
    pub created_by: Uuid,
}

impl Prefix {
    pub fn key(&self) -> Key {
        Key { vrf: self.vrf.unwrap_or(-1), net: self.net, id: self.id }
    }

    pub fn text(&self, field: &str) -> Option<&str> {
        self.custom.get(field).and_then(Value::as_str)
    }
}

#[derive(Debug, Clone)]
pub struct CustomField {
    pub id: i64,
    pub name: String,
    pub label: String,
    pub kind: String,
    pub object_types: Vec<String>,
    pub unique: bool,
    pub filter_logic: String,
    pub description: String,
    pub created: DateTime<Utc>,
}

impl CustomField {
    pub fn on_prefixes(&self) -> bool {
        self.object_types.iter().any(|t| t == "ipam.prefix")
    }
}

/// Anything with a name and a slug: tag, tenant, role.
#[derive(Debug, Clone)]
pub struct Named {
    pub id: i64,
    pub name: String,
    pub slug: String,
    pub color: String,
    pub description: String,
    pub created: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub struct Vrf {
    pub id: i64,
    pub name: String,
    pub rd: String,
    pub enforce_unique: bool,
}

#[derive(Debug, Clone)]
pub struct Change {
    pub id: i64,
    pub time: DateTime<Utc>,
    pub user: String,
    pub request: Uuid,
    pub action: &'static str,
    pub object: i64,
    pub repr: String,
    pub message: String,
    pub before: Value,
    pub after: Value,
}

#[derive(Debug, Clone)]
pub struct Journal {
    pub id: i64,
    pub prefix: i64,
    pub kind: String,
    pub comments: String,
    pub created: DateTime<Utc>,
}

#[derive(Debug)]
pub struct Db {
    pub version: Version,
    pub enforce_global_unique: bool,
    /// Knows no filter of prefixes, as a NetBox that is asked for one it does not have: everything comes back.
    pub unfiltered: bool,
    pub prefixes: BTreeMap<i64, Prefix>,
    pub space: Space,
    pub fields: Vec<CustomField>,
    pub tags: Vec<Named>,
    pub tenants: Vec<Named>,
    pub roles: Vec<Named>,
    pub vrfs: Vec<Vrf>,
    pub changes: VecDeque<Change>,
    pub journal: Vec<Journal>,
    by_value: HashMap<(String, String), Vec<i64>>,
    history: usize,
    next_prefix: i64,
    next_change: i64,
    clock_ahead: Duration,
    last_time: DateTime<Utc>,
}

impl Db {
    pub fn new(config: &NetboxConfig) -> Result<Self, String> {
        let mut db = Self {
            version: config.version,
            unfiltered: false,
            enforce_global_unique: config.enforce_global_unique,
            prefixes: BTreeMap::new(),
            space: Space::default(),
            fields: Vec::new(),
            tags: Vec::new(),
            tenants: Vec::new(),
            roles: Vec::new(),
            vrfs: Vec::new(),
            changes: VecDeque::new(),
            journal: Vec::new(),
            by_value: HashMap::new(),
            history: config.history,
            next_prefix: 1,
            next_change: 1,
            clock_ahead: config.clock_ahead,
            last_time: Utc::now() + config.clock_ahead,
        };
        for slug in &config.tags {
            db.add_tag(slug, slug, "9e9e9e", "");
        }
        for (name, slug) in &config.tenants {
            let created = db.now();
            let id = db.tenants.len() as i64 + 1;
            db.tenants.push(Named {
                id,
                name: name.clone(),
                slug: slug.clone(),
                color: String::new(),
                description: String::new(),
                created,
            });
        }
        for (name, slug) in &config.roles {
            let created = db.now();
            let id = db.roles.len() as i64 + 1;
            db.roles.push(Named { id, name: name.clone(), slug: slug.clone(), color: String::new(), description: String::new(), created });
        }
        for vrf in &config.vrfs {
            let id = db.vrfs.len() as i64 + 1;
            db.vrfs.push(Vrf { id, name: vrf.name.clone(), rd: vrf.rd.clone(), enforce_unique: vrf.enforce_unique });
        }
        if config.fields {
            db.add_field("operation_id", "Operation id", "text", &["ipam.prefix"], true, "exact", "");
            db.add_field("subscriber_id", "Subscriber id", "text", &["ipam.prefix"], false, "exact", "");
            db.add_field("hold_until", "Hold until", "datetime", &["ipam.prefix"], false, "exact", "");
        }
        for seed in &config.prefixes {
            db.seed(seed)?;
        }
        Ok(db)
    }

    /// A moment later than every one before it, to the microsecond: two changes never share an ETag.
    pub fn now(&mut self) -> DateTime<Utc> {
        let now = Utc::now() + self.clock_ahead;
        let now = now - Duration::nanoseconds(i64::from(now.timestamp_subsec_nanos() % 1000));
        self.last_time = now.max(self.last_time + Duration::microseconds(1));
        self.last_time
    }

    pub fn add_tag(&mut self, name: &str, slug: &str, color: &str, description: &str) -> Named {
        let created = self.now();
        let tag = Named {
            id: self.tags.last().map_or(1, |t| t.id + 1),
            name: name.to_owned(),
            slug: slug.to_owned(),
            color: color.to_owned(),
            description: description.to_owned(),
            created,
        };
        self.tags.push(tag.clone());
        tag
    }

    #[allow(clippy::too_many_arguments)]
    pub fn add_field(
        &mut self,
        name: &str,
        label: &str,
        kind: &str,
        object_types: &[&str],
        unique: bool,
        filter_logic: &str,
        description: &str,
    ) -> CustomField {
        let created = self.now();
        let field = CustomField {
            id: self.fields.last().map_or(1, |f| f.id + 1),
            name: name.to_owned(),
            label: label.to_owned(),
            kind: kind.to_owned(),
            object_types: object_types.iter().map(|t| (*t).to_owned()).collect(),
            unique,
            filter_logic: filter_logic.to_owned(),
            description: description.to_owned(),
            created,
        };
        self.fields.push(field.clone());
        field
    }

    pub fn field(&self, name: &str) -> Option<&CustomField> {
        self.fields.iter().find(|f| f.name == name && f.on_prefixes())
    }

    pub fn vrf(&self, id: i64) -> Option<&Vrf> {
        self.vrfs.iter().find(|v| v.id == id)
    }

    /// A fresh prefix with NetBox's defaults, not yet stored.
    pub fn draft(&mut self, net: Net, request: Uuid) -> Prefix {
        let at = self.now();
        Prefix {
            id: 0,
            net,
            vrf: None,
            tenant: None,
            role: None,
            status: "active",
            is_pool: false,
            mark_utilized: false,
            description: String::new(),
            comments: String::new(),
            tags: Vec::new(),
            custom: BTreeMap::new(),
            created: at,
            updated: at,
            created_by: request,
        }
    }

    /// Takes the next id, also for an insert that is rolled back later (sequences do not roll back).
    pub fn take_id(&mut self) -> i64 {
        let id = self.next_prefix;
        self.next_prefix += 1;
        id
    }

    /// Moves the id sequence forward, so that a test can stand where a recording stood.
    pub fn skip_ids_to(&mut self, next: i64) {
        self.next_prefix = self.next_prefix.max(next);
    }

    pub fn store(&mut self, prefix: Prefix) {
        self.space.insert(prefix.key());
        for (field, value) in &prefix.custom {
            if let Value::String(text) = value {
                self.by_value.entry((field.clone(), text.clone())).or_default().push(prefix.id);
            }
        }
        self.prefixes.insert(prefix.id, prefix);
    }

    pub fn take(&mut self, id: i64) -> Option<Prefix> {
        let prefix = self.prefixes.remove(&id)?;
        self.space.remove(prefix.key());
        for (field, value) in &prefix.custom {
            if let Value::String(text) = value {
                let at = (field.clone(), text.clone());
                if let Some(ids) = self.by_value.get_mut(&at) {
                    ids.retain(|i| *i != id);
                    if ids.is_empty() {
                        self.by_value.remove(&at);
                    }
                }
            }
        }
        Some(prefix)
    }

    /// Prefixes whose text field has exactly this value.
    pub fn holding(&self, field: &str, value: &str) -> &[i64] {
        self.by_value.get(&(field.to_owned(), value.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// Children and depth in the prefix's own VRF, as NetBox counts them.
    pub fn place(&self, prefix: &Prefix) -> (usize, usize) {
        let vrf = prefix.vrf.unwrap_or(-1);
        let mut lens: Vec<u8> = self.space.around(vrf, prefix.net).map(|k| k.net.len).filter(|len| *len < prefix.net.len).collect();
        lens.dedup();
        (self.space.count_children(vrf, prefix.net), lens.len())
    }

    #[allow(clippy::too_many_arguments)]
    pub fn record(&mut self, user: &str, request: Uuid, action: &'static str, object: &Prefix, message: &str, before: Value, after: Value) {
        let time = self.now();
        let id = self.next_change;
        self.next_change += 1;
        if self.changes.len() >= self.history {
            self.changes.pop_front();
        }
        let repr = object.net.to_string();
        let message = message.to_owned();
        self.changes.push_back(Change {
            id,
            time,
            user: user.to_owned(),
            request,
            action,
            object: object.id,
            repr,
            message,
            before,
            after,
        });
    }

    /// First-fit delegations without a request; stops with an error when the parent is full.
    pub fn fill(&mut self, parent: i64, len: u8, count: usize) -> Result<Vec<i64>, String> {
        let (net, vrf) = self.prefixes.get(&parent).map(|p| (p.net, p.vrf)).ok_or_else(|| format!("no prefix {parent}"))?;
        let mut ids = Vec::with_capacity(count);
        for _ in 0..count {
            let free = self.space.first_fit(vrf.unwrap_or(-1), net, len).filter(|f| f.len > net.len);
            let free = free.ok_or_else(|| format!("no room for {count} /{len} in {net}"))?;
            let mut prefix = self.draft(free, Uuid::new_v4());
            prefix.id = self.take_id();
            prefix.vrf = vrf;
            ids.push(prefix.id);
            self.store(prefix);
        }
        Ok(ids)
    }

    /// Puts a prefix there without a request: seeds, tests, another user of NetBox. Returns its id.
    pub fn seed(&mut self, seed: &SeedPrefix) -> Result<i64, String> {
        let net = Net::parse(&seed.prefix).map_err(|e| match e {
            BadNet::Garbage => format!("{} is not a prefix", seed.prefix),
            BadNet::HostBits(_) => format!("{} has host bits", seed.prefix),
        })?;
        let mut prefix = self.draft(net, Uuid::new_v4());
        prefix.id = self.take_id();
        prefix.vrf = seed.vrf;
        if !seed.status.is_empty() {
            prefix.status =
                STATUSES.iter().find(|s| **s == seed.status).copied().ok_or_else(|| format!("{} is not a status", seed.status))?;
        }
        prefix.description = seed.description.clone();
        prefix.is_pool = seed.is_pool;
        prefix.mark_utilized = seed.mark_utilized;
        for slug in &seed.tags {
            let tag = self.tags.iter().find(|t| t.slug == *slug).ok_or_else(|| format!("no tag {slug}"))?;
            prefix.tags.push(tag.id);
        }
        for (field, value) in
            [("operation_id", &seed.operation_id), ("subscriber_id", &seed.subscriber_id), ("hold_until", &seed.hold_until)]
        {
            if let Some(value) = value {
                prefix.custom.insert(field.to_owned(), Value::String(value.clone()));
            }
        }
        let id = prefix.id;
        self.store(prefix);
        Ok(id)
    }
}
