//! What starts next, and when a job stops. It keeps no clock and does nothing itself: time comes in, changes go out to be stored before
//! they are acted upon. Made from what is stored, so that a new process goes on where a dead one was.

use super::{Course, Follow, ItemState, JobHead, JobState, Outcome, StageEnd, StateChange, Tally};
use crate::{OperationId, SafeText, SubscriberId, Timestamp, sentence};
use std::collections::VecDeque;

/// Ends that the rate is taken from.
const PACE: usize = 400;
/// A runner that comes late may make up for this much of its rate.
const BURST_MS: i64 = 100;

/// An item as far as it matters for going on.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    pub seq: u32,
    pub subscriber: SubscriberId,
    pub seen_version: Option<i64>,
    /// Its place in [`JobHead::nases`].
    pub nas: u16,
    pub canary: bool,
    pub state: ItemState,
    /// The stage that it is in, or comes to next.
    pub stage: u8,
    /// A stage of this item has changed something.
    pub did: bool,
    /// What sent it on its way back.
    pub bad: Option<Outcome>,
    /// The operation of the present stage. Durable before that begins, so beginning it again is the same operation.
    pub operation: Option<OperationId>,
    /// When the present stage began.
    pub since: Option<Timestamp>,
    pub outcome: Option<Outcome>,
    /// How many had ended when this one did.
    pub ended_no: u32,
}

/// To be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub slot: Slot,
    pub note: Option<SafeText>,
    pub at: Timestamp,
}

/// To be begun, once its change is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    pub seq: u32,
    pub stage: u8,
    pub operation: OperationId,
}

#[derive(Debug, Default)]
struct Lane {
    ready: VecDeque<u32>,
    running: u32,
    next_at: Option<Timestamp>,
}

#[derive(Debug)]
pub struct Machine {
    head: JobHead,
    slots: Vec<Slot>,
    lanes: Vec<Lane>,
    /// The stage that only waits.
    proof_at: Option<u8>,
    cursor: usize,
    tally: Tally,
    total: u32,
    canaries: u32,
    canaries_left: u32,
    bad_canaries: u32,
    recent: VecDeque<bool>,
    bad: u32,
    ended_no: u32,
    pace: VecDeque<Timestamp>,
}

impl Machine {
    /// From what is stored; the slots in the order of their numbers, without gaps.
    pub fn new(head: JobHead, slots: Vec<Slot>) -> Self {
        let mut lanes: Vec<Lane> = (0..head.nases.len().max(1)).map(|_| Lane::default()).collect();
        let proof_at = head.course.proof_at();
        let mut tally = Tally::default();
        let (mut under_way, mut canaries, mut rest) = (Vec::new(), Vec::new(), Vec::new());
        let mut ends: Vec<(u32, bool, bool)> = Vec::new();
        for slot in &slots {
            match (slot.state, slot.outcome) {
                (ItemState::Ended, outcome) => {
                    let outcome = outcome.unwrap_or(Outcome::Failed);
                    *tally.of_mut(outcome) += 1;
                    if !matches!(outcome, Outcome::Cancelled | Outcome::LeftOut) {
                        ends.push((slot.ended_no, outcome.is_bad(), slot.canary));
                    }
                }
                (ItemState::Running, _) => {
                    tally.running += 1;
                    if let Some(lane) = lanes.get_mut(usize::from(slot.nas)).filter(|_| proof_at != Some(slot.stage)) {
                        lane.running += 1;
                    }
                }
                (ItemState::Waiting, _) => {
                    tally.waiting += 1;
                    let queue = if slot.did || slot.bad.is_some() || slot.since.is_some() {
                        &mut under_way
                    } else if slot.canary {
                        &mut canaries
                    } else {
                        &mut rest
                    };
                    queue.push(slot.seq);
                }
            }
        }
        for seq in under_way.into_iter().chain(canaries).chain(rest) {
            let nas = slots.get(seq as usize).map_or(0, |slot| usize::from(slot.nas));
            if let Some(lane) = lanes.get_mut(nas) {
                lane.ready.push_back(seq);
            }
        }
        ends.sort_unstable();
        let ended_no = ends.last().map_or(0, |end| end.0);
        let total = tally.total();
        let mut machine = Self {
            canaries: slots.iter().filter(|slot| slot.canary).count() as u32,
            canaries_left: slots.iter().filter(|slot| slot.canary && slot.state != ItemState::Ended).count() as u32,
            head,
            slots,
            lanes,
            proof_at,
            cursor: 0,
            tally,
            total,
            bad_canaries: 0,
            recent: VecDeque::new(),
            bad: 0,
            ended_no,
            pace: VecDeque::new(),
        };
        for (no, bad, canary) in ends {
            machine.count(no, bad, canary);
        }
        machine
    }

