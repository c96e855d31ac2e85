//! The audit chain: append-only, and tampering is found.

use crate::support::*;
use noctule_domain::audit::AuditVerdict;
use sha2::{Digest, Sha256};

async fn written() -> (Place, noctule_storage::Store) {
    let place = Place::new();
    let store = place.open();
    for n in 0..10 {
        let mut entry = entry(&format!("action-{n}"));
        entry.before = serde_json::json!({ "b": n, "a": [1.5, null, "\u{202e}\"x"] });
        store.audit_append(entry).await.unwrap();
    }
    (place, store)
}

#[tokio::test]
async fn an_untouched_chain_is_intact_and_comes_in_pages() {
    let (_place, store) = written().await;
    let AuditVerdict::Intact { records: 10, head } = store.audit_verify().await.unwrap() else { panic!("broken") };
    let page = store.audit_page(7, 2).await.unwrap();
    assert_eq!(page.iter().map(|r| r.seq).collect::<Vec<_>>(), [8, 9]);
    assert_eq!(page[1].previous, page[0].hash);
    assert_eq!(store.audit_page(9, 100).await.unwrap()[0].hash, head);
}

#[tokio::test]
async fn the_schema_refuses_change_and_removal() {
    let (place, _store) = written().await;
    let raw = place.raw();
    for sql in ["UPDATE audit SET body = 'x' WHERE seq = 3", "DELETE FROM audit WHERE seq = 3"] {
        assert!(raw.execute(sql, []).unwrap_err().to_string().contains("append-only"));
    }
}

#[tokio::test]
async fn tampering_is_found_where_it_was_done() {
    let rehash = "UPDATE audit SET body = replace(body, 'action-4', 'action-X') WHERE seq = 5";
    let cases = [
        ("edit", rehash, 5),
        ("hash edited too", "UPDATE audit SET hash = printf('%064d', 1) WHERE seq = 5", 5),
        ("first removed", "DELETE FROM audit WHERE seq = 1", 1),
        ("one removed", "DELETE FROM audit WHERE seq = 5", 5),
        ("last removed", "DELETE FROM audit WHERE seq = 10", 10),
        ("all removed", "DELETE FROM audit", 1),
        (
            "two swapped",
            "UPDATE audit SET seq = CASE seq WHEN 5 THEN -6 ELSE -5 END WHERE seq IN (5, 6); UPDATE audit SET seq = -seq WHERE seq < 0",
            5,
        ),
        (
            "one added",
            "INSERT INTO audit SELECT tenant, 11, replace(body, '\"seq\":10', '\"seq\":11'), hash, hash FROM audit WHERE seq = 10",
            11,
        ),
    ];
    for (what, sql, at) in cases {
        let (place, store) = written().await;
        place.raw().execute_batch(&format!("DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; {sql}")).unwrap();
        match store.audit_verify().await.unwrap() {
            AuditVerdict::Broken { seq, why } => assert_eq!(seq, at, "{what}: {why}"),
            intact => panic!("{what}: {intact:?}"),
        }
    }
}

/// Whoever can write the file can make one record's own hash fit again; the next one then gives it away, because its hash covers this one's.
#[tokio::test]
async fn a_record_that_was_changed_with_its_hash_is_found_at_the_next_one() {
    let (place, store) = written().await;
    let raw = place.raw();
    raw.execute_batch("DROP TRIGGER audit_no_update").unwrap();
    let (body, previous): (String, String) =
        raw.query_row("SELECT body, previous FROM audit WHERE seq = 5", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let body = body.replace("action-4", "action-X");
    let mut hash = Sha256::new();
    hash.update(previous.as_bytes());
    hash.update(body.as_bytes());
    let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    raw.execute("UPDATE audit SET body = ?1, hash = ?2 WHERE seq = 5", [&body, &hash]).unwrap();
    raw.execute("UPDATE audit SET previous = ?1 WHERE seq = 6", [&hash]).unwrap();
    let AuditVerdict::Broken { seq, .. } = store.audit_verify().await.unwrap() else { panic!("nobody noticed") };
    assert_eq!(seq, 6);
}
