//! The rules stand twice, in the domain and in the centre. Here both are asked the same questions, over every combination that matters and
//! thousands of random ones, and a rule that was changed on one side alone is found.

use super::dice::Dice;
use super::place::Place;
use chrono::{DateTime, Duration, TimeZone, Utc};
use noctule_domain::lifecycle::*;
use noctule_domain::nas::Method;
use noctule_domain::permission::{Permission, Role, needed_for};
use noctule_domain::subscriber::Ipv6Record;
use noctule_domain::{OperationId, SafeText, Timestamp};
use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

const BATCH: usize = 20_000;

fn now() -> Timestamp {
    Utc.timestamp_opt(1_800_000_000, 0).single().expect("a time")
}

/// Asks the centre `expression` of every case `c`, in batches, and gives the cases whose answer differs from the domain's.
async fn differing(client: &Client, expression: &str, cases: &[(Value, Value)]) -> Vec<String> {
    let sql = format!("SELECT coalesce({expression}, 'null') FROM jsonb_array_elements($1) WITH ORDINALITY AS x(c, n) ORDER BY n");
    let mut found = Vec::new();
    for batch in cases.chunks(BATCH) {
        let asked = Value::Array(batch.iter().map(|(case, _)| case.clone()).collect());
        let rows = client.query(&sql, &[&asked]).await.expect("the centre answers");
        assert_eq!(rows.len(), batch.len());
        for (row, (case, domain)) in rows.iter().zip(batch) {
            let centre: Value = row.get(0);
            if centre != *domain {
                found.push(format!("{case}\n  domain {domain}\n  centre {centre}"));
            }
        }
    }
    found
}

pub async fn agree(client: &Client, expression: &str, cases: &[(Value, Value)]) {
    let found = differing(client, expression, cases).await;
    assert!(found.is_empty(), "{} of {} cases differ, the first:\n{}", found.len(), cases.len(), found[0]);
}

/// One question to the guard, and the domain's answer.
fn guard_case(kind: OperationKind, facts: &Facts, options: &OperationOptions, role: Role, expected: Option<i64>) -> (Value, Value) {
    let running = facts.running.as_ref().map(|(operation, kind, by)| json!({ "operation": operation, "kind": kind, "by": by }));
    let case = json!({
        "kind": kind, "state": facts.state, "mode": facts.mode, "enforcement": facts.enforcement, "hold_until": facts.hold_until,
        "has_prefix": facts.has_prefix, "has_netbox_id": facts.has_netbox_id, "version": facts.version, "running": running,
        "options": options, "role": role, "expected": expected,
    });
    let answer = match guard(kind, facts, options, role, expected, now()) {
        Guard::Go => json!({ "go": true }),
        Guard::AlreadyThere => json!({ "already_there": true }),
        Guard::Refused(refusal) => json!({ "refused": refusal }),
    };
    (case, micros(answer))
}

const GUARD: &str = "noctule.guard(c->>'kind', c->>'state', c->>'mode', c->>'enforcement', (c->>'hold_until')::timestamptz,
    (c->>'has_prefix')::boolean, (c->>'has_netbox_id')::boolean, (c->>'version')::bigint, nullif(c->'running', 'null'),
    noctule.options_of(c->'options'), c->>'role', (c->>'expected')::bigint, '2027-01-15T08:00:00Z')";

/// Times as the centre writes them: both mean the same moment, a reader takes both.
fn micros(value: Value) -> Value {
    match value {
        Value::String(text) => match text.parse::<DateTime<Utc>>() {
            Ok(at) if text.ends_with('Z') => json!(at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()),
            _ => Value::String(text),
        },
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, micros(value))).collect(),
        Value::Array(list) => list.into_iter().map(micros).collect(),
        other => other,
    }
}

fn holds() -> [Option<Timestamp>; 4] {
    [None, Some(now() - Duration::seconds(1)), Some(now()), Some(now() + Duration::microseconds(1))]
}

