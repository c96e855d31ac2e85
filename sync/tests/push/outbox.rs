//! The outbox on its way: batches, lost answers, what the centre can not read, requests that do not travel.

use crate::place::*;
use async_trait::async_trait;
use noctule_domain::lifecycle::OperationKind;
use noctule_domain::permission::Role;
use noctule_domain::sync::*;
use noctule_domain::{OpId, TaskId};
use noctule_sync::connect::{Centre, CentreError};
use noctule_sync::push::{MAX_BATCH_OPS, Pusher};
use noctule_testbed::Link as Wire;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use uuid::Uuid;

/// An outbox in memory.
#[derive(Default)]
struct Memory {
    ops: Mutex<Vec<Op>>,
    answers: Mutex<BTreeMap<OpId, Answered>>,
    new: Notify,
}

impl Memory {
    fn add(&self, ops: impl IntoIterator<Item = Op>) {
        self.ops.lock().expect("lock").extend(ops);
        self.new.notify_one();
    }

    fn answer(&self, op: &Op) -> Answer {
        self.answers.lock().expect("lock").get(&op.id).unwrap_or_else(|| panic!("no answer to {op:?}")).answer.clone()
    }
}

#[async_trait]
impl Replica for Memory {
    async fn unsent(&self, limit: u32) -> Result<Vec<Op>, ReplicaError> {
        let answers = self.answers.lock().expect("lock");
        Ok(self.ops.lock().expect("lock").iter().filter(|op| !answers.contains_key(&op.id)).take(limit as usize).cloned().collect())
    }
    async fn answered(&self, answers: Vec<Answered>) -> Result<(), ReplicaError> {
        let mut known = self.answers.lock().expect("lock");
        for answer in answers {
            let before = known.insert(answer.op, answer);
            assert!(before.is_none(), "answered twice: {before:?}");
        }
        Ok(())
    }
    async fn wait_unsent(&self) {
        self.new.notified().await;
    }
    async fn outbox(&self) -> Result<Outbox, ReplicaError> {
        Ok(Outbox::default())
    }
    async fn position(&self) -> Result<Option<Position>, ReplicaError> {
        unreachable!("the push does not pull")
    }
    async fn copy_point(&self, _: &Position) -> Result<Option<CopyPoint>, ReplicaError> {
        unreachable!("the push does not pull")
    }
    async fn copy(&self, _: &Position) -> Result<Box<dyn LocalCopy>, ReplicaError> {
        unreachable!("the push does not pull")
    }
    async fn apply(&self, _: Increment) -> Result<(), ReplicaError> {
        unreachable!("the push does not pull")
    }
    async fn sums(&self, _: Table, _: &[Uuid]) -> Result<Vec<Checksum>, ReplicaError> {
        unreachable!("the push does not pull")
    }
    async fn ids(&self, _: Table, _: Option<Uuid>, _: Option<Uuid>) -> Result<Vec<Uuid>, ReplicaError> {
        unreachable!("the push does not pull")
    }
}

fn note(task: TaskId, was: Option<&str>, new: &str) -> Op {
    task_edit(task, &[("notes", json!(was), json!(new))])
}

fn lifecycle() -> Op {
    op(Change::Lifecycle(LifecycleRequest {
        subscriber: noctule_domain::SubscriberId(Uuid::now_v7()),
        kind: OperationKind::Suspend,
        options: Default::default(),
        seen_version: 1,
    }))
}

