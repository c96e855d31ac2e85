//! Plays a recording: the same messages into the same screens. Effects are not carried out; their outcomes are in the recording.

use super::frames;
use super::record::{Header, Recording, RecordingError};
use super::terminal::TerminalGuard;
use noctule_ui::{App, AppConfig, Depth, Msg};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error(transparent)]
    Recording(#[from] RecordingError),
    #[error("the frames can not be written: {0}")]
    Write(#[from] std::io::Error),
}

/// Longest pause that is kept: nobody wants to watch somebody's lunch break.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// `frames`: print each changed frame as text. Otherwise play on this terminal at the speed of the recording; any key ends it.
pub async fn replay(file: &Path, frames_only: bool, depth: Depth, out: &mut (dyn Write + Send)) -> Result<(), ReplayError> {
    let mut recording = Recording::open(file)?;
    let mut app = app_of(&recording.header, depth);
    drop(app.start());
    if frames_only {
        return print(&mut recording, &mut app, out);
    }
    let mut guard = TerminalGuard::take(false)?;
    let size = guard.screen.size()?;
    let (to, mut keys) = tokio::sync::mpsc::channel(16);
    let input = tokio::spawn(super::input::read(to, (size.width, size.height)));
    let mut last_ms = 0;
    while let Some(entry) = recording.next_entry()? {
        let pause = Duration::from_millis(entry.at_ms.saturating_sub(last_ms)).min(LONGEST_PAUSE);
        last_ms = entry.at_ms;
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            Some(Msg::Key(_)) = keys.recv() => break,
        }
        drop(noctule_ui::update(&mut app, entry.msg));
        if app.take_dirty() {
            guard.screen.draw(|frame| noctule_ui::view(&app, app.look(), frame))?;
        }
    }
    // The last frame stays until a key.
    while !matches!(keys.recv().await, Some(Msg::Key(_)) | None) {}
    input.abort();
    Ok(())
}

fn print(recording: &mut Recording, app: &mut App, out: &mut (dyn Write + Send)) -> Result<(), ReplayError> {
    let (mut width, mut height) = (recording.header.width, recording.header.height);
    let mut last = String::new();
    while let Some(entry) = recording.next_entry()? {
        if let Msg::Resize(w, h) = entry.msg {
            (width, height) = (w.min(1000), h.min(500));
        }
        drop(noctule_ui::update(app, entry.msg));
        if app.take_dirty() {
            let frame = frames::text(app, width, height);
            if frame != last {
                writeln!(out, "--- {} ms", entry.at_ms)?;
                out.write_all(frame.as_bytes())?;
                last = frame;
            }
        }
    }
    Ok(())
}

fn app_of(header: &Header, depth: Depth) -> App {
    let mut config = AppConfig::new(header.now, header.actor.as_str(), header.role);
    config.tenant = header.tenant.clone();
    config.theme = header.theme.clone();
    config.ascii = header.ascii;
    config.central = header.central;
    config.depth = depth;
    config.preferences = header.preferences.clone();
    config.size = (header.width, header.height);
    App::new(config)
}
