//! Clocking in and out, positions, what technicians say of themselves.

use crate::place::*;
use chrono::Duration;
use noctule_domain::geo::{Fix, LatLng};
use noctule_domain::permission::Role;
use noctule_domain::sync::{Answer, Change, ClockIn, Op};
use noctule_domain::time_entry::TimeEntryKind;
use noctule_domain::{TechnicianId, TimeEntryId, Timestamp};
use noctule_sync::connect::Centre;
use serde_json::json;
use uuid::Uuid;

fn clock_in(entry: TimeEntryId, technician: TechnicianId, at: Timestamp) -> Op {
    let position = Some(LatLng { lat: 60.1, lng: 24.9 });
    op(Change::ClockIn(ClockIn { entry, technician, kind: TimeEntryKind::Regular, task: None, at, position }))
}

fn clock_out(entry: TimeEntryId, technician: TechnicianId, at: Timestamp) -> Op {
    op(Change::ClockOut { entry, technician, at, position: None })
}

#[tokio::test]
async fn one_open_entry_a_person_and_every_refusal_says_why() {
    let place = Place::new().await;
    let mikko = place.technician();
    let own = Centre::new(place.config(&place.login("mikko", Role::Technician, Some(mikko))));
    let anna = place.console("anna", Role::Dispatcher);
    let (first, second) = (TimeEntryId(Uuid::now_v7()), TimeEntryId(Uuid::now_v7()));
    let at = now() - Duration::hours(8);
    assert_eq!(push_one(&own, &clock_in(first, mikko, at)).await, Answer::Applied { version: Some(1), merged: vec![] });
    assert_eq!(push_one(&own, &clock_in(first, mikko, at)).await, Answer::Already { version: Some(1) }, "the same entry under another op");
    let answer = push_one(&anna, &clock_in(second, mikko, now())).await;
    let why = refused(&answer);
    assert!(why.contains("clocked in already since") && why.contains(own.config().user.as_str()), "{why}");
    assert!(refused(&push_one(&own, &clock_out(first, mikko, at - Duration::minutes(1))).await).contains("before it began"));
    assert!(refused(&push_one(&own, &clock_out(first, mikko, now() + Duration::hours(1))).await).contains("clock of the device is ahead"));
    assert_eq!(push_one(&anna, &clock_out(first, place.technician(), now())).await, Answer::Gone);
    assert_eq!(push_one(&own, &clock_out(TimeEntryId(Uuid::now_v7()), mikko, now())).await, Answer::Gone);
    let ended = now();
    assert_eq!(push_one(&own, &clock_out(first, mikko, ended)).await, Answer::Applied { version: Some(2), merged: vec![] });
    assert_eq!(push_one(&own, &clock_out(first, mikko, ended)).await, Answer::Already { version: Some(2) });
    let Answer::Conflict { collisions, .. } = push_one(&anna, &clock_out(first, mikko, ended - Duration::hours(1))).await else {
        panic!("no conflict")
    };
    assert_eq!(
        (collisions[0].field.as_str(), collisions[0].by.as_ref().map(|b| b.as_str())),
        ("ended_at", Some(own.config().user.as_str()))
    );
    // A whole day kept offline arrives at once, in its order.
    let third = TimeEntryId(Uuid::now_v7());
    let day = [clock_in(second, mikko, ended), clock_out(second, mikko, ended), clock_in(third, mikko, ended)];
    assert!(push(&own, &day).await.iter().all(applied));
    let foreign = clock_in(third, place.technician(), ended);
    assert!(refused(&push_one(&anna, &foreign).await).contains("somebody else's"));
    let mut without_task = clock_in(TimeEntryId(Uuid::now_v7()), place.technician(), ended);
    if let Change::ClockIn(entry) = &mut without_task.change {
        entry.task = Some(noctule_domain::TaskId(Uuid::now_v7()));
    }
    assert!(refused(&push_one(&anna, &without_task).await).contains("task it was for is not there"));
    assert_eq!(push_one(&anna, &clock_in(TimeEntryId(Uuid::now_v7()), TechnicianId(Uuid::now_v7()), ended)).await, Answer::Gone);
    assert_eq!(place.count("time_entries WHERE ended_at IS NULL"), 1);
    assert_eq!(place.row("time_entries", first.0)["start_lat"], json!(60.1));
}

