//! Exactly once: repeats, other orders, two connections at the same time; and one bad op among many.

use crate::place::*;
use noctule_domain::TaskId;
use noctule_domain::permission::Role;
use noctule_domain::sync::{Answer, Op};
use noctule_sync::connect::Centre;
use rand::seq::SliceRandom;
use rand::{SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use std::collections::HashMap;

fn seed() -> u64 {
    let seed = std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(rand::random);
    println!("SEED={seed}");
    seed
}

fn edits(tasks: &[TaskId]) -> Vec<Op> {
    tasks.iter().enumerate().map(|(n, task)| task_edit(*task, &[("notes", json!(null), json!(format!("note {n}")))])).collect()
}

#[tokio::test]
async fn repeated_and_reordered_pushes_change_nothing_and_answer_the_same() {
    let place = Place::new().await;
    let anna = place.console("anna", Role::Dispatcher);
    let mut dice = StdRng::seed_from_u64(seed());
    let task = place.task(&[("notes", "'0'")]);
    let tasks: Vec<TaskId> = (0..30).map(|_| place.task(&[])).collect();
    let mut ops = edits(&tasks);
    ops.push(task_edit(task, &[("notes", json!("0"), json!("1"))]));
    ops.push(task_edit(task, &[("notes", json!("7"), json!("2"))]));
    let first = push(&anna, &ops).await;
    assert!(matches!(first.last(), Some(Answer::Conflict { .. })));
    let known: HashMap<_, _> = ops.iter().map(|op| op.id).zip(first).collect();
    let (rows, audits) =
        (place.sql("SELECT string_agg(xmin::text || id || version, ',' ORDER BY id) FROM noctule.tasks"), place.count("audit"));
    for _ in 0..20 {
        ops.shuffle(&mut dice);
        let some = &ops[..ops.len() / 2];
        for (op, answer) in some.iter().zip(push(&anna, some).await) {
            assert_eq!(known[&op.id], answer);
        }
    }
    assert_eq!(place.sql("SELECT string_agg(xmin::text || id || version, ',' ORDER BY id) FROM noctule.tasks"), rows, "no row was written");
    assert_eq!((place.count("ops"), place.count("audit")), (ops.len() as i64, audits));

    // Twice in one push.
    let twice = task_edit(task, &[("title", json!("Splice"), json!("Splice 2"))]);
    let answers =
        anna.call("push", &[&anna.config().console.0, &tokio_postgres::types::Json(json!([twice, twice]))]).await.expect("answers");
    assert!(
        answers.as_array().is_some_and(|all| all.iter().all(|a| a["op"] == json!(twice.id) && a["answer"] == all[0]["answer"])),
        "{answers}"
    );
    assert_eq!(place.count(&format!("ops WHERE id = '{}'", twice.id)), 1);
}

/// Two connections of the same operator, and one of somebody else who got hold of the same ops, push the same at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_ops_over_many_connections_are_applied_once() {
    let place = Place::new().await;
    let mut dice = StdRng::seed_from_u64(seed());
    let login = place.login("anna", Role::Dispatcher, None);
    let mut consoles: Vec<Centre> = (0..3).map(|_| Centre::new(place.config(&login))).collect();
    consoles.push(place.console("ben", Role::Dispatcher));
    let tasks: Vec<TaskId> = (0..20).map(|_| place.task(&[])).collect();
    for round in 0..12 {
        let mut ops: Vec<Op> = tasks
            .iter()
            .map(|task| {
                let was = place.row("tasks", task.0)["estimate_min"].clone();
                task_edit(*task, &[("estimate_min", was, json!(round + 1))])
            })
            .collect();
        let mut pushes = Vec::new();
        for console in &consoles {
            ops.shuffle(&mut dice);
            let (console, ops) = (console.clone(), ops.clone());
            pushes.push(tokio::spawn(async move {
                loop {
                    match push_json(&console, &json!(ops)).await {
                        // Met somebody else with the same op, or in a circle of locks: nothing was changed, the same again.
                        Err(noctule_sync::connect::CentreError::Busy(_)) => {}
                        other => break other.expect("answers"),
                    }
                }
            }));
        }
        let mut all = Vec::new();
        for push in pushes {
            all.push(push.await.expect("a push"));
        }
        for op in &ops {
            let answers: Vec<_> = all.iter().map(|answers| &answers[&op.id.to_string()]).collect();
            assert!(answers.iter().all(|a| *a == answers[0]), "round {round}: {answers:?}");
            assert_eq!(answers[0].0, Answer::Applied { version: Some(round + 2), merged: vec![] });
        }
    }
    assert_eq!(place.count("tasks WHERE version <> 13"), 0);
    assert_eq!(place.count("ops"), 12 * 20);
}

