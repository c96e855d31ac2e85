//! Pages of users, in the order that SQLite's NOCASE has too.

use crate::place::{Place, name, normal};
use noctule_domain::subscriber::Username;
use noctule_network::upstream::Aaa;
use rusqlite::Connection;
use std::time::Instant;

#[tokio::test]
async fn ten_thousand_users_come_once_each_in_the_order_of_the_store() {
    let place = Place::tables().await;
    // Letters of both cases, digits, escapes, UTF-8: what sorts differently everywhere.
    place.sql(
        "INSERT INTO radcheck (username, attribute, op, value)
            SELECT (ARRAY['user', 'User', 'USER', 'u=27ser', 'zoë', 'Zo=5C=5C', '_x', 'a b'])[1 + n % 8] || n, 'Cleartext-Password', ':=', 'x'
            FROM generate_series(1, 10000) AS n;
         INSERT INTO radreply (username, attribute, op, value) VALUES ('only-reply', 'Session-Timeout', ':=', '1'), ('u''nreachable', 'Session-Timeout', ':=', '1');
         INSERT INTO radusergroup (username, groupname) VALUES ('only-group', 'g');
         ANALYZE",
    );
    place.write("only-ours", 1, normal("2001:db8:1::/56")).await.expect("written");
    let (mut names, mut after, began): (Vec<Username>, Option<Username>, Instant) = (Vec::new(), None, Instant::now());
    loop {
        let page = place.aaa.users_after(after.as_ref(), 777).await.expect("read");
        let Some(last) = page.last() else { break };
        after = Some(last.username.clone());
        names.extend(page.into_iter().map(|user| user.username));
    }
    eprintln!("10,000 users in pages of 777: {:?}", began.elapsed());
    let sqlite = Connection::open_in_memory().expect("SQLite");
    sqlite.execute_batch("CREATE TABLE t (name TEXT)").expect("made");
    let mut known: Vec<String> = (1..=10_000)
        .map(|n| format!("{}{n}", ["user", "User", "USER", "u'ser", "zoë", "Zo\\", "_x", "a b"][n % 8]))
        .chain(["only-reply", "only-group", "only-ours"].map(str::to_owned))
        .collect();
    for name in &known {
        sqlite.execute("INSERT INTO t VALUES (?1)", [name]).expect("put");
    }
    let mut statement = sqlite.prepare("SELECT name FROM t ORDER BY name COLLATE NOCASE, name").expect("prepared");
    known = statement.query_map([], |row| row.get(0)).expect("asked").collect::<Result<_, _>>().expect("read");
    assert_eq!(names.iter().map(Username::as_str).collect::<Vec<_>>(), known.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(place.aaa.users_after(Some(&name("zzzzz")), 10).await.expect("read").iter().all(|user| user.username.as_str() > "zzzzz"));
}

#[tokio::test]
async fn a_page_is_read_by_the_index_and_not_by_sorting_the_table() {
    let place = Place::tables().await;
    place.sql(
        "INSERT INTO radcheck (username, attribute, op, value) SELECT 'user' || n, 'Cleartext-Password', ':=', 'x' FROM generate_series(1, 20000) AS n;
         ANALYZE radcheck",
    );
    let indexed = place.sql("SELECT indexdef FROM pg_indexes WHERE indexname = 'noctule_radcheck_escaped'");
    let keys = indexed.split_once(" USING btree ").expect("an index").1;
    // The key columns as the index has them; the statement under test is made by the same function.
    let plan = place.sql(&format!(
        "EXPLAIN SELECT username FROM radcheck WHERE {keys} > ('user5', 'user5') ORDER BY {} LIMIT 100",
        keys.trim_start_matches('(').trim_end_matches(')').trim()
    ));
    assert!(plan.contains("noctule_radcheck_escaped"), "{plan}\n{indexed}");
}
