//! Imports: upserts by natural key, what is kept of rows that are there, errors by row.

use crate::place::*;
use noctule_domain::permission::Role;
use noctule_sync::connect::{Centre, CentreError};
use noctule_sync::push::import::{Entry, Import, Imported, Kind, import_rows};
use serde_json::{Value, json};

fn entry(load: bool) -> Entry {
    Entry { origin: "laptop import".into(), target: "file.csv".into(), reason: None, after: json!({"file": "file.csv"}), load }
}

async fn bring(centre: &Centre, kind: Kind, rows: &[Value]) -> Imported {
    import_rows(centre, kind, rows, &entry(false)).await.unwrap_or_else(|e| panic!("import: {e}"))
}

fn counts(imported: &Imported) -> (u64, u64, u64) {
    (imported.new, imported.changed, imported.unchanged)
}

fn words(imported: &Imported) -> Vec<(u64, &str)> {
    imported.errors.iter().map(|e| (e.index, e.words.as_str())).collect()
}

fn nas(name: &str) -> Value {
    json!({"name": name, "profile": "generic", "address": "192.0.2.1:3799", "secret": "env:RADIUS"})
}

#[tokio::test]
async fn what_is_there_keeps_what_people_and_the_network_decided() {
    let place = Place::new().await;
    let admin = place.console("admin", Role::Admin);
    assert_eq!(
        counts(&bring(&admin, Kind::Nas, &[nas("bng-1"), nas("bng-2"), nas("BNG-1")]).await),
        (2, 1, 0),
        "a name is one in any case"
    );
    place.sql("UPDATE noctule.nas SET reach = 'up', acks = 7");
    assert_eq!(counts(&bring(&admin, Kind::Nas, &[nas("BNG-1"), nas("bng-2")]).await), (0, 0, 2));
    let mut moved = nas("bng-2");
    moved["address"] = json!("192.0.2.2:3799");
    moved["reach"] = json!("silent");
    assert_eq!(counts(&bring(&admin, Kind::Nas, &[moved]).await), (0, 1, 0));
    assert_eq!(place.count("nas WHERE reach = 'up' AND acks = 7"), 2);

    let person = |name: &str, status: &str, fix_at: &str| {
        json!({"employee_id": "E-1", "name": name, "status": status, "skill_level": "senior", "skills": ["otdr"],
        "time_zone": "Europe/Helsinki", "work_from_min": 480, "work_to_min": 960, "fix_lat": 60.0, "fix_lng": 25.0, "fix_at": fix_at})
    };
    assert_eq!(counts(&bring(&admin, Kind::Technicians, &[person("Mikko", "available", "2026-11-01T10:00:00Z")]).await), (1, 0, 0));
    assert_eq!(counts(&bring(&admin, Kind::Technicians, &[person("Mikko", "off_duty", "2026-11-01T09:00:00Z")]).await), (0, 0, 1));
    assert_eq!(counts(&bring(&admin, Kind::Technicians, &[person("Mikko K", "off_duty", "2026-11-01T11:00:00Z")]).await), (0, 1, 0));
    assert_eq!(
        place.sql("SELECT name, status, version, to_char(fix_at AT TIME ZONE 'UTC', 'HH24') FROM noctule.technicians"),
        "Mikko K|available|2|11"
    );

    let customer = |name: &str| json!({"number": "N-1", "username": "u1", "full_name": name, "mode": "pd", "pd_size": 56, "nas_name": "Bng-1", "status": "active"});
    assert_eq!(counts(&bring(&admin, Kind::Subscribers, &[customer("Anna")]).await), (1, 0, 0));
    place.sql("UPDATE noctule.subscribers SET state = 'active', prefix = '2001:db8::/56', enforcement = 'observed', netbox_prefix_id = 9");
    assert_eq!(counts(&bring(&admin, Kind::Subscribers, &[customer("Anna"), customer("Anna K"), customer("Anna K")]).await), (0, 1, 2));
    assert_eq!(
        place.sql("SELECT full_name, state, prefix, enforcement, netbox_prefix_id, version FROM noctule.subscribers"),
        "Anna K|active|2001:db8::/56|observed|9|2"
    );
    let mut renamed = customer("Anna K");
    renamed["username"] = json!("u9");
    assert_eq!(
        words(&bring(&admin, Kind::Subscribers, &[renamed]).await),
        [(0, "the user name can not become u9 while the subscriber holds a prefix: its session is known as u1; revoke first")]
    );

    let session = |id: &str| json!({"subscriber_number": "N-1", "acct_session_id": id, "started_at": "2026-11-01T10:00:00Z", "seen_at": "2026-11-01T10:00:00Z", "delegated_prefix": "2001:db8::/56"});
    assert_eq!(counts(&bring(&admin, Kind::Sessions, &[session("a"), session("a"), session("b")]).await), (1, 1, 1));
    assert_eq!(place.sql("SELECT s.acct_session_id, n.name FROM noctule.sessions AS s JOIN noctule.nas AS n ON n.id = s.nas"), "b|BNG-1");

    // Tasks in an order in which what is waited for comes later in the file.
    let task = |number: &str, before: Value| {
        json!({"number": number, "title": "Splice", "task_type": "splicing", "priority": "normal", "status": "pending",
        "subscriber_number": "N-1", "technician_employee_id": "E-1", "depends_on": before})
    };
    let brought =
        bring(&admin, Kind::Tasks, &[task("T-3", json!(["T-2", "T-1"])), task("T-2", json!(["T-1"])), task("T-1", json!([]))]).await;
    assert_eq!((counts(&brought), words(&brought)), ((3, 0, 0), vec![]));
    place.sql("UPDATE noctule.tasks SET status = 'completed', technician = NULL WHERE number = 'T-1'");
    assert_eq!(counts(&bring(&admin, Kind::Tasks, &[task("T-1", json!([])), task("T-3", json!(["T-1", "T-2"]))]).await), (0, 0, 2));
    assert_eq!(counts(&bring(&admin, Kind::Tasks, &[task("T-3", json!(["T-1"]))]).await), (0, 1, 0));
    assert_eq!(place.sql("SELECT status, technician IS NULL FROM noctule.tasks WHERE number = 'T-1'"), "completed|t");
    let circle = bring(&admin, Kind::Tasks, &[task("T-1", json!(["T-2"])), task("T-4", json!(["T-4"])), task("T-5", json!(["T-9"]))]).await;
    assert_eq!(
        words(&circle),
        [
            (0, "its dependencies lead back to itself"),
            (1, "it depends on itself"),
            (2, "it depends on task T-9, which is not there: put that one before it")
        ]
    );
    assert_eq!(place.sql("SELECT cardinality(depends_on) FROM noctule.tasks WHERE number = 'T-1'"), "0");
    assert!(
        place.count("audit WHERE body::jsonb->'entry'->>'action' = 'import-tasks' AND body::jsonb->'entry'->'after'->>'file' = 'file.csv'")
            >= 4
    );
}