#[tokio::test]
async fn ten_thousand_ops_arrive_and_lifecycle_requests_wait_without_holding_them_up() {
    let place = Place::new().await;
    let centre = place.console("anna", Role::Dispatcher);
    place.sql(&format!(
        "INSERT INTO noctule.tasks (tenant_id, id, number, title, task_type, status, priority)
         SELECT '{}', gen_random_uuid(), 'T-' || n, 'Splice', 'splicing', 'pending', 'normal' FROM generate_series(1, 2500) AS n",
        place.tenant
    ));
    let ids: Vec<TaskId> = place.sql("SELECT id FROM noctule.tasks").lines().map(|id| id.parse().expect("an id")).collect();
    let memory = Arc::new(Memory::default());
    // More of them than a batch holds, at the head of the line.
    memory.add((0..MAX_BATCH_OPS + 200).map(|_| lifecycle()));
    let ops: Vec<Op> = (0..4)
        .flat_map(|round| ids.iter().map(move |id| (round, *id)))
        .map(|(round, id)| note(id, (round > 0).then(|| format!("note {}", round - 1)).as_deref(), &format!("note {round}")))
        .collect();
    memory.add(ops.clone());
    let begun = std::time::Instant::now();
    let pushed = Pusher::new(centre, memory.clone()).push_all().await.expect("pushed");
    println!("10,000 ops in {:?}", begun.elapsed());
    assert_eq!((pushed.answered, pushed.conflicts, pushed.refused), (10_000, 0, 0));
    assert_eq!(pushed.lifecycle.len(), MAX_BATCH_OPS + 200);
    assert!(ops.iter().all(|op| applied(&memory.answer(op))));
    assert_eq!(place.count("tasks WHERE notes = 'note 3' AND version = 5"), 2_500);
    assert_eq!(place.count("ops"), 10_000);
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_nothing_is_done_twice() {
    let place = Place::new().await;
    let wire = Wire::to(format!("{}:{}", place.postgres.host(), place.postgres.port()).parse().expect("an address")).expect("a link");
    let mut config = place.config(&place.login("anna", Role::Dispatcher, None));
    config.hosts = vec![(wire.addr().ip().to_string(), wire.addr().port())];
    let centre = Centre::new(config);
    let task = place.task(&[]);
    let memory = Arc::new(Memory::default());
    let pusher = Pusher::new(centre, memory.clone());
    memory.add([note(task, None, "0")]);
    pusher.push_all().await.expect("the connection is there, the statement prepared");
    let ops = [note(task, Some("0"), "1"), note(task, Some("1"), "2")];
    memory.add(ops.clone());
    wire.lose_answer_once();
    let lost = pusher.push_all().await.expect_err("the answer is lost");
    assert!(lost.maybe_done(), "{lost:?}");
    assert!(!wire.is_armed());
    assert_eq!(place.row("tasks", task.0)["notes"], "2", "it was carried out");
    assert_eq!(memory.answers.lock().expect("lock").len(), 1);
    let again = pusher.push_all().await.expect("pushed again");
    assert_eq!(again.answered, 2);
    assert_eq!(memory.answer(&ops[1]), Answer::Applied { version: Some(4), merged: vec![] });
    assert_eq!(place.row("tasks", task.0)["version"], 4, "once");
    assert!(memory.answers.lock().expect("lock").values().all(|a| a.xid.is_some()));
}

/// A text that PostgreSQL can not hold breaks the whole request before any function sees it.
#[tokio::test]
async fn what_the_centre_can_not_read_is_found_by_halving_and_kept_as_refused() {
    let place = Place::new().await;
    let centre = place.console("anna", Role::Dispatcher);
    let tasks: Vec<TaskId> = (0..90).map(|_| place.task(&[])).collect();
    let mut ops: Vec<Op> = tasks.iter().map(|task| note(*task, None, "fine")).collect();
    for at in [13, 14, 60] {
        ops[at] = note(tasks[at], None, "nul \0 byte");
    }
    ops.push(note(tasks[0], None, &"x".repeat(2 << 20)));
    let memory = Arc::new(Memory::default());
    memory.add(ops.clone());
    let pushed = Pusher::new(centre, memory.clone()).push_all().await.expect("pushed");
    assert_eq!((pushed.answered, pushed.refused, pushed.conflicts), (91, 4, 0));
    assert!(refused(&memory.answer(&ops[13])).contains("can not read it"));
    assert!(refused(&memory.answer(&ops[90])).contains("too large"));
    assert!(applied(&memory.answer(&ops[15])));
}

#[tokio::test]
async fn a_revoked_operator_is_told_and_keeps_the_ops() {
    let place = Place::new().await;
    let centre = place.console("anna", Role::Dispatcher);
    let memory = Arc::new(Memory::default());
    memory.add([note(place.task(&[]), None, "x")]);
    place.sql(&format!("UPDATE noctule.members SET revoked_at = now() WHERE login = '{}'", centre.config().user));
    let pusher = Pusher::new(centre.clone(), memory.clone());
    assert!(matches!(pusher.push_all().await, Err(CentreError::Denied(_))));
    assert!(matches!(noctule_sync::push::beat(&centre, None).await, Err(CentreError::Denied(_))));
    assert_eq!(memory.unsent(10).await.expect("ops").len(), 1);
}

/// The loop goes on by itself after the centre was away, and stops when told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loop_pushes_what_comes_and_survives_an_outage() {
    let place = Place::new().await;
    let wire = Wire::to(format!("{}:{}", place.postgres.host(), place.postgres.port()).parse().expect("an address")).expect("a link");
    let mut config = place.config(&place.login("anna", Role::Dispatcher, None));
    config.hosts = vec![(wire.addr().ip().to_string(), wire.addr().port())];
    let task = place.task(&[]);
    let memory = Arc::new(Memory::default());
    let stop = tokio_util::sync::CancellationToken::new();
    let (failed, mut failures) = tokio::sync::mpsc::unbounded_channel();
    let pusher = Pusher::new(Centre::new(config), memory.clone());
    wire.refuse();
    memory.add([note(task, None, "1")]);
    let running = tokio::spawn({
        let stop = stop.clone();
        async move {
            pusher
                .run(&stop, &move |round| {
                    if let Err(error) = round {
                        let _ = failed.send(error.clone());
                    }
                })
                .await;
        }
    });
    let first = tokio::time::timeout(Duration::from_secs(30), failures.recv()).await.expect("in time").expect("a failure");
    assert!(matches!(first, CentreError::Unreachable(_)), "{first:?}");
    wire.pass();
    wait_for(|| !memory.answers.lock().expect("lock").is_empty()).await;
    memory.add([note(task, Some("1"), "2")]);
    wait_for(|| memory.answers.lock().expect("lock").len() == 2).await;
    assert_eq!(place.row("tasks", task.0)["notes"], "2");
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(10), running).await.expect("it stops").expect("without panic");
}

