//! Escape sequences that are no part of a frame: OSC 52 (copy), BEL. In tmux they are wrapped so that they pass through.

use base64::Engine as _;

/// Longest text that goes to the clipboard: many terminals refuse more than about 74 kB of base64.
const MAX_COPY: usize = 54_000;

/// The bytes that copy `text`, or `None` when it is too long to arrive whole.
pub fn copy(text: &str, in_tmux: bool) -> Option<Vec<u8>> {
    if text.len() > MAX_COPY {
        return None;
    }
    let sequence = format!("\x1b]52;c;{}\x07", base64::engine::general_purpose::STANDARD.encode(text));
    let wrapped = if in_tmux { format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b")) } else { sequence };
    Some(wrapped.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_can_not_break_out_of_its_sequence() {
        let bytes = copy("\x1b]0;evil\x07", false).expect("short");
        assert_eq!(bytes.iter().filter(|b| **b == 0x1b).count(), 1);
        let in_tmux = String::from_utf8(copy("x", true).expect("short")).expect("ascii");
        assert!(in_tmux.starts_with("\x1bPtmux;\x1b\x1b]52;") && in_tmux.ends_with("\x1b\\"));
        assert!(copy(&"x".repeat(60_000), false).is_none());
    }
}
