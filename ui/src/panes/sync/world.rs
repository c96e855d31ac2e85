//! For tests: how a centre may stand, and what its store would answer.

use crate::panes::testing::{EVIL, task_id, technician_id};
use crate::query::SyncView;
use crate::testing::{now, operation_id, subscriber_id};
use chrono::Duration;
use noctule_domain::lifecycle::{Enforcement, OperationKind, OperationOptions};
use noctule_domain::permission::Role;
use noctule_domain::sync::{
    Answer, Change, Collision, Conflict, EmergencyReport, FieldChange, LifecycleRequest, Link, Op, OpState, Other, Outbox, Phase,
    SyncStatus, Table,
};
use noctule_domain::{ConsoleId, NasId, OpId, SafeText, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

pub(crate) fn op_id(at: u64) -> OpId {
    OpId(Uuid::from_u128(0x0191_0000_0000_7000_8000_0000_0000_0000 + u128::from(at)))
}

fn ago(minutes: i64) -> Timestamp {
    now() - Duration::minutes(minutes)
}

pub(crate) fn live() -> SyncStatus {
    SyncStatus {
        link: Link::Live,
        since: Some(ago(138)),
        fresh_at: Some(now() - Duration::seconds(2)),
        lag_ms: Some(140),
        login: Some("mira".into()),
        role: Some(Role::Noc),
        consoles: Some(4),
        ..SyncStatus::default()
    }
}

pub(crate) fn offline() -> SyncStatus {
    SyncStatus {
        link: Link::Offline,
        since: Some(ago(189)),
        note: Some(
            "pg1.isp.example:5432 and pg2.isp.example:5432 do not answer (10 s each): the network, a firewall on the way, or both are down"
                .into(),
        ),
        fresh_at: Some(ago(190)),
        outbox: Outbox { unsent: 12, oldest: Some(ago(188)), conflicts: 2 },
        consoles: None,
        lag_ms: None,
        ..live()
    }
}

pub(crate) fn copying() -> SyncStatus {
    SyncStatus { phase: Phase::Copying { table: Table::Subscribers, rows: 410_233, of: 1_004_331 }, fresh_at: None, lag_ms: None, ..live() }
}

fn op(at: u64, minutes: i64, change: Change) -> Op {
    Op { id: op_id(at), seq: at as i64, made_at: ago(minutes), origin: "noc-3 pts/4".into(), reason: None, change }
}

fn edit(fields: &[(&str, Value, Value)]) -> Change {
    let fields: BTreeMap<String, FieldChange> =
        fields.iter().map(|(name, was, new)| ((*name).to_owned(), FieldChange { was: was.clone(), new: new.clone() })).collect();
    Change::TaskEdit { task: task_id(4), seen_version: 5, fields }
}

fn request(kind: OperationKind) -> Change {
    let options = OperationOptions { reason: Some("two invoices open".into()), ..OperationOptions::default() };
    Change::Lifecycle(LifecycleRequest { subscriber: subscriber_id(2), kind, options, seen_version: 3 })
}

fn emergency() -> Change {
    Change::Emergency(Box::new(EmergencyReport {
        operation: operation_id(3),
        subscriber: subscriber_id(9),
        purpose: OperationKind::Revoke,
        nas: NasId(Uuid::from_u128(7)),
        acct_session_id: Some("0A1B2C3D".into()),
        request: "Disconnect-Request User-Name=user9@isp.example Acct-Session-Id=0A1B2C3D".into(),
        enforcement: Some(Enforcement::Acknowledged),
        answer: Some("Disconnect-ACK".into()),
        began_at: ago(44),
        ended_at: Some(ago(44)),
    }))
}

/// Two notes that grew apart, a task that two dispatchers gave to two people, a request that came too late.
pub(crate) fn conflicts() -> Vec<Conflict> {
    let collision = |field: &str, was: Value, yours: Value, theirs: Value| Collision {
        field: field.to_owned(),
        was,
        yours,
        theirs,
        by: Some("anna.k".into()),
        at: Some(ago(31)),
    };
    let was = "The key is at the reception.";
    let yours = "The key is at the reception, second floor.\nRing twice, the bell is hard to hear when the machines run.";
    let theirs = "The key is with the neighbour at number 14 since Thursday.";
    vec![
        Conflict {
            op: op(1, 45, edit(&[("notes", json!(was), json!(yours))])),
            answer: Answer::Conflict {
                collisions: vec![collision("notes", json!(was), json!(yours), json!(theirs))],
                applied: vec!["status".into()],
            },
            answered_at: ago(4),
            target: "task T-0004 Replace CPE".into(),
        },
        Conflict {
            op: op(2, 40, edit(&[("technician", Value::Null, json!(technician_id(1).to_string()))])),
            answer: Answer::Conflict {
                collisions: vec![
                    collision("technician", Value::Null, json!(technician_id(1).to_string()), json!(technician_id(2).to_string())),
                    collision("scheduled_at", json!("2026-11-23T10:00:00Z"), json!("2026-11-23T12:30:00Z"), json!("2026-11-24T07:00:00Z")),
                ],
                applied: Vec::new(),
            },
            answered_at: ago(4),
            target: "task T-0011 No light on port 7".into(),
        },
        Conflict {
            op: op(3, 38, request(OperationKind::Suspend)),
            answer: Answer::Refused { why: "it changed since you looked: version 5 now, 3 then; it is suspended already, by paul".into() },
            answered_at: ago(3),
            target: "subscriber N-000002 Chidi Okafor".into(),
        },
    ]
}

fn outbox() -> Vec<(Op, OpState, SafeText)> {
    vec![
        (op(11, 188, request(OperationKind::Suspend)), OpState::Unsent, "subscriber N-000002 Chidi Okafor".into()),
        (op(12, 44, emergency()), OpState::Unsent, "subscriber N-000009 Maria do Carmo de Albuquerque Cavalcanti".into()),
        (
            op(13, 20, edit(&[("notes", json!(""), json!("gate code 12\ndog!")), ("status", json!("ready"), json!("assigned"))])),
            OpState::Unsent,
            "task T-0007 Survey".into(),
        ),
        (
            op(14, 1, edit(&[("technician", Value::Null, json!(technician_id(1).to_string()))])),
            OpState::Answered,
            "task T-0008 Install ONT".into(),
        ),
    ]
}

pub(crate) fn console_id(at: u64) -> ConsoleId {
    ConsoleId(Uuid::from_u128(0xc000 + u128::from(at)))
}

fn others() -> Vec<Other> {
    let other = |at: u64, login: &str, subscriber: Option<u64>, seconds: i64| Other {
        console: console_id(at),
        login: login.into(),
        subscriber: subscriber.map(subscriber_id),
        seen_at: now() - Duration::seconds(seconds),
    };
    vec![other(1, "anna.k", Some(3), 62), other(2, "paul", None, 75), other(3, "very.long.login.of.somebody@isp.example", Some(7), 81)]
}

pub(crate) fn view(status: SyncStatus) -> SyncView {
    SyncView {
        status: Some(status),
        centre: "pg1.isp.example:5432, pg2.isp.example:5432, database noctule".into(),
        rows: Table::ALL.iter().copied().zip([12, 3, 24, 1_000_000, 640_112, 3_721, 41_009, 980, 311]).collect(),
        outbox: Vec::new(),
        conflicts: Vec::new(),
        others: others(),
    }
}

/// Live, with something to decide and something on its way.
pub(crate) fn normal() -> SyncView {
    let status = SyncStatus { outbox: Outbox { unsent: 3, oldest: Some(ago(188)), conflicts: 3 }, ..live() };
    SyncView { outbox: outbox(), conflicts: conflicts(), ..view(status) }
}

pub(crate) fn away() -> SyncView {
    SyncView { outbox: outbox(), conflicts: conflicts().into_iter().take(2).collect(), ..view(offline()) }
}

/// The first start, and the centre does not answer.
pub(crate) fn first() -> SyncView {
    let status = SyncStatus { fresh_at: None, outbox: Outbox::default(), login: None, role: None, ..offline() };
    SyncView { rows: Vec::new(), others: Vec::new(), ..view(status) }
}

pub(crate) fn denied() -> SyncView {
    let status = SyncStatus { link: Link::Denied, note: Some("the login mira may not log in (28000)".into()), ..offline() };
    SyncView { outbox: outbox(), others: Vec::new(), ..view(status) }
}

/// Every text is what somebody would write to drive a terminal, or does not end.
pub(crate) fn hostile() -> SyncView {
    let evil = |at: usize| EVIL[at % EVIL.len()];
    let long = "long ".repeat(3000);
    let mut conflicts: Vec<Conflict> = (0..6u64)
        .map(|at| {
            let n = at as usize;
            let text = format!("{}\n{}\u{1b}[2J{}", evil(n), evil(n + 1), if n == 5 { long.as_str() } else { "" });
            Conflict {
                op: op(at, 3, edit(&[(evil(n), json!(evil(n + 2)), json!(text))])),
                answer: Answer::Conflict {
                    collisions: vec![Collision {
                        field: if n.is_multiple_of(2) { "notes".to_owned() } else { format!("{}\u{1b}]0;x\u{7}", evil(n)) },
                        was: json!({ "a": [1, evil(n)] }),
                        yours: json!(text),
                        theirs: json!(evil(n + 3)),
                        by: Some(evil(n).into()),
                        at: None,
                    }],
                    applied: vec![evil(n + 1).to_owned()],
                },
                answered_at: ago(at as i64),
                target: evil(n).into(),
            }
        })
        .collect();
    conflicts.push(Conflict {
        answer: Answer::Denied { why: SafeText::new(&long) },
        target: SafeText::new(&long),
        ..conflicts.last().cloned().expect("some")
    });
    if let Some(last) = conflicts.last_mut() {
        last.op.id = op_id(77);
    }
    let status = SyncStatus {
        note: Some(SafeText::new(&long)),
        login: Some(evil(0).into()),
        outbox: Outbox { unsent: u64::MAX, oldest: Some(ago(-20)), conflicts: 7 },
        phase: Phase::Copying { table: Table::Subscribers, rows: u64::MAX, of: 1 },
        lag_ms: Some(u64::MAX),
        consoles: Some(u32::MAX),
        ..live()
    };
    let outbox = (0..9u64)
        .map(|at| (op(100 + at, 5, edit(&[(evil(at as usize), Value::Null, json!(12))])), OpState::Unsent, evil(at as usize).into()));
    let others = (0..4u64).map(|at| Other {
        console: console_id(at),
        login: evil(at as usize).into(),
        subscriber: Some(subscriber_id(at)),
        seen_at: ago(-9),
    });
    SyncView {
        centre: evil(3).into(),
        outbox: outbox.collect(),
        conflicts,
        others: others.collect(),
        rows: vec![(Table::Nas, u64::MAX / 2)],
        ..view(status)
    }
}
