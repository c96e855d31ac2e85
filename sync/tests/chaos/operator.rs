//! What an operator does: looks at what his console shows, and changes something of it, as the keys of the screens do.

use super::console::{Console, Line};
use super::place::{SUBSCRIBERS, TASKS, subscriber, task};
use noctule_domain::geo::{Fix, LatLng};
use noctule_domain::permission::Role;
use noctule_domain::sync::{Answer, Resolution};
use noctule_domain::task::{Task, TaskStatus};
use noctule_domain::technician::TechnicianStatus;
use noctule_domain::time_entry::TimeEntryKind;
use noctule_domain::{SafeText, SubscriberId, TaskId, TechnicianId, Timestamp};
use noctule_storage::StoreError;
use std::time::Instant;

#[derive(Debug, Clone, Copy)]
enum Deed {
    Status,
    Assign,
    TaskNotes,
    SubscriberNotes,
    TechnicianStatus,
    ClockIn,
    ClockOut,
    Position,
    Decide,
}

fn deeds(role: Role) -> &'static [Deed] {
    use Deed as D;
    match role {
        Role::Technician => {
            &[D::Status, D::Status, D::TaskNotes, D::TaskNotes, D::ClockIn, D::ClockOut, D::Position, D::TechnicianStatus, D::Decide]
        }
        Role::Noc => &[D::SubscriberNotes, D::SubscriberNotes, D::Decide],
        _ => &[
            D::Status,
            D::Status,
            D::Assign,
            D::Assign,
            D::TaskNotes,
            D::TaskNotes,
            D::SubscriberNotes,
            D::TechnicianStatus,
            D::ClockIn,
            D::ClockOut,
            D::Position,
            D::Decide,
        ],
    }
}

/// One deed, chosen by the dice. Nothing to be done it to: none.
pub async fn one_op(console: &mut Console) {
    let Some(deed) = console.dice.of(deeds(console.plan.login.role)).copied() else { return };
    match deed {
        Deed::Status => status(console).await,
        Deed::Assign => assign(console).await,
        Deed::TaskNotes => task_notes(console).await,
        Deed::SubscriberNotes => subscriber_notes(console).await,
        Deed::TechnicianStatus => technician_status(console).await,
        Deed::ClockIn => clock(console, true).await,
        Deed::ClockOut => clock(console, false).await,
        Deed::Position => position(console).await,
        Deed::Decide => decide(console).await,
    }
}

/// A task of the screen, more often one of the first: colleagues are to meet.
async fn some_task(console: &mut Console) -> Option<Task> {
    let low = console.dice.one_in(2);
    let id = TaskId(task(u128::from(console.dice.below(if low { 3 } else { u64::try_from(TASKS).unwrap_or(1) }))));
    let all = console.store.tasks().await.expect("tasks are shown");
    all.into_iter().find(|task| task.id == id)
}

/// Mostly as the screen does: with the version that it shows.
fn seen(console: &mut Console, version: i64) -> Option<i64> {
    (!console.dice.one_in(4)).then_some(version)
}

/// Writes down what is about to be done.
fn will(console: &mut Console, what: String, typed: Option<&str>) -> (String, Instant) {
    let origin = console.origin();
    console.note(&Line::Will { origin: origin.clone(), what, typed: typed.map(str::to_owned) });
    (origin, Instant::now())
}

/// Writes down what came of it.
async fn did<T>(console: &mut Console, (origin, began): (String, Instant), result: Result<T, StoreError>) {
    let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let line = match (result, console.made(&origin)) {
        (Ok(_), Some(op)) => Line::Did { origin, op: op.0, ms },
        (Ok(_), None) => Line::Not { origin, why: "there was nothing to do".to_owned(), ms, refused: false },
        (Err(error), None) => Line::Not { origin, why: error.to_string(), ms, refused: true },
        (Err(error), Some(op)) => panic!("{origin}: the store said no ({error}) and kept op {op} all the same"),
    };
    console.note(&line);
}

