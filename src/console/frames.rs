//! A frame as text, without a terminal: for `--plain` and for `replay --frames`.

use noctule_ui::App;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// Draws the app at a size and gives its lines, without trailing blanks.
pub fn text(app: &App, width: u16, height: u16) -> String {
    let mut terminal = match Terminal::new(TestBackend::new(width.max(1), height.max(1))) {
        Ok(terminal) => terminal,
        // The backend in memory has no way to fail.
        Err(never) => match never {},
    };
    if let Err(never) = terminal.draw(|frame| noctule_ui::view(app, app.look(), frame)) {
        match never {}
    }
    let buffer = terminal.backend().buffer();
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut covered = 0usize;
        for x in 0..buffer.area.width {
            // The cells behind a wide character are blank and no part of the text.
            if covered > 0 {
                covered -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            covered = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
