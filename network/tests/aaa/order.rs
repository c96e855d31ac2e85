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
async fn users_of_several_rows_are_told_once_and_none_is_left_out_however_the_pages_are_cut() {
    let place = Place::tables().await;
    // Up to five rows each in one table, and some in another only.
    place.sql(
        "INSERT INTO radreply (username, attribute, op, value)
            SELECT 'user' || lpad(n::text, 3, '0'), 'Attribute-' || m, ':=', 'x' FROM generate_series(1, 60) AS n, generate_series(0, n % 5) AS m;
         INSERT INTO radcheck (username, attribute, op, value)
            SELECT 'user' || lpad(n::text, 3, '0') || 'b', 'Cleartext-Password', ':=', 'x' FROM generate_series(1, 60) AS n",
    );
    let mut wanted: Vec<String> = (1..=60).flat_map(|n| [format!("user{n:03}"), format!("user{n:03}b")]).collect();
    wanted.sort();
    for limit in [1, 2, 3, 7, 50, 1000] {
        let (mut told, mut after) = (Vec::new(), None);
        loop {
            let page = place.aaa.users_after(after.as_ref(), limit).await.expect("read");
            let Some(last) = page.last() else { break };
            after = Some(last.username.clone());
            told.extend(page.into_iter().map(|user| user.username.as_str().to_owned()));
        }
        assert_eq!(told, wanted, "in pages of {limit}");
    }
}

#[tokio::test]
async fn pages_are_read_by_indexes_and_no_page_reads_a_table() {
    const ROWS: i64 = 20_000;
    let place = Place::tables().await;
    place.sql(
        "INSERT INTO radcheck (username, attribute, op, value) SELECT 'user' || n, 'Cleartext-Password', ':=', 'x' FROM generate_series(1, 20000) AS n;
         INSERT INTO radreply (username, attribute, op, value) SELECT 'user' || n, 'Delegated-IPv6-Prefix', ':=', '2001:db8::/56' FROM generate_series(1, 20000) AS n",
    );
    place.sql("ANALYZE");
    let counted = |what: &str| -> i64 {
        let sql = format!("SELECT coalesce(sum({what}), 0) FROM pg_stat_user_tables WHERE relname IN ('radcheck', 'radreply')");
        place.sql(&sql).trim().parse().expect("a number")
    };
    let (mut users, mut after, before) = (0, None, counted("seq_tup_read"));
    loop {
        let page = place.aaa.users_after(after.as_ref(), 200).await.expect("read");
        let Some(last) = page.last() else { break };
        users += page.len() as i64;
        after = Some(last.username.clone());
    }
    assert_eq!(users, ROWS);
    // What a session did is told a moment after it.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while counted("idx_scan") < 3 * ROWS && std::time::Instant::now() < deadline {
        place.aaa.users_after(None, 1).await.expect("read");
    }
    assert!(counted("idx_scan") >= 3 * ROWS, "{}", counted("idx_scan"));
    let read = counted("seq_tup_read") - before;
    assert!(read < 4 * ROWS, "{read} rows were read by no index, in 100 pages of tables of {ROWS}");
}