/// Two consoles clock the same person in at the same moment: one wins, the other is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_clock_in_at_once() {
    let place = Place::new().await;
    let (anna, ben) = (place.console("anna", Role::Dispatcher), place.console("ben", Role::Dispatcher));
    for _ in 0..10 {
        let mikko = place.technician();
        let (a, b) = (clock_in(TimeEntryId(Uuid::now_v7()), mikko, now()), clock_in(TimeEntryId(Uuid::now_v7()), mikko, now()));
        let (a, b) = tokio::join!(push_one(&anna, &a), push_one(&ben, &b));
        let lost = if applied(&a) { &b } else { &a };
        assert!(applied(&a) != applied(&b) && refused(lost).contains("clocked in already since"), "{a:?} {b:?}");
    }
}

fn position(technician: TechnicianId, lat: f64, device_time: Timestamp) -> Op {
    op(Change::Position {
        technician,
        fix: Fix { at: LatLng { lat, lng: 25.0 }, accuracy_m: Some(4.5), speed_kmh: None, heading_deg: None, device_time },
    })
}

#[tokio::test]
async fn a_late_position_never_moves_anyone_backwards() {
    let place = Place::new().await;
    let mikko = place.technician();
    let own = Centre::new(place.config(&place.login("mikko", Role::Technician, Some(mikko))));
    let t = now() - Duration::hours(1);
    let at = |minutes: i64| t + Duration::minutes(minutes);
    let trail = [
        position(mikko, 1.0, at(1)),
        position(mikko, 5.0, at(5)),
        position(mikko, 3.0, at(3)),
        position(mikko, 5.5, at(5)),
        position(mikko, 7.0, at(7)),
    ];
    let answers = push(&own, &trail).await;
    let kinds: Vec<bool> = answers.iter().map(applied).collect();
    assert_eq!(kinds, [true, true, false, false, true], "{answers:?}");
    assert!(matches!(answers[2], Answer::Already { version: Some(1) }));
    let row = place.row("technicians", mikko.0);
    assert_eq!(
        (row["fix_lat"].as_f64(), row["fix_accuracy_m"].as_f64(), &row["version"]),
        (Some(7.0), Some(4.5), &json!(1)),
        "where somebody is is no decision"
    );
    assert!(matches!(push_one(&own, &position(mikko, 6.0, at(6))).await, Answer::Already { .. }));
    assert!(refused(&push_one(&own, &position(mikko, 9.0, now() + Duration::hours(3))).await).contains("clock of the device is ahead"));
    assert!(refused(&push_one(&own, &position(mikko, 91.0, at(9))).await).contains("in range"));
    let mut wild = json!(position(mikko, 1.0, at(9)));
    wild["change"]["fix"]["at"]["lat"] = json!("north");
    let mut vast = json!(position(mikko, 1.0, at(9)));
    vast["change"]["fix"]["accuracy_m"] = serde_json::from_str("1e300").expect("a number");
    let mut none = json!(position(mikko, 1.0, at(9)));
    none["change"]["fix"] = json!(null);
    let answers = push_json(&own, &json!([wild, vast, none])).await.expect("answers");
    assert_eq!(answers.values().filter(|(a, _)| matches!(a, Answer::Refused { .. })).count(), 2, "{answers:?}");
    assert_eq!(push_one(&place.console("anna", Role::Dispatcher), &position(TechnicianId(Uuid::now_v7()), 1.0, at(9))).await, Answer::Gone);
}

#[tokio::test]
async fn a_technician_says_how_he_is() {
    let place = Place::new().await;
    let mikko = place.technician();
    let own = Centre::new(place.config(&place.login("mikko", Role::Technician, Some(mikko))));
    let anna = place.console("anna", Role::Dispatcher);
    let edit = |was: &str, new: &str| {
        op(Change::TechnicianEdit {
            technician: mikko,
            seen_version: 1,
            fields: fields(&[("status", json!(was), json!(new)), ("mobile", json!(null), json!("040"))]),
        })
    };
    assert_eq!(push_one(&own, &edit("available", "on_break")).await, Answer::Applied { version: Some(2), merged: vec![] });
    let Answer::Conflict { collisions, applied } = push_one(&anna, &edit("available", "off_duty")).await else { panic!("no conflict") };
    assert_eq!((collisions[0].field.as_str(), &collisions[0].theirs), ("status", &json!("on_break")));
    assert_eq!(collisions[0].by.as_ref().map(|by| by.as_str()), Some(own.config().user.as_str()));
    assert!(applied.is_empty(), "the number was so already");
}