/// Each of these is one op's own fault, and all others are applied.
#[tokio::test]
async fn bad_ops_are_refused_in_words_and_hold_up_nobody() {
    let place = Place::new().await;
    let anna = place.console("anna", Role::Dispatcher);
    let task = place.task(&[]);
    let good =
        |change: Value| json!({"id": uuid::Uuid::now_v7(), "seq": 1, "made_at": now(), "origin": "x", "reason": null, "change": change});
    let edit = |fields: Value| good(json!({"verb": "task_edit", "task": task, "seen_version": 1, "fields": fields}));
    let with = |mut op: Value, key: &str, value: Value| {
        op[key] = value;
        op
    };
    let bad = [
        (good(json!({"verb": "launch", "task": task})), "nothing that the centre knows"),
        (good(json!({"verb": "lifecycle", "subscriber": task})), "begun at the centre"),
        (good(json!("task_edit")), "nothing that the centre knows"),
        (good(json!({"verb": "task_edit", "fields": {}})), "does not say what it changes"),
        (good(json!({"verb": "task_edit", "task": "here", "fields": {}})), "can not apply it"),
        (good(json!({"verb": "task_edit", "task": task, "fields": 7})), "no fields"),
        (edit(json!({"number": {"was": "a", "new": "b"}})), "no field 'number'"),
        (edit(json!({"version": {"was": 1, "new": 9}})), "no field 'version'"),
        (edit(json!({"title": {"was": "a", "new": "  "}})), "must not be empty"),
        (edit(json!({"title": {"was": "a", "new": ["b"]}})), "wrong kind"),
        (edit(json!({"title": "b"})), "does not say what it was"),
        (edit(json!({"notes": {"was": null, "new": 3}})), "not a text"),
        (edit(json!({"notes": {"was": null, "new": "x".repeat(3_000)}})), "longer than"),
        (edit(json!({"notes": {"was": null, "new": "x".repeat(70_000)}})), "larger than"),
        (edit(json!({"status": {"was": "pending", "new": "done"}})), "'done' is no status"),
        (edit(json!({"estimate_min": {"was": null, "new": -5}})), "number of minutes"),
        (edit(json!({"scheduled_at": {"was": null, "new": "tomorrow"}})), "not a time"),
        (edit(json!({"scheduled_at": {"was": null, "new": "2026-02-31T00:00:00Z"}})), "can not apply it"),
        (edit(json!({"technician": {"was": null, "new": "me"}})), "not an id"),
        (with(edit(json!({})), "seq", json!("first")), "can not apply it"),
        (with(edit(json!({})), "made_at", json!("infinity")), "when it was made"),
        (with(edit(json!({})), "made_at", json!(null)), "when it was made"),
        (with(edit(json!({})), "id", json!("me")), "can not apply it"),
        (json!(17), "can not apply it"),
        (json!(null), "has no id"),
    ];
    let fine: Vec<Value> =
        (0..bad.len()).map(|n| edit(json!({"notes": {"was": n.checked_sub(1).map(|n| n.to_string()), "new": n.to_string()}}))).collect();
    let mixed: Vec<Value> = bad.iter().map(|(op, _)| op.clone()).zip(fine.clone()).flat_map(|(b, f)| [b, f]).collect();
    let answers = anna.call("push", &[&anna.config().console.0, &tokio_postgres::types::Json(json!(mixed))]).await.expect("answers");
    let answers = answers.as_array().expect("an array");
    assert_eq!(answers.len(), mixed.len());
    let of = |op: &Value| answers.iter().find(|a| a["op"] == op["id"]).unwrap_or_else(|| panic!("no answer to {op}"));
    for op in &fine {
        assert_eq!(of(op)["answer"]["answer"], "applied", "{op} {}", of(op));
    }
    for (op, words) in &bad {
        if op.get("id").is_some() {
            let answer = &of(op)["answer"];
            assert_eq!(answer["answer"], "refused", "{op}");
            assert!(answer["why"].as_str().is_some_and(|why| why.contains(words)), "{words}: {answer}");
        }
    }
    // Pushed again alone: the same words.
    for (op, _) in bad.iter().filter(|(op, _)| op.get("id").is_some_and(|id| id != "me")) {
        let again = push_json(&anna, &json!([op])).await.expect("answers");
        let id = op["id"].as_str().expect("an id");
        assert_eq!(serde_json::to_value(&again[id].0).expect("json")["why"], of(op)["answer"]["why"]);
    }
    assert_eq!(place.row("tasks", task.0)["notes"], json!((bad.len() - 1).to_string()));
}

