//! What each action of the console does; the others go to the overlay or the pane. An action that is not possible says why and does
//! nothing.

use super::{App, Asked, Place, command, jobs};
use crate::action::{Action, Context};
use crate::effect::Effect;
use crate::look::{Look, THEMES};
use crate::msg::Notice;
use crate::overlay::{Confirm, Help, Menu, MenuItem, Overlay, Palette, Step, Then};
use crate::panes::{self, PaneId};

/// Longest history of places.
const MAX_HISTORY: usize = 100;

pub(super) fn say(app: &mut App, notice: Notice) {
    app.notices.say(notice, app.now);
    app.dirty = true;
}

/// Does an action. What takes keys first gets it first: the top overlay, else the pane, then the console.
pub(crate) fn act(app: &mut App, action: Action, effects: &mut Vec<Effect>) {
    match action {
        Action::Quit => return quit(app, effects, false),
        Action::SuspendConsole => return effects.push(Effect::Suspend),
        _ => {}
    }
    if let Some(top) = app.overlays.last()
        && action.row().contexts.contains(&top.context())
    {
        return with_overlay(app, effects, |overlay, app| overlay.action(action, app));
    }
    if let Some(reason) = app.greyed(action) {
        return say(app, Notice::info(format!("{}: {reason}", action.row().label)));
    }
    let own = panes::contexts(&app.panes, app.pane).iter().any(|c| action.row().contexts.contains(c));
    let handled = own && app.with_pane(effects, |panes, pane, cx| panes::action(panes, pane, action, cx));
    if !handled {
        console(app, action, effects);
    }
}

fn console(app: &mut App, action: Action, effects: &mut Vec<Effect>) {
    match action {
        Action::Help => {
            let help = Help::new(app);
            app.overlays.push(Overlay::Help(help));
        }
        Action::Palette => {
            let palette = Palette::new(app);
            app.overlays.push(Overlay::Palette(palette));
        }
        Action::Command => app.overlays.push(Overlay::Command(Default::default())),
        Action::Notices => app.overlays.push(Overlay::Notices(Default::default())),
        Action::Refresh => app.with_pane(effects, panes::shown),
        Action::RefreshAll => {
            effects.push(Effect::RefreshPools);
            if app.config.central {
                effects.push(Effect::SyncNow);
            }
            app.ask_vocabulary(effects);
            for pane in PaneId::ALL {
                app.with(*pane, effects, panes::shown);
            }
        }
        Action::SyncNow => {
            effects.push(Effect::SyncNow);
            app.with_pane(effects, panes::shown);
            say(app, Notice::info("the centre is asked now"));
        }
        Action::Mouse => {
            app.mouse = !app.mouse;
            app.preferences.mouse = app.mouse;
            effects.push(Effect::SetMouse(app.mouse));
            effects.push(Effect::SavePreferences(app.preferences.clone()));
        }
        Action::Jobs if app.jobs.is_empty() => {
            say(app, Notice::info("No job yet: mark subscribers in pane 2 and press i, or use noctule ipv6 … --filter"))
        }
        Action::Jobs => app.overlays.push(Overlay::Menu(jobs::list(&app.jobs, &app.look))),
        Action::ThemeMenu => app.overlays.push(theme_menu(app)),
        Action::AsciiToggle => {
            app.look.ascii = !app.look.ascii;
            app.preferences.ascii = Some(app.look.ascii);
            effects.push(Effect::SavePreferences(app.preferences.clone()));
        }
        Action::Redraw => effects.push(Effect::Redraw),
        Action::Escape => escape(app, effects),
        Action::Back => {
            if !app.with_pane(effects, panes::back) {
                quit(app, effects, true);
            }
        }
        Action::HistoryBack => step_history(app, effects, false),
        Action::HistoryForward => step_history(app, effects, true),
        Action::PaneNext => show(app, app.pane.next(), effects),
        Action::PanePrevious => show(app, app.pane.previous(), effects),
        other => {
            if let Some(pane) = PaneId::ALL.iter().find(|pane| pane.action() == other) {
                show(app, *pane, effects);
            }
        }
    }
}

/// One level back: a notice, then what the pane has open. Never quits.
fn escape(app: &mut App, effects: &mut Vec<Effect>) {
    if !app.with_pane(effects, panes::escape) {
        app.notices.dismiss();
    }
}

/// Leaves; asks first when `always`, or when work is under way.
fn quit(app: &mut App, effects: &mut Vec<Effect>, always: bool) {
    let asked = matches!(app.overlays.last(), Some(Overlay::Confirm(c)) if c.then.iter().any(|t| matches!(t, Then::Effect(Effect::Quit))));
    let work = app.running + app.waiting;
    if asked || (work == 0 && !always) {
        return effects.push(Effect::Quit);
    }
    let mut lines = Vec::new();
    if work > 0 {
        lines.push(format!("{} running and {} waiting: each is journaled, the next start goes on with it.", app.running, app.waiting));
    }
    app.overlays.push(Overlay::Confirm(Confirm::yes_no("Leave Noctule?", lines, vec![Then::Effect(Effect::Quit)])));
}

