//! The thread that owns the writing connection. Whatever waits for it is done in one durable transaction, and nobody is answered before that
//! is on the disk: under load a commit is shared, alone it is as quick as before. A change stands behind a savepoint of its own, which copies
//! every page that it touches; a plain one does without, and takes the whole transaction back with it if it fails half-way after all.

use crate::error::StoreError;
use crate::threads::Job;
use rusqlite::{Connection, Transaction, TransactionBehavior, ffi};
use std::collections::VecDeque;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Jobs that may wait before the caller waits too.
const QUEUE: usize = 256;
/// Jobs in one transaction: a caller in the next one waits for all of them.
const GROUP: usize = 128;
/// So long after a plain change failed half-way every change has a savepoint: who fails again does it alone.
const CAREFUL: Duration = Duration::from_secs(60);

/// What the writer does.
pub(crate) enum Work {
    /// A change that may share its transaction.
    Grouped(Box<dyn Grouped>),
    /// Has the connection to itself.
    Alone(Job<Connection>),
}

/// A change, and the caller who waits for it.
pub(crate) trait Grouped: Send {
    /// Makes the change; false takes back what it wrote.
    fn run(&mut self, tx: &Transaction<'_>) -> bool;

    /// It refuses before it writes anything, if at all.
    fn is_plain(&self) -> bool;

    /// Called once: after the commit, or with the reason why there was none (the change may not even have run then).
    fn answer(self: Box<Self>, stored: Result<(), StoreError>);
}

/// A closure as a `Grouped`.
pub(crate) struct Change<T, E, F> {
    job: Option<F>,
    plain: bool,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Change<T, E, F> {
    pub(crate) fn new(job: F) -> (Self, oneshot::Receiver<Result<T, E>>) {
        let (reply, answer) = oneshot::channel();
        (Self { job: Some(job), plain: false, result: None, reply }, answer)
    }

    /// See [`Grouped::is_plain`].
    pub(crate) fn plain(job: F) -> (Self, oneshot::Receiver<Result<T, E>>) {
        let (change, answer) = Self::new(job);
        (Self { plain: true, ..change }, answer)
    }
}

impl<T, E, F> Grouped for Change<T, E, F>
where
    T: Send,
    E: From<StoreError> + Send,
    F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send,
{
    fn run(&mut self, tx: &Transaction<'_>) -> bool {
        self.result = self.job.take().map(|job| job(tx));
        matches!(self.result, Some(Ok(_)))
    }

    fn is_plain(&self) -> bool {
        self.plain
    }

    fn answer(self: Box<Self>, stored: Result<(), StoreError>) {
        let result = match stored {
            Ok(()) => self.result.unwrap_or_else(|| Err(E::from(StoreError::Closed))),
            Err(error) => Err(E::from(error)),
        };
        // A caller that has gone away does not undo what is stored.
        drop(self.reply.send(result));
    }
}

/// Starts the thread. `stored` is called after each commit that changed something, before anybody is answered.
pub(crate) fn start(
    name: &str,
    mut conn: Connection,
    stored: impl Fn() + Send + 'static,
) -> std::io::Result<(mpsc::Sender<Work>, JoinHandle<()>)> {
    let (sender, mut queue) = mpsc::channel::<Work>(QUEUE);
    let thread = std::thread::Builder::new().name(name.into()).spawn(move || {
        let mut careful = None;
        while let Some(work) = queue.blocking_recv() {
            let mut group = VecDeque::new();
            let mut next = Some(work);
            let alone = loop {
                match next {
                    Some(Work::Grouped(change)) => group.push_back(change),
                    Some(Work::Alone(job)) => break Some(job),
                    None => break None,
                }
                next = if group.len() < GROUP { queue.try_recv().ok() } else { None };
            };
            while !group.is_empty() {
                commit(&mut conn, &mut group, &mut careful, &stored);
            }
            if let Some(job) = alone {
                job(&mut conn);
            }
        }
    })?;
    Ok((sender, thread))
}

/// One transaction with as much of the group as it holds; what is left needs another.
fn commit(conn: &mut Connection, group: &mut VecDeque<Box<dyn Grouped>>, careful: &mut Option<Instant>, stored: &impl Fn()) {
    let single = group.len() == 1;
    let is_careful = careful.is_some_and(|since| since.elapsed() < CAREFUL);
    let mut done: Vec<Box<dyn Grouped>> = Vec::with_capacity(group.len());
    let mut kept = false;
    let result = (|| {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        while let Some(mut change) = group.pop_front() {
            let plain = single || (change.is_plain() && !is_careful);
            if !plain {
                tx.prepare_cached("SAVEPOINT change")?.execute([])?;
            }
            let before = tx.total_changes();
            let keep = change.run(&tx);
            let half = plain && !keep && tx.total_changes() != before;
            if (tx.is_autocommit() || half) && !single {
                // Trouble with the disk undoes everything (sqlite.org/lang_transaction.html, 2.3), and so does a plain change that is half
                // written: the others of this transaction were not at fault, and the one that was says why itself.
                for neighbour in done.drain(..) {
                    neighbour.answer(Err(StoreError::Undone));
                }
                change.answer(if keep { Err(StoreError::Undone) } else { Ok(()) });
                kept = false;
                if half {
                    *careful = Some(Instant::now());
                }
                return Ok(());
            }
            kept |= keep;
            if single {
                done.push(change);
                return if keep { tx.commit() } else { Ok(()) };
            }
            let settled = match (plain, keep) {
                (true, _) => Ok(0),
                (false, true) => tx.prepare_cached("RELEASE change").and_then(|mut s| s.execute([])),
                (false, false) => tx
                    .prepare_cached("ROLLBACK TO change")
                    .and_then(|mut s| s.execute([]))
                    .and_then(|_| tx.prepare_cached("RELEASE change")?.execute([])),
            };
            done.push(change);
            settled?;
        }
        if kept { tx.commit() } else { Ok(()) }
    })();
    match result {
        Ok(()) => {
            if kept {
                stored();
            }
            for change in done {
                change.answer(Ok(()));
            }
        }
        Err(error) => {
            // The transaction could not begin: nobody's change has run, and to ask for the lock once for each would take long.
            let left = if done.is_empty() { std::mem::take(group).into() } else { Vec::new() };
            for change in done.into_iter().chain(left) {
                change.answer(Err(copy(&error).into()));
            }
        }
    }
}

/// The same error once more: several are waiting for it.
fn copy(error: &rusqlite::Error) -> rusqlite::Error {
    match error {
        rusqlite::Error::SqliteFailure(code, words) => rusqlite::Error::SqliteFailure(*code, words.clone()),
        other => rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ERROR), Some(other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    use std::sync::mpsc::{Receiver, channel};

    struct Bench {
        folder: tempfile::TempDir,
        work: mpsc::Sender<Work>,
        commits: Arc<AtomicU32>,
        thread: JoinHandle<()>,
    }

    fn bench() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let conn = Connection::open(folder.path().join("t.db")).unwrap();
        conn.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER PRIMARY KEY CHECK (n > 0), text TEXT);").unwrap();
        let commits = Arc::new(AtomicU32::new(0));
        let count = commits.clone();
        let (work, thread) = start("writer", conn, move || {
            count.fetch_add(1, Relaxed);
        })
        .unwrap();
        Bench { folder, work, commits, thread }
    }

