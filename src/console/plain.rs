//! `--plain` and TERM=dumb: the panes as lines of text, once, for a screen reader, a log or a terminal that can not be addressed.

use super::frames;
use crate::compose::Services;
use noctule_domain::SafeText;
use noctule_ui::{App, AppConfig, Depth, Effect, Msg, Reply};
use std::io::Write;
use std::sync::Arc;

const WIDTH: u16 = 100;
const HEIGHT: u16 = 40;
/// A pane that still asks after this many rounds is printed as it is.
const ROUNDS: usize = 20;

/// Prints the panes that are lists: Overview, Subscribers, Technicians, Tasks, Operations, Network.
pub async fn print(services: &Arc<Services>, mut config: AppConfig, out: &mut (dyn Write + Send)) -> std::io::Result<()> {
    config.size = (WIDTH, HEIGHT);
    config.depth = Depth::None;
    config.ascii = true;
    let mut app = App::new(config);
    let mut effects = app.start();
    for pane in ["1", "2", "3", "4", "6", "7"] {
        if let Ok(key) = pane.parse() {
            effects.extend(noctule_ui::update(&mut app, Msg::Key(key)));
        }
        for _ in 0..ROUNDS {
            let asked: Vec<_> =
                effects.drain(..).filter_map(|e| if let Effect::Ask { id, query } = e { Some((id, query)) } else { None }).collect();
            if asked.is_empty() {
                break;
            }
            for (id, query) in asked {
                let reply = services.answer(query).await.unwrap_or_else(|words| Reply::Failed(SafeText::new(&words)));
                effects.extend(noctule_ui::update(&mut app, Msg::Reply { id, reply }));
            }
        }
        for line in frames::text(&app, WIDTH, HEIGHT).lines().filter(|line| !line.trim().is_empty()) {
            writeln!(out, "{line}")?;
        }
        writeln!(out)?;
    }
    writeln!(out, "This is the plain form. `noctule --help` lists the commands that read and change from here.")
}
