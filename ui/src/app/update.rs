//! `update`: one message in, effects out. Never panics, whatever comes.

use super::bulks::Ended;
use super::{App, dispatch, keys, presence};
use crate::effect::Effect;
use crate::msg::{Msg, Notice, OperationEnded};
use crate::overlay::Overlay;
use crate::panes;
use crate::query::{Query, Reply, RequestId};
use noctule_domain::filter::Vocabulary;
use noctule_domain::lifecycle::OperationStatus;
use noctule_domain::overview::Severity;
use noctule_domain::sync::Link;
use noctule_domain::{SafeText, Timestamp, sentence};

/// Most rows and columns of a terminal that are believed.
const MAX_SIZE: u16 = 2000;

pub fn update(app: &mut App, msg: Msg) -> Vec<Effect> {
    let mut effects = Vec::new();
    let ticked = if let Msg::Tick(now) = &msg { Some(*now) } else { None };
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
            app.progress.observe(&status.phase, app.now);
            let known = app.sync.as_ref();
            let asks =
                known.is_none_or(|known| (known.outbox, known.consoles, known.link) != (status.outbox, status.consoles, status.link));
            app.sync = Some(*status);
            // What the pane lists has changed with the numbers.
            if asks && app.pane == panes::PaneId::Sync {
                app.with_pane(&mut effects, panes::changed);
            }
        }
        Msg::Drift { progress, critical } => {
            let ended = app.drift.is_some() && progress.is_none();
            app.dirty |= app.drift_critical != critical || (app.pane == panes::PaneId::Drift && app.drift != progress);
            app.drift = progress;
            app.drift_critical = critical;
            if ended && app.pane == panes::PaneId::Drift {
                app.with_pane(&mut effects, panes::changed);
            }
        }
        Msg::Notice(notice) => dispatch::say(app, notice),
        Msg::OperationsStarted { id, started, queued, refused } => {
            app.requests.take(id);
            started_notice(app, started, queued, &refused);
            if let Some(sum) = app.bulks.started(id, started) {
                tell_sum(app, sum, &mut effects);
            }
        }
        Msg::Jobs(jobs) => super::jobs::arrived(app, jobs, &mut effects),
        Msg::JobPreviewed(answer) => super::jobs::previewed(app, *answer, &mut effects),
        Msg::JobItems(items) => super::jobs::items_arrived(app, *items),
        Msg::OperationEnded(ended) => ended_notice(app, &ended, &mut effects),
    }
    presence::follow(app, ticked, &mut effects);
    app.bulks.watch(&effects);
    effects
}

/// Time passed. Only what is written on the screen counts: the clock, ages, a notice that goes.
fn tick(app: &mut App, now: Timestamp) {
    let before = app.now;
    app.now = now;
    app.dirty |= app.notices.tick(now);
    let minute = |at: Timestamp| at.timestamp().div_euclid(60);
    app.dirty |= minute(before) != minute(now);
    if let Some(status) = &app.sync {
        let before = app.progress.clone();
        app.progress.tick(&status.phase, now);
        app.dirty |= app.pane == panes::PaneId::Sync && before != app.progress;
    }
    if let Some(sum) = app.bulks.tick(now) {
        app.notices.report(sum, now);
        app.dirty = true;
    }
    let mut moments: Vec<Timestamp> = app.upstreams.iter().filter_map(|u| u.since).collect();
    moments.extend(app.sync.iter().filter(|s| matches!(s.link, Link::Offline | Link::Delayed)).filter_map(|s| s.fresh_at.or(s.since)));
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
    let (elsewhere, open) = (app.pane != pane || !app.overlays.is_empty(), app.overlays.len());
    app.dirty |= app.with(pane, effects, |panes, pane, cx| panes::reply(panes, pane, id, reply, cx));
    // The operator went on meanwhile: an editor that opens by itself would take keys that are meant for something else.
    if elsewhere && app.overlays.len() > open && matches!(app.overlays.last(), Some(Overlay::Notes(_))) {
        app.overlays.truncate(open);
    }
}

fn started_notice(app: &mut App, started: u32, queued: u32, refused: &[(SafeText, SafeText)]) {
    let kept = "kept in the outbox: asked again when the centre is back, and refused in words if the world has moved by then";
    let notice = match (queued, refused) {
        // One says itself how it ends, and a job has a place of its own.
        (0, []) if started <= 1 => return,
        (0, []) => Notice::info(format!("{started} operations began")),
        (0, [(who, why)]) if started == 0 => Notice::warning(format!("{who}: {why}")),
        (0, [(who, why), ..]) => Notice::warning(format!("{started} began, {} refused; the first: {who}: {why}", refused.len())),
        (_, []) if started == 0 => Notice::info(format!("{queued} {kept}")),
        (_, []) => Notice::info(format!("{started} began; {queued} {kept}")),
        (_, [(who, why), ..]) => {
            let began = if started > 0 { format!("{started} began, ") } else { String::new() };
            Notice::warning(format!("{began}{} refused (the first: {who}: {why}); {queued} {kept}", refused.len()))
        }
    };
    dispatch::say(app, notice);
}

/// All of a bulk have ended.
fn tell_sum(app: &mut App, sum: Notice, effects: &mut Vec<Effect>) {
    if sum.severity != Severity::Info && !app.focused {
        effects.push(Effect::Bell);
    }
    app.notices.report(sum, app.now);
    app.dirty = true;
}

fn ended_notice(app: &mut App, ended: &OperationEnded, effects: &mut Vec<Effect>) {
    let severity = match ended.status {
        OperationStatus::Succeeded | OperationStatus::Cancelled | OperationStatus::Running | OperationStatus::Waiting => Severity::Info,
        OperationStatus::Refused | OperationStatus::Unanswered => Severity::Warning,
        OperationStatus::Failed => Severity::Critical,
    };
    let text = sentence::ended(ended.kind, &ended.who, ended.status, ended.error.as_ref());
    let notice = Notice { severity, text: SafeText::new(&text) };
    app.dirty = true;
    let of_a_bulk = app.bulks.ended(ended);
    if of_a_bulk == Ended::Alone {
        if severity != Severity::Info && !app.focused {
            effects.push(Effect::Bell);
        }
        return app.notices.report(notice, app.now);
    }
    if severity != Severity::Info {
        app.notices.record(notice, app.now);
    }
    if let Ended::Sum(sum) = of_a_bulk {
        tell_sum(app, sum, effects);
    }
}

impl App {
    pub(crate) fn ask_vocabulary(&mut self, effects: &mut Vec<Effect>) {
        let id = self.requests.next(self.pane);
        self.vocabulary_asked = Some(id);
        effects.push(Effect::Ask { id, query: Query::Vocabulary });
    }
}
