//! How things look: tones (what a style means), themes, colour depth, glyphs with their ASCII forms. Nothing here knows what is drawn.

mod glyph;
mod theme;

pub use glyph::Glyph;
pub use theme::{Depth, Look, LookError, THEMES, Theme, Tone};
