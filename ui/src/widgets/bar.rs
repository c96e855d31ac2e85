//! Bars: a share of something as cells, with the number beside it left to the caller.

use crate::look::{Glyph, Look, Tone};
use noctule_domain::ipam::PoolLevel;

/// A bar of `cells` cells, filled by `share` (0 to 1). A share above nothing always shows at least one cell, one below all never all.
pub fn bar(share: f64, cells: u16, look: &Look) -> String {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    let mut full = (share * f64::from(cells)).round() as u16;
    if share > 0.0 {
        full = full.max(1);
    }
    if share < 1.0 {
        full = full.min(cells.saturating_sub(1));
    }
    let full = full.min(cells);
    look.glyph(Glyph::BarFull).repeat(usize::from(full)) + &look.glyph(Glyph::BarEmpty).repeat(usize::from(cells - full))
}

pub fn level_tone(level: PoolLevel) -> Tone {
    match level {
        PoolLevel::Normal => Tone::Good,
        PoolLevel::Warning => Tone::Warning,
        PoolLevel::Critical => Tone::Danger,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::Depth;

    #[test]
    fn a_little_is_seen_and_almost_all_is_not_all() {
        let look = Look::new("mono", Depth::None, true);
        assert_eq!(bar(0.0, 4, &look), "....");
        assert_eq!(bar(0.001, 4, &look), "#...");
        assert_eq!(bar(0.999, 4, &look), "###.");
        assert_eq!(bar(1.0, 4, &look), "####");
        assert_eq!(bar(f64::NAN, 3, &look), "...");
        assert_eq!(bar(0.5, 0, &look), "");
    }
}
