//! The outbox and what is laid over: durable before it is shown, guarded by what is shown, lifted when the centre has given it back.

use crate::support::*;
use chrono::Duration;
use noctule_domain::SafeText;
use noctule_domain::geo::{Fix, LatLng};
use noctule_domain::lifecycle::{Enforcement, OperationKind, OperationOptions};
use noctule_domain::permission::Role;
use noctule_domain::sync::{
    Answer, Answered, Change, Collision, EmergencyReport, LifecycleRequest, Op, OpState, Position, Replica, Resolution, Table,
};
use noctule_domain::task::TaskStatus;
use noctule_domain::technician::TechnicianStatus;
use noctule_domain::time_entry::TimeEntryKind;
use noctule_domain::{NasId, OpId, OperationId};
use noctule_storage::{Store, StoreError};
use serde_json::json;
use std::path::Path;
use uuid::Uuid;

fn first_rows() -> Vec<(Table, Vec<Tuple>)> {
    let of_one = |n: u128, status: &str, before: &str| {
        task(
            n,
            &[
                ("status", status.into()),
                ("technician", if status == "pending" { V::None } else { V::Id(Uuid::from_u128(1)) }),
                ("depends_on", before.into()),
            ],
        )
    };
    let before = format!("[\"{}\"]", Uuid::from_u128(1));
    vec![
        (Table::Technicians, vec![technician(1, &[]), technician(2, &[])]),
        (
            Table::Subscribers,
            vec![
                sub(1, &[("notes", "gate 12\nring twice".into())]),
                sub(2, &[("state", "active".into()), ("prefix", "2001:db8::/56".into())]),
            ],
        ),
        (Table::Tasks, vec![of_one(1, "in_progress", "[]"), of_one(2, "pending", &before)]),
    ]
}

async fn made(folder: &Path) -> Store {
    let store = open(folder);
    copy(&store, &position(10), &first_rows()).await;
    store
}

fn applied(op: &Op, xid: u64) -> Answered {
    Answered { op: op.id, answer: Answer::Applied { version: Some(2), merged: vec![] }, xid: Some(xid), at: start() }
}

fn states(list: &[(Op, OpState, SafeText)]) -> Vec<OpState> {
    list.iter().map(|(_, state, _)| *state).collect()
}

