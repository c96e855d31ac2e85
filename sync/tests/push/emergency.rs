//! Rule 11: what was done to the network while the centre was away is told afterwards, once, and nothing more than is known.

use crate::place::*;
use chrono::Duration;
use noctule_domain::lifecycle::{Enforcement, Operation, OperationKind, OperationOptions, Progress, StepKind};
use noctule_domain::permission::Role;
use noctule_domain::subscriber::Ipv6Record;
use noctule_domain::sync::{Answer, Change, EmergencyReport, Op};
use noctule_domain::{NasId, OpId, OperationId, SubscriberId};
use serde_json::json;
use uuid::Uuid;

fn report(subscriber: SubscriberId, enforcement: Option<Enforcement>) -> EmergencyReport {
    let began_at = now() - Duration::minutes(20);
    EmergencyReport {
        operation: OperationId(Uuid::now_v7()),
        subscriber,
        purpose: OperationKind::Suspend,
        nas: NasId(Uuid::now_v7()),
        acct_session_id: Some("s-1".into()),
        request: "Disconnect-Request to 192.0.2.1".into(),
        enforcement,
        answer: enforcement.map(|_| "Disconnect-ACK".into()),
        began_at,
        ended_at: enforcement.map(|_| began_at + Duration::seconds(2)),
    }
}

fn told(report: &EmergencyReport) -> Op {
    op(Change::Emergency(Box::new(report.clone())))
}

fn active(place: &Place, prefix: &str) -> SubscriberId {
    place.subscriber(&[("state", "'active'"), ("enforcement", "'observed'"), ("prefix", &format!("'{prefix}'"))])
}

#[tokio::test]
async fn it_is_journaled_and_the_state_does_not_move() {
    let place = Place::new().await;
    let noc = place.console("noc", Role::Noc);
    let subscriber = active(&place, "2001:db8:1::/56");
    let report = report(subscriber, Some(Enforcement::Acknowledged));
    assert_eq!(push_one(&noc, &told(&report)).await, Answer::Applied { version: Some(2), merged: vec![] });
    let row = place.row("subscribers", subscriber.0);
    assert_eq!((&row["state"], &row["enforcement"], &row["version"]), (&json!("active"), &json!("acknowledged"), &json!(2)));
    assert!(
        row["enforcement_note"].as_str().is_some_and(|note| note.contains("while the centre was away") && note.contains("Disconnect-ACK")),
        "{row}"
    );
    let operation = place.row("operations", report.operation.0);
    assert_eq!((&operation["kind"], &operation["status"]), (&json!("suspend"), &json!("failed")), "nothing here says that it is suspended");
    assert!(operation["error"].as_str().is_some_and(|e| e.contains("The state did not move: ask for suspend now")), "{operation}");
    // What consoles read of it are the domain's types.
    let _: Progress = serde_json::from_value(operation["progress"].clone()).expect("progress");
    let options: OperationOptions = serde_json::from_value(operation["options"].clone()).expect("options");
    assert!(options.force && !options.release_to_netbox);
    let plan: Vec<StepKind> = serde_json::from_value(operation["plan"].clone()).expect("a plan");
    assert_eq!(plan, [StepKind::NasDisconnect]);
    let before: Ipv6Record = serde_json::from_value(operation["before"].clone()).expect("a record");
    assert_eq!(before.enforcement, Enforcement::Observed);
    let _: fn(Operation) = drop;
    assert_eq!(
        place.sql("SELECT step || ' ' || status || ' ' || answer FROM noctule.operation_steps"),
        "nas_disconnect done Disconnect-ACK"
    );
    let actions = place.sql("SELECT body::jsonb->'entry'->>'action' FROM noctule.audit ORDER BY seq");
    assert_eq!(actions, "ipv6-emergency\nops");
    // The same operation under another op id.
    assert_eq!(push_one(&noc, &told(&report)).await, Answer::Already { version: Some(2) });
    assert_eq!((place.count("operations"), place.count("operation_steps")), (1, 1));
}

