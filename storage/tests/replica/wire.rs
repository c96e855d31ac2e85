//! What came is what is told: every row, packed again, is byte for byte as the centre sent it.

use crate::support::*;
use noctule_domain::sync::{Checksum, Increment, Replica, TABLES, Table, row_sum};
use uuid::Uuid;

/// Texts that somebody may have put in, floats at the edges, times far away.
fn hostile(table: Table, n: u128) -> Tuple {
    let text = ["", " ", "a\u{202e}b\u{1b}[31m", "Ünïcödé 漢字 \u{1f9ff}", "line\nbreak\ttab", "'; DROP TABLE tasks; --", "%_\\"];
    let pick = |at: usize| V::Text(text[(n as usize + at) % text.len()].to_owned());
    let named: Vec<(&str, V)> = match table {
        Table::Nas => vec![("site", pick(0)), ("lat", V::Real(0.1 + 0.2)), ("lng", V::Real(-179.999_999_999_999_97))],
        Table::Pools => vec![("description", pick(1)), ("vrf", V::Int(i64::MAX))],
        Table::Technicians => vec![
            ("name", pick(0)),
            ("skills", "[ \"a\\u0062\",\"\\\"\" ]".into()),
            ("rating", V::Real(f64::MIN_POSITIVE)),
            ("completion_rate", V::Real(1.0)),
            ("team", pick(3)),
        ],
        Table::Subscribers => vec![
            ("full_name", pick(2)),
            ("notes", pick(4)),
            ("email", pick(0)),
            ("suspend_reason", pick(5)),
            ("lat", V::Real(60.0)),
            ("lng", V::Real(-0.0)),
            ("prefix", V::Text(format!("2001:db8:{n:x}::/48"))),
            ("netbox_prefix_id", V::Int(-1)),
            ("download_kbps", V::Int(4_294_967_295)),
        ],
        Table::Tasks => vec![("title", pick(3)), ("notes", pick(4)), ("depends_on", V::Text(format!("[\"{}\"]", Uuid::from_u128(n + 1))))],
        Table::Operations => vec![("error", pick(2)), ("options", "{ \"reason\": null, \"x\" : 1.0 }".into())],
        Table::TimeEntries => vec![("notes", pick(4)), ("start_lat", V::Real(1e-300)), ("start_lng", V::Real(2.0))],
        Table::Sessions => vec![("acct_session_id", pick(5)), ("framed_ipv4", "192.0.2.7".into())],
        Table::Assignments => vec![],
    };
    tuple(table, Uuid::from_u128(n), &named)
}

fn expected(table: Table, rows: &[Tuple]) -> Checksum {
    let mut sum = Checksum::default();
    packed(table, rows)
        .read(|row| {
            sum.add(row_sum(row));
            Ok(())
        })
        .unwrap();
    sum
}

#[tokio::test]
async fn rows_come_back_byte_for_byte_after_a_copy_and_after_increments() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let rows: Vec<(Table, Vec<Tuple>)> = TABLES.iter().map(|t| (*t, (1..40).map(|n| hostile(*t, n)).collect())).collect();
    copy(&store, &position(10), &rows).await;
    for (table, tuples) in &rows {
        assert_eq!(store.sums(*table, &[]).await.unwrap(), [expected(*table, tuples)], "{table} after the copy");
    }
    let other = tempfile::tempdir().unwrap();
    let by_increments = open(other.path());
    assert!(by_increments.lead());
    for (table, tuples) in &rows {
        // First something else, so that every column is changed one way or the other; then twice what counts.
        let before: Vec<Tuple> = (1..40).map(|n| tuple(*table, Uuid::from_u128(n), &[])).collect();
        for batch in [&before, tuples, tuples] {
            apply(&by_increments, *table, batch, 10).await;
        }
        assert_eq!(by_increments.sums(*table, &[]).await.unwrap(), [expected(*table, tuples)], "{table} by increments");
    }
    // Ranges and ids.
    let bounds = [Uuid::from_u128(5), Uuid::from_u128(20)];
    let sums = store.sums(Table::Subscribers, &bounds).await.unwrap();
    assert_eq!(sums.iter().map(|s| s.rows).collect::<Vec<_>>(), [4, 15, 20]);
    assert_eq!(sums[1], expected(Table::Subscribers, &rows[3].1[4..19]));
    let ids = store.ids(Table::Pools, Some(bounds[0]), Some(bounds[1])).await.unwrap();
    assert_eq!(ids, (5..20).map(Uuid::from_u128).collect::<Vec<_>>());
    assert_eq!(store.ids(Table::Pools, None, None).await.unwrap().len(), 39);
}

