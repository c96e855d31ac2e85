//! The private FreeRADIUS: it reads users from the private PostgreSQL, writes accounting there, and is gone when it is dropped.

use noctule_testbed::{Accounting, FreeRadius, Postgres};

#[test]
fn a_login_is_answered_from_the_tables_and_accounting_lands_in_them() {
    let postgres = Postgres::shared().expect("a cluster");
    let database = postgres.create_database().expect("a database");
    let radius = FreeRadius::start(postgres, &database).expect("a FreeRADIUS");
    let ask = |sql: &str| postgres.query(database.dsn(), sql).expect("asked");
    ask("INSERT INTO radcheck (username, attribute, op, value) VALUES ('anna', 'Cleartext-Password', ':=', 'secret');
         INSERT INTO radreply (username, attribute, op, value) VALUES ('anna', 'Delegated-IPv6-Prefix', ':=', '2001:db8:1::/56');");

    let answer = radius.login("anna", "secret").expect("answered");
    assert!(answer.accepted, "{answer:?}");
    assert_eq!(answer.all("Delegated-IPv6-Prefix"), ["2001:db8:1::/56"]);
    assert!(!radius.login("anna", "wrong").expect("answered").accepted);
    assert!(!radius.login("nobody", "secret").expect("answered").accepted);

    let mut start = Accounting {
        kind: "Start",
        username: "anna",
        session: "s-1",
        nas: "192.0.2.1",
        more: &["Delegated-IPv6-Prefix = 2001:db8:1::/56", "Acct-Input-Octets = 5"],
    };
    radius.account(&start).expect("taken");
    let row = "SELECT username, acctsessionid, nasipaddress, delegatedipv6prefix, acctstoptime IS NULL FROM radacct";
    assert_eq!(ask(row), "anna|s-1|192.0.2.1|2001:db8:1::/56|t");
    start.kind = "Stop";
    radius.account(&start).expect("taken");
    assert_eq!(ask(row), "anna|s-1|192.0.2.1|2001:db8:1::/56|f");

    let port = radius.authentication_port();
    drop(radius);
    std::net::UdpSocket::bind(("127.0.0.1", port)).expect("the port is free again");
}
