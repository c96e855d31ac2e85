//! A local side in memory that keeps the port's promises: what was handed over is durable, a copy cut short can be gone on with.

#![allow(dead_code)]

use async_trait::async_trait;
use noctule_domain::sync::{
    Answer, Answered, Checksum, CopyPoint, Increment, LocalCopy, Op, Outbox, Position, Replica, ReplicaError, Rows, RowsBuilder, TABLES,
    Table, row_sum,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;
use uuid::Uuid;

/// Rows of a table by id, each as its tuple.
pub type Held = BTreeMap<Uuid, Vec<u8>>;

#[derive(Default)]
pub struct State {
    pub position: Option<Position>,
    pub tables: BTreeMap<i16, Held>,
    staging: Option<Staging>,
    pub ops: Vec<Op>,
    pub answers: Vec<Answered>,
    /// Copies that came to their end.
    pub copies: u32,
    /// Pieces of rows that were handed over in copies, for counting what was sent again.
    pub copied_rows: u64,
    pub applied_rows: u64,
}

struct Staging {
    point: CopyPoint,
    tables: BTreeMap<i16, Held>,
}

#[derive(Clone, Default)]
pub struct Model {
    pub state: Arc<Mutex<State>>,
    /// Woken by every change of a row.
    pub changed: Arc<Notify>,
    pub unsent: Arc<Notify>,
}

fn encode(row: &noctule_domain::sync::Row<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for at in 0..row.table().columns().len() {
        match row.raw(at) {
            None => bytes.extend((-1i32).to_be_bytes()),
            Some(value) => {
                bytes.extend(i32::try_from(value.len()).expect("short").to_be_bytes());
                bytes.extend(value);
            }
        }
    }
    bytes
}

fn put(held: &mut BTreeMap<i16, Held>, rows: &Rows) -> Result<Option<Uuid>, ReplicaError> {
    let table = held.entry(rows.table.number()).or_default();
    let mut last = None;
    rows.read(|row| {
        let id = row.id()?;
        last = Some(id);
        table.insert(id, encode(row));
        Ok(())
    })
    .map_err(|error| ReplicaError::DoesNotFit(error.to_string().into()))?;
    Ok(last)
}

impl Model {
    pub fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().expect("no test panics under this lock"))
    }

    pub fn rows(&self, table: Table) -> Held {
        self.with(|state| state.tables.get(&table.number()).cloned().unwrap_or_default())
    }

    pub fn copies(&self) -> u32 {
        self.with(|state| state.copies)
    }
}

#[async_trait]
impl Replica for Model {
    async fn position(&self) -> Result<Option<Position>, ReplicaError> {
        Ok(self.with(|state| state.position.clone()))
    }

    async fn copy_point(&self, like: &Position) -> Result<Option<CopyPoint>, ReplicaError> {
        Ok(self.with(|state| {
            let fits = state.staging.as_ref().is_some_and(|staging| {
                let began = &staging.point.began;
                (&began.history, began.schema, began.epoch, began.tenant, &began.login)
                    == (&like.history, like.schema, like.epoch, like.tenant, &like.login)
            });
            if !fits {
                state.staging = None;
            }
            state.staging.as_ref().map(|staging| staging.point.clone())
        }))
    }

    async fn copy(&self, began: &Position) -> Result<Box<dyn LocalCopy>, ReplicaError> {
        self.with(|state| {
            if state.staging.as_ref().is_none_or(|staging| staging.point.began != *began) {
                let point = CopyPoint { began: began.clone(), done: Vec::new(), under_way: None, rows: 0 };
                state.staging = Some(Staging { point, tables: BTreeMap::new() });
            }
        });
        Ok(Box::new(Copy(self.clone())))
    }

    async fn apply(&self, increment: Increment) -> Result<(), ReplicaError> {
        self.with(|state| {
            for rows in &increment.rows {
                state.applied_rows += u64::from(rows.len());
                put(&mut state.tables, rows)?;
            }
            for (table, ids) in &increment.gone {
                let held = state.tables.entry(table.number()).or_default();
                ids.iter().for_each(|id| drop(held.remove(id)));
            }
            if let Some(position) = increment.position {
                state.position = Some(position);
            }
            Ok(())
        })?;
        self.changed.notify_waiters();
        Ok(())
    }

    async fn sums(&self, table: Table, bounds: &[Uuid]) -> Result<Vec<Checksum>, ReplicaError> {
        let mut sums = vec![Checksum::default(); bounds.len() + 1];
        for (id, tuple) in self.rows(table) {
            let mut rows = RowsBuilder::new(table, 0);
            rows.push_tuple(&tuple);
            let at = bounds.partition_point(|bound| *bound <= id);
            rows.finish()
                .read(|row| {
                    sums[at].add(row_sum(row));
                    Ok(())
                })
                .map_err(|error| ReplicaError::DoesNotFit(error.to_string().into()))?;
        }
        Ok(sums)
    }

    async fn ids(&self, table: Table, from: Option<Uuid>, to: Option<Uuid>) -> Result<Vec<Uuid>, ReplicaError> {
        let fits = |id: &Uuid| from.is_none_or(|from| *id >= from) && to.is_none_or(|to| *id < to);
        Ok(self.rows(table).into_keys().filter(fits).collect())
    }

    async fn unsent(&self, limit: u32) -> Result<Vec<Op>, ReplicaError> {
        Ok(self.with(|state| {
            let answered = |op: &Op| state.answers.iter().any(|answer| answer.op == op.id);
            state.ops.iter().filter(|op| !answered(op)).take(limit as usize).cloned().collect()
        }))
    }

    async fn answered(&self, answers: Vec<Answered>) -> Result<(), ReplicaError> {
        self.with(|state| state.answers.extend(answers));
        Ok(())
    }

    async fn outbox(&self) -> Result<Outbox, ReplicaError> {
        let unsent = self.unsent(u32::MAX).await?;
        let refused = |answer: &&Answered| !matches!(answer.answer, Answer::Applied { .. } | Answer::Already { .. });
        Ok(Outbox {
            unsent: unsent.len() as u64,
            oldest: unsent.first().map(|op| op.made_at),
            conflicts: self.with(|state| state.answers.iter().filter(refused).count() as u64),
        })
    }

    async fn wait_unsent(&self) {
        self.unsent.notified().await;
    }
}

struct Copy(Model);

#[async_trait]
impl LocalCopy for Copy {
    async fn rows(&mut self, rows: Rows) -> Result<(), ReplicaError> {
        self.0.with(|state| {
            state.copied_rows += u64::from(rows.len());
            let staging = state.staging.as_mut().expect("a copy is under way");
            if let Some(last) = put(&mut staging.tables, &rows)? {
                staging.point.under_way = Some((rows.table, last));
                staging.point.rows += u64::from(rows.len());
            }
            Ok(())
        })
    }

    async fn table_done(&mut self, table: Table) -> Result<(), ReplicaError> {
        self.0.with(|state| {
            let staging = state.staging.as_mut().expect("a copy is under way");
            staging.point.done.push(table);
            staging.point.under_way = None;
        });
        Ok(())
    }

    async fn finish(self: Box<Self>, percent: &(dyn Fn(u8) + Send + Sync)) -> Result<(), ReplicaError> {
        percent(50);
        self.0.with(|state| {
            let staging = state.staging.take().expect("a copy is under way");
            assert_eq!(staging.point.done, TABLES, "every table is complete before the copy is");
            state.tables = staging.tables;
            state.position = Some(staging.point.began);
            state.copies += 1;
        });
        percent(100);
        self.0.changed.notify_waiters();
        Ok(())
    }
}