#[tokio::test]
async fn a_row_that_can_not_be_taken_is_told_by_its_index_and_the_others_are() {
    let place = Place::new().await;
    let admin = place.console("admin", Role::Admin);
    let mut rows: Vec<Value> =
        (0..300).map(|n| json!({"number": format!("N-{n}"), "username": format!("u{n}"), "full_name": "Anna", "mode": "pd"})).collect();
    rows[7]["username"] = json!("u3");
    rows[40]["number"] = json!("");
    rows[41]["nas_name"] = json!("nowhere");
    rows[42]["status"] = json!("asleep");
    rows[43]["vlan"] = json!("ten");
    rows[44]["vlan"] = json!(70_000);
    rows[45]["state"] = json!("active");
    rows[46]["created_at"] = json!("2020-01-01T00:00:00Z");
    rows[299] = json!("a text");
    let brought = bring(&admin, Kind::Subscribers, &rows).await;
    let told: Vec<u64> = brought.errors.iter().map(|e| e.index).collect();
    assert_eq!(told, [7, 40, 41, 42, 43, 44, 45, 299], "{brought:?}");
    assert_eq!((brought.new, place.count("subscribers")), (292, 292));
    let said = words(&brought);
    assert_eq!(said[0].1, "the user name u3 is that of subscriber N-3 already");
    assert_eq!(said[2].1, "there is no NAS named 'nowhere': import the NASes first");
    assert_eq!((said[3].1, said[5].1), ("'asleep' can not be its status", "'70000' can not be its vlan"));
    assert!(said[6].1.contains("only the owner"), "{said:?}");
    assert_eq!(place.count("subscribers WHERE created_at < now() - interval '1 day'"), 0);
    assert!(matches!(
        import_rows(&place.console("noc", Role::Noc), Kind::Nas, &[nas("x")], &entry(false)).await,
        Err(CentreError::Refused(_))
    ));
    assert!(
        matches!(import_rows(&admin, Kind::Nas, &[nas("x")], &entry(true)).await, Err(CentreError::Refused(_))),
        "an admin does not load states"
    );
}

#[tokio::test]
async fn an_owner_loads_a_whole_store_with_its_states() {
    let place = Place::new().await;
    let owner = place.owner();
    let id = uuid::Uuid::now_v7();
    let live = |n: u32, prefix: &str| {
        json!({"number": format!("N-{n}"), "username": format!("u{n}"), "full_name": "Anna", "mode": "pd", "state": "active", "prefix": prefix,
        "enforcement": "observed", "netbox_prefix_id": n, "version": 12, "created_at": "2020-01-01T00:00:00Z", "since": "2021-01-01T00:00:00Z"})
    };
    let mut first = live(1, "2001:db8::/56");
    first["id"] = json!(id);
    let rows = [
        first,
        live(2, "2001:db8:0:80::/57"),
        live(3, "2001:db8:1::/56"),
        json!({"number": "N-4", "username": "u4", "state": "suspended"}),
    ];
    let brought = import_rows(&owner, Kind::Subscribers, &rows, &entry(true)).await.expect("loaded");
    assert_eq!(counts(&brought), (2, 0, 0));
    assert_eq!(
        words(&brought),
        [(1, "the prefix 2001:db8:0:80::/57 overlaps that of subscriber N-1"), (3, "a subscriber that is suspended needs its prefix")]
    );
    let row = place.row("subscribers", id);
    assert_eq!((&row["state"], &row["version"], &row["netbox_prefix_id"]), (&json!("active"), &json!(12), &json!(1)));
    assert!(row["created_at"].as_str().is_some_and(|at| at.starts_with("2020-01-01")));
}