    impl Bench {
        /// Holds the thread until the sender is dropped, so that what is sent meanwhile makes one group.
        fn hold(&self) -> std::sync::mpsc::Sender<()> {
            let (open, gate): (_, Receiver<()>) = channel();
            self.work
                .blocking_send(Work::Alone(Box::new(move |_| {
                    let _ = gate.recv();
                })))
                .unwrap();
            open
        }

        fn send<T: Send + 'static>(
            &self,
            job: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
        ) -> oneshot::Receiver<Result<T, StoreError>> {
            let (change, answer) = Change::new(job);
            self.work.blocking_send(Work::Grouped(Box::new(change))).unwrap();
            answer
        }

        fn send_plain<T: Send + 'static>(
            &self,
            job: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
        ) -> oneshot::Receiver<Result<T, StoreError>> {
            let (change, answer) = Change::plain(job);
            self.work.blocking_send(Work::Grouped(Box::new(change))).unwrap();
            answer
        }

        fn insert(&self, n: i64) -> oneshot::Receiver<Result<i64, StoreError>> {
            self.send(move |tx| {
                tx.execute("INSERT INTO t (n) VALUES (?1)", [n])?;
                Ok(n)
            })
        }

        fn rows(&self) -> Vec<i64> {
            let conn = Connection::open(self.folder.path().join("t.db")).unwrap();
            let mut statement = conn.prepare("SELECT n FROM t ORDER BY n").unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
        }

