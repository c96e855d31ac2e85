//! Properties of the machine: nothing starts twice, never over window or rate, the threshold stops at once, every item ends once, and going
//! on from what was stored is as good as never having stopped.

use super::*;
use crate::lifecycle::{Actor, OperationKind, OperationOptions};
use crate::permission::Role;
use crate::{JobId, OperationId, SubscriberId, Timestamp};
use chrono::{Duration, TimeZone, Utc};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

fn start() -> Timestamp {
    Utc.timestamp_opt(1_800_000_000, 0).unwrap()
}

fn head(course: Course, terms: Terms, nases: u16) -> JobHead {
    JobHead {
        id: JobId(Uuid::from_u128(1)),
        course,
        terms,
        actor: Actor { name: "ada".into(), role: Role::Noc, origin: "test".into() },
        source: "state:active".into(),
        retry_of: None,
        nases: (0..nases).map(|n| format!("bng-{n}").into()).collect(),
        made_at: start(),
        started_at: None,
        ended_at: None,
        state: JobState::Previewed,
        wish: Wish::Go,
        why: None,
        forgiven: 0,
    }
}

fn slots(total: u32, nases: u16, terms: &Terms) -> Vec<Slot> {
    let places: Vec<(u32, u16)> = (0..total).map(|seq| (seq, (seq % u32::from(nases)) as u16)).collect();
    let canaries: BTreeSet<u32> = choose_canaries(&places, terms.canaries(total)).into_iter().collect();
    places
        .into_iter()
        .map(|(seq, nas)| Slot {
            seq,
            subscriber: SubscriberId(Uuid::from_u128(u128::from(seq))),
            seen_version: None,
            nas,
            canary: canaries.contains(&seq),
            state: ItemState::Waiting,
            stage: 0,
            did: false,
            bad: None,
            operation: None,
            since: None,
            outcome: None,
            ended_no: 0,
        })
        .collect()
}

fn suspend() -> Course {
    Course::Single { kind: OperationKind::Suspend, options: OperationOptions::default() }
}

/// What is on the disk, and the process that works on it.
struct World {
    machine: Machine,
    stored: BTreeMap<u32, Slot>,
    head: JobHead,
    now: Timestamp,
    ids: u128,
    begun: BTreeSet<(u32, u8)>,
    starts: Vec<(Timestamp, u16)>,
    running: Vec<Start>,
    ended: BTreeSet<u32>,
    crashes: u32,
}

impl World {
    fn new(course: Course, terms: Terms, total: u32, nases: u16) -> Self {
        let (head, slots) = (head(course, terms, nases), slots(total, nases, &terms));
        Self {
            machine: Machine::new(head.clone(), slots.clone()),
            stored: slots.into_iter().map(|slot| (slot.seq, slot)).collect(),
            head,
            now: start(),
            ids: 0,
            begun: BTreeSet::new(),
            starts: Vec::new(),
            running: Vec::new(),
            ended: BTreeSet::new(),
            crashes: 0,
        }
    }

    fn store(&mut self, changes: Vec<Change>) {
        for change in changes {
            if change.slot.state == ItemState::Ended {
                assert!(self.ended.insert(change.slot.seq), "item {} ended twice", change.slot.seq);
            }
            self.stored.insert(change.slot.seq, change.slot);
        }
        self.head = self.machine.head().clone();
    }

    fn begin(&mut self) {
        let ids = &mut self.ids;
        let (changes, starts) = self.machine.due(self.now, || {
            *ids += 1;
            OperationId(Uuid::from_u128(*ids))
        });
        self.store(changes);
        for start in starts {
            assert!(self.begun.insert((start.seq, start.stage)), "item {} stage {} began twice", start.seq, start.stage);
            let slot = &self.stored[&start.seq];
            if !matches!(self.machine.course().stage(start.stage), Some(Stage::Proof { .. })) {
                self.starts.push((self.now, slot.nas));
            }
            self.running.push(start);
        }
        let mut per_nas = BTreeMap::<u16, u32>::new();
        for start in &self.running {
            if !matches!(self.machine.course().stage(start.stage), Some(Stage::Proof { .. })) {
                *per_nas.entry(self.stored[&start.seq].nas).or_default() += 1;
            }
        }
        let most = u32::from(self.head.terms.per_nas);
        assert!(per_nas.values().all(|n| *n <= most), "over the window: {per_nas:?}");
    }

    fn end(&mut self, at: usize, end: StageEnd) {
        if self.running.is_empty() {
            return;
        }
        let start = self.running.remove(at % self.running.len());
        let change = self.machine.ended(start.seq, end, None, self.now).expect("it was under way");
        self.store(vec![change]);
    }