fn flags(bits: u32) -> OperationOptions {
    OperationOptions {
        send_coa: bits & 1 != 0,
        send_disconnect: bits & 2 != 0,
        release_to_netbox: bits & 4 != 0,
        force: bits & 8 != 0,
        ..OperationOptions::default()
    }
}

/// Every kind from every state with every enforcement, hold, prefix, NetBox id and flag that the guard looks at.
fn guard_grid() -> Vec<(Value, Value)> {
    let mut cases = Vec::new();
    for (kind, state) in OperationKind::ALL.iter().flat_map(|k| Ipv6State::ALL.iter().map(move |s| (*k, *s))) {
        // One mode that delegates and one that does not; the random cases have them all.
        let modes = [AssignmentMode::Pd, AssignmentMode::Slaac];
        for (mode, enforcement) in modes.iter().flat_map(|m| Enforcement::ALL.iter().map(move |e| (*m, *e))) {
            for (hold_until, bits) in holds().into_iter().flat_map(|hold| (0..32).map(move |bits| (hold, bits))) {
                let facts = Facts {
                    state,
                    mode,
                    enforcement,
                    hold_until,
                    has_prefix: bits & 1 != 0,
                    has_netbox_id: bits & 2 != 0,
                    version: 7,
                    running: None,
                };
                // `send_coa` does not concern the guard, and the flags no reconcile.
                let options = flags((bits >> 2) << 1);
                let whats = if kind == OperationKind::Reconcile { ReconcileWhat::ALL } else { &[] };
                cases.extend(whats.iter().map(|what| {
                    let options = OperationOptions { reconcile: Some(*what), ..options.clone() };
                    guard_case(kind, &facts, &options, Role::Noc, None)
                }));
                cases.push(guard_case(kind, &facts, &options, Role::Noc, None));
            }
        }
    }
    cases
}

fn guard_random(seed: u64, count: usize) -> Vec<(Value, Value)> {
    let mut dice = Dice::new(seed);
    (0..count)
        .map(|_| {
            let running = dice.one_in(8).then(|| {
                let by = dice.of(&["anna", "bertil \u{1f980}", "o'neill\"\\"]);
                (OperationId(Uuid::from_u128(u128::from(dice.next()))), dice.of(OperationKind::ALL), SafeText::new(by))
            });
            let facts = Facts {
                state: dice.of(Ipv6State::ALL),
                mode: dice.of(AssignmentMode::ALL),
                enforcement: dice.of(Enforcement::ALL),
                hold_until: dice.of(&holds()),
                has_prefix: dice.coin(),
                has_netbox_id: dice.coin(),
                version: dice.below(4).cast_signed(),
                running,
            };
            let mut options = flags(u32::try_from(dice.below(16)).expect("small"));
            options.prefix_len = dice.of(&[None, Some(0), Some(47), Some(48), Some(56), Some(64), Some(65), Some(255)]);
            options.pool = dice.maybe(|dice| dice.below(1 << 40).cast_signed());
            options.reason = dice.maybe(|_| "because".into());
            options.reconcile = dice.maybe(|dice| dice.of(ReconcileWhat::ALL));
            let expected = dice.maybe(|dice| dice.below(4).cast_signed());
            guard_case(dice.of(OperationKind::ALL), &facts, &options, dice.of(Role::ALL), expected)
        })
        .collect()
}

#[tokio::test]
async fn the_guard_answers_as_the_domain_does() {
    let client = Place::new().await.owner().await;
    let grid = guard_grid();
    assert_eq!(grid.len(), (OperationKind::ALL.len() + ReconcileWhat::ALL.len()) * 7 * 2 * 6 * 4 * 32);
    agree(&client, GUARD, &grid).await;
    for seed in 0..3 {
        agree(&client, GUARD, &guard_random(seed, 8_000)).await;
    }
}

