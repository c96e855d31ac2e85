//! What is shown is what the last read of the centre said, with the ops that it has not seen laid over: against a small model, whatever
//! the order of edits, pushes, lost answers, reads, whole copies and restarts.

use crate::support::*;
use noctule_domain::permission::Role;
use noctule_domain::sync::{Answer, Answered, Change, Replica, Table};
use noctule_storage::Store;
use proptest::prelude::*;
use std::collections::BTreeMap;

const ROWS: u128 = 3;

#[derive(Debug, Clone)]
enum Step {
    /// Somebody here writes notes of a subscriber.
    Edit(u128, u8),
    /// Somebody elsewhere does.
    Elsewhere(u128, u8),
    /// The centre takes so many ops; the answers are lost when false.
    Push(u8, bool),
    /// A read that has seen all but the last so many transactions.
    Pull(u64),
    /// The same by a whole copy.
    Copy(u64),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..=ROWS, any::<u8>()).prop_map(|(n, t)| Step::Edit(n, t)),
        2 => (1..=ROWS, any::<u8>()).prop_map(|(n, t)| Step::Elsewhere(n, t)),
        3 => (0u8..4, any::<bool>()).prop_map(|(n, heard)| Step::Push(n, heard)),
        3 => (0u64..3).prop_map(Step::Pull),
        1 => (0u64..3).prop_map(Step::Copy),
        1 => Just(Step::Reopen),
    ]
}

/// The centre as it truly is, and what the console has heard.
#[derive(Default)]
struct Model {
    /// Transactions: number, subscriber, notes.
    log: Vec<(u64, u128, String)>,
    /// Applied ops, with the transaction.
    applied: BTreeMap<uuid::Uuid, u64>,
    /// Ops here, oldest first: id, subscriber, notes, the answer's transaction when it was heard.
    ops: Vec<(uuid::Uuid, u128, String, Option<u64>)>,
    /// Transactions below this were seen by the last read.
    seen: u64,
}

impl Model {
    fn next(&self) -> u64 {
        10 + self.log.len() as u64
    }

    fn centre(&self, n: u128, below: u64) -> Option<String> {
        self.log.iter().rev().find(|(xid, row, _)| *row == n && *xid < below).map(|(_, _, text)| text.clone())
    }

    fn shown(&self, n: u128) -> Option<String> {
        let laid = self.ops.iter().rev().find(|(_, row, _, xid)| *row == n && xid.is_none_or(|xid| xid >= self.seen));
        laid.map(|(_, _, text, _)| text.clone()).or_else(|| self.centre(n, self.seen))
    }

    fn rows(&self, below: u64) -> Vec<Tuple> {
        (1..=ROWS)
            .map(|n| sub(n, &[("notes", self.centre(n, below).map_or(V::None, V::Text)), ("version", V::Int(self.log.len() as i64 + 1))]))
            .collect()
    }
}

async fn run(steps: &[Step]) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let mut model = Model { seen: 10, ..Model::default() };
    copy(&store, &position(10), &[(Table::Subscribers, model.rows(10))]).await;
    for step in steps {
        match step {
            Step::Edit(n, text) => {
                let text = format!("mine {text}");
                if model.shown(*n).as_deref() != Some(&text) {
                    store.subscriber_set_notes(sid(*n), None, Some(text.as_str().into()), actor(Role::Admin)).await.unwrap();
                    let id = store.unsent(1000).await.unwrap().last().unwrap().id;
                    model.ops.push((id.uuid(), *n, text, None));
                }
            }
            Step::Elsewhere(n, text) => {
                let xid = model.next();
                model.log.push((xid, *n, format!("theirs {text}")));
            }
            Step::Push(count, heard) => {
                let mut answers = Vec::new();
                for op in store.unsent(u32::from(*count)).await.unwrap() {
                    let Change::SubscriberEdit { subscriber, fields, .. } = &op.change else { panic!("{op:?}") };
                    let next = model.next();
                    let xid = match model.applied.get(&op.id.uuid()) {
                        Some(xid) => *xid,
                        None => {
                            model.log.push((next, subscriber.uuid().as_u128(), fields["notes"].new.as_str().unwrap().to_owned()));
                            model.applied.insert(op.id.uuid(), next);
                            next
                        }
                    };
                    answers.push(Answered {
                        op: op.id,
                        answer: Answer::Applied { version: None, merged: vec![] },
                        xid: Some(xid),
                        at: start(),
                    });
                }
                if *heard {
                    for answered in &answers {
                        model.ops.iter_mut().find(|(id, ..)| *id == answered.op.uuid()).unwrap().3 = answered.xid;
                    }
                    store.answered(answers).await.unwrap();
                }
            }
            Step::Pull(behind) | Step::Copy(behind) => {
                let at = model.next().saturating_sub(*behind).max(model.seen);
                model.seen = at;
                if matches!(step, Step::Pull(_)) {
                    apply(&store, Table::Subscribers, &model.rows(at), at).await;
                } else {
                    copy(&store, &position(at), &[(Table::Subscribers, model.rows(at))]).await;
                }
            }
            Step::Reopen => {
                drop(store);
                store = open(folder.path());
                until("it leads again", || store.lead());
            }
        }
        check(&store, &model, step).await;
    }
}

async fn check(store: &Store, model: &Model, step: &Step) {
    for n in 1..=ROWS {
        let shown = store.subscriber(sid(n)).await.unwrap().unwrap().notes.map(|t| t.to_string());
        assert_eq!(shown, model.shown(n), "subscriber {n} after {step:?}");
    }
    let unsent: Vec<uuid::Uuid> = store.unsent(1000).await.unwrap().into_iter().map(|op| op.id.uuid()).collect();
    let expected: Vec<uuid::Uuid> = model.ops.iter().filter(|(_, _, _, heard)| heard.is_none()).map(|(id, ..)| *id).collect();
    assert_eq!(unsent, expected, "nothing typed is dropped");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn what_is_shown_is_the_centre_with_ours_over_it(steps in proptest::collection::vec(step(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(&steps));
    }
}
