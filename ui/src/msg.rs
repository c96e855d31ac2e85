//! What can happen to the screens. Everything that changes `App` comes in as one of these, so that a recorded stream of them replays a
//! session exactly.

use crate::query::{Reply, RequestId};
use crokey::KeyCombination;
use noctule_domain::drift::CheckProgress;
use noctule_domain::job::{ItemGroup, ItemRow, JobPreview, JobView};
use noctule_domain::lifecycle::{OperationKind, OperationStatus};
use noctule_domain::overview::Severity;
use noctule_domain::sync::SyncStatus;
use noctule_domain::{JobId, OperationId, SafeText, SubscriberId, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Msg {
    Key(#[serde(with = "key_text")] KeyCombination),
    /// Bracketed paste, as it came: cleaned where it is used.
    Paste(String),
    Mouse(Mouse),
    Resize(u16, u16),
    /// The time, at most once a second. Redraws only when something shown changes.
    Tick(Timestamp),
    Focus(bool),
    Reply {
        id: RequestId,
        reply: Reply,
    },
    /// The store changed: panes ask anew for what they show. Coalesce; ten a second are plenty.
    Changed,
    /// The log has new lines.
    Logged,
    Upstreams(Vec<Upstream>),
    /// How much is under way, whenever it changes.
    Work {
        running: u64,
        waiting: u64,
    },
    /// How the sync with the centre stands, whenever it changes; at most ten a second while a copy is made.
    Sync(Box<SyncStatus>),
    /// Where the running check for drift is, and how many critical findings stand here; at most ten a second.
    Drift {
        progress: Option<CheckProgress>,
        critical: u64,
    },
    Notice(Notice),
    /// The newest jobs as they stand now.
    Jobs(Vec<JobBrief>),
    /// What a job would do. Nothing of it has begun.
    JobPreviewed(Box<PreviewedJob>),
    JobItems(Box<JobItems>),
    /// Answer to `Effect::StartOperations`: how many began, and why the others did not.
    OperationsStarted {
        id: RequestId,
        started: u32,
        /// With the centre away: kept in the outbox, asked again on return.
        #[serde(default)]
        queued: u32,
        refused: Vec<(SafeText, SafeText)>,
    },
    OperationEnded(OperationEnded),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperationEnded {
    pub operation: OperationId,
    pub subscriber: SubscriberId,
    /// Number or name, for the sentence.
    pub who: SafeText,
    pub kind: OperationKind,
    pub status: OperationStatus,
    pub error: Option<SafeText>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mouse {
    pub kind: MouseKind,
    pub column: u16,
    pub row: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MouseKind {
    Click,
    Drag,
    Release,
    ScrollUp,
    ScrollDown,
}

/// Another system that we depend on, and how fresh what we know of it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Upstream {
    pub name: SafeText,
    pub kind: UpstreamKind,
    pub state: UpstreamState,
    /// Since when it is so; for `offline` the age of what is shown.
    pub since: Option<Timestamp>,
    pub note: Option<SafeText>,
}

noctule_domain::words!(UpstreamKind { Store = "store", Central = "central", Netbox = "netbox", Nas = "nas", Aaa = "aaa" });
noctule_domain::words!(UpstreamState { Live = "live", Delayed = "delayed", Offline = "offline" });

/// Something the operator should know, in a sentence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    pub severity: Severity,
    pub text: SafeText,
}

impl Notice {
    pub fn info(text: impl Into<String>) -> Self {
        Self { severity: Severity::Info, text: SafeText::new(&text.into()) }
    }

    pub fn warning(text: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, text: SafeText::new(&text.into()) }
    }

    pub fn critical(text: impl Into<String>) -> Self {
        Self { severity: Severity::Critical, text: SafeText::new(&text.into()) }
    }
}

/// Keys as text in a recording: as in a keymap where that can say it (`"ctrl-p"`, `"G"`), else `U+00E4` with its modifiers before it. What
/// is no key at all reads as the null key, which means nothing: a recording is never lost for one line of it.
pub mod key_text {
    use crate::action::{canonical, key_label};
    use crokey::crossterm::event::{KeyCode, KeyModifiers};
    use crokey::{KeyCombination, OneToThree};
    use serde::{Deserialize, Deserializer, Serializer};

    const BITS: [(KeyModifiers, &str); 3] =
        [(KeyModifiers::CONTROL, "ctrl-"), (KeyModifiers::ALT, "alt-"), (KeyModifiers::SHIFT, "shift-")];

    pub fn to_text(key: &KeyCombination) -> String {
        let key = canonical(*key);
        match key.codes {
            OneToThree::One(KeyCode::Char(c)) if c != ' ' && !(c.is_ascii_lowercase() || key.modifiers.is_empty()) => {
                let modifiers: String = BITS.iter().filter(|(bit, _)| key.modifiers.contains(*bit)).map(|(_, word)| *word).collect();
                format!("{modifiers}U+{:04X}", c as u32)
            }
            _ => key_label(key),
        }
    }

    pub fn from_text(text: &str) -> KeyCombination {
        let null = KeyCombination::one_key(KeyCode::Null, KeyModifiers::NONE);
        let mut chars = text.chars();
        if let (Some(c), None) = (chars.next(), chars.next()) {
            return canonical(KeyCombination::one_key(KeyCode::Char(c), KeyModifiers::NONE));
        }
        let Some((modifiers, hex)) = text.split_once("U+") else {
            return text.parse().map_or(null, canonical);
        };
        let bits = BITS.iter().filter(|(_, word)| modifiers.contains(word)).fold(KeyModifiers::NONE, |all, (bit, _)| all | *bit);
        match u32::from_str_radix(hex, 16).ok().and_then(char::from_u32) {
            Some(c) => KeyCombination::one_key(KeyCode::Char(c), bits),
            None => null,
        }
    }

    pub fn serialize<S: Serializer>(key: &KeyCombination, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_text(key))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<KeyCombination, D::Error> {
        Ok(from_text(&String::deserialize(deserializer)?))
    }
}

/// What a job would do, and by name the first of those that go and of those that do not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreviewedJob {
    pub preview: JobPreview,
    pub going: Vec<ItemRow>,
    pub left_out: Vec<ItemRow>,
}

/// The first of those of a job that stand in one way, in their order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobItems {
    pub job: JobId,
    /// The word of its course.
    pub course: SafeText,
    pub group: ItemGroup,
    pub rows: Vec<ItemRow>,
    /// How many there are.
    pub total: u32,
}

/// A job, and the first of its items that went wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobBrief {
    pub view: JobView,
    pub first: Vec<ItemRow>,
}