async fn status(console: &mut Console) {
    let Some(task) = some_task(console).await else { return };
    let ways: Vec<TaskStatus> =
        task.status.next().iter().copied().filter(|to| !matches!(to, TaskStatus::Cancelled | TaskStatus::Skipped)).collect();
    let to = if console.dice.one_in(12) {
        // A key that is greyed: also this must be refused, not done.
        console.dice.of(TaskStatus::ALL).copied()
    } else {
        console.dice.of(&ways).copied()
    };
    let Some(to) = to else { return };
    let reason = (to == TaskStatus::Blocked).then(|| format!("no key {}", console.plan.name));
    let version = seen(console, task.version);
    let at = will(console, format!("{} {} -> {to}", task.number, task.status), None);
    let actor = console.actor(&at.0);
    let result = console.store.task_set_status(task.id, to, version, reason.as_deref().map(SafeText::new), actor).await;
    did(console, at, result).await;
}

async fn assign(console: &mut Console) {
    let Some(task) = some_task(console).await else { return };
    let people = console.store.technicians().await.expect("technicians are shown");
    let to = if console.dice.one_in(4) { None } else { console.dice.of(&people).map(|t| t.id) };
    let version = seen(console, task.version);
    let at = will(console, format!("{} to {to:?}", task.number), None);
    let actor = console.actor(&at.0);
    let result = console.store.task_assign(task.id, to, version, actor).await;
    did(console, at, result).await;
}

/// Something is added, mostly; sometimes all is written anew, or taken away.
fn typed(console: &mut Console, shown: Option<&str>) -> Option<String> {
    let mark = format!("{}.{} äö漢", console.plan.name, console.dice.below(1_000_000));
    match console.dice.below(8) {
        0 if shown.is_some() => None,
        1 => Some(format!("anew {mark}")),
        _ => Some(match shown {
            // What grows without end would only test the limit of a text.
            Some(shown) if shown.len() < 600 => format!("{shown}, {mark}"),
            _ => mark,
        }),
    }
}

async fn task_notes(console: &mut Console) {
    let Some(task) = some_task(console).await else { return };
    let text = typed(console, task.notes.as_ref().map(SafeText::as_str));
    let version = seen(console, task.version);
    let at = will(console, format!("notes of {}", task.number), text.as_deref());
    let actor = console.actor(&at.0);
    let result = console.store.task_set_notes(task.id, version, text.as_deref().map(SafeText::new), actor).await;
    did(console, at, result).await;
}

async fn subscriber_notes(console: &mut Console) {
    let id = SubscriberId(subscriber(u128::from(console.dice.below(u64::try_from(SUBSCRIBERS).unwrap_or(1)))));
    let Some(shown) = console.store.subscriber(id).await.expect("a subscriber is shown") else { return };
    let text = typed(console, shown.notes.as_ref().map(SafeText::as_str));
    let version = seen(console, shown.version);
    let at = will(console, format!("notes of {}", shown.subscriber_number), text.as_deref());
    let actor = console.actor(&at.0);
    let result = console.store.subscriber_set_notes(id, version, text.as_deref().map(SafeText::new), actor).await;
    did(console, at, result).await;
}

/// In the calm at the end: a word more in the notes of a row that the console shows. Nobody else is at it, so nothing may collide.
pub async fn last_word(console: &mut Console) {
    let origin = |console: &mut Console| {
        let origin = format!("{} last", console.origin());
        (origin, Instant::now())
    };
    let task =
        console.store.tasks().await.expect("tasks are shown").into_iter().max_by_key(|task| task.notes.as_ref().map(|n| n.as_str().len()));
    let at = origin(console);
    let actor = console.actor(&at.0);
    let mark = format!("last {}", console.plan.name);
    let text = |shown: Option<&SafeText>| shown.map_or(mark.clone(), |shown| format!("{} {mark}", shown.as_str()));
    if let Some(task) = task.filter(|_| console.plan.login.role != Role::Noc) {
        let text = text(task.notes.as_ref());
        console.note(&Line::Will { origin: at.0.clone(), what: format!("notes of {}", task.number), typed: Some(text.clone()) });
        let result = console.store.task_set_notes(task.id, Some(task.version), Some(SafeText::new(&text)), actor).await;
        did(console, at, result).await;
    } else {
        let Some(shown) = console.store.subscriber(SubscriberId(subscriber(0))).await.expect("a subscriber is shown") else { return };
        let text = text(shown.notes.as_ref());
        console.note(&Line::Will {
            origin: at.0.clone(),
            what: format!("notes of {}", shown.subscriber_number),
            typed: Some(text.clone()),
        });
        let result = console.store.subscriber_set_notes(shown.id, Some(shown.version), Some(SafeText::new(&text)), actor).await;
        did(console, at, result).await;
    }
}