#[tokio::test]
async fn a_change_is_shown_until_the_centre_has_given_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = made(folder.path()).await;
    let shown = store.task_set_status(tid(1), TaskStatus::Completed, Some(1), None, actor(Role::Dispatcher)).await.unwrap();
    assert_eq!((shown.status, shown.unsent, shown.ended_at), (TaskStatus::Completed, true, Some(start())));
    // What depended on it is ready here too, and can be given away.
    let tasks = store.tasks().await.unwrap();
    assert_eq!(tasks.iter().map(|t| (t.id, t.status)).collect::<Vec<_>>(), [(tid(2), TaskStatus::Ready), (tid(1), TaskStatus::Completed)]);
    let given = store.task_assign(tid(2), Some(whom(2)), None, actor(Role::Dispatcher)).await.unwrap();
    assert_eq!((given.status, given.technician_name.unwrap().as_str()), (TaskStatus::Assigned, "Tech 000000000002"));
    let overview = store.overview(start()).await.unwrap();
    let count = |status| overview.tasks.iter().find(|(s, _)| *s == status).unwrap().1;
    assert_eq!((count(TaskStatus::Completed), count(TaskStatus::InProgress), count(TaskStatus::Assigned)), (1, 0, 1));
    // The guard looks at what is shown.
    let again = store.task_set_status(tid(1), TaskStatus::InProgress, None, None, actor(Role::Dispatcher)).await;
    assert!(matches!(again, Err(StoreError::Task(_))), "{again:?}");
    assert!(matches!(
        store.task_set_status(tid(2), TaskStatus::InProgress, Some(7), None, actor(Role::Dispatcher)).await,
        Err(StoreError::StaleVersion { .. })
    ));
    assert!(matches!(
        store.task_set_status(tid(2), TaskStatus::InProgress, None, None, actor(Role::Viewer)).await,
        Err(StoreError::Refused(_))
    ));

    // Everything is there after the program has ended.
    drop(store);
    let store = open(folder.path());
    assert_eq!(store.tasks().await.unwrap()[0].status, TaskStatus::Assigned);
    let ops = store.unsent(10).await.unwrap();
    assert_eq!(ops.len(), 2);
    let Change::TaskEdit { fields, seen_version: 1, .. } = &ops[1].change else { panic!("{:?}", ops[1]) };
    assert_eq!((&fields["status"].was, &fields["status"].new), (&json!("ready"), &json!("assigned")));
    assert_eq!((&fields["technician"].was, &fields["technician"].new), (&json!(null), &json!(whom(2))));

    // Answered, not seen yet: still laid over, but not unsent.
    store.answered(vec![applied(&ops[0], 12)]).await.unwrap();
    assert_eq!(states(&store.outbox_list(10).await.unwrap()), [OpState::Answered, OpState::Unsent]);
    let one = store.tasks().await.unwrap().into_iter().find(|t| t.id == tid(1)).unwrap();
    assert_eq!((one.status, one.unsent), (TaskStatus::Completed, false));
    // A read that has not seen the transaction, then one that has.
    assert!(store.lead());
    apply(&store, Table::Tasks, &[], 12).await;
    assert_eq!(store.tasks().await.unwrap().into_iter().find(|t| t.id == tid(1)).unwrap().status, TaskStatus::Completed);
    apply(&store, Table::Tasks, &[task(1, &[("status", "failed".into()), ("version", V::Int(3))])], 13).await;
    let one = store.tasks().await.unwrap().into_iter().find(|t| t.id == tid(1)).unwrap();
    assert_eq!((one.status, one.version), (TaskStatus::Failed, 3), "theirs, after ours had been there");
    assert_eq!(states(&store.outbox_list(10).await.unwrap()), [OpState::Unsent]);
    // Answered when the cache has it already: never laid over again. The same answer twice does nothing.
    let ops = store.unsent(10).await.unwrap();
    store.answered(vec![applied(&ops[0], 11), applied(&ops[0], 11)]).await.unwrap();
    assert_eq!(store.outbox().await.unwrap().unsent, 0);
    assert_eq!(store.tasks().await.unwrap().into_iter().find(|t| t.id == tid(2)).unwrap().status, TaskStatus::Pending);
    // Another history: the centre failed over, and may never have had what it answered in the old one. All of that is pushed again; what was
    // still laid over stays so. An operation's request is begun anew by people, not by us.
    store.task_set_notes(tid(1), None, Some("x".into()), actor(Role::Admin)).await.unwrap();
    let ops = store.unsent(10).await.unwrap();
    store.answered(vec![applied(&ops[0], 9000)]).await.unwrap();
    assert_eq!(states(&store.outbox_list(10).await.unwrap()), [OpState::Answered]);
    let other = Position { history: "cluster-2".into(), ..position(20) };
    copy(&store, &other, &first_rows()).await;
    assert_eq!(states(&store.outbox_list(10).await.unwrap()), [OpState::Unsent; 3]);
    let one = store.tasks().await.unwrap().into_iter().find(|t| t.id == tid(1)).unwrap();
    assert_eq!((one.notes.as_ref().map(SafeText::as_str), one.unsent), (Some("x"), true));
    let ops = store.unsent(10).await.unwrap();
    store.answered(ops.iter().map(|op| applied(op, 11)).collect()).await.unwrap();
    assert_eq!(store.outbox_list(10).await.unwrap().len(), 0);
    // Once: in the same history nothing is doubted. And what was answered more than a day before is too old to be lost.
    copy(&store, &other, &first_rows()).await;
    assert_eq!(store.outbox_list(10).await.unwrap().len(), 0);
    copy(&store, &Position { history: "cluster-3".into(), at: start() + chrono::Duration::hours(25), ..position(30) }, &first_rows()).await;
    assert_eq!(store.outbox_list(10).await.unwrap().len(), 0);
}

