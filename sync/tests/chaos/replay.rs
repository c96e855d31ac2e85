//! Plays the centre's log of ops through the model, row by row and transaction by transaction in the order that the observer saw, and requires
//! that every change of a row is that of exactly one op, that every answer is true, and that the rows end as they are.

use super::model::{Fields, Outcome, agrees, edit, fields, names};
use super::place::Login;
use super::witness::{Entry, LoggedOp, Witness, text};
use noctule_domain::Timestamp;
use noctule_domain::task::TaskStatus;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Orders that are tried in one transaction before the replay gives up.
const PATIENCE: u32 = 200_000;

/// One transaction on one row (or one technician's clock).
#[derive(Debug, Default)]
struct Turn<'w> {
    entries: Vec<&'w Entry>,
    ops: Vec<&'w LoggedOp>,
}

/// Turns of each row in the order of its locks.
fn turns<'w>(
    entries: impl Iterator<Item = (String, &'w Entry)>,
    ops: impl Iterator<Item = (String, &'w LoggedOp)>,
) -> BTreeMap<String, Vec<Turn<'w>>> {
    let mut found: BTreeMap<(String, u64), (i64, Turn<'w>)> = BTreeMap::new();
    for (row, entry) in entries {
        let (first, turn) = found.entry((row, entry.xid)).or_insert((entry.n, Turn::default()));
        *first = (*first).min(entry.n);
        turn.entries.push(entry);
    }
    for (row, op) in ops {
        let (first, turn) = found.entry((row, op.xid)).or_insert((op.n, Turn::default()));
        *first = (*first).min(op.n);
        turn.ops.push(op);
    }
    let mut sorted: Vec<_> = found.into_iter().map(|((row, _), (first, turn))| (row, first, turn)).collect();
    sorted.sort_by_key(|(_, first, _)| *first);
    let mut rows: BTreeMap<String, Vec<Turn<'w>>> = BTreeMap::new();
    for (row, _, mut turn) in sorted {
        // Pushed in the order of the outbox, mostly: tried first.
        turn.ops.sort_by_key(|op| op.seq);
        rows.entry(row).or_default().push(turn);
    }
    rows
}

pub fn replay(witness: &Witness, logins: &[Login]) -> Result<(), String> {
    for op in &witness.ops {
        if op.answered() == "nothing" {
            return Err(format!("an op without an answer: {op:?}"));
        }
        if op.answered() == "denied" {
            return Err(format!("a console let something through that its role may not: {op:?}"));
        }
        if op.answer["why"].as_str().is_some_and(|why| why.contains("can not apply")) {
            return Err(format!("the centre fell over an op: {op:?}"));
        }
    }
    for (tab, verb) in [("tasks", "task_edit"), ("subscribers", "subscriber_edit"), ("technicians", "technician_edit")] {
        // Positions are told apart: they do not move the version.
        let entries = witness.entries.iter().filter(|e| e.tab == tab && !is_position(e)).map(|e| (e.id.clone(), e));
        let ops = witness.ops.iter().filter(|op| op.verb == verb).map(|op| (op.target.clone(), op));
        for (row, turns) in turns(entries, ops) {
            edits(witness, logins, tab, verb, &row, &turns)?;
        }
    }
    let moved = witness.entries.iter().filter(|e| is_position(e)).map(|e| (e.id.clone(), e));
    let told = witness.ops.iter().filter(|op| op.verb == "position").map(|op| (op.target.clone(), op));
    for (who, turns) in turns(moved, told) {
        positions(&who, &turns)?;
    }
    let entries = witness.entries.iter().filter(|e| e.tab == "time_entries").map(|e| (text(&e.new["technician"]), e));
    let ops = witness.ops.iter().filter(|op| op.verb.starts_with("clock_")).map(|op| (text(&op.change["technician"]), op));
    for (who, turns) in turns(entries, ops) {
        clocks(&who, &turns)?;
    }
    ends_as_seen(witness)?;
    transitions(witness)
}

fn is_position(entry: &Entry) -> bool {
    entry.tab == "technicians" && entry.old["fix_at"] != entry.new["fix_at"]
}

// ------------------------------------------------------------------------------------------------------------------------------ edits

struct Search<'a, 'w> {
    turn: &'a Turn<'w>,
    names: &'a [&'a str],
    logins: &'a [Login],
    waits: bool,
    patience: u32,
}

