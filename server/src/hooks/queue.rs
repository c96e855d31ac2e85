//! What is to be looked at: NetBox ids, each once however often it was hinted at. Of bounded size: when there are more, the ids are let go and
//! everything is looked at instead, which costs one walk and loses nothing.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

pub struct Queue {
    inner: Mutex<Inner>,
    filled: Notify,
    most: usize,
}

#[derive(Default)]
struct Inner {
    ids: BTreeSet<i64>,
    all: bool,
}

/// One piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    Some(Vec<i64>),
    All,
}

impl Queue {
    pub fn new(most: usize) -> Self {
        Self { inner: Mutex::default(), filled: Notify::new(), most }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn add(&self, id: i64) {
        let mut inner = self.inner();
        if !inner.all {
            inner.ids.insert(id);
            if inner.ids.len() > self.most {
                inner.ids.clear();
                inner.all = true;
            }
        }
        drop(inner);
        self.filled.notify_one();
    }

    pub fn add_all(&self) {
        let mut inner = self.inner();
        inner.ids.clear();
        inner.all = true;
        drop(inner);
        self.filled.notify_one();
    }

    /// Work that was not done goes back, to be merged with what came meanwhile.
    pub fn give_back(&self, work: Work) {
        match work {
            Work::All => self.add_all(),
            Work::Some(ids) => ids.into_iter().for_each(|id| self.add(id)),
        }
    }

    /// At most `limit` ids; `None` when there is nothing to do.
    pub fn take(&self, limit: usize) -> Option<Work> {
        let mut inner = self.inner();
        if std::mem::take(&mut inner.all) {
            inner.ids.clear();
            return Some(Work::All);
        }
        let mut ids = Vec::new();
        while ids.len() < limit
            && let Some(id) = inner.ids.pop_first()
        {
            ids.push(id);
        }
        (!ids.is_empty()).then_some(Work::Some(ids))
    }

    /// Returns at once when something was added since the last time.
    pub async fn filled(&self) {
        self.filled.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stands_once_and_comes_out_in_lists() {
        let queue = Queue::new(100);
        for id in [3, 1, 3, 2, 1] {
            queue.add(id);
        }
        assert_eq!(queue.take(2), Some(Work::Some(vec![1, 2])));
        queue.add(1);
        queue.give_back(Work::Some(vec![1, 2]));
        assert_eq!(queue.take(9), Some(Work::Some(vec![1, 2, 3])));
        assert_eq!(queue.take(9), None);
    }

    #[test]
    fn too_many_become_all() {
        let queue = Queue::new(10);
        for id in 0..11 {
            queue.add(id);
        }
        queue.add(99);
        assert_eq!(queue.take(5), Some(Work::All));
        assert_eq!(queue.take(5), None);
        queue.add(7);
        queue.give_back(Work::All);
        assert_eq!(queue.take(5), Some(Work::All));
        assert_eq!(queue.take(5), None);
    }
}
