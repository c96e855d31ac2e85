//! Keys, pastes and the mouse: to the top overlay, to a pane that is typed into, or through the keymap to an action.

use super::{App, dispatch};
use crate::action::{Action, Context, Found, MAX_SEQUENCE, canonical};
use crate::effect::Effect;
use crate::msg::{Mouse, MouseKind};
use crate::overlay::Typed;
use crate::panes::{self, PaneId};
use crokey::crossterm::event::KeyCode;
use crokey::{KeyCombination, OneToThree};
use ratatui::layout::Position;

pub(super) fn key(app: &mut App, key: KeyCombination, effects: &mut Vec<Effect>) {
    let key = canonical(key);
    let contexts = app.contexts();
    let typing = contexts.contains(&Context::Input);
    if !app.pending.is_empty() && key.codes == OneToThree::One(KeyCode::Esc) {
        app.pending.clear();
        app.dirty = true;
        return;
    }
    if super::too_small(app.screen()) {
        // Nothing is shown, so nothing may be done but to leave.
        if let Found::Action(action @ (Action::Quit | Action::SuspendConsole)) = app.config.keymap.find(&contexts, &[key]) {
            dispatch::act(app, action, effects);
        }
        return;
    }
    app.pending.push(key);
    match app.config.keymap.find(&contexts, &app.pending) {
        Found::Action(action) => {
            app.pending.clear();
            app.dirty = true;
            dispatch::act(app, action, effects);
        }
        Found::Prefix if app.pending.len() < MAX_SEQUENCE => app.dirty = true,
        Found::Prefix | Found::Nothing => {
            let alone = app.pending.len() == 1;
            app.dirty |= !alone;
            app.pending.clear();
            if alone && (typing || contexts.contains(&Context::Menu)) {
                app.dirty = true;
                typed(app, Typed::Key(key), effects);
            }
        }
    }
}

pub(super) fn paste(app: &mut App, text: &str, effects: &mut Vec<Effect>) {
    if app.contexts().contains(&Context::Input) {
        app.dirty = true;
        typed(app, Typed::Paste(text), effects);
    }
}

fn typed(app: &mut App, typed: Typed<'_>, effects: &mut Vec<Effect>) {
    if app.overlays.is_empty() {
        app.with_pane(effects, |panes, pane, cx| panes::typed(panes, pane, typed, cx));
    } else {
        dispatch::with_overlay(app, effects, |overlay, app| overlay.typed(typed, app));
    }
}

pub(super) fn mouse(app: &mut App, mouse: Mouse, effects: &mut Vec<Effect>) {
    if !app.mouse {
        return;
    }
    let at = Position { x: mouse.column, y: mouse.row };
    if !app.overlays.is_empty() {
        let action = match mouse.kind {
            MouseKind::ScrollUp => crate::Action::Up,
            MouseKind::ScrollDown => crate::Action::Down,
            _ => return,
        };
        app.dirty = true;
        dispatch::with_overlay(app, effects, |overlay, app| overlay.action(action, app));
        return;
    }
    let areas = app.areas();
    if areas.tabs.contains(at) && mouse.kind == MouseKind::Click {
        let hit: Option<PaneId> =
            super::header::tabs(app, areas.tabs).into_iter().find(|(_, area, _)| area.contains(at)).map(|(pane, ..)| pane);
        if let Some(pane) = hit {
            app.dirty = true;
            dispatch::show(app, pane, effects);
        }
    } else if areas.body.contains(at) {
        app.dirty = true;
        app.with_pane(effects, |panes, pane, cx| panes::mouse(panes, pane, mouse, cx));
    }
}
