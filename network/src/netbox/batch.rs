//! Allocations that wait at the same time go to NetBox in one list (2.5 times as fast, and the lock of the whole server is taken once).
//! Nobody waits for a list to fill: who comes while a turn is free goes alone. A list is stored whole or not at all; each of its
//! operations keeps its own id, its own answer, and the rule that an unclear end is looked up by that id.

use super::allocate::{Posted, exhausted, unasked};
use super::choose::Target;
use super::client::{Netbox, is_missing, not_visible};
use super::error::{Doing, Garbage, NetboxError};
use super::http::{Call, Reply};
use super::remote::RemotePrefix;
use crate::upstream::{AllocateAsk, Allocation};
use noctule_domain::OperationId;
use reqwest::Method;
use serde_json::Value;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use tokio::sync::oneshot;

/// Longest list: NetBox holds its lock for all of it.
const LIST: usize = 100;
/// Ids of one look-up: a request line over 4094 bytes is refused, 70 fit.
const LOOK_UPS: usize = 64;

type Told = Result<Allocation, NetboxError>;

/// Who waits for a turn, in the order of coming.
#[derive(Default)]
pub(super) struct Line(Mutex<VecDeque<Waiting>>);

struct Waiting {
    ask: AllocateAsk,
    answer: oneshot::Sender<Told>,
}

impl Waiting {
    /// A caller that has left needs no answer: what was stored for it is found by its id.
    fn tell(self, told: Told) {
        self.answer.send(told).ok();
    }
}

impl Line {
    fn join(&self, ask: AllocateAsk) -> oneshot::Receiver<Told> {
        let (answer, told) = oneshot::channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(Waiting { ask, answer });
        told
    }

    /// The next list: the oldest first, no id twice (NetBox would store both), nobody who has left.
    fn next(&self) -> Vec<Waiting> {
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut taken, mut later, mut ids) = (Vec::new(), VecDeque::new(), HashSet::new());
        while let Some(waiting) = line.pop_front() {
            if waiting.answer.is_closed() {
                continue;
            }
            if taken.len() < LIST && ids.insert(waiting.ask.operation) { taken.push(waiting) } else { later.push_back(waiting) }
        }
        *line = later;
        taken
    }
}

/// One of a list on its way through the pools that may serve it.
struct Going {
    waiting: Waiting,
    targets: Vec<Target>,
    at: usize,
}

impl Going {
    fn target(&self) -> &Target {
        &self.targets[self.at]
    }

    fn key(&self) -> (i64, u8) {
        (self.target().parent.id, self.target().len)
    }
}

/// What one list POST came to.
enum Listed {
    Made(Vec<RemotePrefix>),
    /// Too little room for all of it; a part may fit.
    NoRoom,
    /// A clear no to the whole that may be the fault of one: nothing was stored.
    Apart,
}

impl Netbox {
    pub(super) async fn allocate_once(&self, ask: &AllocateAsk) -> Told {
        let mut told = self.line.join(ask.clone());
        let given_up = || NetboxError::Broken { doing: Doing::Allocate, cause: "whoever carried the list has left".into() };
        loop {
            tokio::select! {
                biased;
                told = &mut told => return told.unwrap_or_else(|_| Err(given_up())),
                turn = self.in_flight.acquire() => {
                    // The semaphore is never closed.
                    let _turn = turn.map_err(|_| NetboxError::NoPool)?;
                    let list = self.line.next();
                    if !list.is_empty() {
                        self.serve(list).await;
                        continue;
                    }
                }
            }
            // Nobody waits any more, so this one goes with somebody else's list.
            return told.await.unwrap_or_else(|_| Err(given_up()));
        }
    }

    async fn serve(&self, list: Vec<Waiting>) {
        let (earlier, mut open): (Vec<_>, Vec<_>) = list.into_iter().partition(|w| w.ask.maybe_earlier);
        open.extend(self.earlier(earlier).await);
        if open.is_empty() {
            return;
        }
        if let Err(error) = self.ready().await {
            open.into_iter().for_each(|w| refuse(w, &error));
            return;
        }
        let mut going = VecDeque::new();
        for waiting in open {
            match self.targets(&waiting.ask).await {
                Ok(targets) => going.push_back(Going { waiting, targets, at: 0 }),
                Err(error) => refuse(waiting, &error),
            }
        }
        while let Some(first) = going.pop_front() {
            let key = first.key();
            let mut together = vec![first];
            for one in std::mem::take(&mut going) {
                if one.key() == key { together.push(one) } else { going.push_back(one) }
            }
            match self.post_all(together).await {
                Ok(full) => {
                    for mut one in full {
                        one.at += 1;
                        if one.at < one.targets.len() {
                            going.push_back(one);
                        } else {
                            let error = exhausted(&one.waiting.ask, &one.targets);
                            one.waiting.tell(Err(error));
                        }
                    }
                }
                // NetBox is in trouble: those that were not sent need not wait for the same.
                Err(error) => going.drain(..).for_each(|one| refuse(one.waiting, &error)),
            }
        }
    }