#[tokio::test]
async fn roles_and_permissions_are_those_of_the_domain() {
    let client = Place::new().await.owner().await;
    let cases: Vec<_> = Role::ALL
        .iter()
        .flat_map(|role| Permission::ALL.iter().map(move |p| (json!({ "role": role, "permission": p }), json!(role.allows(*p)))))
        .collect();
    agree(&client, "to_jsonb(noctule.allows(c->>'role', c->>'permission'))", &cases).await;
    let cases: Vec<_> = OperationKind::ALL.iter().map(|kind| (json!(kind), json!(needed_for(*kind)))).collect();
    agree(&client, "to_jsonb(noctule.rule_needed(c#>>'{}'))", &cases).await;
    let unknown = [(json!("root"), json!(false)), (json!(null), json!(false))];
    agree(&client, "to_jsonb(noctule.allows(c#>>'{}', 'read'))", &unknown).await;
}

fn methods_json(methods: Option<Methods>) -> Value {
    methods.map_or(Value::Null, |m| json!({ "activate": m.activate, "suspend": m.suspend, "resume": m.resume }))
}

fn plan_grid() -> Vec<(Value, Value)> {
    let mut cases = Vec::new();
    let methods: Vec<Option<Methods>> = std::iter::once(None)
        .chain((0..Method::ALL.len()).map(|i| {
            let at = |n: usize| Method::ALL[(i + n) % Method::ALL.len()];
            Some(Methods { activate: at(0), suspend: at(1), resume: at(2) })
        }))
        .collect();
    for (kind, state) in OperationKind::ALL.iter().flat_map(|k| Ipv6State::ALL.iter().map(move |s| (*k, *s))) {
        for (enforcement, methods) in Enforcement::ALL.iter().flat_map(|e| methods.iter().map(move |m| (*e, *m))) {
            for bits in 0..128 {
                let input = PlanInput {
                    state,
                    enforcement,
                    has_prefix: bits & 1 != 0,
                    has_netbox_id: bits & 2 != 0,
                    has_session: bits & 4 != 0,
                    has_aaa: bits & 64 != 0,
                    methods,
                };
                let mut options = flags((bits >> 3) & 7);
                if kind == OperationKind::Reconcile {
                    options.reconcile = ReconcileWhat::ALL.get(((bits >> 3) & 7) as usize).copied();
                }
                let case = json!({
                    "kind": kind, "state": state, "enforcement": enforcement, "has_prefix": input.has_prefix,
                    "has_netbox_id": input.has_netbox_id, "has_session": input.has_session, "has_aaa": input.has_aaa,
                    "methods": methods_json(methods),
                    "options": options,
                });
                cases.push((case, json!(plan(kind, &input, &options))));
            }
        }
    }
    cases
}

const PLAN: &str = "noctule.plan_of(c->>'kind', c->>'state', c->>'enforcement', (c->>'has_prefix')::boolean,
    (c->>'has_netbox_id')::boolean, (c->>'has_session')::boolean, nullif(c->'methods', 'null'), c->'options', (c->>'has_aaa')::boolean)";

#[tokio::test]
async fn plans_are_those_of_the_domain() {
    let client = Place::new().await.owner().await;
    agree(&client, PLAN, &plan_grid()).await;
    let used: Vec<_> = Ipv6State::ALL
        .iter()
        .flat_map(|s| Enforcement::ALL.iter().map(move |e| (json!({ "s": s, "e": e }), json!(was_used(*s, *e)))))
        .collect();
    agree(&client, "to_jsonb(noctule.was_used(c->>'s', c->>'e'))", &used).await;
}

fn stamp(dice: &mut Dice) -> Option<Timestamp> {
    dice.maybe(|dice| now() - Duration::microseconds(dice.below(1 << 50).cast_signed()))
}

fn words(dice: &mut Dice) -> Option<SafeText> {
    dice.maybe(|dice| SafeText::new(dice.of(&["no answer", "", "ä \u{1f980} \"quoted\" \\ %s %1$s"])))
}

