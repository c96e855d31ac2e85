//! Several processes of one user on one folder: one syncs, the others see what it brought and what anybody did.

use crate::support::*;
use noctule_domain::permission::Role;
use noctule_domain::sync::{Increment, Replica, ReplicaError, Table};
use std::time::Duration;

#[tokio::test]
async fn one_leads_the_others_follow_and_take_over() {
    let folder = tempfile::tempdir().unwrap();
    let (leader, follower) = (open(folder.path()), open(folder.path()));
    assert!(leader.lead() && leader.lead());
    assert!(!follower.lead());
    assert!(matches!(follower.copy(&position(1)).await.err(), Some(ReplicaError::NotLeader)));
    let nothing = Increment { rows: vec![], gone: vec![], position: None };
    assert!(matches!(follower.apply(nothing.clone()).await, Err(ReplicaError::NotLeader)));
    follower.poll_foreign_changes().await.unwrap();
    assert!(!follower.poll_foreign_changes().await.unwrap());

    // A swap.
    copy(&leader, &position(10), &[(Table::Tasks, vec![task(1, &[])])]).await;
    let mut notices = follower.changes();
    notices.borrow_and_update();
    assert!(follower.poll_foreign_changes().await.unwrap());
    assert!(notices.has_changed().unwrap());
    assert_eq!(follower.tasks().await.unwrap().len(), 1);
    // An increment.
    apply(&leader, Table::Tasks, &[task(2, &[])], 11).await;
    assert!(follower.poll_foreign_changes().await.unwrap());
    assert_eq!(follower.tasks().await.unwrap().len(), 2);
    // What the follower does is pushed by the leader; what the leader heard is lifted from the follower's screen.
    follower.task_set_notes(tid(1), None, Some("from the other window".into()), actor(Role::Admin)).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), leader.wait_unsent()).await.expect("it is noticed without a poll");
    let ops = leader.unsent(10).await.unwrap();
    assert_eq!(ops.len(), 1);
    leader.poll_foreign_changes().await.unwrap();
    assert_eq!(leader.tasks().await.unwrap()[0].notes.as_ref().unwrap().as_str(), "from the other window");
    let denied = noctule_domain::sync::Answer::Denied { why: "no".into() };
    leader.answered(vec![noctule_domain::sync::Answered { op: ops[0].id, answer: denied, xid: None, at: start() }]).await.unwrap();
    follower.poll_foreign_changes().await.unwrap();
    // The desk takes notice before it answers.
    assert_eq!(follower.outbox().await.unwrap().conflicts, 1);
    assert_eq!(follower.tasks().await.unwrap()[0].notes, None);
    drop(leader);
    until("the follower leads", || follower.lead());
    follower.apply(nothing).await.unwrap();
}

#[tokio::test]
async fn waiting_for_work_neither_spins_nor_sleeps_through_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    copy(&store, &position(10), &[(Table::Tasks, vec![task(1, &[])])]).await;
    let at_once = || tokio::time::timeout(Duration::from_secs(5), store.wait_unsent());
    store.task_set_notes(tid(1), None, Some("a".into()), actor(Role::Admin)).await.unwrap();
    at_once().await.expect("there is something");
    assert_eq!(store.unsent(10).await.unwrap().len(), 1);
    // It is handed out: until something new comes there is nothing to hurry for.
    assert!(tokio::time::timeout(Duration::from_millis(700), store.wait_unsent()).await.is_err());
    store.task_set_notes(tid(1), None, Some("b".into()), actor(Role::Admin)).await.unwrap();
    at_once().await.expect("there is something again");
}

#[tokio::test]
async fn looking_for_changes_costs_microseconds() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.poll_foreign_changes().await.unwrap();
    let start = std::time::Instant::now();
    for _ in 0..1000 {
        store.poll_foreign_changes().await.unwrap();
    }
    let each = start.elapsed() / 1000;
    println!("one look: {each:?}");
    assert!(each < Duration::from_millis(5), "{each:?}");
}