fn edits(witness: &Witness, logins: &[Login], tab: &str, verb: &str, row: &str, turns: &[Turn<'_>]) -> Result<(), String> {
    let names = names(verb);
    let beginning = &witness.beginning[&(tab.to_owned(), row.to_owned())];
    let mut now = fields(beginning, names);
    let mut version = beginning["version"].as_i64().unwrap_or_default();
    let waits = beginning["depends_on"].as_array().is_some_and(|list| !list.is_empty());
    for turn in turns {
        let mut search = Search { turn, names, logins, waits, patience: PATIENCE };
        let mut used = vec![false; turn.ops.len()];
        if !search.explain(&mut used, 0, &now, version) {
            let given_up = if search.patience == 0 { " (given up)" } else { "" };
            return Err(format!(
                "no order of these ops explains what happened to {tab} {row}{given_up}.\nIt was {now:?}, version {version}\nThen the observer saw: {:#?}\nOps of \
                 that transaction: {:#?}",
                turn.entries.iter().map(|e| (fields(&e.new, names), &e.new["version"])).collect::<Vec<_>>(),
                turn.ops
            ));
        }
        if let Some(last) = turn.entries.last() {
            now = fields(&last.new, names);
            version = last.new["version"].as_i64().unwrap_or_default();
        }
    }
    Ok(())
}

impl Search<'_, '_> {
    /// Whether the ops that are not used yet explain the entries from `at` on, in some order.
    fn explain(&mut self, used: &mut [bool], at: usize, now: &Fields, version: i64) -> bool {
        if self.patience == 0 {
            return false;
        }
        self.patience -= 1;
        if at == self.turn.entries.len() && used.iter().all(|used| *used) {
            return true;
        }
        let seen =
            self.turn.entries.get(at).map(|entry| (fields(&entry.new, self.names), entry.new["version"].as_i64().unwrap_or_default()));
        for index in 0..used.len() {
            if used[index] {
                continue;
            }
            let op = self.turn.ops[index];
            let login = self.logins.iter().find(|login| login.name == op.login).expect("an op of one of ours");
            for open in 0..=usize::from(self.waits) {
                let outcome = edit(op, login, now, open);
                if !agrees(&op.answer, &outcome) {
                    continue;
                }
                used[index] = true;
                let changed = match &outcome {
                    Outcome::Applied { fields, .. } | Outcome::Conflict { fields: Some(fields), .. } => Some(fields),
                    _ => None,
                };
                let told = op.answer["version"].as_i64();
                let goes = match (changed, &seen) {
                    (Some(after), Some((seen, next))) => {
                        after == seen
                            && *next == version + 1
                            && told.is_none_or(|told| told == *next)
                            && self.explain(used, at + 1, after, *next)
                    }
                    (Some(_), None) => false,
                    (None, _) => told.is_none_or(|told| told == version) && self.explain(used, at, now, version),
                };
                if goes {
                    return true;
                }
                used[index] = false;
            }
        }
        // What waited and may begin now: nobody's op on this row, but what follows from another task's end.
        if let Some((seen, next)) = seen
            && self.waits
            && now.get("status").cloned().flatten().as_deref() == Some("pending")
        {
            let mut ready = now.clone();
            ready.insert("status".to_owned(), Some("ready".to_owned()));
            return ready == seen && next == version + 1 && self.explain(used, at + 1, &seen, next);
        }
        false
    }
}

// -------------------------------------------------------------------------------------------------------------------------- positions

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str().map(|text| text.parse::<chrono::DateTime<chrono::FixedOffset>>().expect("a time").to_utc())
}

fn is_ahead(at: Timestamp, op: &LoggedOp) -> bool {
    at > time(&Value::from(op.received_at.as_str())).expect("a time") + chrono::Duration::minutes(10)
}