    /// Looks for what earlier tries have stored, many ids at once; gives back those that have nothing there.
    async fn earlier(&self, mut earlier: Vec<Waiting>) -> Vec<Waiting> {
        let mut open = Vec::new();
        while !earlier.is_empty() {
            let part: Vec<Waiting> = earlier.drain(..earlier.len().min(LOOK_UPS)).collect();
            open.extend(self.found_among(part).await);
        }
        open
    }

    async fn found_among(&self, part: Vec<Waiting>) -> Vec<Waiting> {
        let mut open = Vec::new();
        let ids: Vec<OperationId> = part.iter().map(|w| w.ask.operation).collect();
        match self.look_up_many(&ids).await {
            Ok(mut found) => {
                for waiting in part {
                    let mut mine = found.remove(&waiting.ask.operation).unwrap_or_default();
                    let told = match mine.len() {
                        0 => {
                            open.push(waiting);
                            continue;
                        }
                        1 => self.adopt(&waiting.ask, mine.remove(0)).await,
                        _ => {
                            let prefixes = mine.iter().map(|p| p.prefix).collect();
                            Err(NetboxError::Doubt(Box::new(NetboxError::Twice { operation: waiting.ask.operation, prefixes })))
                        }
                    };
                    waiting.tell(told);
                }
            }
            // A refused look-up tells nothing of the earlier try, so it must not end the operation.
            Err(error) => part.into_iter().for_each(|w| w.tell(Err(NetboxError::Doubt(Box::new(error.clone()))))),
        }
        open
    }

    /// Every prefix that carries one of these ids. Each result is checked to carry one: NetBox ignores filters that it does not know.
    async fn look_up_many(&self, ids: &[OperationId]) -> Result<HashMap<OperationId, Vec<RemotePrefix>>, NetboxError> {
        if let [one] = ids {
            return Ok(self.look_up(*one).await?.map(|p| HashMap::from([(*one, vec![p])])).unwrap_or_default());
        }
        let mut query: Vec<(&str, String)> = ids.iter().map(|id| ("cf_operation_id", id.to_string())).collect();
        query.push(("limit", "1000".to_owned()));
        query.push(("fields", super::remote::FIELDS.to_owned()));
        let (list, count) = self.list(Doing::LookUp, query).await?;
        let mut found: HashMap<OperationId, Vec<RemotePrefix>> = HashMap::new();
        let whole = count.is_none_or(|count| count == list.len() as u64);
        for prefix in list {
            match ids.iter().find(|id| prefix.carries(**id)) {
                Some(id) => found.entry(*id).or_default().push(prefix),
                None => return Err(NetboxError::FilterIgnored { field: super::config::OPERATION_FIELD }),
            }
        }
        if whole { Ok(found) } else { Err(NetboxError::FilterIgnored { field: super::config::OPERATION_FIELD }) }
    }

    /// Asks one parent for one length, for all of these; gives back those for which it has no room. An error is trouble on the way:
    /// whoever it befell has been told.
    async fn post_all(&self, together: Vec<Going>) -> Result<Vec<Going>, NetboxError> {
        let mut work = vec![together];
        let mut full = Vec::new();
        while let Some(mut part) = work.pop() {
            part.retain(|one| !one.waiting.answer.is_closed());
            let trouble = if part.len() > 1 {
                self.post_some(part, &mut work).await
            } else if let Some(one) = part.pop() {
                match self.post(&one.waiting.ask, one.target()).await {
                    Ok(Posted::Here(made)) => {
                        self.count_ours(one.target().parent.id, 1);
                        one.waiting.tell(Ok(made));
                        None
                    }
                    // Not even one: the others need not ask.
                    Ok(Posted::NoRoom) => {
                        tracing::debug!(pool = one.target().parent.id, len = one.target().len, "no room in this pool");
                        full.push(one);
                        full.extend(work.drain(..).rev().flatten());
                        None
                    }
                    Err(error) => {
                        one.waiting.tell(Err(error.clone()));
                        Some(error)
                    }
                }
            } else {
                None
            };
            if let Some(error) = trouble.filter(|e| e.is_unclear() || matches!(e, NetboxError::Unreachable { .. })) {
                work.into_iter().flatten().chain(full).for_each(|one| refuse(one.waiting, &error));
                return Err(error);
            }
        }
        Ok(full)
    }

