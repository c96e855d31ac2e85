//! The map: a world outline, marks (technicians, tasks, NASes) and a view that pans and zooms, drawn into cells as braille or as ASCII.
//! Pure: a view, marks and styles go in, cells come out. It knows no pane, no key and no clock; ages are computed from a given `now`.

mod basemap;
mod cluster;
mod error;
mod furniture;
mod glyph;
mod grid;
mod labels;
mod level;
mod mark;
mod paint;
mod pick;
mod places;
mod project;
mod style;
mod view;
mod viewport;

#[cfg(test)]
mod tests;

pub use basemap::Basemap;
pub use error::MapError;
pub use glyph::{LEGEND, MapGlyph};
pub use mark::{MapData, Mark, MarkId, Severity};
pub use paint::paint;
pub use pick::{cluster_at, cluster_of, cycle, nearest, towards};
pub use project::{WorldPoint, project, unproject};
pub use style::{Charset, MapRole, MapStyles};
pub use view::{Direction, MapView, PanStep};
pub use viewport::Viewport;
