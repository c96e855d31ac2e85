//! Those of a job that stand in one way, as a list that leads to each of them.

use super::preview::is_welcome;
use crate::app::{App, Locate};
use crate::msg::{JobItems, Notice};
use crate::overlay::{Menu, MenuItem, Overlay, Then};
use crate::panes::thousands;
use crate::widgets::fit;

/// Cells of number and name: what became of the subscriber is what is looked for.
const WHO: u16 = 36;

/// What was asked for has come. Where the operator went on meanwhile it does not open by itself.
pub(in crate::app) fn arrived(app: &mut App, items: JobItems) {
    let asked = app.previewing.take();
    let JobItems { course, group, rows, total, .. } = items;
    let title = format!("{} {} of {course}", thousands(total.into()), group.title());
    if !is_welcome(app, asked.as_ref()) {
        return super::super::dispatch::say(app, Notice::info(format!("{title}: J shows them")));
    }
    let shown = rows.len() as u32;
    let mut lines: Vec<MenuItem> = rows
        .into_iter()
        .map(|row| {
            let nas = if row.nas.is_empty() { String::new() } else { format!("{}: ", row.nas) };
            MenuItem {
                key: None,
                label: fit(&format!("{} {}", row.subscriber_number, row.name), WHO, app.look.ellipsis()).into_owned(),
                help: format!(
                    "{nas}{}",
                    row.note.as_ref().map_or(row.outcome.map_or(row.state.word(), |o| o.word()), |note| note.as_str())
                ),
                greyed: None,
                then: Then::Go(Locate::Subscriber(row.subscriber)),
            }
        })
        .collect();
    if total > shown {
        let more = format!("and {} more", thousands((total - shown).into()));
        let help = "e in the job writes all of them into a file".to_owned();
        lines.push(MenuItem { key: None, then: Then::Say(Notice::info(help.clone())), label: more, help, greyed: None });
    }
    app.overlays.push(Overlay::Menu(Menu::new(&format!("{title}: enter opens one"), lines)));
    app.dirty = true;
}