    /// One list POST. What has to be asked anew in smaller parts goes to `work`.
    async fn post_some(&self, mut part: Vec<Going>, work: &mut Vec<Vec<Going>>) -> Option<NetboxError> {
        match self.post_list(&part).await {
            Ok(Listed::Made(made)) => {
                self.count_ours(part[0].target().parent.id, part.len() as u64);
                for (at, one) in part.into_iter().enumerate() {
                    let told = self.verify_one(&one, &made, at).await;
                    one.waiting.tell(told);
                }
                None
            }
            Ok(Listed::NoRoom) => {
                let second = part.split_off(part.len() / 2);
                work.push(second);
                work.push(part);
                None
            }
            Ok(Listed::Apart) => {
                // One of them may have been stored by an earlier try, or only one may be refused: found, adopt; the others alone.
                let mut targets: HashMap<OperationId, (Vec<Target>, usize)> = HashMap::new();
                let mut waiting = Vec::new();
                for one in part {
                    targets.insert(one.waiting.ask.operation, (one.targets, one.at));
                    waiting.push(one.waiting);
                }
                for left in self.earlier(waiting).await.into_iter().rev() {
                    if let Some((targets, at)) = targets.remove(&left.ask.operation) {
                        work.push(vec![Going { waiting: left, targets, at }]);
                    }
                }
                None
            }
            Err(error) => {
                part.into_iter().for_each(|one| one.waiting.tell(Err(error.clone())));
                Some(error)
            }
        }
    }

    async fn post_list(&self, part: &[Going]) -> Result<Listed, NetboxError> {
        let doing = Doing::Allocate;
        let parent = part[0].target().parent.id;
        let body: Vec<Value> = part.iter().map(|one| self.element(&one.waiting.ask, one.target())).collect();
        let path = format!("ipam/prefixes/{parent}/available-prefixes/");
        let call = Call::new(doing, Method::POST, path, self.config.timeouts.allocate).body(body.into());
        let reply = self.http.send(call).await?;
        match reply.status {
            201 => made(&reply).map(Listed::Made),
            200 | 202..300 => Err(NetboxError::Garbage { doing, status: reply.status, what: Garbage::Unexpected("not a 201") }),
            409 if !reply.json.is_null() => Ok(Listed::NoRoom),
            404 if is_missing(&reply) => {
                self.known().parents.remove(&parent);
                Err(not_visible(parent))
            }
            400 | 403 | 413 => Ok(Listed::Apart),
            _ => Err(reply.refused(doing)),
        }
    }

    /// The answer for one of a list: found by its id, for the place in a list proves nothing.
    async fn verify_one(&self, one: &Going, made: &[RemotePrefix], at: usize) -> Told {
        let (ask, target) = (&one.waiting.ask, one.target());
        let mine = made.iter().find(|p| p.carries(ask.operation)).or_else(|| made.get(at).filter(|p| p.operation_id.is_none()));
        match mine {
            Some(mine) => self.verify(ask, target, mine.clone()).await,
            None => self.stored(ask).await,
        }
    }
}

/// Not sent: nothing of it can be stored, unless an earlier try was.
fn refuse(waiting: Waiting, error: &NetboxError) {
    let told = unasked(&waiting.ask, error.clone());
    waiting.tell(Err(told));
}

fn made(reply: &Reply) -> Result<Vec<RemotePrefix>, NetboxError> {
    let odd = |shape| NetboxError::Garbage { doing: Doing::Allocate, status: reply.status, what: Garbage::Unexpected(shape) };
    let list = reply.json.as_array().ok_or_else(|| odd("no list"))?;
    list.iter().map(RemotePrefix::read).collect::<Result<_, _>>().map_err(odd)
}
