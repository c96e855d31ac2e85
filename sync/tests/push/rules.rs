//! The rules in SQL are those of the domain: texts put together, changes of status, who may do what.

use crate::place::*;
use noctule_domain::geo::{Fix, LatLng};
use noctule_domain::permission::{Permission, Role};
use noctule_domain::sync::*;
use noctule_domain::task::TaskStatus;
use noctule_domain::technician::TechnicianStatus;
use noctule_domain::time_entry::TimeEntryKind;
use noctule_domain::*;
use noctule_sync::connect::Centre;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn texts_are_put_together_as_in_the_domain() {
    let place = Place::new().await;
    let owner = place.owner();
    let session = owner.session().await.expect("a session");
    let seed: u64 = std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(rand::random);
    println!("SEED={seed}");
    let mut dice = StdRng::seed_from_u64(seed);
    let pieces = [
        "a",
        "b",
        " ",
        "\n",
        "\t",
        "ä",
        "ж",
        "\u{1f41d}",
        "\u{a0}",
        "\u{3000}",
        "\u{2028}",
        "\u{85}",
        "\u{b}",
        "\u{c}",
        "\r",
        "\u{200b}",
        "e\u{301}",
        "%",
        "\\",
        "_",
        "\u{1680}",
        "\u{2009}",
        "\u{202f}",
        "\u{205f}",
        "\u{feff}",
        "\u{1c}",
        "\u{180e}",
    ];
    let mut text = |max: usize| -> String { (0..dice.random_range(0..=max)).map(|_| pieces[dice.random_range(0..pieces.len())]).collect() };
    let (mut was, mut yours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..20_000 {
        let old = text(3);
        let (mine, other) = (text(3), text(3));
        yours.push(if n % 7 == 0 { mine } else { format!("{old}{mine}") });
        theirs.push(if n % 11 == 0 { other } else { format!("{old}{other}") });
        was.push(old);
    }
    let rows = session
        .query("SELECT noctule.merge_text(w, y, t) FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS u(w, y, t, n) ORDER BY n", &[&was, &yours, &theirs])
        .await
        .expect("merged");
    let mut merged = 0;
    for (n, row) in rows.iter().enumerate() {
        let sql: Option<String> = row.get(0);
        merged += u32::from(sql.is_some());
        assert_eq!(sql, merge_text(&was[n], &yours[n], &theirs[n]), "{:?} {:?} {:?}", was[n], yours[n], theirs[n]);
    }
    assert!(merged > 2_000 && merged < 18_000, "{merged}: the dice test one side only");
}

#[tokio::test]
async fn status_changes_are_those_of_the_domain() {
    let place = Place::new().await;
    let owner = place.owner();
    let session = owner.session().await.expect("a session");
    let ask = session.prepare("SELECT noctule.task_may($1, $2, $3, $4, $5)").await.expect("prepared");
    for from in TaskStatus::ALL {
        for to in TaskStatus::ALL {
            for technician in [false, true] {
                for open in [0i64, 1, 3] {
                    for reason in [None, Some("rain"), Some("  "), Some("\u{a0}"), Some("")] {
                        let said: Option<String> =
                            session.query_one(&ask, &[&from.word(), &to.word(), &technician, &open, &reason]).await.expect("asked").get(0);
                        let rule = from.change(*to, technician, open as usize, reason).err().map(|no| no.to_string());
                        assert_eq!(said, rule, "{from} -> {to}, technician {technician}, {open} open, {reason:?}");
                    }
                }
            }
        }
    }
}

fn ops(
    task: TaskId,
    subscriber: SubscriberId,
    technician: TechnicianId,
    other: TechnicianId,
) -> Vec<(&'static str, Op, &'static [Permission])> {
    let field: &[Permission] = &[Permission::FieldWrite];
    let own: &[Permission] = &[Permission::FieldWrite, Permission::OwnWrite];
    let at = now();
    let entry = TimeEntryId(Uuid::now_v7());
    let fix = Fix { at: LatLng { lat: 60.0, lng: 25.0 }, accuracy_m: None, speed_kmh: None, heading_deg: None, device_time: at };
    vec![
        ("notes", task_edit(task, &[("notes", json!(null), json!("x"))]), own),
        ("title", task_edit(task, &[("title", json!("Splice"), json!("x"))]), field),
        ("assign", task_edit(task, &[("technician", json!(technician), json!(other)), ("notes", json!("x"), json!("y"))]), field),
        ("status", task_edit(task, &[("status", json!("assigned"), json!("cancelled"))]), own),
        ("subscriber", subscriber_edit(subscriber, &[("phone", json!(null), json!("1"))]), &[Permission::SubscriberWrite]),
        (
            "technician",
            op(Change::TechnicianEdit {
                technician,
                seen_version: 1,
                fields: fields(&[("status", json!("available"), json!(TechnicianStatus::OnJob))]),
            }),
            own,
        ),
        ("position", op(Change::Position { technician, fix }), own),
        ("clock in", op(Change::ClockIn(ClockIn { entry, technician, kind: TimeEntryKind::Regular, task: None, at, position: None })), own),
        ("clock out", op(Change::ClockOut { entry, technician, at, position: None }), own),
        (
            "emergency",
            op(Change::Emergency(Box::new(EmergencyReport {
                operation: OperationId(Uuid::now_v7()),
                subscriber,
                purpose: lifecycle::OperationKind::Revoke,
                nas: NasId(Uuid::now_v7()),
                acct_session_id: None,
                request: "Disconnect-Request".into(),
                enforcement: Some(lifecycle::Enforcement::Acknowledged),
                answer: None,
                began_at: at,
                ended_at: Some(at),
            }))),
            &[Permission::Ipv6Force],
        ),
    ]
}

/// Every verb by every role, on own and on others' rows: the table of the domain decides.
#[tokio::test]
async fn who_may_do_what_is_the_table_of_the_domain() {
    let place = Place::new().await;
    for role in Role::ALL {
        for mine in [true, false] {
            let technician = place.technician();
            let task = place.task(&[("technician", &format!("'{technician}'")), ("status", "'assigned'")]);
            let subscriber = place.subscriber(&[]);
            let other = place.technician();
            let me = if mine { technician } else { place.technician() };
            let login = place.login(&format!("{role}_{mine}"), *role, (*role == Role::Technician).then_some(me));
            let centre = Centre::new(place.config(&login));
            for (name, op, any_of) in ops(task, subscriber, technician, other) {
                let by_role = any_of.iter().any(|p| role.allows(*p) && (*p != Permission::OwnWrite || mine));
                let answer = push_one(&centre, &op).await;
                let what = format!("{role}, own {mine}: {name}: {answer:?}");
                if by_role {
                    assert!(applied(&answer), "{what}");
                } else if *role == Role::Technician && !mine && matches!(name, "notes" | "status") {
                    assert_eq!(answer, Answer::Gone, "a technician does not see others' tasks: {what}");
                } else {
                    assert!(matches!(answer, Answer::Denied { .. }), "{what}");
                }
            }
        }
    }
    assert_eq!(
        place.count("audit WHERE body::jsonb->'entry'->>'action' = 'ipv6-emergency-denied'"),
        6,
        "a packet that left is told whoever sent it"
    );
}
