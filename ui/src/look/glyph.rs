//! Glyphs, each with an ASCII form of the same width. A state is never shown by its glyph alone: a word stands beside it.

macro_rules! glyphs {
    ($($(#[$meta:meta])* $name:ident $unicode:literal $ascii:literal;)+) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Glyph { $($(#[$meta])* $name),+ }

        impl Glyph {
            pub const ALL: &'static [Glyph] = &[$(Glyph::$name),+];

            /// The Unicode form and the ASCII form.
            pub const fn forms(self) -> (&'static str, &'static str) {
                match self { $(Glyph::$name => ($unicode, $ascii)),+ }
            }
        }
    };
}

glyphs! {
    Pending "○" ".";
    Allocated "◔" "o";
    Active "●" "*";
    Suspended "◐" "=";
    Revoking "◌" "<";
    Revoked "·" "-";
    Failed "✗" "x";
    Ok "✓" "+";
    Unknown "?" "?";
    Running "↻" "%";
    Waiting "◷" "w";
    Session "↔" "s";
    Mark "◆" "#";
    Cursor "▸" ">";
    Up "▲" "^";
    Down "▼" "v";
    More "↓" "v";
    MoreUp "↑" "^";
    Left "‹" "<";
    Right "›" ">";
    Ellipsis "…" "~";
    Separator "│" "|";
    Rule "─" "-";
    BarFull "█" "#";
    BarEmpty "░" ".";
    Warning "▲" "!";
    Critical "✗" "X";
    Info "•" "i";
    Live "●" "*";
    Delayed "◐" "~";
    Offline "○" "!";
    Bullet "·" "-";
    /// Waits to be pushed to the centre.
    Outbox "↑" "^";
    /// Somebody else changed the same.
    Conflict "!" "!";
    /// Asked for while the centre is away.
    Queued "⇢" ">";
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr;

    #[test]
    fn both_forms_are_one_cell_wide_and_the_second_is_ascii() {
        for glyph in Glyph::ALL {
            let (unicode, ascii) = glyph.forms();
            assert_eq!(unicode.width(), 1, "{glyph:?}");
            assert_eq!(ascii.len(), 1, "{glyph:?}");
            assert!(ascii.is_ascii());
        }
    }
}
