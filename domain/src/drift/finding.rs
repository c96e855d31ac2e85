//! One finding: what differs, whom it is about, both sides in words, and the repair that is proposed.

use super::{DriftKind, Repair};
use crate::subscriber::Username;
use crate::{OperationId, SafeText, SubscriberId};
use ipnet::Ipv6Net;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    pub id: SubscriberId,
    pub number: SafeText,
    pub username: Username,
    pub version: i64,
}

/// What a finding is about: with the kind it tells one finding from another, from check to check.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    Subscriber(SubscriberId),
    /// An object of NetBox by its id.
    Prefix(i64),
    User(Username),
    Operation(OperationId),
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Subscriber(id) => write!(f, "subscriber:{id}"),
            Self::Prefix(id) => write!(f, "netbox:{id}"),
            Self::User(name) => write!(f, "user:{name}"),
            Self::Operation(id) => write!(f, "operation:{id}"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub kind: DriftKind,
    pub subject: Subject,
    pub who: Option<Who>,
    pub netbox_id: Option<i64>,
    pub prefix: Option<Ipv6Net>,
    /// What stands here.
    pub ours: SafeText,
    /// What stands there.
    pub theirs: SafeText,
    pub repair: Repair,
}

impl Finding {
    /// The same drift seen again has the same key.
    pub fn key(&self) -> String {
        format!("{}/{}", self.kind, self.subject)
    }

    /// Eight hexadecimal digits of the key: enough to name it on a command line.
    pub fn id(&self) -> String {
        let digest = Sha256::digest(self.key().as_bytes());
        digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whom or what it is about, for a column.
    pub fn about(&self) -> SafeText {
        match (&self.who, &self.subject) {
            (Some(who), _) => who.number.clone(),
            (None, Subject::Prefix(id)) => SafeText::new(&format!("NetBox {id}")),
            (None, Subject::User(name)) => SafeText::new(name.as_str()),
            (None, Subject::Operation(id)) => SafeText::new(&format!("operation {}", id.short())),
            (None, Subject::Subscriber(id)) => SafeText::new(&id.short()),
        }
    }
}