/// Nobody is moved back; the newest of a batch stands.
fn positions(who: &str, turns: &[Turn<'_>]) -> Result<(), String> {
    let mut stands: Option<Timestamp> = None;
    for turn in turns {
        let failed = |why: &str| Err(format!("positions of {who}: {why}; it stood at {stands:?}\n{turn:#?}"));
        let told: Vec<(Timestamp, &LoggedOp)> = turn
            .ops
            .iter()
            .map(|op| (time(&op.change["fix"]["device_time"]).expect("a time of the device"), *op))
            .filter(|(at, op)| !is_ahead(*at, op))
            .collect();
        let newest = told.iter().map(|(at, _)| *at).max().filter(|at| stands.is_none_or(|stands| *at > stands));
        for (at, op) in &told {
            let ok = match op.answered() {
                "applied" => stands.is_none_or(|stands| *at > stands),
                "already" => stands.is_some_and(|stands| *at <= stands) || told.iter().any(|(other, o)| o.id != op.id && other >= at),
                _ => false,
            };
            if !ok {
                return failed(&format!("the answer to {} is wrong", op.id));
            }
        }
        let seen: Vec<Timestamp> = turn.entries.iter().filter_map(|e| time(&e.new["fix_at"])).collect();
        if seen != newest.into_iter().collect::<Vec<_>>() {
            return failed("what stands is not the newest");
        }
        stands = newest.or(stands);
    }
    Ok(())
}

// ----------------------------------------------------------------------------------------------------------------------------- clocks

type Book = BTreeMap<String, (Timestamp, Option<Timestamp>)>;

/// One op on one technician's book; `Ok(true)`: it changed the book.
fn clock(op: &LoggedOp, book: &mut Book) -> (&'static str, bool) {
    let at = time(&op.change["at"]).expect("a time");
    if is_ahead(at, op) {
        return ("refused", false);
    }
    let known = book.get(&op.target).copied();
    if op.verb == "clock_out" {
        return match known {
            None => ("gone", false),
            Some((_, Some(end))) if end == at => ("already", false),
            Some((_, Some(_))) => ("conflict", false),
            Some((start, None)) if at < start => ("refused", false),
            Some((start, None)) => {
                book.insert(op.target.clone(), (start, Some(at)));
                ("applied", true)
            }
        };
    }
    if known.is_some() {
        return ("already", false);
    }
    if book.values().any(|(_, end)| end.is_none()) {
        return ("refused", false);
    }
    book.insert(op.target.clone(), (at, None));
    ("applied", true)
}

fn clocks(who: &str, turns: &[Turn<'_>]) -> Result<(), String> {
    let mut book = Book::new();
    for turn in turns {
        let mut after = book.clone();
        for entry in &turn.entries {
            after.insert(entry.id.clone(), (time(&entry.new["started_at"]).expect("a time"), time(&entry.new["ended_at"])));
        }
        let mut patience = PATIENCE;
        let mut used = vec![false; turn.ops.len()];
        if !explain_clock(turn, &mut used, &book, &after, turn.entries.len(), &mut patience) {
            return Err(format!(
                "no order of these ops explains the clock of {who}.\nThe book was {book:?} and became {after:?}\n{:#?}",
                turn.ops
            ));
        }
        book = after;
    }
    Ok(())
}

fn explain_clock(turn: &Turn<'_>, used: &mut [bool], book: &Book, after: &Book, changes: usize, patience: &mut u32) -> bool {
    if *patience == 0 {
        return false;
    }
    *patience -= 1;
    if used.iter().all(|used| *used) {
        return book == after && changes == 0;
    }
    for index in 0..used.len() {
        if used[index] {
            continue;
        }
        let mut next = book.clone();
        let (answer, changed) = clock(turn.ops[index], &mut next);
        if answer != turn.ops[index].answered() || (changed && changes == 0) {
            continue;
        }
        used[index] = true;
        if explain_clock(turn, used, &next, after, changes - usize::from(changed), patience) {
            return true;
        }
        used[index] = false;
    }
    false
}

// -------------------------------------------------------------------------------------------------------------------------------- end

/// The rows are what the observer saw last: nobody went past him.
fn ends_as_seen(witness: &Witness) -> Result<(), String> {
    let mut seen = witness.beginning.clone();
    for entry in &witness.entries {
        seen.insert((entry.tab.clone(), entry.id.clone()), entry.new.clone());
    }
    for (key, row) in &witness.end {
        if seen.get(key) != Some(row) {
            return Err(format!("{key:?} is not what was seen last: {row}"));
        }
    }
    let ids: BTreeSet<_> = witness.ops.iter().map(|op| &op.id).collect();
    if ids.len() != witness.ops.len() {
        return Err("an op stands twice in the log".to_owned());
    }
    Ok(())
}

/// Every step of a task's status is one that the table of the domain has; whoever waited was not forgotten; one open entry a technician.
fn transitions(witness: &Witness) -> Result<(), String> {
    let status = |row: &Value| row["status"].as_str().and_then(TaskStatus::from_word).expect("a status");
    for entry in witness.entries.iter().filter(|entry| entry.tab == "tasks") {
        let (from, to) = (status(&entry.old), status(&entry.new));
        if from != to && !from.next().contains(&to) {
            return Err(format!("task {} went from {from} to {to}", entry.id));
        }
        if matches!(to, TaskStatus::Assigned | TaskStatus::InProgress) && entry.new["technician"].is_null() {
            return Err(format!("task {} is {to} and nobody's", entry.id));
        }
    }
    for ((tab, id), row) in &witness.end {
        if tab == "tasks" && status(row) == TaskStatus::Pending && row["depends_on"].as_array().is_some_and(|list| !list.is_empty()) {
            let before: BTreeSet<String> = row["depends_on"].as_array().into_iter().flatten().map(text).collect();
            let last = witness.entries.iter().rfind(|e| e.tab == "tasks" && before.contains(&e.id) && e.old["status"] != e.new["status"]);
            let open = before.iter().any(|id| !status(&witness.end[&("tasks".to_owned(), id.clone())]).is_ended());
            let woken = last.is_some_and(|e| matches!(status(&e.new), TaskStatus::Completed | TaskStatus::Skipped));
            let came_back = witness.entries.iter().any(|e| e.tab == "tasks" && e.id == *id);
            if !open && woken && !came_back {
                return Err(format!("task {id} waits for tasks that have ended: {row}"));
            }
        }
        if tab == "time_entries" && row["ended_at"].is_null() {
            let same = witness
                .end
                .iter()
                .filter(|((t, _), r)| t == "time_entries" && r["ended_at"].is_null() && r["technician"] == row["technician"]);
            if same.count() != 1 {
                return Err(format!("{} is clocked in twice", row["technician"]));
            }
        }
    }
    Ok(())
}
