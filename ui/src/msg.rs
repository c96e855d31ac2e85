//! What can happen to the screens. Everything that changes `App` comes in as one of these, so that a recorded stream of them replays a
//! session exactly.

use crate::query::{Reply, RequestId};
use crokey::KeyCombination;
use noctule_domain::lifecycle::{OperationKind, OperationStatus};
use noctule_domain::overview::Severity;
use noctule_domain::{OperationId, SafeText, SubscriberId, Timestamp};
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
    Notice(Notice),
    /// Answer to `Effect::StartOperations`: how many began, and why the others did not.
    OperationsStarted {
        id: RequestId,
        started: u32,
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

/// Keys as text in a recording. The notation of the keymap can not say every character (only ASCII), so others go as `U+00E4`, with
/// their modifiers before them.
pub mod key_text {
    use crokey::crossterm::event::{KeyCode, KeyModifiers};
    use crokey::{KeyCombination, OneToThree};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn to_text(key: &KeyCombination) -> String {
        match key.codes {
            OneToThree::One(KeyCode::Char(c)) if !c.is_ascii_graphic() && c != ' ' => {
                let mut text = String::new();
                for (bit, word) in [(KeyModifiers::CONTROL, "ctrl-"), (KeyModifiers::ALT, "alt-"), (KeyModifiers::SHIFT, "shift-")] {
                    if key.modifiers.contains(bit) {
                        text.push_str(word);
                    }
                }
                format!("{text}U+{:04X}", c as u32)
            }
            _ => key.to_string(),
        }
    }

    pub fn from_text(text: &str) -> Result<KeyCombination, String> {
        let Some((modifiers, hex)) = text.split_once("U+") else { return text.parse().map_err(|e: crokey::ParseKeyError| e.to_string()) };
        let c = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32).ok_or_else(|| format!("'{text}' is not a key"))?;
        let mut bits = KeyModifiers::NONE;
        for (bit, word) in [(KeyModifiers::CONTROL, "ctrl-"), (KeyModifiers::ALT, "alt-"), (KeyModifiers::SHIFT, "shift-")] {
            if modifiers.contains(word) {
                bits |= bit;
            }
        }
        Ok(KeyCombination::one_key(KeyCode::Char(c), bits))
    }

    pub fn serialize<S: Serializer>(key: &KeyCombination, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_text(key))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<KeyCombination, D::Error> {
        from_text(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