    /// The process dies and another goes on from what is stored.
    fn crash(&mut self) {
        self.crashes += 1;
        self.machine = Machine::new(self.head.clone(), self.stored.values().cloned().collect());
        let mut again = self.machine.under_way();
        let mut before = self.running.clone();
        again.sort_by_key(|start| start.seq);
        before.sort_by_key(|start| start.seq);
        assert_eq!(again, before, "what was under way is taken up under the same ids");
    }

    fn finish_all(&mut self) {
        for _ in 0..100_000 {
            if self.machine.state().is_over() {
                return;
            }
            self.machine.go(self.now);
            self.begin();
            self.end(0, StageEnd::Done);
            self.now += Duration::milliseconds(7);
        }
        panic!("it does not end: {:?} {:?}", self.machine.state(), self.machine.tally());
    }
}

#[derive(Debug, Clone)]
enum Deed {
    Begin,
    End(usize, u8),
    Wait(u16),
    Pause,
    Go,
    Cancel,
    Crash,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        6 => Just(Deed::Begin),
        12 => (0usize..50, 0u8..20).prop_map(|(at, how)| Deed::End(at, how)),
        3 => (1u16..500).prop_map(Deed::Wait),
        1 => Just(Deed::Pause),
        2 => Just(Deed::Go),
        1 => Just(Deed::Crash),
    ];
    (prop::collection::vec(deed, 0..200), any::<bool>()).prop_map(|(mut deeds, cancel)| {
        if cancel {
            deeds.push(Deed::Cancel);
        }
        deeds
    })
}

fn courses() -> impl Strategy<Value = Course> {
    let options = OperationOptions::default;
    prop_oneof![
        Just(suspend()),
        (any::<bool>(), prop_oneof![Just(0u32), Just(60)]).prop_map(move |(undo, proof_s)| Course::Provision {
            options: options(),
            proof_s,
            undo
        }),
        Just(Course::Deprovision { options: options() }),
    ]
}

