//! Names that are no plain words: found by FreeRADIUS under exactly what we wrote, and nobody else's.

use crate::place::{PASSWORD, Place, name, normal};
use noctule_network::upstream::Aaa;
use noctule_testbed::Accounting;

const HOSTILE: &[&str] = &[
    "o'brien",
    "a%b",
    "100%{User-Name}",
    "x'; DROP TABLE radreply; --",
    "quote\"d",
    "isp\\anna",
    "x=27",
    "jörg@isp.example",
    "名前 with space",
    "a+b*c?[d]{e}|f~g^h`i$j&k(l)!#,;<>",
    "Anna",
    "anna",
];

#[tokio::test]
async fn hostile_names_get_their_own_prefix_and_their_own_sessions() {
    let (place, server) = Place::with_server().await;
    for (at, who) in HOSTILE.iter().enumerate() {
        let prefix = format!("2001:db8:{:x}::/56", at + 1);
        // The password is written by the operator under the name as FreeRADIUS looks for it: read from what accounting stored.
        let start = Accounting { kind: "Start", username: who, session: &format!("s-{at}"), nas: "192.0.2.1", more: &[] };
        server.account(&start).expect("taken");
        let stored = place.sql(&format!("SELECT username FROM radacct WHERE acctsessionid = 's-{at}'"));
        place.user(&stored);
        place.write(who, 1, normal(&prefix)).await.expect("written");
        let answer = server.login(who, PASSWORD).expect("answered");
        assert_eq!((answer.accepted, answer.all("Delegated-IPv6-Prefix")), (true, vec![prefix.as_str()]), "{who}");
        let sessions = place.aaa.sessions_of(&name(who)).await.expect("read");
        assert_eq!(
            sessions.iter().map(|s| (s.acct_session_id.as_str(), s.username.as_str())).collect::<Vec<_>>(),
            [(format!("s-{at}").as_str(), *who)]
        );
    }
    // After all were written nobody has got another's.
    for (at, who) in HOSTILE.iter().enumerate() {
        let user = place.aaa.user(&name(who)).await.expect("read").expect("known");
        assert_eq!(user.delegated, [format!("2001:db8:{:x}::/56", at + 1).parse().expect("a prefix")], "{who}");
    }
    let all = place.aaa.users_after(None, 100).await.expect("read");
    assert_eq!(all.len(), HOSTILE.len());
}