#[tokio::test]
async fn rows_that_can_not_be_shown_are_kept_and_named_and_stop_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let bad: Vec<(Table, Tuple)> = vec![
        (Table::Subscribers, sub(1, &[("username", "tab\tname".into())])),
        (Table::Subscribers, sub(2, &[("state", "dreaming".into())])),
        (Table::Subscribers, sub(3, &[("static_ipv4", "none".into())])),
        (Table::Subscribers, sub(4, &[("since", V::None)])),
        (Table::Subscribers, sub(5, &[("prefix", "2001:db8::/129".into())])),
        (Table::Subscribers, sub(6, &[("lat", V::Real(91.0)), ("lng", V::Real(1.0))])),
        (Table::Subscribers, sub(7, &[("created_at", V::Raw(i64::MAX.to_be_bytes().to_vec()))])),
        (Table::Tasks, task(1, &[("depends_on", "{}".into())])),
        (Table::Tasks, task(2, &[("priority", "whenever".into())])),
        (Table::Technicians, technician(1, &[("skills", "[1]".into())])),
        (Table::Operations, tuple(Table::Operations, Uuid::from_u128(1), &[("progress", "{".into())])),
        (Table::Nas, tuple(Table::Nas, Uuid::from_u128(1), &[("address", "nowhere".into())])),
    ];
    for whole in [true, false] {
        if whole {
            let rows: Vec<(Table, Vec<Tuple>)> =
                bad.iter().map(|(t, row)| (*t, vec![row.clone()])).chain([(Table::Subscribers, vec![sub(9, &[])])]).collect();
            copy(&store, &position(10), &rows).await;
        } else {
            for (table, row) in &bad {
                apply(&store, *table, std::slice::from_ref(row), 11).await;
            }
        }
        let told = store.misfits(100).await.unwrap();
        assert_eq!(told.len(), bad.len(), "{told:?}");
        for table in TABLES {
            let mut rows: Vec<Tuple> = bad.iter().filter(|(t, _)| t == table).map(|(_, row)| row.clone()).collect();
            if *table == Table::Subscribers {
                rows.push(sub(9, &[]));
            }
            assert_eq!(store.sums(*table, &[]).await.unwrap(), [expected(*table, &rows)], "{table}");
            assert_eq!(store.ids(*table, None, None).await.unwrap().len(), rows.len());
        }
        assert!(store.tasks().await.unwrap().is_empty() && store.technicians().await.unwrap().is_empty());
        assert!(store.subscriber(sid(9)).await.unwrap().is_some() && store.subscriber(sid(1)).await.unwrap().is_none());
    }
    // Mended at the centre: shown.
    apply(&store, Table::Subscribers, &[sub(1, &[])], 12).await;
    assert!(store.subscriber(sid(1)).await.unwrap().is_some());
    assert_eq!(store.misfits(100).await.unwrap().len(), bad.len() - 1);
    // And gone.
    let gone = Increment { rows: vec![], gone: vec![(Table::Subscribers, vec![Uuid::from_u128(2)])], position: Some(position(13)) };
    store.apply(gone).await.unwrap();
    assert_eq!(store.misfits(100).await.unwrap().len(), bad.len() - 2);
}

#[tokio::test]
async fn what_is_not_a_row_is_refused_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    assert!(store.lead());
    for column in ["version", "nas", "full_name"] {
        let row = sub(1, &[(column, V::Raw(vec![0xff, 0xfe, 0xfd]))]);
        let error = store
            .apply(Increment { rows: vec![packed(Table::Subscribers, &[row])], gone: vec![], position: Some(position(9)) })
            .await
            .unwrap_err();
        assert!(matches!(error, noctule_domain::sync::ReplicaError::DoesNotFit(_)), "{error:?}");
        assert_eq!(store.position().await.unwrap(), None);
    }
}

#[tokio::test]
async fn increments_may_come_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let held = |n: u128, name: &str, prefix: &str| {
        sub(
            n,
            &[
                ("username", name.into()),
                ("number", V::Text(format!("N{name}"))),
                ("state", "active".into()),
                ("prefix", prefix.into()),
                ("nas", V::Id(NAS)),
                ("netbox_prefix_id", V::Int(prefix.len() as i64)),
            ],
        )
    };
    copy(&store, &position(10), &[(Table::Subscribers, vec![held(1, "one", "2001:db8:1::/48"), held(2, "two", "2001:db8:22::/48")])]).await;
    // Two swap names, numbers, prefixes and NetBox numbers; a NAS comes after those that name it.
    let swapped = [held(1, "two", "2001:db8:22::/48"), held(2, "one", "2001:db8:1::/48")];
    apply(&store, Table::Subscribers, &swapped, 11).await;
    let found = store.find_subscriber("2001:db8:1::/48").await.unwrap();
    assert_eq!((found.len(), found[0].id), (1, sid(2)));
    assert_eq!(store.find_subscriber("two").await.unwrap()[0].id, sid(1));
    assert_eq!(found[0].nas, None);
    apply(&store, Table::Nas, &[tuple(Table::Nas, NAS, &[("name", "bng-9".into())])], 12).await;
    assert_eq!(store.find_subscriber("two").await.unwrap()[0].nas.as_ref().unwrap().as_str(), "bng-9");
    assert_eq!(store.nas_rows().await.unwrap()[0].subscribers, 2);
    // One goes, and so does the NAS.
    let gone = Increment {
        rows: vec![],
        gone: vec![(Table::Subscribers, vec![Uuid::from_u128(1)]), (Table::Nas, vec![NAS])],
        position: Some(position(13)),
    };
    store.apply(gone.clone()).await.unwrap();
    store.apply(gone).await.unwrap();
    assert_eq!(store.find_subscriber("one").await.unwrap()[0].nas, None);
    assert_eq!(store.table_counts().await.unwrap()[3].1, 1);
    // An operation of a subscriber that is not for this operator is still listed.
    let operation = tuple(Table::Operations, Uuid::from_u128(5), &[("subscriber", V::Id(Uuid::from_u128(999)))]);
    apply(&store, Table::Operations, &[operation], 14).await;
    let filter = noctule_storage::OperationFilter { open_only: true, status: None, limit: 10 };
    assert_eq!(store.operations(filter).await.unwrap().len(), 1);
    assert_eq!(store.check_integrity().await.unwrap(), []);
}