    pub fn head(&self) -> &JobHead {
        &self.head
    }

    pub fn state(&self) -> JobState {
        self.head.state
    }

    pub fn course(&self) -> &Course {
        &self.head.course
    }

    pub fn tally(&self) -> Tally {
        self.tally
    }

    pub fn slot(&self, seq: u32) -> Option<&Slot> {
        self.slots.get(seq as usize)
    }

    /// What was under way when this was stored: begun again under the same ids, whatever the state of the job.
    pub fn under_way(&self) -> Vec<Start> {
        let running = self.slots.iter().filter(|slot| slot.state == ItemState::Running);
        running.filter_map(|slot| slot.operation.map(|operation| Start { seq: slot.seq, stage: slot.stage, operation })).collect()
    }

    /// The job is begun, or goes on. Going on after a stop forgives what led to it.
    pub fn go(&mut self, now: Timestamp) {
        match self.head.state {
            JobState::Previewed => self.head.started_at = Some(now),
            JobState::Stopped => {
                self.head.forgiven = self.ended_no;
                self.recent.clear();
                self.bad = 0;
                self.bad_canaries = 0;
            }
            JobState::Paused => {}
            _ => return,
        }
        self.head.why = None;
        self.head.state = if self.canaries_left > 0 { JobState::Canary } else { JobState::Running };
        self.settle(now);
    }

    pub fn pause(&mut self) {
        if self.head.state.goes() {
            self.head.state = JobState::Paused;
        }
    }

    /// What has not begun never will; what is under way goes to its end.
    pub fn cancel(&mut self, now: Timestamp) -> Vec<Change> {
        if self.head.state.is_over() {
            return Vec::new();
        }
        self.head.state = JobState::Cancelling;
        self.head.why = None;
        let mut ready = Vec::new();
        for lane in &mut self.lanes {
            // A way back is part of what is under way.
            let (back, rest) = std::mem::take(&mut lane.ready)
                .into_iter()
                .partition::<VecDeque<u32>, _>(|seq| self.slots.get(*seq as usize).is_some_and(|slot| slot.bad.is_some()));
            lane.ready = back;
            ready.extend(rest);
        }
        let changes = ready.into_iter().filter_map(|seq| self.cancelled(seq, now)).collect();
        self.settle(now);
        changes
    }

    fn cancelled(&mut self, seq: u32, now: Timestamp) -> Option<Change> {
        let course = self.head.course.clone();
        let slot = self.slots.get_mut(seq as usize)?;
        slot.state = ItemState::Ended;
        slot.outcome = Some(slot.bad.unwrap_or(Outcome::Cancelled));
        let note = slot.did.then(|| SafeText::new(&sentence::left_in_the_middle(&course, slot.stage)));
        self.tally.waiting -= 1;
        let outcome = slot.outcome?;
        *self.tally.of_mut(outcome) += 1;
        if slot.canary {
            self.canaries_left -= 1;
        }
        Some(Change { slot: slot.clone(), note, at: now })
    }

