//! A line of history as cells, drawn by ratatui's Sparkline; ASCII where the terminal has no blocks.

use crate::look::Look;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::symbols::bar;
use ratatui::widgets::{Sparkline, Widget};

const ASCII: bar::Set<'static> = bar::Set {
    full: "#",
    seven_eighths: "#",
    three_quarters: "*",
    five_eighths: "+",
    half: "=",
    three_eighths: "-",
    one_quarter: ":",
    one_eighth: ".",
    empty: " ",
};

/// One cell for each value (0 to 1, of the whole); a hole is a blank. A value above nothing is never blank.
pub fn spark(values: &[Option<f64>], look: &Look) -> String {
    const WHOLE: u64 = 800;
    let data: Vec<Option<u64>> =
        values.iter().map(|v| v.filter(|v| v.is_finite()).map(|v| ((v.clamp(0.0, 1.0) * WHOLE as f64) as u64).max(WHOLE / 8))).collect();
    let area = Rect::new(0, 0, u16::try_from(data.len()).unwrap_or(u16::MAX), 1);
    let mut buf = Buffer::empty(area);
    let set = if look.ascii { ASCII } else { bar::NINE_LEVELS };
    Sparkline::default().data(data).max(WHOLE).bar_set(set).absent_value_symbol(" ").render(area, &mut buf);
    (0..area.width).filter_map(|x| buf.cell((x, 0))).map(|cell| cell.symbol().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::Depth;

    #[test]
    fn each_value_is_a_cell_and_a_hole_is_blank() {
        let look = |ascii| Look::new("mono", Depth::None, ascii);
        let values = [None, Some(0.0), Some(0.5), Some(1.0), Some(f64::NAN)];
        assert_eq!(spark(&values, &look(false)), " ▁▄█ ");
        assert_eq!(spark(&values, &look(true)), " .=# ");
        assert_eq!(spark(&[], &look(true)), "");
    }
}
