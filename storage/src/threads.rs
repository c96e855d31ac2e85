//! The threads that own the connections: those that read, and one each for what else is owned. Callers hand them closures and wait without blocking.
//! A page that nobody waits for any more gives way, and a query can be given a budget of time.

use rusqlite::{Connection, ErrorCode};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

pub(crate) type ReadJob = Box<dyn FnOnce(&mut Reader) + Send>;

/// Jobs that may wait before the caller waits too.
pub(crate) const QUEUE: usize = 64;
/// Virtual machine steps between two looks at the clock: some 20 microseconds.
const STEPS: i32 = 1000;

/// What the readers share.
pub(crate) struct Readers {
    base: Instant,
    /// Number of the newest request for a page.
    pub(crate) newest_page: AtomicU64,
    /// Jobs that wait for a reader.
    pub(crate) queued: AtomicUsize,
    pub(crate) closing: AtomicBool,
}

impl Readers {
    pub(crate) fn new() -> Self {
        Self { base: Instant::now(), newest_page: AtomicU64::new(0), queued: AtomicUsize::new(0), closing: AtomicBool::new(false) }
    }

    fn micros(&self) -> u64 {
        self.base.elapsed().as_micros() as u64
    }

    /// Page `number` is out of date and stands in somebody's way.
    pub(crate) fn gives_way(&self, number: u64) -> bool {
        number != 0 && number < self.newest_page.load(Relaxed) && self.queued.load(Relaxed) > 0
    }
}

const BY_DEADLINE: u8 = 1;

#[derive(Default)]
struct Gate {
    page: AtomicU64,
    /// Microseconds since `Readers::base`; 0 is none.
    deadline: AtomicU64,
    stopped: AtomicU8,
}

/// One reading connection.
pub(crate) struct Reader {
    pub(crate) conn: Connection,
    /// Number of the cache file that `conn` reads; 0 where there is only one store.
    pub(crate) generation: u64,
    shared: Arc<Readers>,
    gate: Arc<Gate>,
}

impl Reader {
    pub(crate) fn new(conn: Connection, shared: Arc<Readers>) -> rusqlite::Result<Self> {
        let gate = Arc::new(Gate::default());
        let (watched, readers) = (gate.clone(), shared.clone());
        conn.progress_handler(
            STEPS,
            Some(move || {
                let deadline = watched.deadline.load(Relaxed);
                if deadline != 0 && readers.micros() > deadline {
                    watched.stopped.store(BY_DEADLINE, Relaxed);
                    return true;
                }
                readers.closing.load(Relaxed) || readers.gives_way(watched.page.load(Relaxed))
            }),
        )?;
        Ok(Self { conn, generation: 0, shared, gate })
    }

    /// Reads another file from now on.
    pub(crate) fn exchange(&mut self, conn: Connection, generation: u64) -> rusqlite::Result<()> {
        let mut new = Self::new(conn, self.shared.clone())?;
        new.generation = generation;
        *self = new;
        Ok(())
    }

    /// Says that page request `number` runs here now; 0 for anything else.
    pub(crate) fn set_page(&self, number: u64) {
        self.gate.page.store(number, Relaxed);
    }

    /// Runs a query for at most `budget`; `None` when that was not enough.
    pub(crate) fn within<T>(&self, budget: Duration, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<Option<T>> {
        self.gate.stopped.store(0, Relaxed);
        self.gate.deadline.store(self.shared.micros() + budget.as_micros() as u64, Relaxed);
        let result = run(&self.conn);
        self.gate.deadline.store(0, Relaxed);
        match result {
            Err(e) if e.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) && self.gate.stopped.load(Relaxed) == BY_DEADLINE => {
                Ok(None)
            }
            other => other.map(Some),
        }
    }
}

/// A job for the thread that owns a `T`.
pub(crate) type Job<T> = Box<dyn FnOnce(&mut T) + Send>;

/// Starts a thread that owns `it` and does one job after the other.
pub(crate) fn start<T: Send + 'static>(name: &str, mut it: T) -> std::io::Result<(mpsc::Sender<Job<T>>, JoinHandle<()>)> {
    let (sender, mut jobs) = mpsc::channel::<Job<T>>(QUEUE);
    let thread = std::thread::Builder::new().name(name.into()).spawn(move || {
        while let Some(job) = jobs.blocking_recv() {
            job(&mut it);
        }
    })?;
    Ok((sender, thread))
}

pub(crate) fn start_readers(readers: Vec<Reader>) -> std::io::Result<(mpsc::Sender<ReadJob>, Vec<JoinHandle<()>>)> {
    let (sender, jobs) = mpsc::channel::<ReadJob>(QUEUE);
    let jobs = Arc::new(Mutex::new(jobs));
    let mut threads = Vec::new();
    for mut reader in readers {
        let jobs = jobs.clone();
        threads.push(std::thread::Builder::new().name("store-read".into()).spawn(move || {
            loop {
                // Held while waiting: the other reader waits for the lock instead of for the queue, which comes to the same.
                let job = match jobs.lock() {
                    Ok(mut queue) => queue.blocking_recv(),
                    Err(_) => None,
                };
                let Some(job) = job else { break };
                job(&mut reader);
            }
        })?);
    }
    Ok((sender, threads))
}