#[tokio::test]
async fn successive_edits_have_seen_each_other_and_texts_keep_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    let store = made(folder.path()).await;
    let dispatcher = || actor(Role::Dispatcher);
    let shown = store.subscriber(sid(1)).await.unwrap().unwrap().notes.unwrap();
    assert_eq!(shown.as_str(), "gate 12\u{240a}ring twice");
    let same = store.subscriber_set_notes(sid(1), Some(1), Some(shown.clone()), dispatcher()).await.unwrap();
    assert_eq!((same.notes, store.outbox().await.unwrap().unsent), (Some(shown.clone()), 0), "nothing was typed");
    for text in [format!("{shown}, dog"), "new".into()] {
        store.subscriber_set_notes(sid(1), Some(1), Some(text.as_str().into()), dispatcher()).await.unwrap();
    }
    store.subscriber_set_notes(sid(1), Some(1), None, dispatcher()).await.unwrap();
    let seen: Vec<(serde_json::Value, serde_json::Value)> = store
        .unsent(10)
        .await
        .unwrap()
        .into_iter()
        .map(|op| match op.change {
            Change::SubscriberEdit { mut fields, .. } => fields.remove("notes").map(|c| (c.was, c.new)).unwrap(),
            other => panic!("{other:?}"),
        })
        .collect();
    let second = "gate 12\nring twice, dog";
    assert_eq!(seen, [(json!("gate 12\nring twice"), json!(second)), (json!(second), json!("new")), (json!("new"), json!(null))]);
    assert_eq!(store.subscriber(sid(1)).await.unwrap().unwrap().notes, None);
    assert!(matches!(store.subscriber_set_notes(sid(1), None, None, actor(Role::Technician)).await, Err(StoreError::Refused(_))));
}

#[tokio::test]
async fn a_conflict_is_decided_and_nothing_typed_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    for (resolution, wanted) in
        [(Resolution::Mine, Some(json!("mine"))), (Resolution::Both, Some(json!("theirs\nmine"))), (Resolution::Theirs, None)]
    {
        let store = made(&folder.path().join(resolution.word())).await;
        store.task_set_notes(tid(1), None, Some("mine".into()), actor(Role::Dispatcher)).await.unwrap();
        let op = store.unsent(1).await.unwrap().remove(0);
        let collision = Collision {
            field: "notes".into(),
            was: json!(null),
            yours: json!("mine"),
            theirs: json!("theirs"),
            by: Some("bob".into()),
            at: Some(start()),
        };
        let answer = Answer::Conflict { collisions: vec![collision], applied: vec![] };
        store.answered(vec![Answered { op: op.id, answer: answer.clone(), xid: Some(15), at: start() }]).await.unwrap();
        let told = store.conflicts().await.unwrap();
        assert_eq!((told.len(), &told[0].answer, told[0].op.id), (1, &answer, op.id));
        assert_eq!(told[0].target.as_str(), "task T-000000000001 Splice");
        assert_eq!(store.outbox().await.unwrap().conflicts, 1);
        // Theirs is shown until it is decided.
        apply(&store, Table::Tasks, &[task(1, &[("notes", "theirs".into()), ("version", V::Int(5))])], 20).await;
        let notes = |tasks: Vec<noctule_domain::task::Task>| tasks.into_iter().find(|t| t.id == tid(1)).unwrap().notes.unwrap().to_string();
        assert_eq!(notes(store.tasks().await.unwrap()), "theirs");
        store.conflict_resolve(op.id, resolution, actor(Role::Dispatcher)).await.unwrap();
        assert!(store.conflicts().await.unwrap().is_empty());
        let again = store.unsent(10).await.unwrap();
        match wanted {
            Some(new) => {
                let Change::TaskEdit { fields, seen_version: 5, .. } = &again[0].change else { panic!("{again:?}") };
                assert_eq!((&fields["notes"].was, &fields["notes"].new), (&json!("theirs"), &new));
            }
            None => assert!(again.is_empty()),
        }
        assert!(matches!(store.conflict_resolve(op.id, resolution, actor(Role::Dispatcher)).await, Err(StoreError::NotFound { .. })));
    }
}

