//! What the map shows, and with which signs.

use super::Tell;
use crate::effect::Preferences;
use crate::look::{Look, Tone};
use crate::map::{Charset, MapRole, MapStyles};
use crate::overlay::{Menu, MenuItem, Overlay, Then};
use crate::panes;
use noctule_domain::words;

words!(
    Layer { Technicians = "technicians", Tasks = "tasks", Ended = "ended tasks", Nases = "NASes", Work = "lines of work", Trail = "trail" }
);

impl Layer {
    /// Its letter in the menu: the first, unless that is another's.
    const fn key(self) -> char {
        match self {
            Self::Technicians => 't',
            Self::Tasks => 'a',
            Self::Ended => 'e',
            Self::Nases => 'n',
            Self::Work => 'l',
            Self::Trail => 'r',
        }
    }
}

/// Which layers are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layers {
    shown: [bool; Layer::ALL.len()],
}

impl Default for Layers {
    fn default() -> Self {
        let mut layers = Self { shown: [true; Layer::ALL.len()] };
        layers.toggle(Layer::Ended);
        layers
    }
}

impl Layers {
    pub fn has(&self, layer: Layer) -> bool {
        self.shown[layer as usize]
    }

    pub fn toggle(&mut self, layer: Layer) {
        self.shown[layer as usize] ^= true;
    }

    pub fn show(&mut self, layer: Layer) {
        self.shown[layer as usize] = true;
    }

    pub fn menu(&self) -> Overlay {
        let items = Layer::ALL
            .iter()
            .map(|layer| MenuItem {
                key: Some(layer.key()),
                label: format!("{} {layer}", if self.has(*layer) { "[x]" } else { "[ ]" }),
                help: if self.has(*layer) { "is shown" } else { "is hidden" }.to_owned(),
                greyed: None,
                then: Then::Tell(Box::new(panes::Tell::Map(Tell::Toggle(*layer)))),
            })
            .collect();
        Overlay::Menu(Menu::new("What the map shows", items))
    }
}

pub const MARKERS: &[&str] = &["braille", "block", "ascii"];

/// The signs that are wished for; an ASCII console draws with ASCII whatever is wished.
pub fn charset(preferences: &Preferences, look: &Look) -> Charset {
    match preferences.map_marker.as_str() {
        _ if look.ascii => Charset::Ascii,
        "ascii" => Charset::Ascii,
        "block" => Charset::Block,
        _ => Charset::Braille,
    }
}

pub fn next_marker(now: &str) -> &'static str {
    let at = MARKERS.iter().position(|m| *m == now).unwrap_or(0);
    MARKERS[(at + 1) % MARKERS.len()]
}

pub fn styles(charset: Charset, look: &Look) -> MapStyles {
    MapStyles::new(charset, |role| {
        look.style(match role {
            MapRole::Coast => Tone::Border,
            MapRole::Border | MapRole::Place | MapRole::Scale | MapRole::Attribution | MapRole::Accuracy => Tone::Muted,
            MapRole::Available | MapRole::NasUp => Tone::Good,
            MapRole::Busy | MapRole::TaskActive | MapRole::Trail => Tone::Info,
            MapRole::Away | MapRole::TaskEnded | MapRole::NasUnknown | MapRole::Lost => Tone::Muted,
            MapRole::Aging => Tone::Warning,
            MapRole::Stale => Tone::Stale,
            MapRole::TaskOpen | MapRole::Assignment => Tone::Accent,
            MapRole::TaskProblem | MapRole::NasProblem => Tone::Danger,
            MapRole::Label => Tone::Text,
            MapRole::Selected => Tone::Selected,
        })
    })
}
