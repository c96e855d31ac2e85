//! Text by the width it takes on the screen: CJK counts two, combining marks nothing. What does not fit ends with an ellipsis.

use crate::look::Look;
use ratatui::buffer::Buffer;
use ratatui::style::Style;
use std::borrow::Cow;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Cells that a text takes.
pub fn width(text: &str) -> u16 {
    UnicodeWidthStr::width(text).min(usize::from(u16::MAX)) as u16
}

/// The text, cut to `max` cells with `ellipsis` (one cell) at its end when something was cut.
pub fn fit<'a>(text: &'a str, max: u16, ellipsis: &str) -> Cow<'a, str> {
    let max = usize::from(max);
    // ASCII, the common case: bytes are cells.
    if text.len() <= max && text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut used = 0;
    let mut room_for_ellipsis = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        let w = grapheme.width();
        if used + w > max {
            return if max == 0 { Cow::Borrowed("") } else { Cow::Owned(format!("{}{ellipsis}", &text[..room_for_ellipsis])) };
        }
        if used + w < max {
            room_for_ellipsis = at + grapheme.len();
        }
        used += w;
    }
    Cow::Borrowed(text)
}

/// Writes a text at a place, at most `max` cells, never outside the buffer. Returns the cells used. In ASCII mode what is not ASCII
/// becomes `?`, one for each cell it would have taken, so that columns stay where they are.
pub fn put(buf: &mut Buffer, x: u16, y: u16, max: u16, text: &str, style: Style, look: &Look) -> u16 {
    let area = buf.area;
    if y < area.top() || y >= area.bottom() || x < area.left() || x >= area.right() {
        return 0;
    }
    let max = max.min(area.right() - x);
    let text = fit(text, max, look.ellipsis());
    let text = if look.ascii && !text.is_ascii() { Cow::Owned(as_ascii(&text)) } else { text };
    let (end, _) = buf.set_stringn(x, y, &text, usize::from(max), style);
    end - x
}

pub(super) fn as_ascii(text: &str) -> String {
    text.graphemes(true)
        .map(|g| {
            // A letter loses its accent rather than its face: Muller can be read, M?ller can not.
            let plain = g.chars().next().map(nucleo_matcher::chars::normalize).filter(char::is_ascii_graphic);
            match plain {
                _ if g.is_ascii() => g.to_owned(),
                Some(plain) if g.width() == 1 => plain.to_string(),
                _ => "?".repeat(g.width()),
            }
        })
        .collect()
}

/// Several pieces in one line, each with its style. Returns the cells used.
pub fn line(buf: &mut Buffer, x: u16, y: u16, max: u16, pieces: &[(&str, Style)], look: &Look) -> u16 {
    let mut used = 0;
    for (text, style) in pieces {
        if used >= max {
            break;
        }
        used += put(buf, x.saturating_add(used), y, max - used, text, *style, look);
    }
    used
}

/// A text over several lines, broken at blanks where there are any. Returns the lines used.
pub fn wrapped(buf: &mut Buffer, area: ratatui::layout::Rect, text: &str, style: Style, look: &Look) -> u16 {
    let mut rest = text;
    let mut y = 0;
    while y < area.height && !rest.is_empty() {
        let cut = break_at(rest, usize::from(area.width));
        let (line, tail) = rest.split_at(cut);
        // The last line says by its ellipsis that there is more.
        let line = if y + 1 == area.height { rest } else { line.trim_end() };
        put(buf, area.x, area.y + y, area.width, line, style, look);
        rest = tail.trim_start();
        y += 1;
    }
    y
}

/// How many lines `wrapped` needs.
pub fn wrapped_height(text: &str, max: u16) -> u16 {
    wrap(text, max).len() as u16
}

/// The lines that a text takes at this width, broken at blanks where there are any; at most 1000.
pub fn wrap(text: &str, max: u16) -> Vec<&str> {
    let mut rest = text;
    let mut lines = Vec::new();
    while !rest.is_empty() && lines.len() < 1000 {
        let (line, tail) = rest.split_at(break_at(rest, usize::from(max)));
        lines.push(line.trim_end());
        rest = tail.trim_start();
    }
    lines
}

fn break_at(text: &str, max: usize) -> usize {
    let mut used = 0;
    let mut blank = None;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += grapheme.width();
        if used > max {
            // At least one grapheme goes, or nothing would ever end.
            return blank.unwrap_or(at).max(text.graphemes(true).next().map_or(1, str::len));
        }
        if grapheme == " " {
            blank = Some(at + 1);
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wide_characters_are_cut_between_them() {
        assert_eq!(fit("東京都", 5, "…"), "東京…");
        assert_eq!(fit("東京都", 4, "…"), "東…");
        assert_eq!(fit("東京都", 6, "…"), "東京都");
        assert_eq!(fit("abc", 2, "…"), "a…");
        assert_eq!(fit("abc", 1, "…"), "…");
        assert_eq!(fit("abc", 0, "…"), "");
    }

    proptest! {
        #[test]
        fn never_wider_than_asked(text in "\\PC*", max in 0u16..40) {
            prop_assert!(width(&fit(&text, max, "…")) <= max);
        }
    }
}
