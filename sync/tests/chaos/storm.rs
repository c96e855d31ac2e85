//! One run: consoles work while links break, processes die, the server goes down, and ops are pushed twice and out of order behind their backs.
//! Then it is calm, and everything must be as if nothing had happened.

use super::account::account;
use super::compare::{by_hand, differences};
use super::dice::Dice;
use super::fleet::{Desk, Process};
use super::outbox;
use super::place::{Login, Place};
use super::replay::replay;
use super::witness::Witness;
use noctule_domain::sync::Link as Status;
use noctule_testbed::PostgresOptions;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use uuid::Uuid;

/// How long the calm may take until all is quiet and equal.
const CALM: Duration = Duration::from_secs(90);
/// When it is worth saying what is being waited for.
const SLOW: Duration = Duration::from_secs(8);

#[derive(Debug, Default)]
struct Counts {
    kills: u32,
    broken: u32,
    pushed: u32,
    servers: u32,
}

pub struct Storm {
    seed: u64,
    place: Place,
    desks: Vec<Desk>,
    /// When a link passes again, a killed console comes back.
    heal: Vec<(Instant, usize)>,
    back: Vec<(Instant, usize)>,
    counts: Counts,
}

/// Runs one seed; what was wrong, in words, if anything was.
pub fn run(runtime: &Runtime, seed: u64, length: Duration) -> Result<String, String> {
    let root = tempfile::Builder::new().prefix("noctule-chaos-").tempdir().map_err(|error| error.to_string())?;
    let mut dice = Dice::part(seed, 1);
    let place = runtime.block_on(Place::new(PostgresOptions::default()));
    let untouched = place.foreign_mark();
    let many = dice.between(2, 5);
    let logins: Vec<Login> = (0..many).map(|n| place.logins[usize::try_from(n).unwrap_or(0) % place.logins.len()].clone()).collect();
    let desks = logins.iter().enumerate().map(|(number, login)| Desk::new(&place, root.path(), number, login)).collect();
    let mut storm = Storm { seed, place, desks, heal: Vec::new(), back: Vec::new(), counts: Counts::default() };
    let result = storm.go(runtime, &mut dice, length, &untouched);
    if result.is_err() && std::env::var_os("NOCTULE_CHAOS_KEEP").is_some() {
        for desk in &mut storm.desks {
            desk.processes.clear();
        }
        eprintln!("kept: {}", root.keep().display());
    }
    result
}

impl Storm {
    fn go(&mut self, runtime: &Runtime, dice: &mut Dice, length: Duration, untouched: &str) -> Result<String, String> {
        let pace = dice.between(30, 250);
        for at in 0..self.desks.len() {
            self.start(at, pace);
            // A second window on the same folder: one of the two syncs.
            if dice.one_in(4) {
                self.start(at, pace);
            }
        }
        // Now and then the storm breaks before anybody has a copy.
        if !dice.one_in(5) {
            self.quiet(runtime)?;
        }
        for process in self.desks.iter_mut().flat_map(|desk| &mut desk.processes) {
            process.order("work");
        }
        let end = Instant::now() + length;
        while Instant::now() < end {
            self.trouble(runtime, dice, pace)?;
            std::thread::sleep(Duration::from_millis(dice.between(10, 120)));
        }
        self.calm(pace)?;
        let calm = Instant::now();
        self.quiet(runtime)?;
        let settled = calm.elapsed();
        for at in 0..self.desks.len() {
            if let Some(process) = self.desks[at].processes.first_mut() {
                process.order("word");
                process.tell()?;
            }
            self.quiet(runtime)?;
        }
        // A console that ends well ends with a copy that is whole.
        for desk in &mut self.desks {
            for process in std::mem::take(&mut desk.processes) {
                Process::end(process)?;
            }
        }
        self.judge(runtime, untouched, settled)
    }

    fn start(&mut self, at: usize, pace: u64) {
        self.desks[at].start(&self.place, self.seed, pace, true);
    }

