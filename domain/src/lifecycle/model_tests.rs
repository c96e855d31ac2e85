//! The machine against a model written separately: a world that really holds prefixes and sessions, upstreams that fail in every way,
//! and the question after each operation whether what the record says is what happened.

use super::*;
use crate::aaa::{Login, LoginProfile, SuspendLogin, login_after, login_of};
use crate::nas::Method;
use crate::permission::Role;
use crate::subscriber::Ipv6Record;
use crate::{SafeText, Timestamp};
use chrono::{Duration, TimeZone, Utc};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What really is, out there.
struct World {
    /// NetBox: id -> (operation number, deprecated).
    netbox: BTreeMap<i64, (u32, bool)>,
    next_id: i64,
    /// The NAS routes the prefix.
    routed: bool,
    /// What AAA hands out at a login; `None` where no AAA system is ours.
    aaa: Option<Login>,
    profile: LoginProfile,
}

impl World {
    /// The session ended and the subscriber logs in again at once: it routes what RADIUS hands out now.
    fn logs_in_again(&mut self, kind: OperationKind, state: Ipv6State) {
        self.routed = match &self.aaa {
            Some(login) => login.prefixes().0.is_some(),
            None => is_asked_for(kind, state),
        };
    }
}

/// The NAS is asked to route the prefix, and not to stop.
fn is_asked_for(kind: OperationKind, state: Ipv6State) -> bool {
    match kind {
        OperationKind::Reconcile => state == Ipv6State::Active,
        _ => matches!(kind, OperationKind::Activate | OperationKind::Resume),
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Fine,
    Refused,
    Unreachable,
    /// Lost answer: it happened.
    UnclearDone,
    /// Lost request.
    UnclearNot,
    /// The secret of the NAS can not be read.
    NotSent,
    Crash,
    /// kill -9 after the effect, before the journal.
    CrashAfter,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Fine), 1 => Just(Fate::Refused), 1 => Just(Fate::Unreachable),
        1 => Just(Fate::UnclearDone), 1 => Just(Fate::UnclearNot), 1 => Just(Fate::NotSent), 1 => Just(Fate::Crash), 1 => Just(Fate::CrashAfter),
    ]
}

/// Does a step in the world; the answer is what the executor would report. `operation` tags allocations, as NetBox's unique field does.
fn act(world: &mut World, step: StepKind, fate: Fate, operation: u32, record: &Ipv6Record, kind: OperationKind) -> Option<StepAnswer> {
    let why = || SafeText::from("model");
    let effective = matches!(fate, Fate::Fine | Fate::UnclearDone | Fate::CrashAfter);
    let mut answer = StepAnswer::Done;
    match step {
        StepKind::NetboxAllocate => {
            // Adoption by id comes first, as rule 2 demands; a refusal can only be sure when the look-up found nothing.
            let found = world.netbox.iter().find(|(_, (op, _))| *op == operation).map(|(id, _)| *id);
            let id = match (found, effective) {
                (Some(id), _) if !matches!(fate, Fate::Unreachable | Fate::NotSent) => Some(id),
                (None, true) => {
                    world.next_id += 1;
                    world.netbox.insert(world.next_id, (operation, false));
                    Some(world.next_id)
                }
                _ => None,
            };
            if let Some(id) = id {
                let prefix = format!("2001:db8:{id:x}::/56").parse().expect("prefix");
                answer = StepAnswer::Allocated { prefix, netbox_prefix_id: id, vrf: None };
                if fate == Fate::Refused || fate == Fate::UnclearNot {
                    return Some(answer);
                }
            }
        }
        StepKind::NetboxActivate if effective => {}
        StepKind::NetboxDeprecate if effective => {
            if let Some(entry) = record.netbox_prefix_id.and_then(|id| world.netbox.get_mut(&id)) {
                entry.1 = true;
            }
        }
        StepKind::NetboxPutBack if effective => {
            if let Some(entry) = record.netbox_prefix_id.and_then(|id| world.netbox.get_mut(&id)) {
                entry.1 = record.state == Ipv6State::Revoked;
            }
        }
        StepKind::NetboxDelete if effective => {
            record.netbox_prefix_id.map(|id| world.netbox.remove(&id));
        }
        StepKind::NasCoa | StepKind::NasDisconnect => {
            answer = StepAnswer::Acknowledged;
            if effective && step == StepKind::NasDisconnect {
                world.logs_in_again(kind, record.state);
            } else if effective {
                world.routed = is_asked_for(kind, record.state);
            }
        }
        StepKind::AaaWrite if effective => world.aaa = Some(login_after(kind, record, &world.profile)),
        StepKind::AaaRestore if effective => world.aaa = Some(login_of(record, &world.profile)),
        _ => {}
    }
    match fate {
        Fate::Fine => Some(answer),
        Fate::Refused => Some(StepAnswer::Refused(why())),
        Fate::Unreachable | Fate::UnclearDone | Fate::UnclearNot if step.is_nas() => Some(StepAnswer::Unanswered(why())),
        Fate::NotSent if step.is_nas() => Some(StepAnswer::NotSent(why())),
        Fate::Unreachable | Fate::NotSent => Some(StepAnswer::Unreachable(why())),
        Fate::UnclearDone | Fate::UnclearNot => Some(StepAnswer::Unclear(why())),
        Fate::Crash | Fate::CrashAfter => None,
    }
}

