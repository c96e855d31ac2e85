//! Random ops by several consoles on few rows, in any order, repeated: the rows end as a small model says, and no value that was typed is lost
//! without an applied op or a conflict that holds it.

use crate::place::*;
use noctule_domain::TaskId;
use noctule_domain::permission::Role;
use noctule_domain::sync::{Answer, Change, Op, merge_text};
use noctule_sync::connect::Centre;
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

const FIELDS: [&str; 4] = ["notes", "title", "priority", "estimate_min"];

type Row = BTreeMap<&'static str, Value>;

fn typed(dice: &mut impl Rng, field: &str, seen: &Value) -> Value {
    match field {
        // Half of them add to what they saw, as people do.
        "notes" => match (dice.random_range(0..5u8), seen.as_str()) {
            (0, _) => Value::Null,
            (1 | 2, Some(text)) => json!(format!("{text}\nö{}", dice.random_range(0..3u8))),
            _ => json!(format!("n{}", dice.random_range(0..4u8))),
        },
        "title" => json!(format!("t{}", dice.random_range(0..4u8))),
        "priority" => json!(["low", "normal", "high"][dice.random_range(0..3usize)]),
        _ => json!(dice.random_range(0..3u8)),
    }
}

/// What the answer must be; changes the row.
fn model(row: &mut Row, op: &Op) -> (Vec<String>, Vec<String>, Vec<String>) {
    let Change::TaskEdit { fields, .. } = &op.change else { panic!("an edit") };
    let (mut written, mut merged, mut collided) = (Vec::new(), Vec::new(), Vec::new());
    for (name, change) in fields {
        let current = row.get_mut(name.as_str()).expect("a field");
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        if *current == change.new {
            continue;
        } else if *current == change.was {
            *current = change.new.clone();
        } else if let Some(both) = (name == "notes" && change.new.is_string())
            .then(|| merge_text(&text(&change.was), &text(&change.new), &text(current)))
            .flatten()
        {
            *current = json!(both);
            merged.push(name.clone());
        } else {
            collided.push(name.clone());
            continue;
        }
        written.push(name.clone());
    }
    (written, merged, collided)
}

async fn run(seed: u64) {
    println!("SEED={seed}");
    let place = Place::new().await;
    let mut dice = StdRng::seed_from_u64(seed);
    let consoles: Vec<Centre> = (0..dice.random_range(2..=4)).map(|n| place.console(&format!("c{n}"), Role::Dispatcher)).collect();
    let tasks: Vec<TaskId> = (0..3).map(|_| place.task(&[])).collect();
    let fresh: Row =
        [("notes", json!(null)), ("title", json!("Splice")), ("priority", json!("normal")), ("estimate_min", json!(null))].into();
    let mut world: HashMap<TaskId, Row> = tasks.iter().map(|t| (*t, fresh.clone())).collect();
    let mut copies: Vec<HashMap<TaskId, Row>> = vec![world.clone(); consoles.len()];
    let mut outboxes: Vec<Vec<Op>> = vec![Vec::new(); consoles.len()];
    let mut answered: HashMap<noctule_domain::OpId, Answer> = HashMap::new();
    let mut past: Vec<(usize, Op)> = Vec::new();
    for _ in 0..120 {
        let who = dice.random_range(0..consoles.len());
        match dice.random_range(0..10u8) {
            // Types something over what this console shows.
            0..=5 => {
                let task = tasks[dice.random_range(0..tasks.len())];
                let mut changes = Vec::new();
                for field in FIELDS.into_iter().filter(|_| dice.random_bool(0.45)).collect::<Vec<_>>() {
                    let was = copies[who][&task][field].clone();
                    let new = typed(&mut dice, field, &was);
                    copies[who].get_mut(&task).expect("a row").insert(field, new.clone());
                    changes.push((field, was, new));
                }
                outboxes[who].push(task_edit(task, &changes));
            }
            // Pushes some of it, at times in another order, at times with what was pushed before.
            6..=8 => {
                let mut batch: Vec<Op> = outboxes[who].drain(..).collect();
                if dice.random_bool(0.2) {
                    batch.reverse();
                }
                let again: Vec<Op> =
                    past.iter().filter(|(by, _)| dice.random_bool(if *by == who { 0.3 } else { 0.03 })).map(|(_, op)| op.clone()).collect();
                let all: Vec<Op> = again.iter().cloned().chain(batch.iter().cloned()).collect();
                let answers = push(&consoles[who], &all).await;
                for (op, answer) in all.iter().zip(answers) {
                    if let Some(known) = answered.get(&op.id) {
                        assert_eq!(*known, answer, "another answer to the same op");
                        continue;
                    }
                    let Change::TaskEdit { task, fields, .. } = &op.change else { unreachable!() };
                    let (written, both, collided) = model(world.get_mut(task).expect("a row"), op);
                    match &answer {
                        Answer::Applied { merged, .. } => {
                            assert_eq!((merged, collided.len(), written.is_empty()), (&both, 0, false), "{op:?}")
                        }
                        Answer::Already { .. } => assert!(written.is_empty() && collided.is_empty(), "{op:?}: {written:?} {collided:?}"),
                        Answer::Conflict { collisions, applied } => {
                            assert_eq!(collisions.iter().map(|c| c.field.clone()).collect::<Vec<_>>(), collided, "{op:?}");
                            assert_eq!(applied, &written);
                            for collision in collisions {
                                assert_eq!(collision.yours, fields[&collision.field].new, "what was typed is in the conflict");
                                assert_eq!(collision.theirs, world[task][collision.field.as_str()]);
                                // Over a value that nobody has changed yet there is nobody to name.
                                assert!(collision.by.is_some() || collision.theirs == fresh[collision.field.as_str()]);
                            }
                        }
                        other => panic!("{op:?}: {other:?}"),
                    }
                    answered.insert(op.id, answer);
                }
                past.extend(batch.into_iter().map(|op| (who, op)));
            }
            // Pulls.
            _ => copies[who] = world.clone(),
        }
    }
    for (task, row) in &world {
        let stored = place.row("tasks", task.0);
        for field in FIELDS {
            assert_eq!(stored[field], row[field], "seed {seed}, {task} {field}");
        }
    }
    assert_eq!(place.count("ops"), answered.len() as i64);
}

#[tokio::test]
async fn rows_end_as_the_model_says() {
    match std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => run(seed).await,
        None => {
            for _ in 0..8 {
                run(rand::random()).await;
            }
        }
    }
}