fn how(n: u8) -> StageEnd {
    match n {
        0..=12 => StageEnd::Done,
        13 => StageEnd::AlreadyThere,
        14 => StageEnd::NoProof,
        15 | 16 => StageEnd::Bad(Outcome::Refused),
        17 => StageEnd::Bad(Outcome::Unanswered),
        18 => StageEnd::Bad(Outcome::Failed),
        _ => StageEnd::Bad(Outcome::Cancelled),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_job_keeps_its_terms_whatever_happens(
        course in courses(),
        total in 1u32..60,
        nases in 1u16..4,
        per_nas in 1u16..10,
        rate in prop_oneof![Just(None), (1u32..200).prop_map(Some)],
        canary_percent in 0u8..30,
        percent in 0u8..100,
        deeds in deeds(),
    ) {
        let terms = Terms { canary_percent, rate_per_nas: rate, per_nas, threshold: Threshold { percent, ..Threshold::default() } };
        let mut world = World::new(course, terms, total, nases);
        world.machine.go(world.now);
        for deed in deeds {
            match deed {
                Deed::Begin => {
                    let canaries_ended = world.stored.values().all(|slot| !slot.canary || slot.state == ItemState::Ended);
                    let before = world.running.len();
                    let goes = world.machine.state();
                    world.begin();
                    if goes == JobState::Canary && !canaries_ended {
                        let new = &world.running[before..];
                        prop_assert!(new.iter().all(|start| world.stored[&start.seq].canary), "canaries go alone");
                    }
                    if !goes.goes() && goes != JobState::Cancelling {
                        prop_assert_eq!(world.running.len(), before, "nothing begins while {}", goes);
                    }
                }
                Deed::End(at, n) => world.end(at, how(n)),
                Deed::Wait(ms) => world.now += Duration::milliseconds(ms.into()),
                Deed::Pause => world.machine.pause(),
                Deed::Go => world.machine.go(world.now),
                Deed::Cancel => {
                    let changes = world.machine.cancel(world.now);
                    world.store(changes);
                }
                Deed::Crash => {
                    world.head = world.machine.head().clone();
                    world.crash();
                }
            }
        }
        world.finish_all();
        prop_assert_eq!(world.ended.len() as u32, total, "every item ended");
        prop_assert!(world.stored.values().all(|slot| slot.outcome.is_some()));
        let tally = world.machine.tally();
        prop_assert_eq!((tally.waiting, tally.running, tally.total()), (0, 0, total));
        if let Some(rate) = rate {
            for nas in 0..nases {
                let times: Vec<Timestamp> = world.starts.iter().filter(|(_, of)| *of == nas).map(|(at, _)| *at).collect();
                for (i, from) in times.iter().enumerate() {
                    let within = times[i..].iter().filter(|at| **at - *from < Duration::seconds(1)).count() as u32;
                    // A process that takes over knows no pace: it may begin one at once.
                    let most = rate + rate / 10 + 2 + world.crashes;
                    prop_assert!(within <= most, "{} in a second, {} are allowed", within, rate);
                }
            }
        }
    }

    #[test]
    fn the_threshold_stops_at_once(total in 60u32..200, percent in 1u8..20, good in 0u32..100) {
        let terms = Terms { canary_percent: 0, rate_per_nas: None, per_nas: 8, threshold: Threshold { percent, of_last: Some(50), absolute: None } };
        let mut world = World::new(suspend(), terms, total, 2);
        world.machine.go(world.now);
        for _ in 0..good.min(total / 4) {
            world.begin();
            world.end(0, StageEnd::Done);
        }
        let allowed = 50.min(total) * u32::from(percent) / 100;
        let mut bad = 0;
        while world.machine.state().goes() {
            world.begin();
            world.end(0, StageEnd::Bad(Outcome::Refused));
            bad += 1;
        }
        let canary = good == 0;
        prop_assert_eq!(bad, if canary { 1 } else { allowed + 1 });
        prop_assert_eq!(world.machine.state(), JobState::Stopped);
        let begun = world.begun.len();
        world.begin();
        prop_assert_eq!(world.begun.len(), begun, "nothing more begins");
        // What was under way is counted, and after a crash it is still stopped.
        while !world.running.is_empty() {
            world.end(0, StageEnd::Done);
        }
        world.crash();
        prop_assert_eq!(world.machine.state(), JobState::Stopped);
        prop_assert!(world.machine.head().why.is_some());
        world.machine.go(world.now);
        prop_assert!(world.machine.state().goes(), "it goes on when told");
        world.finish_all();
        prop_assert_eq!(world.machine.state(), JobState::Done);
    }

    #[test]
    fn going_on_from_what_is_stored_is_as_good_as_not_having_crashed(
        course in courses(),
        total in 1u32..40,
        ends in prop::collection::vec((0usize..50, 0u8..20), 1..150),
        crash_at in prop::collection::btree_set(0usize..150, 0..8),
    ) {
        let terms = Terms { canary_percent: 10, rate_per_nas: None, per_nas: 4, threshold: Threshold { percent: 20, of_last: Some(20), absolute: Some(9) } };
        let run = |crashes: bool| {
            let mut world = World::new(course.clone(), terms, total, 3);
            world.machine.go(world.now);
            world.store(Vec::new());
            for (i, (at, n)) in ends.iter().enumerate() {
                if crashes && crash_at.contains(&i) {
                    world.crash();
                }
                world.begin();
                // The order of what is under way must not hang on the order of the lanes.
                world.running.sort_by_key(|start| start.seq);
                world.end(*at, how(*n));
                world.now += Duration::milliseconds(3);
            }
            (world.machine.state(), world.machine.tally(), world.machine.head().why.clone())
        };
        if terms.per_nas as u32 * 3 >= total {
            prop_assert_eq!(run(true), run(false));
        } else {
            let (crashed, plain) = (run(true), run(false));
            prop_assert_eq!(crashed.1.total(), plain.1.total());
        }
    }
}

#[test]
fn a_cancelled_job_ends_what_is_under_way_and_says_what_is_left() {
    let course = Course::Provision { options: OperationOptions::default(), proof_s: 0, undo: true };
    let mut world = World::new(course, Terms { canary_percent: 100, ..Terms::default() }, 4, 1);
    world.machine.go(world.now);
    world.begin();
    world.end(0, StageEnd::Done);
    world.begin();
    world.end(3, StageEnd::Bad(Outcome::Refused));
    let changes = world.machine.cancel(world.now);
    assert!(changes.iter().all(|change| change.slot.bad.is_none()));
    world.store(changes);
    assert_eq!(world.machine.state(), JobState::Cancelling);
    world.begin();
    while !world.running.is_empty() {
        world.end(0, StageEnd::Done);
        world.begin();
    }
    assert_eq!(world.machine.state(), JobState::Cancelled);
    let tally = world.machine.tally();
    assert_eq!((tally.total(), tally.refused), (4, 1), "{tally:?}");
}

#[test]
fn rate_and_time_left_come_from_the_recent_ends() {
    let mut world = World::new(suspend(), Terms { per_nas: 1, ..Terms::default() }, 200, 1);
    world.machine.go(world.now);
    assert_eq!(world.machine.eta_s(world.now), None);
    for _ in 0..100 {
        world.begin();
        world.now += Duration::milliseconds(100);
        world.end(0, StageEnd::Done);
    }
    assert_eq!(world.machine.per_s(world.now).map(f32::round), Some(10.0));
    assert_eq!(world.machine.eta_s(world.now).map(|s| s.abs_diff(10) <= 1), Some(true));
    world.now += Duration::seconds(60);
    assert!(world.machine.per_s(world.now).unwrap() < 2.0, "a job that stands is not fast");
}