#[tokio::test]
async fn a_report_told_before_its_end_was_known_is_completed_and_not_two() {
    let place = Place::new().await;
    let noc = place.console("noc", Role::Noc);
    let subscriber = active(&place, "2001:db8:2::/56");
    let begun = report(subscriber, None);
    let mut op = told(&begun);
    assert!(applied(&push_one(&noc, &op).await));
    assert!(applied(&push_one(&noc, &op).await), "the same again");
    let row = place.row("subscribers", subscriber.0);
    assert_eq!((&row["enforcement"], &row["version"]), (&json!("unanswered"), &json!(2)));
    assert!(row["enforcement_note"].as_str().is_some_and(|note| note.contains("may have happened")));
    assert_eq!(place.sql("SELECT status FROM noctule.operation_steps"), "unclear");
    let mut ended = begun.clone();
    (ended.enforcement, ended.answer, ended.ended_at) = (Some(Enforcement::Refused), Some("Disconnect-NAK".into()), Some(now()));
    op.change = Change::Emergency(Box::new(ended));
    assert_eq!(push_one(&noc, &op).await, Answer::Applied { version: Some(3), merged: vec![] });
    for _ in 0..2 {
        assert_eq!(push_one(&noc, &op).await, Answer::Applied { version: Some(3), merged: vec![] }, "and that once");
    }
    assert_eq!(place.row("operations", begun.operation.0)["status"], "refused");
    assert_eq!(place.row("subscribers", subscriber.0)["enforcement"], "refused");
    assert_eq!((place.count("operations"), place.count("operation_steps"), place.count("ops")), (1, 1, 1));
    // The first form, arriving late, does not take the end away.
    op.change = Change::Emergency(Box::new(begun.clone()));
    push_one(&noc, &op).await;
    op.id = OpId(Uuid::now_v7());
    assert_eq!(push_one(&noc, &op).await, Answer::Already { version: Some(3) });
    assert_eq!(place.row("operations", begun.operation.0)["status"], "refused");
}

#[tokio::test]
async fn what_was_told_to_the_network_later_says_more() {
    let place = Place::new().await;
    let noc = place.console("noc", Role::Noc);
    let subscriber = active(&place, "2001:db8:3::/56");
    place.sql(&format!(
        "INSERT INTO noctule.operations (tenant_id, id, subscriber, kind, status, actor, role, origin, options, requested_at, plan, progress, before, ended_at)
         VALUES ('{}', gen_random_uuid(), '{subscriber}', 'resume', 'succeeded', 'x', 'noc', 'x', '{{}}', now() - interval '5 minutes', '[]', '{{}}', '{{}}', now())",
        place.tenant
    ));
    assert_eq!(
        push_one(&noc, &told(&report(subscriber, Some(Enforcement::Unanswered)))).await,
        Answer::Applied { version: Some(1), merged: vec![] }
    );
    assert_eq!(place.row("subscribers", subscriber.0)["enforcement"], "observed");
    // Of a subscriber that is not there any more nothing can be kept but the audit.
    assert_eq!(push_one(&noc, &told(&report(SubscriberId(Uuid::now_v7()), Some(Enforcement::Acknowledged)))).await, Answer::Gone);
    assert_eq!(place.count("audit WHERE body::jsonb->'entry'->>'action' = 'ipv6-emergency'"), 2);
    // An operation of somebody else is not written over.
    let theirs = place.sql("SELECT id FROM noctule.operations WHERE kind = 'resume'").parse().expect("an id");
    let mut forged = report(subscriber, Some(Enforcement::Acknowledged));
    forged.operation = OperationId(theirs);
    assert!(refused(&push_one(&noc, &told(&forged)).await).contains("another operation"));
    assert_eq!(place.row("operations", theirs)["status"], "succeeded");
}
