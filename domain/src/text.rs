//! `SafeText`: text from outside, made harmless at the edge. It can be drawn, logged and stored without driving a terminal.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Longest text kept from one outside field, in bytes. A 10 kB name is cut, and its end says so.
pub const MAX_TEXT: usize = 2048;

/// Text in which control (C0, DEL, C1) and bidirectional or invisible format characters have been made visible, of bounded length.
/// Line breaks and tabs are made visible too; use [`SafeText::lines`] for text that may have several lines.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct SafeText(String);

impl SafeText {
    /// Cleans `raw`, keeping at most [`MAX_TEXT`] bytes.
    pub fn new(raw: &str) -> Self {
        Self::bounded(raw, MAX_TEXT)
    }

    /// Cleans `raw`, keeping at most `max` bytes of the cleaned text; what is cut is marked by an ellipsis.
    pub fn bounded(raw: &str, max: usize) -> Self {
        if raw.len() <= max && !raw.chars().any(is_dangerous) {
            return Self(raw.to_owned());
        }
        let mut out = String::with_capacity(raw.len().min(max) + 8);
        for c in raw.chars() {
            let before = out.len();
            push_visible(&mut out, c);
            if out.len() > max {
                out.truncate(before);
                out.push('…');
                break;
            }
        }
        Self(out)
    }

    /// Cleans bytes of unknown encoding: invalid UTF-8 is shown as the replacement character.
    pub fn from_bytes(raw: &[u8]) -> Self {
        let end = raw.len().min(MAX_TEXT * 2);
        Self::new(&String::from_utf8_lossy(&raw[..end]))
    }

    /// Cleans a text of several lines, line by line, at most `max` lines.
    pub fn lines(raw: &str, max: usize) -> Vec<Self> {
        raw.lines().take(max).map(Self::new).collect()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn into_string(self) -> String {
        self.0
    }

    /// True when `raw` would be kept as it is: no dangerous character, not too long.
    pub fn is_clean(raw: &str) -> bool {
        raw.len() <= MAX_TEXT && !raw.chars().any(is_dangerous)
    }
}

/// Characters that may drive a terminal or reorder or hide what stands beside them.
pub fn is_dangerous(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f' | '\x7f' | '\u{80}'..='\u{9f}'
        | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn push_visible(out: &mut String, c: char) {
    match c {
        // Control pictures: one cell wide, in every font that has box drawing.
        '\0'..='\x1f' => out.push(char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}')),
        '\x7f' => out.push('\u{2421}'),
        c if is_dangerous(c) => {
            out.push_str(&format!("<U+{:04X}>", c as u32));
        }
        c => out.push(c),
    }
}

impl fmt::Display for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl From<&str> for SafeText {
    fn from(raw: &str) -> Self {
        Self::new(raw)
    }
}

impl From<String> for SafeText {
    fn from(raw: String) -> Self {
        Self::new(&raw)
    }
}

impl AsRef<str> for SafeText {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for SafeText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|raw| Self::new(&raw))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escape_sequences_and_bidi_are_made_visible() {
        assert_eq!(SafeText::new("a\x1b[31mred").as_str(), "a\u{241b}[31mred");
        assert_eq!(SafeText::new("a\u{202e}b\u{9b}c").as_str(), "a<U+202E>b<U+009B>c");
        assert_eq!(SafeText::new("tab\tnul\0").as_str(), "tab\u{2409}nul\u{2400}");
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        let text = SafeText::new(&"x".repeat(10_000));
        assert!(text.as_str().len() <= MAX_TEXT + '…'.len_utf8());
        assert!(text.as_str().ends_with('…'));
    }

    proptest! {
        #[test]
        fn nothing_dangerous_survives(raw in "\\PC*|.*") {
            let text = SafeText::new(&raw);
            prop_assert!(!text.as_str().chars().any(is_dangerous));
            prop_assert!(text.as_str().len() <= MAX_TEXT + 3);
        }

        #[test]
        fn cleaning_twice_is_cleaning_once(raw in any::<String>()) {
            let once = SafeText::new(&raw);
            prop_assert_eq!(SafeText::new(once.as_str()), once);
        }
    }
}
