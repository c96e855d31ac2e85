//! Status of tasks: the rules of the domain, what follows from a status, and tasks that wait for others.

use crate::place::*;
use noctule_domain::TaskId;
use noctule_domain::permission::Role;
use noctule_domain::sync::Answer;
use serde_json::json;

fn status(task: TaskId, was: &str, new: &str) -> noctule_domain::sync::Op {
    task_edit(task, &[("status", json!(was), json!(new))])
}

#[tokio::test]
async fn started_ended_and_reason_follow_from_the_status() {
    let place = Place::new().await;
    let anna = place.console("anna", Role::Dispatcher);
    let mikko = place.technician();
    let task = place.task(&[]);
    assert_eq!(
        refused(&push_one(&anna, &status(task, "pending", "in_progress")).await),
        "a task that is pending can not become in_progress"
    );
    assert_eq!(
        refused(&push_one(&anna, &status(task, "pending", "assigned")).await),
        "a task that is assigned needs a technician: assign one first"
    );
    let both = task_edit(task, &[("technician", json!(null), json!(mikko)), ("status", json!("pending"), json!("assigned"))]);
    assert!(applied(&push_one(&anna, &both).await));
    assert!(applied(&push_one(&anna, &status(task, "assigned", "in_progress")).await));
    let started = place.row("tasks", task.0)["started_at"].clone();
    assert!(started.is_string());
    assert_eq!(
        refused(&push_one(&anna, &task_edit(task, &[("technician", json!(mikko), json!(null))])).await),
        "a task that is in_progress needs a technician: assign one first"
    );
    assert_eq!(refused(&push_one(&anna, &status(task, "in_progress", "blocked")).await), "blocking a task needs a reason");
    let blocked = task_edit(task, &[("status", json!("in_progress"), json!("blocked")), ("blocked_reason", json!(null), json!("rain"))]);
    assert!(applied(&push_one(&anna, &blocked).await));
    assert_eq!(place.row("tasks", task.0)["blocked_reason"], "rain");
    assert!(applied(&push_one(&anna, &status(task, "blocked", "in_progress")).await));
    let row = place.row("tasks", task.0);
    assert_eq!((&row["blocked_reason"], &row["started_at"]), (&json!(null), &started), "begun once");
    assert!(applied(&push_one(&anna, &status(task, "in_progress", "failed")).await));
    assert!(place.row("tasks", task.0)["ended_at"].is_string());
    assert!(applied(&push_one(&anna, &status(task, "failed", "ready")).await));
    let row = place.row("tasks", task.0);
    assert_eq!((&row["started_at"], &row["ended_at"]), (&json!(null), &json!(null)), "begun anew");
    // Taken away while it waits: ready. An ended one is not given to anybody.
    place.sql(&format!("UPDATE noctule.tasks SET status = 'assigned' WHERE id = '{task}'"));
    assert!(applied(&push_one(&anna, &task_edit(task, &[("technician", json!(mikko), json!(null))])).await));
    assert_eq!(place.row("tasks", task.0)["status"], "ready");
    place.sql(&format!("UPDATE noctule.tasks SET status = 'cancelled' WHERE id = '{task}'"));
    let late = task_edit(task, &[("technician", json!(null), json!(mikko))]);
    assert_eq!(refused(&push_one(&anna, &late).await), "a task that is cancelled is not assigned any more");
    let nobody = task_edit(place.task(&[]), &[("technician", json!(null), json!(uuid::Uuid::now_v7()))]);
    assert_eq!(refused(&push_one(&anna, &nobody).await), "there is no such technician any more");
}

#[tokio::test]
async fn a_reason_does_not_outlive_the_status_that_it_belongs_to() {
    let place = Place::new().await;
    let anna = place.console("anna", Role::Dispatcher);
    let task = place.task(&[("status", "'cancelled'")]);
    let mine = task_edit(
        task,
        &[
            ("status", json!("ready"), json!("blocked")),
            ("blocked_reason", json!(null), json!("rain")),
            ("notes", json!(null), json!("come back on Monday")),
        ],
    );
    let Answer::Conflict { collisions, applied } = push_one(&anna, &mine).await else { panic!("no conflict") };
    assert_eq!(collisions.iter().map(|c| c.field.as_str()).collect::<Vec<_>>(), ["blocked_reason", "status"]);
    assert_eq!(applied, ["notes"]);
    let row = place.row("tasks", task.0);
    assert_eq!((&row["status"], &row["blocked_reason"]), (&json!("cancelled"), &json!(null)));
}

#[tokio::test]
async fn what_waited_becomes_ready_when_the_last_it_waits_for_ends() {
    let place = Place::new().await;
    let anna = place.console("anna", Role::Dispatcher);
    let mikko = place.technician();
    let working = [("status", "'in_progress'"), ("technician", &format!("'{mikko}'") as &str)];
    let (one, two) = (place.task(&working), place.task(&working));
    let waits = place.task(&[("depends_on", &format!("'{{{one},{two}}}'"))]);
    let last = place.task(&[("depends_on", &format!("'{{{waits}}}'"))]);
    assert_eq!(refused(&push_one(&anna, &status(waits, "pending", "ready")).await), "2 task(s) that this one depends on are not ended yet");
    assert!(applied(&push_one(&anna, &status(one, "in_progress", "completed")).await));
    assert_eq!(place.row("tasks", waits.0)["status"], "pending");
    // The rest of the chain in one push: each op sees what the one before it made possible.
    let chain = [
        status(two, "in_progress", "completed"),
        task_edit(waits, &[("technician", json!(null), json!(mikko))]),
        status(waits, "assigned", "in_progress"),
        status(waits, "in_progress", "completed"),
        status(last, "ready", "skipped"),
    ];
    let answers = push(&anna, &chain).await;
    assert!(answers.iter().all(applied), "{answers:?}");
    assert_eq!(place.row("tasks", last.0)["status"], "skipped");
}

/// Both ended at the same moment over two connections: the one that waits for both is not forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_end_at_once_do_not_forget_who_waits() {
    let place = Place::new().await;
    let (anna, ben) = (place.console("anna", Role::Dispatcher), place.console("ben", Role::Dispatcher));
    let mikko = place.technician();
    let working = [("status", "'in_progress'"), ("technician", &format!("'{mikko}'") as &str)];
    for round in 0..15 {
        let (one, two) = (place.task(&working), place.task(&working));
        let waits = place.task(&[("depends_on", &format!("'{{{one},{two}}}'"))]);
        let (a, b) = (status(one, "in_progress", "completed"), status(two, "in_progress", "completed"));
        let (a, b) = tokio::join!(push_one(&anna, &a), push_one(&ben, &b));
        assert!(applied(&a) && applied(&b), "{a:?} {b:?}");
        assert_eq!(place.row("tasks", waits.0)["status"], "ready", "round {round}");
    }
}