fn record(dice: &mut Dice) -> Ipv6Record {
    Ipv6Record {
        state: dice.of(Ipv6State::ALL),
        mode: dice.of(AssignmentMode::ALL),
        enforcement: dice.of(Enforcement::ALL),
        enforcement_note: words(dice),
        prefix: dice.maybe(|dice| format!("2001:db8:{:x}::/56", dice.below(0xffff)).parse().expect("a prefix")),
        vrf: dice.maybe(|dice| dice.below(9).cast_signed() + 1),
        pd_size: dice.maybe(|dice| dice.of(&[48, 56, 60, 64])),
        netbox_prefix_id: dice.maybe(|dice| dice.below(1 << 40).cast_signed()),
        hold_until: stamp(dice),
        last_error: words(dice),
        allocated_at: stamp(dice),
        activated_at: stamp(dice),
        suspended_at: stamp(dice),
        resumed_at: stamp(dice),
        revoked_at: stamp(dice),
        failed_at: stamp(dice),
        since: now() - Duration::hours(3),
    }
}

fn progress(dice: &mut Dice) -> Progress {
    Progress {
        prefix: dice.maybe(|dice| format!("2001:db8:{:x}::/60", dice.below(0xffff)).parse().expect("a prefix")),
        netbox_prefix_id: dice.maybe(|dice| dice.below(1 << 40).cast_signed()),
        vrf: dice.maybe(|dice| dice.below(9).cast_signed() + 1),
        ..Progress::default()
    }
}

fn ended(dice: &mut Dice) -> Ended {
    Ended {
        status: dice.of(OperationStatus::ALL),
        state: dice.maybe(|dice| dice.of(Ipv6State::ALL)),
        enforcement: dice.maybe(|dice| dice.of(Enforcement::ALL)),
        enforcement_note: words(dice),
        error: words(dice),
        begin_hold: dice.coin(),
        forget_prefix: dice.coin(),
    }
}

pub fn ended_json(ended: &Ended) -> Value {
    json!({
        "status": ended.status, "state": ended.state, "enforcement": ended.enforcement, "enforcement_note": ended.enforcement_note,
        "error": ended.error, "begin_hold": ended.begin_hold, "forget_prefix": ended.forget_prefix,
    })
}

/// The record of case `c` as a row; the table has no VRF as 0.
const ROW: &str = "jsonb_populate_record(NULL::noctule.subscribers, jsonb_set(c->'record', '{vrf}',
    CASE WHEN c#>>'{record,vrf}' IS NULL THEN '0' ELSE c#>'{record,vrf}' END))";

#[tokio::test]
async fn records_begin_are_asked_and_end_as_in_the_domain() {
    let client = Place::new().await.owner().await;
    for seed in 0..2 {
        let mut dice = Dice::new(seed);
        let (mut ends, mut begins, mut asked) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..6_000 {
            let (kind, before) = (dice.of(OperationKind::ALL), record(&mut dice));
            let (ended, progress) = (ended(&mut dice), progress(&mut dice));
            let mut after = before.clone();
            record_end(&mut after, kind, &ended, &progress, now(), Duration::hours(24));
            let case = json!({ "record": before, "kind": kind, "ended": ended_json(&ended), "progress": progress });
            ends.push((case.clone(), micros(json!(after))));
            after = before.clone();
            record_begin(&mut after, kind, now());
            begins.push((case.clone(), micros(json!(after))));
            after = before;
            record_nas_asked(&mut after);
            asked.push((case, micros(json!(after))));
        }
        let end = format!(
            "noctule.ipv6_json(noctule.record_end({ROW}, c->>'kind', c->'ended', c->'progress', '2027-01-15T08:00:00Z', '24 hours'))"
        );
        agree(&client, &end, &ends).await;
        agree(&client, &format!("noctule.ipv6_json(noctule.record_begin({ROW}, c->>'kind', '2027-01-15T08:00:00Z'))"), &begins).await;
        agree(&client, &format!("noctule.ipv6_json(noctule.record_nas_asked({ROW}))"), &asked).await;
    }
}

