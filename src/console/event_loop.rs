//! The loop: wait for one message, drain what is queued, draw once, and only if something changed. Idle draws nothing and sends no byte.

use super::effects::{Effects, ToTerminal};
use super::record::{FORMAT, Header, Recorder};
use super::terminal::TerminalGuard;
use super::{input, sources};
use crate::compose::{Background, Services};
use noctule_ui::{App, AppConfig, Msg, Notice};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Messages that wait at most. Keys wait for a place, notices give way.
const QUEUE: usize = 1024;
/// How long the link may take to end.
const LEAVE: std::time::Duration = std::time::Duration::from_secs(2);
/// Messages taken before a frame is drawn, so that a flood of them never starves the screen.
const BATCH: usize = 256;

/// Everything that a console is made of.
pub struct ConsoleSetup {
    pub services: Arc<Services>,
    /// The size in it is replaced by that of the terminal.
    pub app: AppConfig,
    pub preferences_file: Option<PathBuf>,
    pub record: Option<PathBuf>,
    /// Said at the start: a broken configuration, a store that was set aside.
    pub notices: Vec<Notice>,
    pub refresh: std::time::Duration,
}

/// Runs the console until the operator leaves, the terminal goes away, or a signal says so.
pub async fn run(setup: ConsoleSetup) -> anyhow::Result<()> {
    let ConsoleSetup { services, app: mut config, preferences_file, record, notices, refresh } = setup;
    let mut guard = TerminalGuard::take(false)?;
    let size = guard.screen.size()?;
    config.size = (size.width, size.height);
    let mut recorder = record
        .map(|path| {
            let header = Header {
                format: FORMAT,
                program: env!("CARGO_PKG_VERSION").to_owned(),
                now: config.now,
                actor: config.actor.clone(),
                role: config.role,
                tenant: config.tenant.clone(),
                theme: config.theme.clone(),
                ascii: config.ascii,
                central: config.central,
                preferences: config.preferences.clone(),
                width: size.width,
                height: size.height,
            };
            Recorder::create(&path, &header).map_err(|e| anyhow::anyhow!("the recording {} can not be made: {e}", path.display()))
        })
        .transpose()?;
    let mut app = App::new(config);
    let (to_app, mut messages) = mpsc::channel::<Msg>(QUEUE);
    let (to_terminal, mut terminal_jobs) = mpsc::channel::<ToTerminal>(64);
    let cancel = CancellationToken::new();
    let effects = Effects::new(services.clone(), to_app.clone(), to_terminal, preferences_file);
    for effect in app.start() {
        effects.carry_out(effect);
    }
    for notice in notices {
        step(&mut app, Msg::Notice(notice), &mut recorder, &effects);
    }
    draw(&mut guard, &mut app)?;
    // After the first frame: what takes time must not keep it back.
    let input = tokio::spawn(input::read(to_app.clone(), (size.width, size.height)));
    sources::spawn(&services, &to_app, refresh, &cancel);
    let background = Background::start(&services, &cancel);
    let mut signals = sources::Signals::new()?;
    drop(to_app);
    loop {
        tokio::select! {
            // The operator's keys first.
            biased;
            msg = messages.recv() => {
                let Some(msg) = msg else { break };
                step(&mut app, msg, &mut recorder, &effects);
                for _ in 0..BATCH {
                    let Ok(msg) = messages.try_recv() else { break };
                    step(&mut app, msg, &mut recorder, &effects);
                }
            }
            Some(job) = terminal_jobs.recv() => match job {
                ToTerminal::Write(bytes) => guard.write_raw(&bytes)?,
                ToTerminal::Mouse(on) => guard.set_mouse(on)?,
                ToTerminal::Clear => {
                    guard.clear()?;
                    draw_now(&mut guard, &app)?;
                }
                ToTerminal::Suspend => {
                    guard.suspend()?;
                    draw_now(&mut guard, &app)?;
                }
                ToTerminal::Quit => break,
            },
            () = signals.terminated() => break,
        }
        // The terminal has gone: nobody is there to read a frame.
        if input.is_finished() {
            break;
        }
        draw(&mut guard, &mut app)?;
    }
    cancel.cancel();
    input.abort();
    drop(guard);
    // The terminal is given back already.
    background.ended(LEAVE).await;
    if let Some(recorder) = &mut recorder {
        recorder.flush()?;
    }
    Ok(())
}

fn step(app: &mut App, msg: Msg, recorder: &mut Option<Recorder>, effects: &Effects) {
    if let Some(recorder_now) = recorder
        && let Err(error) = recorder_now.record(&msg).and_then(|()| recorder_now.flush())
    {
        tracing::error!(%error, "the recording ends here");
        *recorder = None;
        effects.notice(Notice::warning(format!("The recording ends here: {error}")));
    }
    for effect in noctule_ui::update(app, msg) {
        effects.carry_out(effect);
    }
}

fn draw(guard: &mut TerminalGuard, app: &mut App) -> std::io::Result<()> {
    if app.take_dirty() {
        draw_now(guard, app)?;
    }
    Ok(())
}

fn draw_now(guard: &mut TerminalGuard, app: &App) -> std::io::Result<()> {
    guard.screen.draw(|frame| noctule_ui::view(app, app.look(), frame)).map(drop)
}
