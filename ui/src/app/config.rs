//! What the event loop tells the screens at their start.

use crate::action::Keymap;
use crate::effect::Preferences;
use crate::look::Depth;
use chrono::FixedOffset;
use noctule_domain::{SafeText, Timestamp, permission::Role};

#[derive(Debug, Clone)]
pub struct AppConfig {
    pub now: Timestamp,
    /// The operator's zone, as an offset: times of day are shown in it.
    pub zone: FixedOffset,
    pub actor: SafeText,
    pub role: Role,
    pub tenant: SafeText,
    /// `dark`, `light`, `high-contrast`, `mono`; a remembered preference wins.
    pub theme: String,
    pub depth: Depth,
    pub ascii: bool,
    pub demo: bool,
    /// A centre is configured: the Sync pane shows it, lifecycle operations begin there.
    pub central: bool,
    /// Why nothing may be changed (a store that is newer, damaged or read-only; a broken configuration).
    pub read_only: Option<SafeText>,
    pub preferences: Preferences,
    pub keymap: Keymap,
    /// Size of the terminal; `Msg::Resize` changes it.
    pub size: (u16, u16),
}

impl AppConfig {
    /// Defaults for everything that can have one.
    pub fn new(now: Timestamp, actor: &str, role: Role) -> Self {
        Self {
            now,
            zone: FixedOffset::east_opt(0).unwrap_or_else(|| chrono::offset::Offset::fix(&chrono::Utc)),
            actor: actor.into(),
            role,
            tenant: SafeText::default(),
            theme: "dark".to_owned(),
            depth: Depth::C16,
            ascii: false,
            demo: false,
            central: false,
            read_only: None,
            preferences: Preferences::default(),
            keymap: Keymap::default(),
            size: (80, 24),
        }
    }
}
