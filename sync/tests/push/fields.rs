//! Edits field by field: what collides, what is merged, what stands already.

use crate::place::*;
use noctule_domain::permission::Role;
use noctule_domain::sync::Answer;
use serde_json::json;

#[tokio::test]
async fn only_the_field_that_somebody_else_changed_collides() {
    let place = Place::new().await;
    let (anna, ben) = (place.console("anna", Role::Dispatcher), place.console("ben", Role::Dispatcher));
    let task = place.task(&[("address", "'Hämeentie 3'")]);
    let theirs = task_edit(task, &[("address", json!("Hämeentie 3"), json!("Hämeentie 5"))]);
    assert_eq!(push_one(&anna, &theirs).await, Answer::Applied { version: Some(2), merged: vec![] });

    let mine = task_edit(
        task,
        &[
            ("address", json!("Hämeentie 3"), json!("Hämeentie 7")),
            ("priority", json!("normal"), json!("high")),
            ("estimate_min", json!(null), json!(90)),
            ("scheduled_at", json!(null), json!("2026-12-01T10:00:00+02:00")),
        ],
    );
    let Answer::Conflict { collisions, applied } = push_one(&ben, &mine).await else { panic!("no conflict") };
    assert_eq!(applied, ["estimate_min", "priority", "scheduled_at"]);
    assert_eq!(collisions.len(), 1);
    let hit = &collisions[0];
    assert_eq!(
        (hit.field.as_str(), &hit.was, &hit.yours, &hit.theirs),
        ("address", &json!("Hämeentie 3"), &json!("Hämeentie 7"), &json!("Hämeentie 5"))
    );
    assert_eq!(
        hit.by.as_ref().map(|by| by.as_str()),
        Some(anna.config().user.as_str()),
        "who changed that field, not who changed the row last"
    );
    assert!(hit.at.is_some());
    let row = place.row("tasks", task.0);
    assert_eq!(
        (&row["address"], &row["priority"], &row["estimate_min"], &row["version"]),
        (&json!("Hämeentie 5"), &json!("high"), &json!(90), &json!(3))
    );
    assert_eq!(row["updated_by"], json!(ben.config().user));

    // The same time in another form is the same time.
    let same = task_edit(task, &[("scheduled_at", json!("2026-01-01T00:00:00Z"), json!("2026-12-01T08:00:00.000Z"))]);
    assert_eq!(push_one(&anna, &same).await, Answer::Already { version: Some(3) });
    let next = task_edit(task, &[("scheduled_at", json!("2026-12-01T08:00:00Z"), json!(null)), ("estimate_min", json!(90), json!(60))]);
    assert!(applied_to(&push_one(&anna, &next).await, 4));
}

fn applied_to(answer: &Answer, at: i64) -> bool {
    matches!(answer, Answer::Applied { version, .. } if *version == Some(at))
}

#[tokio::test]
async fn notes_to_which_both_added_are_put_together_and_others_collide() {
    let place = Place::new().await;
    let (anna, ben) = (place.console("anna", Role::Dispatcher), place.console("ben", Role::Noc));
    let subscriber = place.subscriber(&[("notes", "'gate code 12'"), ("phone", "'1'")]);
    assert!(applied(
        &push_one(&anna, &subscriber_edit(subscriber, &[("notes", json!("gate code 12"), json!("gate code 12, ring twice"))])).await
    ));
    let mine = subscriber_edit(subscriber, &[("notes", json!("gate code 12"), json!("gate code 12\ndog!"))]);
    assert_eq!(push_one(&ben, &mine).await, Answer::Applied { version: Some(3), merged: vec!["notes".into()] });
    assert_eq!(place.row("subscribers", subscriber.0)["notes"], json!("gate code 12, ring twice\ndog!"));

    // Rewritten, not added to: somebody must decide. A phone number is never put together.
    let other = subscriber_edit(subscriber, &[("notes", json!("gate code 12"), json!("gate code 13")), ("phone", json!("0"), json!("2"))]);
    let Answer::Conflict { collisions, applied } = push_one(&ben, &other).await else { panic!("no conflict") };
    assert_eq!(collisions.iter().map(|c| c.field.as_str()).collect::<Vec<_>>(), ["notes", "phone"]);
    assert!(applied.is_empty());
    assert_eq!(
        collisions[1].by.as_ref().map(|by| by.as_str()),
        Some(ben.config().user.as_str()),
        "no op changed it: whoever wrote the row last"
    );

    // What would be too long for a console to keep is not put together.
    let long = "x".repeat(1_500);
    let was = "gate code 12, ring twice\ndog!";
    assert!(self::applied(&push_one(&anna, &subscriber_edit(subscriber, &[("notes", json!(was), json!(format!("{was}{long}")))])).await));
    let grown = subscriber_edit(subscriber, &[("notes", json!(was), json!(format!("{was}\n{long}")))]);
    assert!(matches!(push_one(&ben, &grown).await, Answer::Conflict { .. }));
}

#[tokio::test]
async fn the_same_edit_by_two_stands_already() {
    let place = Place::new().await;
    let (anna, ben) = (place.console("anna", Role::Dispatcher), place.console("ben", Role::Admin));
    let technician = place.technician();
    let task = place.task(&[]);
    let edit = || task_edit(task, &[("title", json!("Splice"), json!("Splice at 3")), ("technician", json!(null), json!(technician))]);
    assert_eq!(push_one(&anna, &edit()).await, Answer::Applied { version: Some(2), merged: vec![] });
    assert_eq!(push_one(&ben, &edit()).await, Answer::Already { version: Some(2) });
    assert_eq!(place.row("tasks", task.0)["status"], "assigned", "given to somebody: the status follows");
    assert_eq!(push_one(&ben, &task_edit(task, &[])).await, Answer::Already { version: Some(2) });
}

#[tokio::test]
async fn later_ops_of_one_push_see_the_earlier_ones() {
    let place = Place::new().await;
    let anna = place.console("anna", Role::Dispatcher);
    let task = place.task(&[("notes", "'0'")]);
    let ops: Vec<_> = (0..40).map(|n| task_edit(task, &[("notes", json!(n.to_string()), json!((n + 1).to_string()))])).collect();
    let answers = push(&anna, &ops).await;
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(*answer, Answer::Applied { version: Some(n as i64 + 2), merged: vec![] });
    }
    assert_eq!(place.row("tasks", task.0)["notes"], "40");
}

#[tokio::test]
async fn a_row_that_is_not_there_or_of_another_tenant_is_gone() {
    let place = Place::new().await;
    let anna = place.console("anna", Role::Dispatcher);
    let foreign = place.task(&[]);
    place.sql(&format!(
        "INSERT INTO noctule.tenants VALUES ('{0}', 'Other');
         INSERT INTO noctule.tasks (tenant_id, id, number, title, task_type, status, priority)
            SELECT '{0}', id, number, title, task_type, status, priority FROM noctule.tasks WHERE id = '{foreign}';
         DELETE FROM noctule.tasks WHERE tenant_id = '{1}' AND id = '{foreign}'",
        uuid::Uuid::now_v7(),
        place.tenant
    ));
    let nowhere = noctule_domain::TaskId(uuid::Uuid::now_v7());
    for task in [foreign, nowhere] {
        assert_eq!(push_one(&anna, &task_edit(task, &[("notes", json!(null), json!("x"))])).await, Answer::Gone);
    }
    assert_eq!(place.sql(&format!("SELECT notes IS NULL FROM noctule.tasks WHERE id = '{foreign}'")), "t");
}
