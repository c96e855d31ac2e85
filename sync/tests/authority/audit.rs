//! The audit log of the centre: the same chain and the same verification as the local store's.

use super::machine::allocated;
use super::place::{Place, begun, request};
use noctule_domain::audit::AuditVerdict;
use noctule_domain::lifecycle::OperationKind;
use noctule_domain::permission::Role;
use noctule_domain::ports::Authority;
use noctule_sync::authority::{audit_page, audit_verify};

async fn some(place: &Place) -> noctule_sync::authority::CentralAuthority {
    let console = place.noc();
    for number in 1..=3 {
        let operation = begun(&console, request(place.subscriber(&[]), OperationKind::Allocate)).await;
        let (progress, ended) = allocated(&console, &operation, &format!("2001:db8:{number}::/56"), number).await;
        console.finish(operation.id, progress, ended).await.expect("it ends");
    }
    console
}

#[tokio::test]
async fn an_untouched_chain_is_intact_and_says_who_did_what() {
    let place = Place::new().await;
    let empty = audit_verify(place.noc().centre()).await.expect("a verdict");
    assert!(matches!(empty, AuditVerdict::Intact { records: 0, .. }));
    let console = some(&place).await;
    assert!(matches!(audit_verify(console.centre()).await.expect("a verdict"), AuditVerdict::Intact { records: 6, .. }));
    let records = audit_page(console.centre(), 0, 4).await.expect("a page");
    assert_eq!(records.iter().map(|r| r.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(audit_page(console.centre(), 4, 100).await.expect("a page").len(), 2);
    let entry = &records[1].entry;
    assert_eq!((entry.action.as_str(), entry.tenant), ("ipv6-allocate", place.tenant));
    assert_eq!((entry.actor.as_str(), entry.origin.as_str()), (place.login(Role::Noc).as_str(), "tests"));
    assert_eq!((&entry.before["state"], &entry.after["state"]), (&"pending".into(), &"allocated".into()));
    assert_eq!(entry.answers["steps"][0]["status"], "done");
    let age = chrono::Utc::now() - entry.at;
    assert!((0..60).contains(&age.num_seconds()), "by the server's clock: {age}");
    let refused = audit_verify(place.console(&place.login(Role::Viewer)).centre()).await.expect_err("not for viewers");
    assert!(refused.to_string().contains("may not read"), "{refused}");
}

#[tokio::test]
async fn also_the_owner_only_appends() {
    let place = Place::new().await;
    some(&place).await;
    for sql in [
        "UPDATE noctule.audit SET body = body",
        "DELETE FROM noctule.audit",
        "TRUNCATE noctule.audit",
        "DELETE FROM noctule.audit_heads",
        "UPDATE noctule.audit_heads SET seq = seq - 1",
        "UPDATE noctule.audit_heads SET seq = seq + 2",
    ] {
        for role in ["SET ROLE noctule_owner;", ""] {
            let set = format!("SET noctule.tenant = '{}'; {role} {sql}", place.tenant);
            let said = place.postgres.psql(place.database.dsn(), &set).expect("psql");
            assert!(!said.is_ok() && said.stderr.contains("only ever appended"), "{role} {sql}: {said:?}");
        }
    }
}

#[tokio::test]
async fn whoever_takes_the_trigger_away_is_found_by_the_chain() {
    for (tamper, at, why) in [
        ("UPDATE noctule.audit SET body = replace(body, 'allocated', 'suspended') WHERE seq = 4", 4, "was changed"),
        ("DELETE FROM noctule.audit WHERE seq = 3", 3, "missing"),
        ("DELETE FROM noctule.audit WHERE seq = 6", 6, "cut off"),
        ("UPDATE noctule.audit_heads SET seq = 9", 7, "cut off"),
        (
            "UPDATE noctule.audit SET body = replace(body, 'tests', 'other'),
                hash = encode(sha256(convert_to(previous || replace(body, 'tests', 'other'), 'UTF8')), 'hex') WHERE seq = 2",
            3,
            "does not follow",
        ),
    ] {
        let place = Place::new().await;
        let console = some(&place).await;
        place.sql(&format!(
            "ALTER TABLE noctule.audit DISABLE TRIGGER USER; ALTER TABLE noctule.audit_heads DISABLE TRIGGER USER; {tamper}"
        ));
        let verdict = audit_verify(console.centre()).await.expect("a verdict");
        assert!(matches!(&verdict, AuditVerdict::Broken { seq, why: found } if *seq == at && found.contains(why)), "{tamper}: {verdict:?}");
    }
}

/// Records are appended from many connections at once: the chain stays one.
#[tokio::test(flavor = "multi_thread")]
async fn the_chain_stays_one_while_many_append() {
    let place = Place::new().await;
    let consoles: Vec<_> = (0..8).map(|_| place.noc()).collect();
    let work = consoles.iter().map(|console| async {
        for _ in 0..10 {
            begun(console, request(place.subscriber(&[]), OperationKind::Allocate)).await;
            audit_verify(console.centre())
                .await
                .map(|verdict| assert!(matches!(verdict, AuditVerdict::Intact { .. }), "{verdict:?}"))
                .expect("a verdict");
        }
    });
    futures::future::join_all(work).await;
    assert!(matches!(audit_verify(consoles[0].centre()).await.expect("a verdict"), AuditVerdict::Intact { records: 80, .. }));
}