    fn trouble(&mut self, runtime: &Runtime, dice: &mut Dice, pace: u64) -> Result<(), String> {
        let now = Instant::now();
        for at in due(&mut self.heal, now) {
            self.desks[at].link.pass();
        }
        for at in due(&mut self.back, now) {
            self.start(at, pace);
            if let Some(process) = self.desks[at].processes.last_mut() {
                process.order("work");
            }
        }
        for desk in &mut self.desks {
            if let Some(words) = desk.fallen() {
                return Err(words);
            }
        }
        let at = usize::try_from(dice.below(self.desks.len() as u64)).unwrap_or(0);
        let link = &self.desks[at].link;
        let roll = dice.below(100);
        if roll < 60 {
            self.counts.broken += 1;
        }
        match roll {
            0..12 => link.cut(),
            12..24 => {
                link.blackhole();
                self.heal.push((now + Duration::from_millis(dice.between(50, 3500)), at));
            }
            24..30 => {
                link.refuse();
                self.heal.push((now + Duration::from_millis(dice.between(50, 1000)), at));
            }
            30..44 => link.lose_answer_after(dice.below(8)),
            44..56 => link.cut_after_bytes(dice.one_in(2).then(|| dice.below(3000)), dice.one_in(2).then(|| dice.below(30_000))),
            56..60 => link.delay(Duration::from_millis(dice.below(25))),
            60..70 if !self.desks[at].processes.is_empty() => {
                self.counts.kills += 1;
                self.desks[at].kill(dice);
                self.back.push((now + Duration::from_millis(dice.below(700)), at));
            }
            70..84 => self.push_behind(runtime, dice, at),
            84..86 if self.counts.servers == 0 => {
                self.counts.servers += 1;
                let down = if dice.one_in(2) { self.place.postgres.kill9() } else { self.place.postgres.stop_fast() };
                down.map_err(|error| error.to_string())?;
                std::thread::sleep(Duration::from_millis(dice.below(800)));
                self.place.postgres.start_again().map_err(|error| error.to_string())?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes ops out of a console's outbox and pushes them: again, in another order, over two connections at once.
    fn push_behind(&mut self, runtime: &Runtime, dice: &mut Dice, at: usize) {
        let desk = &self.desks[at];
        let place = &self.place;
        let halves: Vec<String> = {
            if !desk.folder.join("outbox.db").exists() {
                return;
            }
            let mut ops: Vec<_> = outbox::all(&desk.folder).into_iter().map(|kept| kept.op).collect();
            ops.sort_by_key(|op| std::cmp::Reverse(op.seq));
            ops.truncate(usize::try_from(dice.between(1, 12)).unwrap_or(1));
            (0..2)
                .map(|_| {
                    dice.shuffle(&mut ops);
                    serde_json::to_string(&ops).expect("ops")
                })
                .collect()
        };
        self.counts.pushed += 1;
        let pushed = runtime.block_on(async {
            let push = async |ops: &str| -> Result<(), tokio_postgres::Error> {
                let client = by_hand(place, &desk.login.name).await?;
                client.query_one("SELECT noctule.push($1, $2::text::jsonb)", &[&Uuid::now_v7(), &ops]).await.map(drop)
            };
            tokio::join!(push(&halves[0]), push(&halves[1]))
        });
        // The server may be down: then nothing was pushed, or something was and nobody knows. That is what this is about.
        drop(pushed);
    }

    /// Everything passes, everybody is there, nobody works.
    fn calm(&mut self, pace: u64) -> Result<(), String> {
        self.place.postgres.start_again().map_err(|error| error.to_string())?;
        self.place.postgres.wait_ready().map_err(|error| error.to_string())?;
        for at in 0..self.desks.len() {
            let link = &self.desks[at].link;
            link.pass();
            link.cut_after_bytes(None, None);
            link.delay(Duration::ZERO);
            if self.desks[at].processes.is_empty() {
                self.start(at, pace);
            }
            for process in &mut self.desks[at].processes {
                process.order("rest");
            }
        }
        Ok(())
    }

    /// Waits until every console says that it is live and has nothing to say, and its copy is what the centre shows.
    fn quiet(&mut self, runtime: &Runtime) -> Result<(), String> {
        let deadline = Instant::now() + CALM;
        let mut slow = false;
        loop {
            let mut why = String::new();
            for desk in &mut self.desks {
                if let Some(words) = desk.fallen() {
                    return Err(words);
                }
                for process in &mut desk.processes {
                    let told = process.tell()?;
                    if told.unsent > 0 || told.answered > 0 || told.status.link != Status::Live {
                        why = format!("console {} is not quiet: {told:?}", process.name);
                    }
                }
            }
            if why.is_empty() {
                for desk in &self.desks {
                    let found = runtime.block_on(differences(&self.place, &desk.login, &desk.store(&self.place)));
                    if !found.is_empty() {
                        why = format!("console {} ({}) differs:\n{}", desk.number, desk.login.name, found.join("\n"));
                        break;
                    }
                }
            }
            if why.is_empty() {
                return Ok(());
            }
            if !slow && deadline.saturating_duration_since(Instant::now()) < CALM - SLOW {
                slow = true;
                eprintln!("chaos seed {}: after {SLOW:?} of calm {why}", self.seed);
            }
            if Instant::now() > deadline {
                return Err(format!("not converged within {CALM:?}: {why}"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn judge(&self, runtime: &Runtime, untouched: &str, settled: Duration) -> Result<String, String> {
        let witness = Witness::hear(&self.place);
        let figures = runtime.block_on(account(&self.place, &self.desks, &witness))?;
        replay(&witness, &self.place.logins)?;
        if let Some(op) = witness.ops.iter().find(|op| op.origin.ends_with("last") && op.answered() != "applied") {
            return Err(format!("in the calm, with nobody else at it, an edit was not simply applied: {op:?}"));
        }
        runtime.block_on(super::audit::intact(&self.place))?;
        if self.place.foreign_mark() != untouched {
            return Err("the other tenant was touched".to_owned());
        }
        if figures.slowest_ms > 10_000 {
            return Err(format!("a local call took {} ms", figures.slowest_ms));
        }
        let Counts { kills, broken, pushed, servers } = self.counts;
        Ok(format!(
            "{} consoles, {} ops ({} conflicts, {} refused, {} merged), {broken} times the link, {kills} kill -9, {servers} times the server, {pushed} \
             pushes behind their backs, slowest local call {} ms, equal {} ms after the storm",
            self.desks.len(),
            figures.ops,
            figures.conflicts,
            figures.refused,
            figures.merged,
            figures.slowest_ms,
            settled.as_millis()
        ))
    }
}

/// Takes what is due out of the list.
fn due(list: &mut Vec<(Instant, usize)>, now: Instant) -> Vec<usize> {
    let (ready, rest) = list.iter().partition(|(when, _)| *when <= now);
    *list = rest;
    ready.into_iter().map(|(_, at)| at).collect()
}
