//! Every subscriber that a filter matches, one after the other, in bounded memory.

use super::compile::compile;
use super::row::{WHOLE, whole};
use crate::error::StoreError;
use crate::store::{Shared, Store};
use noctule_domain::filter::Filter;
use noctule_domain::subscriber::Subscriber;
use rusqlite::params_from_iter;
use rusqlite::types::Value;
use std::ops::ControlFlow;
use tokio::sync::mpsc;

const BATCH: usize = 200;

impl Store {
    /// Calls `each` for every match, by number, until it breaks; gives how many were handed out. One snapshot, on a thread of its own:
    /// pages are not slowed by it.
    pub async fn for_each_subscriber<F>(&self, filter: Filter, mut each: F) -> Result<u64, StoreError>
    where
        F: FnMut(Subscriber) -> ControlFlow<()> + Send,
    {
        let shared = self.inner.shared.clone();
        let (sender, mut batches) = mpsc::channel(4);
        std::thread::Builder::new()
            .name("store-export".into())
            .spawn(move || {
                if let Err(error) = send(&shared, &filter, &sender) {
                    drop(sender.blocking_send(Err(error)));
                }
            })
            .map_err(StoreError::Io)?;
        let mut handed = 0;
        while let Some(batch) = batches.recv().await {
            for subscriber in batch? {
                handed += 1;
                if each(subscriber).is_break() {
                    return Ok(handed);
                }
            }
        }
        Ok(handed)
    }
}

type Batch = Result<Vec<Subscriber>, StoreError>;

fn send(shared: &Shared, filter: &Filter, sender: &mpsc::Sender<Batch>) -> Result<(), StoreError> {
    let overlay = shared.overlay();
    let conn = shared.reader()?;
    let mut sql = super::compile::Sql::default();
    sql.push(
        &format!(
            "SELECT {WHOLE} FROM subscribers AS s INDEXED BY subscribers_number
             LEFT JOIN sessions AS x ON x.tenant = s.tenant AND x.subscriber = s.id WHERE s.tenant = ?"
        ),
        [Value::Integer(shared.tenant_key)],
    );
    for condition in compile(filter, shared.tenant_key, shared.now()).conditions {
        sql.push(" AND ", []);
        sql.append(&condition);
    }
    sql.push(" ORDER BY s.number COLLATE NOCASE, s.number", []);
    let mut statement = conn.prepare(&sql.text)?;
    let mut rows = statement.query(params_from_iter(sql.values.iter()))?;
    let mut batch = Vec::with_capacity(BATCH);
    while let Some(row) = rows.next()? {
        let mut subscriber = whole(row, shared.tenant)?;
        overlay.subscriber(&mut subscriber);
        batch.push(subscriber);
        if batch.len() == BATCH && sender.blocking_send(Ok(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)))).is_err() {
            // The other side broke off.
            return Ok(());
        }
    }
    if !batch.is_empty() {
        drop(sender.blocking_send(Ok(batch)));
    }
    Ok(())
}