#[tokio::test]
async fn a_refusal_can_only_be_put_away_and_is_not_laid_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = made(folder.path()).await;
    store.technician_set_status(whom(1), TechnicianStatus::OnBreak, actor(Role::Technician)).await.unwrap();
    assert_eq!(store.technician(whom(1)).await.unwrap().unwrap().status, TechnicianStatus::OnBreak);
    let op = store.unsent(1).await.unwrap().remove(0);
    let refused = Answered { op: op.id, answer: Answer::Denied { why: "not yours".into() }, xid: None, at: start() };
    store.answered(vec![refused]).await.unwrap();
    assert_eq!(store.technician(whom(1)).await.unwrap().unwrap().status, TechnicianStatus::Available);
    assert!(matches!(store.conflict_resolve(op.id, Resolution::Mine, actor(Role::Technician)).await, Err(StoreError::Refused(_))));
    store.conflict_resolve(op.id, Resolution::Theirs, actor(Role::Technician)).await.unwrap();
    assert_eq!(store.outbox().await.unwrap(), noctule_domain::sync::Outbox::default());
}

#[tokio::test]
async fn time_and_positions_are_laid_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = made(folder.path()).await;
    let tech = || actor(Role::Technician);
    let fix = |minutes: i64, lat: f64| Fix {
        at: LatLng { lat, lng: 24.0 },
        accuracy_m: Some(5.0),
        speed_kmh: None,
        heading_deg: None,
        device_time: start() + Duration::minutes(minutes),
    };
    assert!(store.technician_fix(whom(1), fix(-1, 60.0)).await.unwrap());
    assert!(!store.technician_fix(whom(1), fix(-5, 61.0)).await.unwrap(), "a late upload moves nobody backwards");
    assert_eq!(store.technician(whom(1)).await.unwrap().unwrap().fix, Some(fix(-1, 60.0)));
    let entry = store.clock_in(whom(1), TimeEntryKind::Regular, Some(tid(1)), tech()).await.unwrap();
    assert!(entry.unsent && entry.ended_at.is_none());
    assert_eq!(entry.started_where, Some(LatLng { lat: 60.0, lng: 24.0 }));
    assert!(matches!(store.clock_in(whom(1), TimeEntryKind::Travel, None, tech()).await, Err(StoreError::Refused(_))));
    assert_eq!(store.technicians().await.unwrap()[0].clocked_in_at, Some(start()));
    let ended = store.clock_out(whom(1), tech()).await.unwrap();
    assert_eq!((ended.id, ended.ended_at), (entry.id, Some(start())));
    assert!(matches!(store.clock_out(whom(1), tech()).await, Err(StoreError::Refused(_))));
    assert_eq!(store.technician(whom(1)).await.unwrap().unwrap().clocked_in_at, None);
    // One that the centre has: its end is laid over.
    let open = tuple(Table::TimeEntries, Uuid::from_u128(77), &[("technician", V::Id(Uuid::from_u128(2)))]);
    apply(&store, Table::TimeEntries, &[open], 11).await;
    assert_eq!(store.technician(whom(2)).await.unwrap().unwrap().clocked_in_at, Some(start()));
    assert_eq!(store.clock_out(whom(2), tech()).await.unwrap().id.uuid(), Uuid::from_u128(77));
    assert_eq!(store.technician(whom(2)).await.unwrap().unwrap().clocked_in_at, None);
    let list = store.time_entries(whom(2), 10).await.unwrap();
    assert_eq!((list.len(), list[0].unsent, list[0].ended_at.is_some()), (1, true, true));
    assert_eq!(store.unsent(10).await.unwrap().len(), 4);
}