fn facts(record: &Ipv6Record) -> Facts {
    Facts {
        state: record.state,
        mode: record.mode,
        enforcement: record.enforcement,
        hold_until: record.hold_until,
        has_prefix: record.prefix.is_some(),
        has_netbox_id: record.netbox_prefix_id.is_some(),
        version: 1,
        running: None,
    }
}

fn kinds() -> impl Strategy<Value = OperationKind> {
    proptest::sample::select(OperationKind::ALL.to_vec())
}

/// Runs it to its end: plan, steps with their fates, record.
#[allow(clippy::too_many_arguments, reason = "a model in one place")]
fn run(
    world: &mut World,
    record: &mut Ipv6Record,
    kind: OperationKind,
    options: &OperationOptions,
    methods: Methods,
    number: u32,
    fates: Vec<Fate>,
    now: Timestamp,
) -> (Ended, Progress) {
    let input = PlanInput {
        state: record.state,
        enforcement: record.enforcement,
        has_prefix: record.prefix.is_some(),
        has_netbox_id: record.netbox_prefix_id.is_some(),
        has_session: true,
        has_aaa: world.aaa.is_some(),
        methods: Some(methods),
    };
    let steps = plan(kind, &input, options);
    record_begin(record, kind, now);
    let mut progress = Progress::default();
    let mut next = first(kind, &steps, &progress);
    let mut fates = fates.into_iter();
    let ended = loop {
        match next {
            Next::End(ended) => break *ended,
            Next::Run(step) => {
                if step.is_nas() {
                    progress.before.get_or_insert((record.enforcement, None));
                    record_nas_asked(record);
                }
                // When the fates are used up the upstreams are well: everything must come to its end.
                let fate = fates.next().unwrap_or(Fate::Fine);
                next = match act(world, step, fate, number, record, kind) {
                    Some(answer) => advance(kind, &steps, &mut progress, false, answer),
                    // The next start: the journal shows a step started and not ended, which is an unclear try.
                    None => {
                        progress.unclear = true;
                        first(kind, &steps, &progress)
                    }
                };
            }
            Next::Wait(_) => next = first(kind, &steps, &progress),
        }
    };
    record_end(record, kind, &ended, &progress, now, Duration::hours(24));
    (ended, progress)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Any sequence of operations with any failures: NetBox never holds a prefix that the record does not know, never two; a prefix is
    /// never at rest or gone while the NAS routes it or AAA hands it out; and a login gets what the state says.
    #[test]
    fn the_record_is_the_truth(
        asked in proptest::collection::vec((kinds(), proptest::collection::vec(fate(), 12), 0i64..40), 1..12),
        has_aaa in proptest::bool::weighted(0.8),
        by_coa in proptest::bool::ANY,
        how in proptest::sample::select(vec![SuspendLogin::Reject, SuspendLogin::Group]),
    ) {
        let mut now: Timestamp = Utc.timestamp_opt(1_800_000_000, 0).single().expect("time");
        let profile = LoginProfile { suspend: how, ..LoginProfile::default() };
        let aaa = has_aaa.then_some(Login::WithoutPrefix);
        let mut world = World { netbox: BTreeMap::new(), next_id: 0, routed: false, aaa, profile: profile.clone() };
        let mut record = Ipv6Record::pending(AssignmentMode::Pd, now);
        for (number, (kind, fates, hours)) in asked.into_iter().enumerate() {
            now += Duration::hours(hours);
            let what = ReconcileWhat::ALL[hours as usize % ReconcileWhat::ALL.len()];
            let options = OperationOptions { reconcile: (kind == OperationKind::Reconcile).then_some(what), ..OperationOptions::default() };
            if guard(kind, &facts(&record), &options, Role::Noc, None, now) != Guard::Go {
                continue;
            }
            let methods = if by_coa {
                Methods { activate: Method::CoaPrefix, suspend: Method::CoaFilter, resume: Method::CoaFilter }
            } else {
                let all = Method::DisconnectThenLogin;
                Methods { activate: all, suspend: all, resume: all }
            };
            let says = |record: &Ipv6Record| login_of(record, &profile);
            // A reconcile that does not succeed leaves what an operation before it left.
            let open_before = world.aaa.as_ref().is_some_and(|login| *login != says(&record));
            let (ended, progress) = run(&mut world, &mut record, kind, &options, methods, number as u32, fates, now);
            prop_assert!(ended.status != OperationStatus::Succeeded || ended.error.is_none());
            let live: Vec<i64> = world.netbox.keys().copied().collect();
            let known: Vec<i64> = record.netbox_prefix_id.into_iter().collect();
            if record.state.holds_prefix() {
                prop_assert_eq!(&live, &known, "after {} ({:?})", kind, ended);
            } else {
                // A delete whose answer was lost and whose second try was refused leaves an id of something gone: the next try gets 404.
                prop_assert!(live.is_empty() || live == known, "leaked {:?}, known {:?} after {} ({:?})", live, known, kind, ended);
            }
            if let Some((_, deprecated)) = record.netbox_prefix_id.and_then(|id| world.netbox.get(&id)) {
                prop_assert!(!(*deprecated && world.routed), "at rest but routed");
                // A release refused after a try that went through: still `revoking`, and a retry settles it.
                let resting = if *deprecated { matches!(record.state, Ipv6State::Revoked | Ipv6State::Revoking) } else { record.state != Ipv6State::Revoked };
                prop_assert!(resting, "rest and state differ: {}", record.state);
            } else {
                prop_assert!(!world.routed, "routed without a prefix in NetBox");
            }
            match record.enforcement {
                // `allocated` and acknowledged: the NAS took the prefix, then NetBox refused the status. Both are shown.
                // A revoke that could not be sent, or whose first word AAA refused, keeps what the network did before it: that is still true.
                Enforcement::Acknowledged if record.state == Ipv6State::Revoking && world.routed => {
                    let unasked = has_aaa && progress.at == 0 && ended.status == OperationStatus::Refused;
                    // A reconcile of AAA or NetBox asks no NAS, so what is known of the network stays.
                    let unasked = unasked || kind == OperationKind::Reconcile;
                    prop_assert!(unasked || ended.status == OperationStatus::Failed, "{:?}", ended);
                }
                Enforcement::Acknowledged => {
                    prop_assert_eq!(world.routed, matches!(record.state, Ipv6State::Active | Ipv6State::Allocated));
                }
                Enforcement::Requested => prop_assert!(false, "an ended operation leaves nothing requested"),
                _ => {}
            }
            if let Some(login) = &world.aaa {
                let said = says(&record);
                // A revoke whose very first word AAA refused is not done: it says so, and a retry settles it.
                let open = record.state == Ipv6State::Revoking && progress.at == 0 && ended.status == OperationStatus::Refused;
                let open = open || (kind == OperationKind::Reconcile && ended.status != OperationStatus::Succeeded && open_before);
                prop_assert!(*login == said || open, "a login gets {:?}, the state {} says {:?} after {} ({:?})", login, record.state, said, kind, ended);
                let released = record.netbox_prefix_id.and_then(|id| world.netbox.get(&id)).is_none_or(|(_, deprecated)| *deprecated);
                prop_assert!(!released || login.prefixes().0.is_none(), "handed out, and given back: {:?} after {}", login, kind);
            }
            if record.state == Ipv6State::Revoked { prop_assert!(!world.routed); }
            if record.state == Ipv6State::Suspended && record.enforcement == Enforcement::Acknowledged { prop_assert!(!world.routed); }
        }
    }

    /// Whatever somebody changed by hand: a reconcile that succeeds has made it what the state says, and the state itself never moves but from
    /// revoked to pending.
    #[test]
    fn what_was_changed_by_hand_is_set_right_and_the_state_stays(
        state in proptest::sample::select(Ipv6State::ALL.to_vec()),
        what in proptest::sample::select(ReconcileWhat::ALL.to_vec()),
        fates in proptest::collection::vec(fate(), 0..6),
        (deprecated, routed, handed_out) in (proptest::bool::ANY, proptest::bool::ANY, proptest::bool::ANY),
        by_coa in proptest::bool::ANY,
    ) {
        let now: Timestamp = Utc.timestamp_opt(1_800_000_000, 0).single().expect("time");
        let prefix = "2001:db8:1::/56".parse().expect("prefix");
        let profile = LoginProfile { suspend: SuspendLogin::Reject, ..LoginProfile::default() };
        let aaa = if handed_out { Login::Normal { delegated: Some(prefix), framed: None } } else { Login::WithoutPrefix };
        let held = !matches!(state, Ipv6State::Pending) && what != ReconcileWhat::Pending;
        let mut world = World { netbox: BTreeMap::new(), next_id: 1, routed, aaa: Some(aaa), profile: profile.clone() };
        let mut record = Ipv6Record::pending(AssignmentMode::Pd, now);
        record.state = state;
        if held {
            world.netbox.insert(1, (0, deprecated));
            (record.prefix, record.netbox_prefix_id) = (Some(prefix), Some(1));
            record.hold_until = (state == Ipv6State::Revoked).then(|| now + Duration::hours(1));
        }
        let options = OperationOptions { reconcile: Some(what), ..OperationOptions::default() };
        let go = guard(OperationKind::Reconcile, &facts(&record), &options, Role::Noc, None, now);
        prop_assert!(!matches!(go, Guard::AlreadyThere));
        if go != Guard::Go {
            return Ok(());
        }
        let methods = if by_coa {
            Methods { activate: Method::CoaPrefix, suspend: Method::CoaFilter, resume: Method::CoaFilter }
        } else {
            Methods { activate: Method::None, suspend: Method::None, resume: Method::None }
        };
        let (ended, _) = run(&mut world, &mut record, OperationKind::Reconcile, &options, methods, 1, fates, now);
        let moved = what == ReconcileWhat::Pending && ended.status == OperationStatus::Succeeded;
        prop_assert_eq!(record.state, if moved { Ipv6State::Pending } else { state });
        if ended.status == OperationStatus::Succeeded {
            let in_service = state == Ipv6State::Active;
            match what {
                ReconcileWhat::Netbox => prop_assert_eq!(world.netbox.get(&1).map(|(_, rests)| *rests), Some(state == Ipv6State::Revoked)),
                ReconcileWhat::Nas => prop_assert_eq!(world.routed, in_service, "{:?}", ended),
                ReconcileWhat::Aaa | ReconcileWhat::Pending => {}
            }
            if what != ReconcileWhat::Netbox {
                prop_assert_eq!(world.aaa.as_ref(), Some(&login_of(&record, &profile)));
            }
            if !matches!(state, Ipv6State::Active | Ipv6State::Suspended | Ipv6State::Revoked) {
                prop_assert_eq!(record.enforcement, Enforcement::None);
            }
        }
    }
}