/// Anybody for a dispatcher, himself for a technician.
async fn somebody(console: &mut Console) -> Option<TechnicianId> {
    let people = console.store.technicians().await.expect("technicians are shown");
    match console.plan.login.technician {
        Some(own) => people.iter().find(|t| t.id.0 == own).map(|t| t.id),
        None => console.dice.of(&people).map(|t| t.id),
    }
}

async fn technician_status(console: &mut Console) {
    let Some(who) = somebody(console).await else { return };
    let to = console.dice.of(TechnicianStatus::ALL).copied().expect("statuses");
    let at = will(console, format!("{who} is {to}"), None);
    let actor = console.actor(&at.0);
    let result = console.store.technician_set_status(who, to, actor).await;
    did(console, at, result).await;
}

async fn clock(console: &mut Console, comes: bool) {
    let Some(who) = somebody(console).await else { return };
    let at = will(console, format!("{who} clocks {}", if comes { "in" } else { "out" }), None);
    let actor = console.actor(&at.0);
    if comes {
        let result = console.store.clock_in(who, TimeEntryKind::Regular, None, actor).await;
        did(console, at, result).await;
    } else {
        let result = console.store.clock_out(who, actor).await;
        did(console, at, result).await;
    }
}

/// The conflict screen: the oldest that waits, and a key.
async fn decide(console: &mut Console) {
    let waiting = console.store.conflicts().await.expect("conflicts are shown");
    let Some(conflict) = waiting.first() else { return };
    let resolution = if matches!(conflict.answer, Answer::Conflict { .. }) {
        console.dice.of(Resolution::ALL).copied().expect("a key")
    } else {
        Resolution::Theirs
    };
    let at = will(console, format!("{resolution} of {}", conflict.target), None);
    let actor = console.actor(&at.0);
    let result = console.store.conflict_resolve(conflict.op.id, resolution, actor).await;
    did(console, at, result).await;
}

/// By what a position is known.
pub fn position_origin(who: TechnicianId, device_time: Timestamp) -> String {
    format!("{who} {}", device_time.timestamp_micros())
}

/// The receiver has a clock of its own, which is right within minutes.
async fn position(console: &mut Console) {
    let Some(who) = somebody(console).await else { return };
    let turn = console.dice.below(1000);
    let at = LatLng::new(60.0 + f64::from(u32::try_from(turn).unwrap_or(0)) / 1000.0, 24.5).expect("in range");
    let now = chrono::Utc::now().timestamp_micros() - console.dice.below(90_000_000).cast_signed();
    let device_time = chrono::DateTime::from_timestamp_micros(now).expect("a time");
    let fix = Fix { at, accuracy_m: Some(5.0), speed_kmh: None, heading_deg: None, device_time };
    // The store's method takes no actor: the origin is made by the store, and the op is known by its time.
    let origin = position_origin(who, device_time);
    let began = Instant::now();
    console.note(&Line::Will { origin: origin.clone(), what: "position".to_owned(), typed: None });
    let result = console.store.technician_fix(who, fix).await;
    let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let made = console.made_position(who, device_time);
    let line = match (result, made) {
        (Ok(_), Some(op)) => Line::Did { origin, op: op.0, ms },
        (Ok(_), None) => Line::Not { origin, why: "a newer one is there".to_owned(), ms, refused: false },
        (Err(error), _) => Line::Not { origin, why: error.to_string(), ms, refused: true },
    };
    console.note(&line);
}