#[tokio::test]
async fn lifecycle_requests_wait_and_are_seen_on_the_board() {
    let folder = tempfile::tempdir().unwrap();
    let store = made(folder.path()).await;
    let request = |n, kind| LifecycleRequest { subscriber: sid(n), kind, options: OperationOptions::default(), seen_version: 1 };
    let id = OperationId(Uuid::now_v7());
    store.queue_lifecycle(id, request(1, OperationKind::Allocate), actor(Role::Noc)).await.unwrap();
    for (again, by) in [
        (request(1, OperationKind::Allocate), Role::Noc),
        (request(1, OperationKind::Suspend), Role::Noc),
        (request(2, OperationKind::Suspend), Role::Viewer),
    ] {
        let refused = store.queue_lifecycle(OperationId(Uuid::now_v7()), again, actor(by)).await;
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    }
    assert_eq!(store.subscriber(sid(1)).await.unwrap().unwrap().queued, Some(OperationKind::Allocate));
    assert_eq!(store.find_subscriber("S000000000001").await.unwrap()[0].queued, Some(OperationKind::Allocate));
    let queued = store.queued_lifecycle(10).await.unwrap();
    assert_eq!((queued.len(), queued[0].0.id), (1, OpId(id.0)));
    let refused = Answered { op: OpId(id.0), answer: Answer::Refused { why: "the world has moved".into() }, xid: None, at: start() };
    store.answered(vec![refused]).await.unwrap();
    assert_eq!(store.subscriber(sid(1)).await.unwrap().unwrap().queued, None);
    assert_eq!(store.conflicts().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_emergency_is_pushed_when_it_has_ended_or_its_process_is_dead() {
    let folder = tempfile::tempdir().unwrap();
    let store = made(folder.path()).await;
    let report = || EmergencyReport {
        operation: OperationId(Uuid::now_v7()),
        subscriber: sid(2),
        purpose: OperationKind::Revoke,
        nas: NasId(NAS),
        acct_session_id: None,
        request: "Disconnect".into(),
        enforcement: None,
        answer: None,
        began_at: start(),
        ended_at: None,
    };
    assert!(store.emergency_begin(report(), actor(Role::Technician)).await.is_err());
    let first = store.emergency_begin(report(), actor(Role::Noc)).await.unwrap();
    let second = store.emergency_begin(report(), actor(Role::Noc)).await.unwrap();
    let other = open(folder.path());
    assert!(store.unsent(10).await.unwrap().is_empty() && other.unsent(10).await.unwrap().is_empty());
    assert_eq!(store.outbox().await.unwrap().unsent, 2);
    store.emergency_end(first, Enforcement::Acknowledged, "Disconnect-ACK".into(), start()).await.unwrap();
    let ready = other.unsent(10).await.unwrap();
    assert_eq!(ready.len(), 1);
    let Change::Emergency(told) = &ready[0].change else { panic!() };
    assert_eq!((ready[0].id, told.enforcement, told.ended_at), (first, Some(Enforcement::Acknowledged), Some(start())));
    drop(store);
    let ready = other.unsent(10).await.unwrap();
    assert_eq!(ready.iter().map(|op| op.id).collect::<Vec<_>>(), [first, second]);
    let Change::Emergency(told) = &ready[1].change else { panic!() };
    assert_eq!(told.enforcement, None, "it may have happened");
}

#[tokio::test]
async fn another_login_neither_sees_nor_pushes_what_is_unsent_and_wipe_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = made(folder.path()).await;
    store.task_set_notes(tid(1), None, Some("mine".into()), actor(Role::Dispatcher)).await.unwrap();
    drop(store);
    let mut eve = options(clock());
    eve.login = Some("eve".into());
    let store = Store::open_replica(folder.path(), eve).unwrap();
    assert!(store.unsent(10).await.unwrap().is_empty() && store.outbox_list(10).await.unwrap().is_empty());
    drop(store);
    noctule_storage::wipe(folder.path(), false).unwrap();
    let store = open(folder.path());
    assert_eq!((store.position().await.unwrap(), store.unsent(10).await.unwrap().len()), (None, 1));
    drop(store);
    noctule_storage::wipe(folder.path(), true).unwrap();
    let store = open(folder.path());
    assert_eq!(store.unsent(10).await.unwrap().len(), 0);
}

#[tokio::test]
async fn done_ops_are_history_for_thirty_days_and_waiting_ones_stay() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let store = Store::open_replica(folder.path(), options(clock.clone())).unwrap();
    copy(&store, &position(10), &first_rows()).await;
    for text in ["a", "b", "c"] {
        store.task_set_notes(tid(1), None, Some(text.into()), actor(Role::Admin)).await.unwrap();
    }
    let ops = store.unsent(10).await.unwrap();
    store.answered(vec![applied(&ops[0], 11), applied(&ops[1], 11)]).await.unwrap();
    let count = || -> u32 {
        rusqlite::Connection::open(folder.path().join("outbox.db"))
            .unwrap()
            .query_row("SELECT count(*) FROM ops", [], |row| row.get(0))
            .unwrap()
    };
    apply(&store, Table::Tasks, &[], 15).await;
    assert_eq!((count(), store.outbox_list(10).await.unwrap().len()), (3, 1));
    clock.forward(Duration::days(31));
    store.answered(vec![]).await.unwrap();
    drop(store);
    let store = Store::open_replica(folder.path(), options(clock)).unwrap();
    assert!(store.lead());
    assert_eq!(count(), 1, "those that were answered thirty days ago");
    assert_eq!(store.unsent(10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_full_disk_is_said_and_nothing_is_shown_as_stored() {
    let folder = tempfile::tempdir().unwrap();
    let store = made(folder.path()).await;
    store.limit_pages(Some(1)).await.unwrap();
    let mut full = None;
    let mut stored = 0;
    for n in 0..200 {
        let text = SafeText::new(&format!("{n} {}", "x".repeat(1500)));
        match store.task_set_notes(tid(1), None, Some(text), actor(Role::Admin)).await {
            Ok(_) => stored += 1,
            Err(error) => {
                full = Some(error);
                break;
            }
        }
    }
    assert!(matches!(full, Some(StoreError::Full)), "{full:?}");
    let shown = |tasks: Vec<noctule_domain::task::Task>| tasks.into_iter().find(|t| t.id == tid(1)).unwrap().notes;
    let notes = shown(store.tasks().await.unwrap());
    assert_eq!(notes.map(|n| n.as_str().split(' ').next().unwrap().to_owned()), (stored > 0).then(|| (stored - 1).to_string()));
    store.limit_pages(None).await.unwrap();
    store.task_set_notes(tid(1), None, Some("room again".into()), actor(Role::Admin)).await.unwrap();
    assert_eq!(store.outbox().await.unwrap().unsent, stored + 1);
}

#[tokio::test]
async fn a_damaged_outbox_is_refused_and_left_as_it_is_and_a_damaged_cache_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = made(folder.path()).await;
    store.task_set_notes(tid(1), None, Some("mine".into()), actor(Role::Admin)).await.unwrap();
    drop(store);
    let cache = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.to_str().unwrap().contains("/cache-") && p.extension().unwrap() == "db")
        .unwrap();
    std::fs::write(&cache, b"rot").unwrap();
    let store = open(folder.path());
    assert_eq!((store.position().await.unwrap(), store.unsent(9).await.unwrap().len()), (None, 1));
    drop(store);
    let path = folder.path().join("outbox.db");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100..2000].fill(0xff);
    std::fs::write(&path, &bytes).unwrap();
    let error = Store::open_replica(folder.path(), options(clock())).unwrap_err();
    assert!(matches!(error, noctule_storage::OpenError::Damaged { .. } | noctule_storage::OpenError::NotADatabase { .. }), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[tokio::test]
async fn what_only_an_authority_may_write_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = made(folder.path()).await;
    assert!(matches!(store.importer().await.unwrap_err(), StoreError::Refused(_)));
    assert!(matches!(store.sessions_put(vec![]).await.unwrap_err(), StoreError::Refused(_)));
}

/// A real small disk that is full to the last block.
#[tokio::test]
async fn on_a_full_disk_answers_and_decisions_are_still_written() {
    let disk = noctule_testbed::SmallDisk::new(16).unwrap();
    let folder = disk.path().join("copy");
    let store = made(&folder).await;
    for text in ["a", "b", "c"] {
        store.task_set_notes(tid(1), None, Some(text.into()), actor(Role::Admin)).await.unwrap();
    }
    let ops = store.unsent(10).await.unwrap();
    let ballast = || folder.join("ballast").metadata().map(|m| m.len()).ok();
    assert_eq!(ballast(), Some(1024 * 1024));
    let mut filler = std::fs::File::create(disk.path().join("filler")).unwrap();
    let mut block = 1 << 20;
    while block > 0 {
        if std::io::Write::write_all(&mut filler, &vec![7; block]).is_err() {
            block /= 2;
        }
    }
    // What is new does not fit, and says so.
    let mut full = None;
    for n in 0..2000 {
        let text = SafeText::new(&format!("{n} {}", "x".repeat(1800)));
        if let Err(error) = store.task_set_notes(tid(1), None, Some(text), actor(Role::Admin)).await {
            full = Some(error);
            break;
        }
    }
    assert!(matches!(full, Some(StoreError::Full)), "{full:?}");
    assert!(ballast().is_some(), "what is new does not take the room that was laid by");
    let before = store.outbox().await.unwrap().unsent;
    // What the centre said does.
    let denied = Answered { op: ops[0].id, answer: Answer::Denied { why: "no".into() }, xid: None, at: start() };
    store.answered(vec![denied, applied(&ops[1], 5)]).await.unwrap();
    store.conflict_resolve(ops[0].id, Resolution::Theirs, actor(Role::Admin)).await.unwrap();
    assert_eq!(store.outbox().await.unwrap().unsent, before - 2);
    std::fs::remove_file(disk.path().join("filler")).unwrap();
    store.task_set_notes(tid(1), None, Some("room again".into()), actor(Role::Admin)).await.unwrap();
    assert_eq!(store.outbox().await.unwrap().unsent, before - 1);
}

/// A thousand ops laid over cost a page next to nothing.
#[tokio::test]
async fn a_thousand_waiting_ops_cost_a_page_little() {
    use noctule_domain::page::{From, PageRequest, Sort};
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let rows: Vec<Tuple> = (1..=1000).map(|n| sub(n, &[])).collect();
    copy(&store, &position(10), &[(Table::Subscribers, rows)]).await;
    let all = || PageRequest { filter: Default::default(), sort: Sort::default(), from: From::First, limit: 50 };
    let timed = async || {
        let start = std::time::Instant::now();
        for _ in 0..200 {
            assert_eq!(store.subscriber_page(all()).await.unwrap().rows.len(), 50);
        }
        start.elapsed() / 200
    };
    let without = timed().await;
    let start = std::time::Instant::now();
    for n in 1..=1000 {
        store.subscriber_set_notes(sid(n), None, Some("noted".into()), actor(Role::Admin)).await.unwrap();
    }
    println!("one local change: {:?}", start.elapsed() / 1000);
    let with = timed().await;
    println!("a page of 50: {without:?} without, {with:?} with a thousand ops laid over");
    assert!(with < without + std::time::Duration::from_millis(2), "{without:?} {with:?}");
}
