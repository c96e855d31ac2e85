//! The terminal guard: takes the terminal over and gives it back, whatever happens: normal end, error, panic, SIGTERM, SIGHUP, Ctrl-Z.
//! It asks the terminal nothing: no probe that could block on a slow line.

use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste, EnableFocusChange, EnableMouseCapture,
};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, execute};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use std::io::{self, BufWriter, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// True while the terminal is ours; the panic hook and the drop may both want to give it back, once is enough.
static TAKEN: AtomicBool = AtomicBool::new(false);

pub type Screen = Terminal<CrosstermBackend<BufWriter<Stdout>>>;

/// Owns the terminal while it lives.
pub struct TerminalGuard {
    pub screen: Screen,
    mouse: bool,
}

impl TerminalGuard {
    /// Raw mode, alternate screen, bracketed paste. From here on a panic gives the terminal back before it prints.
    pub fn take(mouse: bool) -> io::Result<Self> {
        install_panic_hook();
        enter(mouse)?;
        let screen = match Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(64 * 1024, io::stdout()))) {
            Ok(screen) => screen,
            Err(error) => {
                give_back();
                return Err(error);
            }
        };
        Ok(Self { screen, mouse })
    }

    pub fn set_mouse(&mut self, on: bool) -> io::Result<()> {
        self.mouse = on;
        let out = self.screen.backend_mut();
        if on { execute!(out, EnableMouseCapture) } else { execute!(out, DisableMouseCapture) }
    }

    /// Stops the process as Ctrl-Z does for any program, and takes the terminal again when it is continued.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back();
        signal_hook::low_level::raise(signal_hook::consts::SIGTSTP)?;
        // Execution goes on here after SIGCONT.
        enter(self.mouse)?;
        self.clear()
    }

    /// Clears, so that the next frame is drawn whole. Not by `Terminal::clear`: that asks the terminal where its cursor is, and the answer
    /// would come in among the keys, which another task reads.
    pub fn clear(&mut self) -> io::Result<()> {
        let size = self.screen.size()?;
        self.screen.resize(Rect::new(0, 0, size.width, size.height))
    }

    /// Writes bytes that are no part of a frame: a copy, a bell.
    pub fn write_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        let out = self.screen.backend_mut();
        out.write_all(bytes)?;
        out.flush()
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        give_back();
    }
}

fn enter(mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let mut out = io::stdout();
    let entered = execute!(out, EnterAlternateScreen, EnableBracketedPaste, EnableFocusChange, cursor::Hide)
        .and_then(|()| if mouse { execute!(out, EnableMouseCapture) } else { Ok(()) });
    if entered.is_err() {
        give_back();
    }
    entered
}

/// Gives the terminal back. Errors are ignored: the terminal may be gone (SIGHUP), and then there is nothing to restore.
pub fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = execute!(out, DisableMouseCapture, DisableFocusChange, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
}

fn install_panic_hook() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            give_back();
            before(info);
        }));
    });
}