        fn pages(&self, limit: u32) {
            let run = move |conn: &mut Connection| {
                conn.query_row(&format!("PRAGMA max_page_count = {limit}"), [], |_| Ok(())).unwrap();
            };
            self.work.blocking_send(Work::Alone(Box::new(run))).unwrap();
        }
    }

    #[test]
    fn what_waits_together_is_one_commit_and_a_failing_change_hurts_nobody() {
        let bench = bench();
        let gate = bench.hold();
        let good: Vec<_> = (1..=20).map(|n| bench.insert(n)).collect();
        let half = bench.send(|tx| -> Result<(), StoreError> {
            tx.execute("INSERT INTO t (n) VALUES (100)", [])?;
            Err(StoreError::Refused("no".into()))
        });
        let twice = bench.insert(20);
        let wrong = bench.insert(-1);
        let last = bench.insert(21);
        drop(gate);
        for (n, answer) in good.into_iter().enumerate() {
            assert_eq!(answer.blocking_recv().unwrap().unwrap(), n as i64 + 1);
        }
        assert!(matches!(half.blocking_recv().unwrap(), Err(StoreError::Refused(_))));
        assert!(matches!(twice.blocking_recv().unwrap(), Err(StoreError::Sql(_))));
        assert!(matches!(wrong.blocking_recv().unwrap(), Err(StoreError::Sql(_))));
        assert_eq!(last.blocking_recv().unwrap().unwrap(), 21);
        assert_eq!(bench.rows(), (1..=21).collect::<Vec<_>>(), "what was answered is on the disk; what was refused left nothing");
        assert_eq!(bench.commits.load(Relaxed), 1);
        drop(bench.work);
        bench.thread.join().unwrap();
    }

    #[test]
    fn a_plain_change_refuses_alone_and_one_that_is_half_written_leaves_nothing_of_its_transaction() {
        let bench = bench();
        let write = |n: i64, fails: bool| {
            move |tx: &Transaction<'_>| {
                if fails && n < 0 {
                    return Err(StoreError::Refused("no".into()));
                }
                tx.execute("INSERT INTO t (n) VALUES (?1)", [n])?;
                if fails { Err(StoreError::Refused("half-way".into())) } else { Ok(n) }
            }
        };
        let gate = bench.hold();
        let (one, refused, two) = (bench.send_plain(write(1, false)), bench.send_plain(write(-1, true)), bench.send_plain(write(2, false)));
        drop(gate);
        assert_eq!((one.blocking_recv().unwrap().unwrap(), two.blocking_recv().unwrap().unwrap()), (1, 2));
        assert!(matches!(refused.blocking_recv().unwrap(), Err(StoreError::Refused(_))));
        assert_eq!((bench.rows(), bench.commits.load(Relaxed)), (vec![1, 2], 1));
        // The second time the one that fails is behind a savepoint, and hurts nobody.
        for (undone, rows) in [(true, vec![1, 2, 5, 6]), (false, vec![1, 2, 3, 4, 5, 6])] {
            let gate = bench.hold();
            let before = [bench.send_plain(write(3, false)), bench.insert(4)];
            let half = bench.send_plain(write(9, true));
            let after = (bench.rows().len() == 2).then(|| [bench.send_plain(write(5, false)), bench.insert(6)]);
            drop(gate);
            for answer in before {
                let answer = answer.blocking_recv().unwrap();
                assert_eq!(matches!(answer, Err(StoreError::Undone)), undone, "{answer:?}");
            }
            assert!(matches!(half.blocking_recv().unwrap(), Err(StoreError::Refused(_))));
            for answer in after.into_iter().flatten() {
                answer.blocking_recv().unwrap().unwrap();
            }
            assert_eq!(bench.rows(), rows);
        }
    }

    #[test]
    fn nobody_is_answered_before_the_commit_and_a_failing_commit_fails_all() {
        let bench = bench();
        // A deferred foreign key fails at the commit, after every change of the group has gone well.
        bench
            .send(|tx| {
                Ok(tx.execute_batch(
                    "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p INTEGER REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED)",
                )?)
            })
            .blocking_recv()
            .unwrap()
            .unwrap();
        let on = |conn: &mut Connection| conn.pragma_update(None, "foreign_keys", true).unwrap();
        bench.work.blocking_send(Work::Alone(Box::new(on))).unwrap();
        let gate = bench.hold();
        let before = bench.insert(1);
        let orphan = bench.send(|tx| Ok(tx.execute("INSERT INTO c VALUES (7)", [])?));
        let after = bench.insert(2);
        drop(gate);
        assert!(before.blocking_recv().unwrap().is_err());
        assert!(orphan.blocking_recv().unwrap().is_err());
        assert!(after.blocking_recv().unwrap().is_err());
        assert_eq!(bench.rows(), [] as [i64; 0]);
        assert_eq!(bench.insert(3).blocking_recv().unwrap().unwrap(), 3, "the thread goes on");
    }

    #[test]
    fn a_full_disk_is_told_to_the_one_and_the_others_may_try_again() {
        let bench = bench();
        bench.pages(8);
        let gate = bench.hold();
        let small = bench.insert(1);
        let big = bench.send(|tx| Ok(tx.execute("INSERT INTO t VALUES (2, ?1)", ["x".repeat(200_000)])?));
        let later = bench.insert(3);
        drop(gate);
        assert!(matches!(big.blocking_recv().unwrap(), Err(StoreError::Full)));
        let small = small.blocking_recv().unwrap();
        let later = later.blocking_recv().unwrap();
        let mut there = Vec::new();
        for (n, answer) in [(1, small), (3, later)] {
            match answer {
                Ok(_) => there.push(n),
                Err(error) => assert!(matches!(error, StoreError::Undone), "{error}"),
            }
        }
        assert_eq!(bench.rows(), there, "an answer is true, whatever it is");
        assert!(there.contains(&3));
    }

    #[test]
    fn a_locked_file_is_told_to_everybody_at_once() {
        let bench = bench();
        let other = Connection::open(bench.folder.path().join("t.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let wait = |conn: &mut Connection| conn.busy_timeout(std::time::Duration::from_millis(20)).unwrap();
        bench.work.blocking_send(Work::Alone(Box::new(wait))).unwrap();
        let gate = bench.hold();
        let answers: Vec<_> = (1..=5).map(|n| bench.insert(n)).collect();
        drop(gate);
        for answer in answers {
            assert!(matches!(answer.blocking_recv().unwrap(), Err(StoreError::Locked)));
        }
        other.execute_batch("ROLLBACK").unwrap();
        assert_eq!(bench.insert(6).blocking_recv().unwrap().unwrap(), 6);
    }
}
