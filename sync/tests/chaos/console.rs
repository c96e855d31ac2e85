//! A console: a process of its own with a store, a sync, a clock that is wrong by hours, and an operator who does things at random. It writes
//! down what it is about to do before it asks the store, and what the store said afterwards: what "the screen showed" is known after kill -9 too.

use super::dice::Dice;
use super::place::{Login, config};
use super::{operator, outbox};
use noctule_domain::lifecycle::Actor;
use noctule_domain::ports::Clock;
use noctule_domain::sync::{Change, OpState, Replica, SyncStatus};
use noctule_domain::{ConsoleId, OpId, TechnicianId, TenantId, Timestamp};
use noctule_storage::{OpenOptions, Store};
use noctule_sync::run::{Syncer, SyncerConfig};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use uuid::Uuid;

pub const VARIABLE: &str = "NOCTULE_CHAOS_CONSOLE";
/// What a console is told when it is started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    pub seed: u64,
    /// Stands in the origin of its ops: console, process.
    pub name: String,
    pub folder: PathBuf,
    pub log: PathBuf,
    pub hosts: Vec<SocketAddr>,
    pub database: String,
    pub tenant: TenantId,
    pub login: Login,
    /// Milliseconds between two ops, at most.
    pub pace: u64,
    /// The clock jumps by hours.
    pub jumps: bool,
}

/// One line of the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Line {
    /// About to ask the store.
    Will { origin: String, what: String, typed: Option<String> },
    /// The store returned, and the op is in the outbox.
    Did { origin: String, op: Uuid, ms: u64 },
    /// The store returned, and there is no op: it was so already, or it was refused on the spot.
    Not { origin: String, why: String, ms: u64, refused: bool },
}

/// What a console says when it is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Told {
    pub status: SyncStatus,
    pub leads: bool,
    pub unsent: usize,
    pub answered: usize,
}

/// A clock that is set to and fro.
#[derive(Debug, Default)]
pub struct Jumping(AtomicI64);

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        chrono::Utc::now() + chrono::Duration::seconds(self.0.load(Ordering::Relaxed))
    }
}

impl Jumping {
    /// Right again, or wrong by up to a day and a half.
    fn jump(&self, dice: &mut Dice) {
        let off = if dice.one_in(3) { 0 } else { dice.below(2 * 36 * 3600).cast_signed() - 36 * 3600 };
        self.0.store(off, Ordering::Relaxed);
    }
}

/// Opens the store of a folder.
pub fn open(folder: &Path, tenant: TenantId, login: &str, clock: Arc<dyn Clock>) -> Store {
    let mut options = OpenOptions::new(ConsoleId(Uuid::now_v7()), tenant, clock, Arc::new(|_| None));
    options.login = Some(login.to_owned());
    Store::open_replica(folder, options).expect("the replica opens")
}

pub struct Console {
    pub plan: Plan,
    pub store: Store,
    pub dice: Dice,
    log: File,
    count: u64,
}

impl Console {
    pub fn actor(&self, origin: &str) -> Actor {
        Actor { name: self.plan.login.name.as_str().into(), role: self.plan.login.role, origin: origin.into() }
    }

    /// The next origin.
    pub fn origin(&mut self) -> String {
        self.count += 1;
        format!("{} #{}", self.plan.name, self.count)
    }

    /// One write: what is left of a line that was cut by a kill is the last of its file.
    pub fn note(&mut self, line: &Line) {
        let mut text = serde_json::to_string(line).expect("a line");
        text.push('\n');
        self.log.write_all(text.as_bytes()).expect("the log is written");
    }

    /// The op that a call with this origin has made.
    pub fn made(&self, origin: &str) -> Option<OpId> {
        let found = outbox::of_origin(&self.plan.folder, origin);
        assert!(found.len() < 2, "{origin} has made two ops: {found:?}");
        found.first().map(|kept| kept.op.id)
    }

    /// The op of a position, which the store signs itself.
    pub fn made_position(&self, who: TechnicianId, device_time: Timestamp) -> Option<OpId> {
        let all = outbox::all(&self.plan.folder).into_iter().map(|kept| kept.op);
        all.rev().find(|op| position_key(&op.change) == Some((who, device_time))).map(|op| op.id)
    }

    fn told(&self, syncer: &Syncer) -> Told {
        let all = outbox::all(&self.plan.folder);
        let count = |state: OpState| all.iter().filter(|kept| kept.state == state.word()).count();
        Told {
            status: syncer.status().borrow().clone(),
            leads: self.store.lead(),
            unsent: count(OpState::Unsent),
            answered: count(OpState::Answered),
        }
    }
}

/// By what a position is known: it has no origin of its own.
pub fn position_key(change: &Change) -> Option<(TechnicianId, Timestamp)> {
    match change {
        Change::Position { technician, fix } => Some((*technician, fix.device_time)),
        _ => None,
    }
}

/// The process: works until its input ends or it is told to end.
pub fn main() {
    let plan: Plan = serde_json::from_str(&std::env::var(VARIABLE).expect("a plan")).expect("a plan that reads");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
    runtime.block_on(run(plan));
}

async fn run(plan: Plan) {
    let (orders, mut order) = tokio::sync::mpsc::channel::<String>(64);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            // The input ends with whoever started us; so do we.
            let Ok(line) = line else { return };
            if orders.blocking_send(line).is_err() {
                return;
            }
        }
    });
    let clock = Arc::new(Jumping::default());
    let mut dice = Dice::new(plan.seed);
    if plan.jumps {
        clock.jump(&mut dice);
    }
    let store = open(&plan.folder, plan.tenant, &plan.login.name, clock.clone());
    let replica: Arc<dyn Replica> = Arc::new(store.clone());
    let syncer = Syncer::start(SyncerConfig {
        centre: config(&plan.database, plan.tenant, &plan.login.name, &plan.hosts),
        read: None,
        replica,
        lead: {
            let store = store.clone();
            Arc::new(move || store.lead())
        },
        poll: Duration::from_millis(300),
        listen: true,
        host: "chaos".to_owned(),
    });
    // As the event loop of the program does: what another process of this machine wrote is noticed.
    let watching = store.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            if let Err(error) = watching.poll_foreign_changes().await {
                eprintln!("the store can not be looked at: {error}");
            }
        }
    });
    let log = File::options().create(true).append(true).open(&plan.log).expect("the log opens");
    let mut console = Console { plan, store, dice, log, count: 0 };
    let mut works = false;
    loop {
        let pause = Duration::from_millis(console.dice.below(console.plan.pace));
        let told = tokio::select! {
            biased;
            told = order.recv() => told,
            () = tokio::time::sleep(pause), if works => {
                if console.plan.jumps && console.dice.one_in(6) {
                    clock.jump(&mut console.dice);
                }
                operator::one_op(&mut console).await;
                continue;
            }
        };
        match told.as_deref() {
            Some("work") => works = true,
            Some("rest") => {
                works = false;
                // The key for it: whoever has failed often waits half a minute else.
                syncer.sync_now();
            }
            Some("word") => operator::last_word(&mut console).await,
            Some("op") => operator::one_op(&mut console).await,
            Some("tell") => println!("@{}", serde_json::to_string(&console.told(&syncer)).expect("told")),
            _ => break,
        }
    }
    syncer.stop().await;
    println!("@ended");
}