#[tokio::test]
async fn an_import_in_one_transaction_is_there_whole_or_not_at_all_and_holds_nobody_up() {
    let place = Place::new().await;
    let (admin, other) = (place.console("admin", Role::Admin), place.console("other", Role::Admin));
    let rows = |from: u32, to: u32| -> Vec<Value> {
        (from..to).map(|n| json!({"number": format!("N-{n}"), "username": format!("u{n}"), "full_name": "Anna", "mode": "pd"})).collect()
    };
    let records = || place.count("audit WHERE body::jsonb->'entry'->>'action' LIKE 'import-%'");

    // Taken back, and dropped in the middle: as if nothing had been asked.
    let mut import = Import::begin(&admin).await.expect("begun");
    assert_eq!(counts(&import.rows(Kind::Subscribers, &rows(0, 5000), &entry(false)).await.expect("taken")), (5000, 0, 0));
    import.rollback().await.expect("taken back");
    let mut import = Import::begin(&admin).await.expect("begun");
    import.rows(Kind::Nas, &[nas("bng-1")], &entry(false)).await.expect("taken");
    drop(import);
    assert_eq!((place.count("subscribers"), place.count("nas"), records()), (0, 0, 0));

    // A later call sees what an earlier one brought; others see nothing, and the audit log is theirs meanwhile.
    let mut import = Import::begin(&admin).await.expect("begun");
    import.rows(Kind::Nas, &[nas("bng-1")], &entry(false)).await.expect("taken");
    let mut with_nas = rows(0, 4001);
    with_nas[4000]["nas_name"] = json!("bng-1");
    with_nas[17]["status"] = json!("asleep");
    let brought = import.rows(Kind::Subscribers, &with_nas, &entry(false)).await.expect("taken");
    assert_eq!((brought.new, words(&brought)), (4000, vec![(17, "'asleep' can not be its status")]));
    assert_eq!((place.count("subscribers"), records()), (0, 0));
    let rows_of_other = [nas("bng-2")];
    let (other_entry, limit) = (entry(false), std::time::Duration::from_secs(20));
    let meanwhile = tokio::time::timeout(limit, import_rows(&other, Kind::Nas, &rows_of_other, &other_entry)).await;
    let meanwhile = meanwhile.expect("nobody waits for the import").expect("taken");
    assert_eq!((counts(&meanwhile), records()), ((1, 0, 0), 1));
    import.commit().await.expect("there");
    assert_eq!((place.count("subscribers"), place.count("nas"), place.count("import_parts")), (4000, 2, 0));
    assert_eq!(records(), 5, "a record for each call");
    assert_eq!(place.sql("SELECT count(*) = max(seq) FROM noctule.audit"), "t", "and the chain has no gap");
}

#[tokio::test]
async fn an_import_can_not_be_audited_under_another_tenant() {
    let place = Place::new().await;
    let admin = place.console("admin", Role::Admin);
    let (login, elsewhere) = (admin.config().user.clone(), uuid::Uuid::now_v7());
    place.sql(&format!(
        "INSERT INTO noctule.tenants (tenant_id, name) VALUES ('{elsewhere}', 'Elsewhere');
         INSERT INTO noctule.members (tenant_id, login, role) VALUES ('{elsewhere}', '{login}', 'admin')"
    ));
    let session = admin.session().await.expect("connected");
    let row = json!([nas("bng-1")]);
    let sql = format!("BEGIN; SELECT noctule.import_rows('nas', '{row}', '{{}}'); SET LOCAL noctule.tenant = '{elsewhere}'; COMMIT");
    let refused = session.batch_execute(&sql).await.expect_err("refused at the commit");
    assert!(refused.as_db_error().is_some_and(|error| error.message().contains("another tenant")), "{refused}");
    drop(session);
    assert_eq!((place.count("nas"), place.count("audit")), (0, 0));
}

#[tokio::test]
async fn many_rows_at_once() {
    let place = Place::new().await;
    let admin = place.console("admin", Role::Admin);
    let rows: Vec<Value> = (0..20_000).map(|n| json!({"number": format!("N-{n}"), "username": format!("user{n}@example.net"), "full_name": "Anna Virtanen",
        "email": "anna@example.net", "phone": "+358 40 123", "mode": "pd", "pd_size": 56, "service_type": "ftth", "service_address": "Hämeentie 3, Helsinki"})).collect();
    for (round, expected) in [(0, (20_000, 0, 0)), (1, (0, 0, 20_000))] {
        let begun = std::time::Instant::now();
        assert_eq!(counts(&bring(&admin, Kind::Subscribers, &rows).await), expected);
        println!("import round {round}: {:.0} rows/s", 20_000.0 / begun.elapsed().as_secs_f64());
    }
}