    /// What may start now, already counted as under way. Store the changes, then begin.
    pub fn due(&mut self, now: Timestamp, mut id: impl FnMut() -> OperationId) -> (Vec<Change>, Vec<Start>) {
        let (mut changes, mut starts) = (Vec::new(), Vec::new());
        if !self.head.state.goes() && self.head.state != JobState::Cancelling {
            return (changes, starts);
        }
        // One of each NAS in turn, so that a short line of one is not behind a long one of another.
        let lanes = self.lanes.len();
        let mut idle = 0;
        while idle < lanes {
            self.cursor = (self.cursor + 1) % lanes;
            match self.take(self.cursor, now) {
                None => idle += 1,
                Some(seq) => {
                    idle = 0;
                    let Some(slot) = self.slots.get_mut(seq as usize) else { continue };
                    let operation = id();
                    slot.state = ItemState::Running;
                    slot.operation = Some(operation);
                    slot.since = Some(now);
                    self.tally.waiting -= 1;
                    self.tally.running += 1;
                    starts.push(Start { seq, stage: slot.stage, operation });
                    changes.push(Change { slot: slot.clone(), note: None, at: now });
                }
            }
        }
        (changes, starts)
    }

    fn take(&mut self, lane: usize, now: Timestamp) -> Option<u32> {
        let terms = self.head.terms;
        let only_canaries = self.head.state == JobState::Canary;
        let proof_at = self.proof_at;
        let lane = self.lanes.get_mut(lane)?;
        let seq = *lane.ready.front()?;
        let slot = self.slots.get(seq as usize)?;
        if only_canaries && !slot.canary {
            return None;
        }
        if proof_at == Some(slot.stage) {
            // Waiting for a proof asks nothing of a NAS.
            lane.ready.pop_front();
            return Some(seq);
        }
        if lane.running >= u32::from(terms.per_nas.max(1)) || lane.next_at.is_some_and(|at| at > now) {
            return None;
        }
        if let Some(rate) = terms.rate_per_nas.filter(|rate| *rate > 0) {
            let from = now - chrono::Duration::milliseconds(BURST_MS);
            let base = lane.next_at.map_or(now, |at| at.max(from));
            lane.next_at = Some(base + chrono::Duration::microseconds(1_000_000 / i64::from(rate)));
        }
        lane.ready.pop_front();
        lane.running += 1;
        Some(seq)
    }

    /// When the rate next lets something start; `None` when only an end can.
    pub fn wakes_at(&self) -> Option<Timestamp> {
        if !self.head.state.goes() {
            return None;
        }
        let most = u32::from(self.head.terms.per_nas.max(1));
        let open = self.lanes.iter().filter(|lane| !lane.ready.is_empty() && lane.running < most);
        open.filter_map(|lane| lane.next_at).min()
    }

    /// The stage that an item was in has ended.
    pub fn ended(&mut self, seq: u32, end: StageEnd, note: Option<SafeText>, now: Timestamp) -> Option<Change> {
        let follow = {
            let slot = self.slots.get(seq as usize).filter(|slot| slot.state == ItemState::Running)?;
            let did = slot.did || end == StageEnd::Done;
            self.head.course.after(slot.stage, did, slot.bad, end)
        };
        self.tally.running -= 1;
        let cancelling = self.head.state == JobState::Cancelling;
        let (len, course) = (self.head.course.len(), self.head.course.clone());
        let slot = self.slots.get_mut(seq as usize)?;
        slot.did |= end == StageEnd::Done;
        if let Some(lane) = self.lanes.get_mut(usize::from(slot.nas)).filter(|_| self.proof_at != Some(slot.stage)) {
            lane.running = lane.running.saturating_sub(1);
        }
        let mut note = note;
        match follow {
            Follow::Stage(next) => {
                if let (StageEnd::Bad(outcome), true) = (end, next == len) {
                    slot.bad = Some(outcome);
                }
                slot.state = ItemState::Waiting;
                slot.stage = next;
                slot.operation = None;
                self.tally.waiting += 1;
                if cancelling && next < len {
                    return self.cancelled(seq, now).inspect(|_| self.settle(now));
                }
                let lane = self.lanes.get_mut(usize::from(slot.nas))?;
                lane.ready.push_front(seq);
            }
            Follow::End(outcome) => {
                slot.state = ItemState::Ended;
                slot.outcome = Some(outcome);
                note = sentence::item_note(&course, slot.stage, slot.did, outcome, end, note);
                *self.tally.of_mut(outcome) += 1;
                self.pace.push_back(now);
                if self.pace.len() > PACE {
                    self.pace.pop_front();
                }
                let canary = slot.canary;
                if canary {
                    self.canaries_left -= 1;
                }
                if !matches!(outcome, Outcome::Cancelled | Outcome::LeftOut) {
                    self.ended_no += 1;
                    let no = self.ended_no;
                    if let Some(slot) = self.slots.get_mut(seq as usize) {
                        slot.ended_no = no;
                    }
                    self.count(no, outcome.is_bad(), canary);
                }
            }
        }
        self.settle(now);
        let slot = self.slots.get(seq as usize)?.clone();
        Some(Change { slot, note, at: now })
    }

