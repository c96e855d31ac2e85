//! Roles of what a map draws. The pane gives a style for each; the map itself names no colour.

use ratatui::style::{Color, Modifier, Style};

/// The signs that the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    Braille,
    /// Quarters of a cell: half the detail of braille, for fonts that lack it.
    Block,
    Ascii,
}

impl Charset {
    /// Signs beyond ASCII can be shown.
    pub const fn is_unicode(self) -> bool {
        !matches!(self, Self::Ascii)
    }
}

macro_rules! roles {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {
        /// What something on the map means.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum MapRole { $($(#[$meta])* $name),+ }

        impl MapRole {
            pub const ALL: &'static [MapRole] = &[$(MapRole::$name),+];
        }
    };
}

roles!(
    Coast,
    Border,
    /// Towns and their names.
    Place,
    /// A fresh technician who could take a task.
    Available,
    /// A fresh technician at work.
    Busy,
    /// A fresh technician on break, off duty, unavailable.
    Away,
    /// A position over 2 minutes old.
    Aging,
    /// A position over 15 minutes old.
    Stale,
    /// A position so old that it says nothing.
    Lost,
    TaskOpen,
    TaskActive,
    /// Overdue, blocked, failed, emergency.
    TaskProblem,
    TaskEnded,
    NasUp,
    NasProblem,
    NasUnknown,
    /// Names of marks.
    Label,
    Trail,
    Accuracy,
    /// From a technician to the task.
    Assignment,
    /// Patched over the style of the selected mark.
    Selected,
    Scale,
    Attribution,
);

/// A style for every role, and the signs to draw with.
#[derive(Debug, Clone, PartialEq)]
pub struct MapStyles {
    pub charset: Charset,
    styles: Vec<Style>,
}

impl MapStyles {
    /// Asks once for each role.
    pub fn new(charset: Charset, mut style: impl FnMut(MapRole) -> Style) -> Self {
        Self { charset, styles: MapRole::ALL.iter().map(|role| style(*role)).collect() }
    }

    /// The terminal's own 16 colours.
    pub fn colours(charset: Charset) -> Self {
        Self::new(charset, |role| {
            let plain = Style::new();
            match role {
                MapRole::Coast => plain.fg(Color::Blue),
                MapRole::Border | MapRole::Place | MapRole::Scale | MapRole::Attribution => plain.fg(Color::DarkGray),
                MapRole::Available | MapRole::NasUp => plain.fg(Color::Green),
                MapRole::Busy | MapRole::TaskActive => plain.fg(Color::Cyan),
                MapRole::Away | MapRole::TaskEnded | MapRole::NasUnknown | MapRole::Lost => plain.fg(Color::DarkGray),
                MapRole::Aging | MapRole::TaskOpen => plain.fg(Color::Yellow),
                MapRole::Stale => plain.fg(Color::DarkGray).add_modifier(Modifier::ITALIC),
                MapRole::TaskProblem | MapRole::NasProblem => plain.fg(Color::Red).add_modifier(Modifier::BOLD),
                MapRole::Label => plain,
                MapRole::Trail | MapRole::Accuracy => plain.fg(Color::Cyan),
                MapRole::Assignment => plain.fg(Color::Magenta),
                MapRole::Selected => plain.add_modifier(Modifier::REVERSED),
            }
        })
    }

    /// No colours: the signs alone tell things apart.
    pub fn mono(charset: Charset) -> Self {
        Self::new(charset, |role| match role {
            MapRole::Selected => Style::new().add_modifier(Modifier::REVERSED),
            _ => Style::new(),
        })
    }

    pub fn style(&self, role: MapRole) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }
}