async fn wait_for(done: impl Fn() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(tokio::time::Instant::now() < deadline, "not within 30 s");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn consoles_see_each_other() {
    let place = Place::new().await;
    let (anna, ben) = (place.console("anna", Role::Noc), place.console("ben", Role::Dispatcher));
    let mikko = Centre::new(place.config(&place.login("mikko", Role::Technician, Some(place.technician()))));
    let subscriber = place.subscriber(&[]);
    let beat = noctule_sync::push::beat;
    assert_eq!(beat(&anna, Some(subscriber)).await.expect("a beat").consoles, 1);
    let seen = beat(&ben, Some(subscriber)).await.expect("a beat");
    assert_eq!((seen.consoles, seen.others.len()), (2, 1));
    assert_eq!((seen.others[0].console, seen.others[0].subscriber), (anna.config().console, Some(subscriber)));
    assert_eq!(seen.others[0].login.as_str(), anna.config().user);
    beat(&ben, None).await.expect("looks away");
    assert_eq!(beat(&anna, Some(subscriber)).await.expect("a beat").others[0].subscriber, None);
    let told = beat(&mikko, None).await.expect("a beat");
    assert_eq!(
        (told.consoles, told.others.iter().filter(|o| o.subscriber.is_some()).count()),
        (3, 0),
        "a technician is not told what others look at"
    );
    // Somebody else's console stays theirs.
    let mut config = ben.config().clone();
    config.console = anna.config().console;
    beat(&Centre::new(config), None).await.expect("a beat");
    assert_eq!(place.count(&format!("presence WHERE console = '{}' AND login = '{}'", anna.config().console, anna.config().user)), 1);
    place.sql("UPDATE noctule.presence SET seen_at = now() - interval '46 seconds'");
    assert_eq!(beat(&anna, None).await.expect("a beat").consoles, 1);
}