    /// One more end for the threshold.
    fn count(&mut self, no: u32, bad: bool, canary: bool) {
        if no <= self.head.forgiven {
            return;
        }
        self.recent.push_back(bad);
        if self.recent.len() > self.head.terms.threshold.sample(self.total) as usize {
            self.recent.pop_front();
        }
        self.bad += u32::from(bad);
        self.bad_canaries += u32::from(bad && canary);
    }

    /// Stops, leaves the canaries behind, ends: whatever follows from the numbers.
    fn settle(&mut self, now: Timestamp) {
        let threshold = self.head.terms.threshold;
        let state = self.head.state;
        if matches!(state, JobState::Canary | JobState::Running | JobState::Paused) && self.tally.waiting > 0 {
            let among = if state == JobState::Canary { self.canaries } else { threshold.sample(self.total) };
            let bad = if state == JobState::Canary { self.bad_canaries } else { self.recent.iter().filter(|bad| **bad).count() as u32 };
            if threshold.exceeded(among, bad, self.bad) {
                self.head.state = JobState::Stopped;
                let why = sentence::job_stopped(state == JobState::Canary, bad, among, self.bad, &threshold, self.tally.waiting);
                self.head.why = Some(SafeText::new(&why));
            } else if state == JobState::Canary && self.canaries_left == 0 {
                self.head.state = JobState::Running;
            }
        }
        let idle = self.tally.waiting == 0 && self.tally.running == 0;
        if idle && !self.head.state.is_over() && self.head.state != JobState::Previewed {
            let cancelled = self.head.state == JobState::Cancelling;
            self.head.state = if cancelled { JobState::Cancelled } else { JobState::Done };
            self.head.ended_at = Some(now);
            self.head.why = None;
        }
    }

    /// Items per second lately; a job that stands slows down with the time that passes.
    pub fn per_s(&self, now: Timestamp) -> Option<f32> {
        let first = self.pace.front()?;
        let last = (*self.pace.back()?).max(now - chrono::Duration::seconds(2));
        let seconds = (last.max(now - chrono::Duration::milliseconds(500)) - *first).as_seconds_f32();
        (self.pace.len() > 1 && seconds > 0.0).then(|| (self.pace.len() - 1) as f32 / seconds)
    }

    pub fn eta_s(&self, now: Timestamp) -> Option<u32> {
        let per_s = self.per_s(now).filter(|per_s| *per_s > 0.0 && self.head.state.goes())?;
        Some(((self.tally.waiting + self.tally.running) as f32 / per_s).ceil() as u32)
    }

    pub fn state_change(&self, now: Timestamp) -> StateChange {
        StateChange {
            state: self.head.state,
            tally: self.tally,
            why: self.head.why.clone(),
            forgiven: self.head.forgiven,
            at: now,
            per_s: self.per_s(now),
            eta_s: self.eta_s(now),
        }
    }
}

/// Which items are tried first: one of each NAS in turn, in the order in which they go. `nas` is that of each item that goes.
pub fn choose_canaries(nas: &[(u32, u16)], wanted: u32) -> Vec<u32> {
    let lanes = nas.iter().map(|(_, nas)| usize::from(*nas) + 1).max().unwrap_or(0);
    let mut lines: Vec<VecDeque<u32>> = vec![VecDeque::new(); lanes];
    for (seq, nas) in nas {
        lines[usize::from(*nas)].push_back(*seq);
    }
    let mut chosen = Vec::new();
    while chosen.len() < wanted as usize {
        let before = chosen.len();
        for line in &mut lines {
            if chosen.len() < wanted as usize {
                chosen.extend(line.pop_front());
            }
        }
        if chosen.len() == before {
            break;
        }
    }
    chosen
}