/// A technician that is gone, found only by the foreign key of a clock entry; a value that no rule foresees: one among a thousand.
#[tokio::test]
async fn one_bad_op_among_a_thousand() {
    let place = Place::new().await;
    let anna = place.console("anna", Role::Dispatcher);
    let tasks: Vec<TaskId> = (0..40).map(|_| place.task(&[])).collect();
    let mut ops: Vec<Value> = (0..1_000)
        .map(|n| json!(task_edit(tasks[n % 40], &[("notes", json!(n.checked_sub(40).map(|n| n.to_string())), json!(n.to_string()))])))
        .collect();
    ops[617]["seq"] = json!({"no": "number"});
    let begun = std::time::Instant::now();
    let answers = push_json(&anna, &json!(ops)).await.expect("answers");
    println!("1,000 ops with a bad one in {:?}", begun.elapsed());
    let mut count = HashMap::<&str, u32>::new();
    for (answer, _) in answers.values() {
        *count
            .entry(match answer {
                Answer::Applied { .. } => "applied",
                Answer::Refused { .. } => "refused",
                Answer::Conflict { .. } => "conflict",
                _ => "else",
            })
            .or_default() += 1;
    }
    // What followed on the bad one's row collides once and then every time: none of it is lost without a word.
    assert_eq!(count["refused"], 1, "{count:?}");
    assert_eq!(count["applied"] + count["conflict"], 999, "{count:?}");
    assert_eq!(count["conflict"], (657..1_000).step_by(40).count() as u32);
}

#[tokio::test]
async fn what_is_not_a_push_is_refused_as_a_whole() {
    let place = Place::new().await;
    let anna = place.console("anna", Role::Dispatcher);
    for ops in [json!({}), json!(7), json!(vec![0; 5_001])] {
        assert!(push_json(&anna, &ops).await.is_err());
    }
    assert!(push_json(&anna, &json!([])).await.expect("nothing").is_empty());
    // A snapshot that is older than the push before would not see what that did.
    let task = place.task(&[]);
    let mut session = anna.session().await.expect("a session");
    let transaction = session
        .client_mut()
        .build_transaction()
        .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
        .start()
        .await
        .expect("begins");
    let ops = json!([task_edit(task, &[])]);
    let refused =
        transaction.query_one("SELECT noctule.push($1, $2)", &[&anna.config().console.0, &tokio_postgres::types::Json(ops)]).await;
    assert!(refused.expect_err("refused").as_db_error().expect("by the server").message().contains("read committed"));
}

#[tokio::test]
async fn each_push_that_changed_something_is_in_the_audit_with_a_digest_of_its_ops() {
    use sha2::{Digest, Sha256};
    let place = Place::new().await;
    let anna = place.console("anna", Role::Dispatcher);
    let ops = edits(&(0..3).map(|_| place.task(&[])).collect::<Vec<_>>());
    push(&anna, &ops).await;
    let body: Value = serde_json::from_str(&place.sql("SELECT body FROM noctule.audit ORDER BY seq DESC LIMIT 1")).expect("json");
    let mut ids: Vec<String> = ops.iter().map(|op| op.id.to_string()).collect();
    ids.sort();
    let digest: String = Sha256::digest(ids.join("\n")).iter().map(|byte| format!("{byte:02x}")).collect();
    let entry = &body["entry"];
    assert_eq!((&entry["actor"], &entry["action"]), (&json!(anna.config().user), &json!("ops")));
    assert_eq!(entry["after"], json!({"ops": 3, "changed": 3, "sha256": digest}));
    push(&anna, &[task_edit(place.task(&[]), &[])]).await;
    assert_eq!(place.count("audit"), 1, "nothing changed, nothing to audit");
}
