//! The signs of marks. Technicians are circles, tasks diamonds and triangles, NASes squares; each has an ASCII form of its own, so that
//! a map without colours still tells them apart, and a position that is not fresh is never drawn like one that is.

macro_rules! glyphs {
    ($($(#[$meta:meta])* $name:ident $unicode:literal $ascii:literal $words:literal;)+) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum MapGlyph { $($(#[$meta])* $name),+ }

        impl MapGlyph {
            /// The Unicode form and the ASCII form, one cell each.
            pub const fn forms(self) -> (&'static str, &'static str) {
                match self { $(MapGlyph::$name => ($unicode, $ascii)),+ }
            }
        }

        /// Every sign with its meaning in words, for the help of the pane.
        pub const LEGEND: &[(MapGlyph, &str)] = &[$((MapGlyph::$name, $words)),+];
    };
}

glyphs! {
    Available "●" "@" "technician available";
    OnJob "◉" "&" "technician on a job";
    OnBreak "◐" "%" "technician on break";
    OffDuty "⊖" "z" "technician off duty";
    Unavailable "⊗" "u" "technician unavailable";
    Aging "○" "o" "technician, position over 2 minutes old";
    Stale "◌" "c" "technician, position over 15 minutes old";
    Lost "?" "?" "technician, position lost";
    TaskPending "◇" "v" "task pending";
    TaskReady "◈" "r" "task ready";
    TaskAssigned "▷" "a" "task assigned";
    TaskInProgress "◆" "W" "task in progress";
    TaskPaused "▽" "p" "task paused";
    TaskBlocked "▼" "B" "task blocked";
    TaskFailed "✗" "F" "task failed";
    TaskUrgent "!" "!" "task overdue or emergency";
    TaskEnded "✓" "k" "task ended";
    NasUp "■" "N" "NAS answers";
    NasBusy "▣" "M" "NAS busy";
    NasSilent "⊠" "X" "NAS silent";
    NasUnknown "□" "n" "NAS not asked yet or disabled";
}
