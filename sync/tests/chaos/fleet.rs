//! The consoles as processes: started, told, killed, started again on the same folder; each over a link of its own.

use super::console::{Jumping, Line, Plan, Told, VARIABLE, open};
use super::dice::Dice;
use super::place::{Login, Place};
use noctule_storage::Store;
use noctule_testbed::Link;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long a console may take to answer: on a busy machine it may be starting yet.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process of a console.
pub struct Process {
    child: Child,
    orders: ChildStdin,
    said: Receiver<String>,
    pub name: String,
}

/// A folder with a copy and an outbox, and the processes that work on it.
pub struct Desk {
    pub number: usize,
    pub login: Login,
    pub link: Link,
    pub folder: PathBuf,
    pub processes: Vec<Process>,
    started: u32,
}

impl Desk {
    pub fn new(place: &Place, root: &Path, number: usize, login: &Login) -> Self {
        let link = Link::to(place.addr()).expect("a link");
        let folder = root.join(format!("console-{number}"));
        fs::create_dir(&folder).expect("a folder");
        Self { number, login: login.clone(), link, folder, processes: Vec::new(), started: 0 }
    }

    /// Starts a process on the folder; there may be one already.
    pub fn start(&mut self, place: &Place, seed: u64, pace: u64, jumps: bool) {
        self.started += 1;
        let name = format!("c{}.{}", self.number, self.started);
        let beside = |end: &str| self.folder.with_file_name(format!("{name}.{end}"));
        let plan = Plan {
            seed: Dice::part(seed, (self.number as u64) << 32 | u64::from(self.started)).next(),
            name: name.clone(),
            folder: self.folder.clone(),
            log: beside("log"),
            hosts: vec![self.link.addr()],
            database: place.database.clone(),
            tenant: place.tenant,
            login: self.login.clone(),
            pace,
            jumps,
        };
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "the_child_is_a_console", "--nocapture", "--test-threads=1"])
            .env(VARIABLE, serde_json::to_string(&plan).expect("a plan"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(beside("err")).expect("a file"))
            .spawn()
            .expect("a console starts");
        let orders = child.stdin.take().expect("an input");
        let output = child.stdout.take().expect("an output");
        let (say, said) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some((_, words)) = line.split_once('@')
                    && say.send(words.to_owned()).is_err()
                {
                    return;
                }
            }
        });
        self.processes.push(Process { child, orders, said, name });
    }

    /// SIGKILL for one of the processes.
    pub fn kill(&mut self, dice: &mut Dice) {
        if self.processes.is_empty() {
            return;
        }
        let at = usize::try_from(dice.below(self.processes.len() as u64)).unwrap_or(0);
        let mut process = self.processes.swap_remove(at);
        process.child.kill().expect("a console is killed");
        process.child.wait().expect("a console has ended");
    }

    /// The copy and outbox of this folder, opened by us too, who never sync.
    pub fn store(&self, place: &Place) -> Store {
        open(&self.folder, place.tenant, &self.login.name, Arc::new(Jumping::default()))
    }

    /// A process that ended without having been killed: what it said last.
    pub fn fallen(&mut self) -> Option<String> {
        for process in &mut self.processes {
            if let Some(status) = process.child.try_wait().expect("a child") {
                let words = fs::read_to_string(self.folder.with_file_name(format!("{}.err", process.name))).unwrap_or_default();
                return Some(format!("console {} ended by itself ({status}):\n{words}", process.name));
            }
        }
        None
    }

    /// All lines of the logs of all processes of this folder.
    pub fn log(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for number in 1..=self.started {
            let text = fs::read_to_string(self.folder.with_file_name(format!("c{}.{number}.log", self.number))).unwrap_or_default();
            // A line is written by one call: what is cut is the last one of a process that was killed.
            lines.extend(text.lines().filter_map(|line| serde_json::from_str(line).ok()));
        }
        lines
    }
}

impl Process {
    pub fn order(&mut self, word: &str) {
        // One that has just died is found by whoever looks for the fallen.
        let _ = writeln!(self.orders, "{word}");
    }

    pub fn tell(&mut self) -> Result<Told, String> {
        while self.said.try_recv().is_ok() {}
        self.order("tell");
        match self.said.recv_timeout(PATIENCE) {
            Ok(line) => serde_json::from_str(&line).map_err(|error| format!("{}: {error}: {line}", self.name)),
            Err(RecvTimeoutError::Timeout) => Err(format!("console {} does not answer for {PATIENCE:?}", self.name)),
            Err(RecvTimeoutError::Disconnected) => Err(format!("console {} is gone", self.name)),
        }
    }

    /// Ends as a console ends: nothing is killed.
    pub fn end(mut self) -> Result<(), String> {
        self.order("end");
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match self.said.recv_timeout(Duration::from_millis(200)) {
                Ok(line) if line == "ended" => {
                    let status = self.child.wait().map_err(|error| error.to_string())?;
                    return if status.success() { Ok(()) } else { Err(format!("console {} ended badly: {status}", self.name)) };
                }
                Err(RecvTimeoutError::Disconnected) => return Err(format!("console {} fell while it ended", self.name)),
                _ => {}
            }
        }
        Err(format!("console {} does not end within {PATIENCE:?}", self.name))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