#[test]
fn guards_agree_with_the_contract_table() {
    use Ipv6State::*;
    // Written from the contract, apart from `guard`.
    let contract: &[(OperationKind, &[Ipv6State])] = &[
        (OperationKind::Allocate, &[Pending, Failed, Revoked]),
        (OperationKind::Activate, &[Allocated]),
        (OperationKind::Suspend, &[Active]),
        (OperationKind::Resume, &[Suspended]),
        (OperationKind::Revoke, &[Allocated, Active, Suspended, Failed, Revoking]),
        (OperationKind::Reconcile, &[Pending, Allocated, Active, Suspended, Revoking, Revoked, Failed]),
    ];
    let now = Utc.timestamp_opt(1_800_000_000, 0).single().expect("time");
    for (kind, from) in contract {
        for state in Ipv6State::ALL {
            let mut record = Ipv6Record::pending(AssignmentMode::DualStack, now);
            record.state = *state;
            record.prefix = Some("2001:db8::/56".parse().expect("prefix"));
            let go = guard(*kind, &facts(&record), &OperationOptions::default(), Role::Noc, None, now) == Guard::Go;
            assert_eq!(go, from.contains(state), "{kind} from {state}");
        }
    }
}

#[test]
fn hold_mode_version_and_force_are_guarded() {
    let now = Utc.timestamp_opt(1_800_000_000, 0).single().expect("time");
    let mut record = Ipv6Record::pending(AssignmentMode::Pd, now);
    record.state = Ipv6State::Revoked;
    record.hold_until = Some(now + Duration::hours(1));
    let ask =
        |record: &Ipv6Record, kind, options: &OperationOptions, role, version| guard(kind, &facts(record), options, role, version, now);
    let plain = OperationOptions::default();
    assert!(matches!(ask(&record, OperationKind::Allocate, &plain, Role::Noc, None), Guard::Refused(Refusal::OnHold { .. })));
    record.hold_until = Some(now);
    assert_eq!(ask(&record, OperationKind::Allocate, &plain, Role::Noc, None), Guard::Go);
    assert!(matches!(ask(&record, OperationKind::Allocate, &plain, Role::Noc, Some(7)), Guard::Refused(Refusal::StaleVersion { .. })));
    assert!(matches!(ask(&record, OperationKind::Allocate, &plain, Role::Viewer, None), Guard::Refused(Refusal::NotPermitted { .. })));
    record.mode = AssignmentMode::Slaac;
    assert!(matches!(ask(&record, OperationKind::Allocate, &plain, Role::Noc, None), Guard::Refused(Refusal::WrongMode { .. })));
    record.state = Ipv6State::Active;
    let quiet = OperationOptions { send_disconnect: false, ..OperationOptions::default() };
    assert_eq!(ask(&record, OperationKind::Revoke, &quiet, Role::Noc, None), Guard::Refused(Refusal::DisconnectRequired));
    let forced = OperationOptions { force: true, ..quiet };
    assert_eq!(ask(&record, OperationKind::Revoke, &forced, Role::Noc, None), Guard::Go);
    let back = OperationOptions { reconcile: Some(ReconcileWhat::Pending), ..OperationOptions::default() };
    let wrong = Guard::Refused(Refusal::WrongState { kind: OperationKind::Reconcile, state: Ipv6State::Active });
    assert_eq!(ask(&record, OperationKind::Reconcile, &back, Role::Noc, None), wrong);
    record.state = Ipv6State::Revoked;
    assert_eq!(ask(&record, OperationKind::Reconcile, &back, Role::Noc, None), Guard::Go);
    record.netbox_prefix_id = Some(7);
    assert_eq!(ask(&record, OperationKind::Reconcile, &back, Role::Noc, None), Guard::Refused(Refusal::NotReleased));
    assert!(matches!(ask(&record, OperationKind::Reconcile, &back, Role::Dispatcher, None), Guard::Refused(Refusal::NotPermitted { .. })));
    let long = OperationOptions { prefix_len: Some(65), ..OperationOptions::default() };
    assert!(matches!(
        ask(&record, OperationKind::Allocate, &long, Role::Noc, None),
        Guard::Refused(Refusal::BadPrefixLength { asked: 65 })
    ));
}
