//! What accounting proves: the rule in SQL against the domain's, and the sessions that are told to the centre.

use super::conformance::agree;
use super::dice::Dice;
use super::place::Place;
use chrono::{Duration, TimeZone, Utc};
use noctule_domain::Timestamp;
use noctule_domain::aaa::AccountingSession;
use noctule_domain::lifecycle::{Asked, AssignmentMode, Enforcement, Ipv6State, OperationKind, Proofs, Told, proof};
use noctule_domain::nas::Verification;
use noctule_domain::permission::Role;
use noctule_domain::ports::{AuthorityError, Heard};
use noctule_domain::subscriber::{Ipv6Record, Username};
use serde_json::json;
use std::collections::BTreeMap;

const ASK: &str =
    "to_jsonb(noctule.proof(jsonb_populate_record(NULL::noctule.subscribers, c->'record'), (c->>'running')::boolean, c->>'kind',
    (c->>'asked_at')::timestamptz, nullif(c->'proofs', 'null'), c->'told', '2027-01-15T08:00:00Z'))";

fn now() -> Timestamp {
    Utc.timestamp_opt(1_800_000_000, 0).single().expect("a time")
}

fn session(dice: &mut Dice, moments: &[i64]) -> AccountingSession {
    let at = |dice: &mut Dice| now() + Duration::milliseconds(dice.of(moments));
    let (started_at, updated_at) = (at(dice), at(dice));
    AccountingSession {
        key: "k".into(),
        acct_session_id: format!("s-{}", dice.below(3)).as_str().into(),
        username: Username::new("anna").expect("a name"),
        nas_address: "192.0.2.1".parse().expect("an address"),
        framed_ipv4: None,
        framed_prefix: None,
        delegated_prefix: dice.of(&["2001:db8:1::/56", "2001:db8:2::/56", ""]).parse().ok(),
        started_at,
        updated_at,
        stopped_at: dice.coin().then(|| at(dice)),
        input_octets: 0,
        output_octets: 0,
        terminate_cause: None,
    }
}

#[tokio::test]
async fn the_rule_of_proof_is_the_same_on_both_sides() {
    let place = Place::new().await;
    let client = place.owner().await;
    let seed = 4;
    let mut dice = Dice::new(seed);
    // Around the request, around now, around the limit of a clock that is ahead; whole seconds and parts of them.
    let moments = [-100_000, -60_300, -60_000, -59_700, -59_000, -10_000, 0, 119_999, 120_000, 120_001, 400_000];
    let (mut cases, mut proved) = (Vec::new(), 0);
    for _ in 0..20_000 {
        let mut record = Ipv6Record::pending(AssignmentMode::Pd, now() + Duration::milliseconds(dice.of(&moments)));
        record.state = dice.of(&[
            Ipv6State::Active,
            Ipv6State::Active,
            Ipv6State::Suspended,
            Ipv6State::Revoked,
            Ipv6State::Revoking,
            Ipv6State::Allocated,
        ]);
        record.enforcement = dice.of(&[
            Enforcement::Acknowledged,
            Enforcement::Acknowledged,
            Enforcement::Unanswered,
            Enforcement::None,
            Enforcement::Observed,
            Enforcement::Refused,
            Enforcement::Requested,
        ]);
        record.prefix = dice.of(&["2001:db8:1::/56", "2001:db8:1::/56", ""]).parse().ok();
        let kind = match record.state {
            // Mostly the one that leads there.
            _ if dice.one_in(4) => dice.of(OperationKind::ALL),
            Ipv6State::Active => dice.of(&[OperationKind::Activate, OperationKind::Resume]),
            Ipv6State::Suspended => OperationKind::Suspend,
            _ => OperationKind::Revoke,
        };
        let asked = (!dice.one_in(10)).then(|| Asked { kind, at: now() - Duration::milliseconds(59_600) });
        let running = dice.one_in(10);
        let mut by = || dice.of(&[Verification::Interim, Verification::Stop, Verification::Stop, Verification::None]);
        let proofs = Proofs { activate: by(), suspend: by(), resume: by(), revoke: by(), deadline_s: 900 };
        let proofs = (!dice.one_in(10)).then_some(proofs);
        let told = Told {
            username: Username::new("anna").expect("a name"),
            open: (0..dice.below(2)).map(|_| session(&mut dice, &moments)).collect(),
            stopped: (0..1 + dice.below(3)).map(|_| session(&mut dice, &moments)).collect(),
        };
        let answer = proof(&record, running, asked, proofs.as_ref(), &told, now());
        proved += u32::from(answer.is_some());
        let case = json!({
            "record": { "state": record.state, "enforcement": record.enforcement, "prefix": record.prefix, "since": record.since },
            "running": running, "kind": asked.map(|a| a.kind), "asked_at": asked.map(|a| a.at), "proofs": proofs, "told": told,
        });
        cases.push((case, json!(answer)));
    }
    assert!(proved > 500, "only {proved} cases prove anything (seed {seed})");
    agree(&client, ASK, &cases).await;
}