/// Goes to a pane and remembers where we were.
pub(super) fn show(app: &mut App, pane: PaneId, effects: &mut Vec<Effect>) {
    if pane != app.pane {
        app.go(Place { pane, locate: None }, effects);
    }
}

impl App {
    fn place(&self) -> Place {
        Place { pane: self.pane, locate: panes::place(&self.panes, self.pane) }
    }

    pub(super) fn go(&mut self, to: Place, effects: &mut Vec<Effect>) {
        let here = self.place();
        if self.history.last() != Some(&here) {
            self.history.push(here);
            let excess = self.history.len().saturating_sub(MAX_HISTORY);
            self.history.drain(..excess);
        }
        self.forward.clear();
        self.arrive(to, effects);
    }

    fn arrive(&mut self, to: Place, effects: &mut Vec<Effect>) {
        self.dirty = true;
        self.pane = to.pane;
        self.with_pane(effects, panes::shown);
        if let Some(locate) = to.locate {
            self.with_pane(effects, |panes, pane, cx| panes::locate(panes, pane, locate, cx));
        }
    }
}

fn step_history(app: &mut App, effects: &mut Vec<Effect>, forward: bool) {
    let here = app.place();
    let (from, to) = if forward { (&mut app.forward, &mut app.history) } else { (&mut app.history, &mut app.forward) };
    if let Some(place) = from.pop() {
        to.push(here);
        app.arrive(place, effects);
    }
}

fn theme_menu(app: &App) -> Overlay {
    let items = THEMES
        .iter()
        .map(|(name, _)| MenuItem {
            key: name.chars().next(),
            label: (*name).to_owned(),
            help: if *name == app.look.theme.name { "in use".to_owned() } else { String::new() },
            greyed: None,
            then: Then::Theme((*name).to_owned()),
        })
        .collect();
    Overlay::Menu(Menu::new("Theme", items))
}

/// Lets the top overlay act, then does what it leaves.
pub(super) fn with_overlay(app: &mut App, effects: &mut Vec<Effect>, f: impl FnOnce(&mut Overlay, &App) -> Step) {
    let Some(mut top) = app.overlays.pop() else { return };
    let step = f(&mut top, app);
    app.dirty = true;
    if step.keep {
        app.overlays.push(top);
    }
    for then in step.then {
        run(app, then, effects);
    }
}

pub(super) fn run(app: &mut App, then: Then, effects: &mut Vec<Effect>) {
    match then {
        Then::Effect(effect) => effects.push(effect),
        Then::Confirm(confirm) => app.overlays.push(Overlay::Confirm(*confirm)),
        Then::Preview(asked) => jobs::ask(app, *asked, effects),
        Then::Items { job, group } => jobs::ask(app, Asked::Items { job, group }, effects),
        Then::Go(locate) => app.go(Place { pane: locate.pane(), locate: Some(locate) }, effects),
        Then::Job(id) => {
            if let Some(menu) = jobs::one(&app.jobs, id, &app.look) {
                app.overlays.push(Overlay::Menu(menu));
            }
        }
        Then::Act(action) => act(app, action, effects),
        Then::Command(text) => command::run(app, &text, effects),
        Then::Tell(tell) => {
            let pane = tell.pane();
            app.with(pane, effects, |panes, _, cx| panes::told(panes, *tell, cx));
        }
        Then::Theme(name) => set_theme(app, &name, effects),
        Then::Say(notice) => say(app, notice),
    }
}

pub(super) fn set_theme(app: &mut App, name: &str, effects: &mut Vec<Effect>) {
    match crate::look::Theme::named(name) {
        Ok(theme) => {
            app.look = Look { theme, ..app.look.clone() };
            app.preferences.theme = Some(name.to_owned());
            effects.push(Effect::SavePreferences(app.preferences.clone()));
        }
        Err(error) => say(app, Notice::warning(error.to_string())),
    }
}

/// Actions that can be meant where the operator is: those of the pane's contexts, inner ones first, then the console's.
pub(crate) fn meant(app: &App) -> Vec<Action> {
    let mut out: Vec<Action> = Vec::new();
    let mut contexts = panes::contexts(&app.panes, app.pane).to_vec();
    contexts.retain(|c| *c != Context::Input);
    contexts.push(Context::Global);
    for context in contexts {
        for row in crate::action::TABLE.iter().filter(|row| row.contexts.contains(&context)) {
            if !out.contains(&row.action) {
                out.push(row.action);
            }
        }
    }
    out
}
