//! The judge is judged: an honest log passes, and each way of losing or inventing something is found.

use super::compare::by_hand;
use super::place::{Place, subscriber, task, technician};
use super::replay::replay;
use super::runtime;
use super::witness::Witness;
use noctule_testbed::PostgresOptions;
use serde_json::{Value, json};
use uuid::Uuid;

fn op(n: u128, change: Value) -> Value {
    let id = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n);
    json!({ "id": id, "seq": n, "made_at": "2026-01-01T00:00:00Z", "origin": format!("judge #{n}"), "reason": null, "change": change })
}

fn note(n: u128, target: u128, was: Option<&str>, new: &str) -> Value {
    op(n, json!({ "verb": "task_edit", "task": task(target), "seen_version": 1, "fields": { "notes": { "was": was, "new": new } } }))
}

fn status(n: u128, target: u128, was: &str, new: &str) -> Value {
    op(n, json!({ "verb": "task_edit", "task": task(target), "seen_version": 1, "fields": { "status": { "was": was, "new": new } } }))
}

async fn push(place: &Place, login: &str, ops: &[Value]) {
    let client = by_hand(place, login).await.expect("let in");
    client.query_one("SELECT noctule.push($1, $2)", &[&Uuid::now_v7(), &Value::from(ops.to_vec())]).await.expect("pushed");
}

#[test]
fn an_honest_log_passes_and_each_lie_is_found() {
    let runtime = runtime();
    let place = runtime.block_on(Place::new(PostgresOptions::default()));
    let at = |seconds: i64| (chrono::Utc::now() - chrono::Duration::seconds(seconds)).to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let who = technician(1);
    let clock = |n: u128, verb: &str, entry: u128, at: String| {
        let entry = Uuid::from_u128(0xc10c + entry);
        op(n, json!({ "verb": verb, "entry": entry, "technician": who, "kind": "regular", "task": null, "at": at, "position": null }))
    };
    let position = |n: u128, at: String| {
        op(
            n,
            json!({ "verb": "position", "technician": who, "fix": { "at": { "lat": 60.0, "lng": 24.0 }, "accuracy_m": null, "speed_kmh": null,
            "heading_deg": null, "device_time": at } }),
        )
    };
    runtime.block_on(async {
        push(&place, "ada", &[note(1, 0, None, "gate 12"), note(2, 0, Some("gate 12"), "gate 12, ring"), status(3, 5, "ready", "blocked")]).await;
        // Both added to the same text; both wrote anew; both set a status.
        push(&place, "berit", &[note(4, 0, Some("gate 12"), "gate 12, dog"), note(5, 0, Some("gate"), "anew"), status(6, 2, "assigned", "in_progress")]).await;
        push(&place, "ada", &[status(7, 2, "assigned", "blocked"), status(8, 0, "in_progress", "completed"), status(9, 1, "in_progress", "completed")]).await;
        push(&place, "ada", &[clock(10, "clock_in", 1, at(50)), clock(11, "clock_in", 2, at(40)), clock(12, "clock_out", 1, at(30)), clock(13, "clock_in", 3, at(-7200))]).await;
        push(&place, "berit", &[position(14, at(20)), position(15, at(10)), position(16, at(15))]).await;
        push(&place, "berit", &[position(17, at(12)), note(18, 0, Some("gate"), "anew again"), clock(19, "clock_out", 1, at(25))]).await;
        let text = json!({ "verb": "subscriber_edit", "subscriber": subscriber(1), "seen_version": 1, "fields": { "notes": { "was": null, "new": "bell" } } });
        push(&place, "nora", &[op(20, text)]).await;
        // Twice and in another order: nothing more happens.
        push(&place, "ada", &[note(2, 0, Some("gate 12"), "gate 12, ring"), note(1, 0, None, "gate 12")]).await;
    });
    let honest = Witness::hear(&place);
    assert_eq!(honest.ops.len(), 20);
    replay(&honest, &place.logins).expect("an honest log");

    let find = |witness: &Witness, n: u128| {
        let origin = format!("judge #{n}");
        witness.ops.iter().position(|op| op.origin == origin).unwrap_or_else(|| panic!("no {origin}"))
    };
    let lie = |what: &str, change: &dyn Fn(&mut Witness)| {
        let mut witness = Witness::hear(&place);
        change(&mut witness);
        assert!(replay(&witness, &place.logins).is_err(), "the judge did not find it: {what}");
    };
    for (n, kind) in [
        (1, "applied"),
        (4, "applied"),
        (5, "conflict"),
        (7, "conflict"),
        (11, "refused"),
        (13, "refused"),
        (16, "already"),
        (17, "already"),
        (19, "conflict"),
    ] {
        assert_eq!(honest.ops[find(&honest, n)].answered(), kind, "op {n}: {:?}", honest.ops[find(&honest, n)].answer);
    }
    let applied = json!({ "answer": "applied", "version": null, "merged": [] });
    for n in [4, 5, 7, 11, 17, 19] {
        lie(&format!("op {n} said to be simply applied"), &|w| {
            let at = find(w, n);
            w.ops[at].answer = applied.clone();
        });
    }
    for n in [1, 2, 4, 6, 10, 12, 15, 20] {
        lie(&format!("op {n} applied and not in the log"), &|w| {
            let at = find(w, n);
            w.ops.remove(at);
        });
        lie(&format!("op {n} twice in the log"), &|w| {
            let twice = w.ops[find(w, n)].clone();
            w.ops.push(twice);
        });
        lie(&format!("op {n} said to be refused"), &|w| {
            let at = find(w, n);
            w.ops[at].answer = json!({ "answer": "refused", "why": "a lie" });
        });
    }
    lie("an update that nobody asked for", &|w| {
        let mut entry = w.entries.iter().rfind(|e| e.tab == "tasks").expect("an entry").clone();
        (entry.n, entry.xid) = (entry.n + 1000, entry.xid + 1000);
        entry.new["notes"] = json!("overwritten in silence");
        w.end.insert(("tasks".to_owned(), entry.id.clone()), entry.new.clone());
        w.entries.push(entry);
    });
    lie("a row that nobody saw change", &|w| {
        w.end.get_mut(&("tasks".to_owned(), task(9).to_string())).expect("a task")["notes"] = json!("by the back door");
    });
}