fn told(name: &str, open: Option<(&str, i64)>) -> Told {
    let mut dice = Dice::new(1);
    let mut one = session(&mut dice, &[0]);
    one.username = Username::new(name).expect("a name");
    one.delegated_prefix = None;
    one.stopped_at = None;
    let open = open.map(|(nas, octets)| AccountingSession {
        nas_address: nas.parse().expect("an address"),
        input_octets: octets.unsigned_abs(),
        updated_at: one.updated_at + Duration::seconds(octets),
        ..one.clone()
    });
    Told { username: one.username.clone(), open: open.into_iter().collect(), stopped: Vec::new() }
}

#[tokio::test]
async fn sessions_come_change_and_end_and_only_those_who_may_tell_them() {
    let place = Place::new().await;
    let tenant = place.tenant;
    place.sql(&format!(
        "INSERT INTO noctule.nas (tenant_id, id, name, profile, address, nas_ip, secret) VALUES
            ('{tenant}', gen_random_uuid(), 'bng-1', 'plain', '192.0.2.1:3799', NULL, 'env:X'),
            ('{tenant}', gen_random_uuid(), 'bng-2', 'plain', '[2001:db8::5]:3799', '198.51.100.7', 'env:X');
         INSERT INTO noctule.subscribers (tenant_id, id, number, username, full_name, status, mode, state, enforcement, since, created_at, updated_at)
            SELECT '{tenant}', gen_random_uuid(), n, n, n, 'active', 'pd', 'pending', 'none', now(), now(), now() FROM unnest(ARRAY['anna', 'o''brien']) AS n"
    ));
    let noc = place.noc();
    let proofs = BTreeMap::new();
    let tell = async |told: Vec<Told>| noc.sessions_told(&told, &proofs).await.expect("told");
    let rows = || {
        place.sql(
            "SELECT s.username, n.name, x.input_octets FROM noctule.sessions AS x JOIN noctule.subscribers AS s USING (tenant_id, id)
        JOIN noctule.nas AS n ON n.tenant_id = x.tenant_id AND n.id = x.nas ORDER BY 1",
        )
    };
    let heard = tell(vec![
        told("anna", Some(("192.0.2.1", 1))),
        told("o'brien", Some(("198.51.100.7", 2))),
        told("nobody", Some(("192.0.2.1", 1))),
    ])
    .await;
    assert_eq!((heard.put, heard.ended, heard.strangers), (2, 0, 1));
    assert_eq!(rows(), "anna|bng-1|1\no'brien|bng-2|2");
    // By the address that packets go to, too.
    assert_eq!(tell(vec![told("o'brien", Some(("2001:db8::5", 2)))]).await.put, 0, "the same session at the same NAS");
    assert_eq!(tell(vec![told("anna", Some(("192.0.2.1", 60)))]).await, Heard::default(), "octets alone are told every five minutes");
    assert_eq!(tell(vec![told("anna", Some(("192.0.2.1", 400)))]).await.put, 1);
    let stranger = tell(vec![told("anna", Some(("203.0.113.9", 1)))]).await;
    assert_eq!((stranger.ended, stranger.unknown_nas), (1, vec!["203.0.113.9".parse().expect("an address")]));
    assert_eq!(tell(vec![told("o'brien", None)]).await.ended, 1);
    assert_eq!(rows(), "");
    // What an import told stays.
    place.sql("INSERT INTO noctule.sessions (tenant_id, id, nas, acct_session_id, started_at, seen_at)
        SELECT s.tenant_id, s.id, n.id, 'imported', now(), now() FROM noctule.subscribers AS s, noctule.nas AS n WHERE s.username = 'anna' AND n.name = 'bng-1'");
    assert_eq!(tell(vec![told("anna", None)]).await, Heard::default());
    for role in [Role::Dispatcher, Role::Technician, Role::Viewer] {
        let other = place.console(&place.login(role));
        let refused = other.sessions_told(&[told("anna", None)], &proofs).await;
        assert!(matches!(refused, Err(AuthorityError::Refused(_))), "{role}: {refused:?}");
    }
}
