//! `update`: one message in, effects out. Never panics, whatever comes.

use super::{App, dispatch, keys};
use crate::effect::Effect;
use crate::msg::{Msg, Notice, OperationEnded};
use crate::panes;
use crate::query::{Query, Reply, RequestId};
use noctule_domain::filter::Vocabulary;
use noctule_domain::lifecycle::OperationStatus;
use noctule_domain::overview::Severity;
use noctule_domain::{SafeText, Timestamp, sentence};

/// Most rows and columns of a terminal that are believed.
const MAX_SIZE: u16 = 2000;

pub fn update(app: &mut App, msg: Msg) -> Vec<Effect> {
    let mut effects = Vec::new();
    match msg {
        Msg::Key(key) => keys::key(app, key, &mut effects),
        Msg::Paste(text) => keys::paste(app, &text, &mut effects),
        Msg::Mouse(mouse) => keys::mouse(app, mouse, &mut effects),
        Msg::Resize(width, height) => {
            app.config.size = (width.min(MAX_SIZE), height.min(MAX_SIZE));
            app.dirty = true;
            app.with_pane(&mut effects, panes::resized);
        }
        Msg::Tick(now) => tick(app, now),
        Msg::Focus(focused) => app.focused = focused,
        Msg::Reply { id, reply } => self::reply(app, id, reply, &mut effects),
        Msg::Changed => app.with_pane(&mut effects, panes::changed),
        Msg::Logged => app.dirty |= app.pane == panes::PaneId::Log,
        Msg::Upstreams(mut upstreams) => {
            upstreams.truncate(32);
            app.dirty |= app.upstreams != upstreams;
            app.upstreams = upstreams;
        }
        Msg::Work { running, waiting } => {
            app.dirty |= (app.running, app.waiting) != (running, waiting);
            app.running = running;
            app.waiting = waiting;
        }
        Msg::Sync(status) => {
            app.dirty |= app.sync.as_ref() != Some(&*status);
            app.sync = Some(*status);
        }
        Msg::Notice(notice) => dispatch::say(app, notice),
        Msg::OperationsStarted { id, started, refused, .. } => {
            app.requests.take(id);
            started_notice(app, started, &refused);
        }
        Msg::OperationEnded(ended) => ended_notice(app, &ended, &mut effects),
    }
    effects
}

/// Time passed. Only what is written on the screen counts: the clock, ages, a notice that goes.
fn tick(app: &mut App, now: Timestamp) {
    let before = app.now;
    app.now = now;
    app.dirty |= app.notices.tick(now);
    let minute = |at: Timestamp| at.timestamp().div_euclid(60);
    app.dirty |= minute(before) != minute(now);
    let mut moments: Vec<Timestamp> = app.upstreams.iter().filter_map(|u| u.since).collect();
    panes::moments(&app.panes, app.pane, &app.env(), &mut moments);
    // Ages of a minute and more go on with the clock above: in a list each changes at a second of its own, and the screen would never rest.
    let in_seconds = |at: &&Timestamp| (before - **at).num_seconds() < 60;
    let age = |from: Timestamp, at: &Timestamp| sentence::age((from - *at).num_seconds());
    app.dirty |= moments.iter().filter(in_seconds).any(|at| age(before, at) != age(now, at));
}

fn reply(app: &mut App, id: RequestId, reply: Reply, effects: &mut Vec<Effect>) {
    let Some(pane) = app.requests.take(id) else { return };
    if app.vocabulary_asked == Some(id) {
        app.vocabulary_asked = None;
        if let Reply::Vocabulary { nas, sites } = reply {
            let clean = |names: Vec<String>| names.into_iter().take(2000).map(|n| SafeText::new(&n).into_string()).collect();
            app.vocabulary = Vocabulary { nas: clean(nas), sites: clean(sites) };
        }
        return;
    }
    app.dirty |= app.with(pane, effects, |panes, pane, cx| panes::reply(panes, pane, id, reply, cx));
}

fn started_notice(app: &mut App, started: u32, refused: &[(SafeText, SafeText)]) {
    let notice = match refused {
        [] if started == 1 => return,
        [] => Notice::info(format!("{started} operations began")),
        [(who, why)] if started == 0 => Notice::warning(format!("{who}: {why}")),
        [(who, why), ..] => Notice::warning(format!("{started} began, {} refused; the first: {who}: {why}", refused.len())),
    };
    dispatch::say(app, notice);
}

fn ended_notice(app: &mut App, ended: &OperationEnded, effects: &mut Vec<Effect>) {
    let severity = match ended.status {
        OperationStatus::Succeeded | OperationStatus::Cancelled | OperationStatus::Running | OperationStatus::Waiting => Severity::Info,
        OperationStatus::Refused | OperationStatus::Unanswered => Severity::Warning,
        OperationStatus::Failed => Severity::Critical,
    };
    if severity != Severity::Info && !app.focused {
        effects.push(Effect::Bell);
    }
    let text = sentence::ended(ended.kind, &ended.who, ended.status, ended.error.as_ref());
    app.notices.report(Notice { severity, text: SafeText::new(&text) }, app.now);
    app.dirty = true;
}

impl App {
    pub(crate) fn ask_vocabulary(&mut self, effects: &mut Vec<Effect>) {
        let id = self.requests.next(self.pane);
        self.vocabulary_asked = Some(id);
        effects.push(Effect::Ask { id, query: Query::Vocabulary });
    }
}