#[tokio::test]
async fn an_overlap_is_told_in_the_domains_words() {
    let client = Place::new().await.owner().await;
    let mut dice = Dice::new(9);
    let cases: Vec<_> = (0..500)
        .map(|_| {
            let progress = progress(&mut dice);
            let theirs = format!("2001:db8:{:x}::/52", dice.below(0xffff)).parse().expect("a prefix");
            let holder = SafeText::new(dice.of(&["N-1", "Bertil (N-2)", "100 % Oy %s %1$s (N-3)"]));
            let case = json!({ "progress": progress, "theirs": theirs, "holder": holder });
            (case, ended_json(&overlap(&progress, theirs, &holder)))
        })
        .collect();
    agree(&client, "noctule.overlap(c->'progress', (c->>'theirs')::cidr, c->>'holder')", &cases).await;
}

#[tokio::test]
async fn why_somebody_is_suspended_is_kept_and_forgotten_as_in_the_domain() {
    let client = Place::new().await.owner().await;
    let texts = [None, Some(SafeText::from("dunning")), Some(SafeText::from("abuse"))];
    let cases: Vec<_> = OperationKind::ALL
        .iter()
        .flat_map(|kind| texts.iter().flat_map(|reason| texts.iter().map(|before| (*kind, reason.clone(), before.clone()))))
        .map(|(kind, reason, before)| {
            (json!({ "kind": kind, "reason": reason, "before": before }), json!(suspend_reason_after(kind, reason, before)))
        })
        .collect();
    agree(&client, "to_jsonb(noctule.suspend_reason_after(c->>'kind', c->>'reason', c->>'before'))", &cases).await;
}

/// The comparison itself is tried: each rule is changed in the centre, and that is found.
#[tokio::test]
async fn a_rule_that_was_changed_on_one_side_is_found() {
    let client = Place::new().await.owner().await;
    // As PostgreSQL prints what it parsed.
    let changes = [
        ("rule_from", "ARRAY['active'::text]", "ARRAY['active'::text, 'allocated'::text]", GUARD),
        ("rule_target", "THEN 'suspended'", "THEN 'revoked'", GUARD),
        ("was_used", "'suspended'::text, ", "", PLAN),
        ("guard", "hold_until > at", "hold_until >= at", GUARD),
        ("guard", "'pd', 'dual_stack'", "'pd', 'dual_stack', 'slaac'", GUARD),
        ("guard", "BETWEEN 48 AND 64", "BETWEEN 48 AND 65", GUARD),
        ("allows", "'ipv6.force'::text, ", "", GUARD),
        ("plan_of", "'netbox_deprecate'", "'netbox_delete'", PLAN),
        ("plan_of", "'resume'::text, 'revoke'::text", "'resume'::text", PLAN),
        ("plan_of", "'aaa_write'::text", "'aaa_restore'::text", PLAN),
        ("nas_step", "'coa_service'", "'coa'", PLAN),
    ];
    // A part of the cases is enough to notice: a step that is prime to all the sides of the grid.
    let guards: Vec<_> = guard_grid().into_iter().step_by(53).chain(guard_random(5, 2_000)).collect();
    let plans: Vec<_> = plan_grid().into_iter().step_by(53).collect();
    for (function, from, to, expression) in changes {
        let id = format!("(SELECT oid FROM pg_proc WHERE pronamespace = 'noctule'::regnamespace AND proname = '{function}')");
        let row = client.query_one(&format!("SELECT pg_get_functiondef({id})"), &[]).await.expect("the function");
        let original: String = row.get(0);
        assert!(original.contains(from), "{function} does not say {from}: {original}");
        client.batch_execute(&original.replacen(from, to, 1)).await.expect("changed");
        let cases = if expression == PLAN { &plans } else { &guards };
        assert!(!differing(&client, expression, cases).await.is_empty(), "{function}: {from} became {to}, and nobody noticed");
        client.batch_execute(&original).await.expect("changed back");
    }
}
