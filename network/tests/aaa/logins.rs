//! What a login gets after each kind of write.

use crate::place::{PASSWORD, Place, name, normal, suspended};
use noctule_domain::aaa::{Login, SuspendLogin};
use noctule_network::upstream::{Aaa, AaaError};

const PREFIX: &str = "2001:db8:a:100::/56";
const DELEGATED: &str = "Delegated-IPv6-Prefix";
const RATE: &str = "Mikrotik-Rate-Limit";

#[tokio::test]
async fn a_login_gets_the_prefix_until_it_is_suspended_and_never_after_it_was_taken_away() {
    let (place, server) = Place::with_server().await;
    place.user("anna");
    place.sql("INSERT INTO radgroupreply (groupname, attribute, op, value) VALUES ('garden', 'Filter-Id', ':=', 'walled')");
    let login = || server.login("anna", PASSWORD).expect("answered");
    assert_eq!(login().all(DELEGATED), Vec::<&str>::new());

    place.write("anna", 1, normal(PREFIX)).await.expect("written");
    assert!(login().accepted);
    assert_eq!(login().all(DELEGATED), [PREFIX]);

    for (how, version) in [(SuspendLogin::Reject, 2), (SuspendLogin::Group, 4), (SuspendLogin::Rate, 6)] {
        place.write("anna", version, suspended(how, PREFIX)).await.expect("suspended");
        let answer = login();
        match how {
            SuspendLogin::Reject => assert!(!answer.accepted),
            SuspendLogin::Group => {
                assert!(answer.accepted && answer.all(DELEGATED).is_empty(), "{answer:?}");
                assert_eq!(answer.all("Filter-Id"), ["walled"]);
            }
            SuspendLogin::Rate => {
                assert!(answer.accepted);
                assert_eq!((answer.all(DELEGATED), answer.all(RATE)), (vec![PREFIX], vec!["64k/64k"]));
            }
        }
        place.write("anna", version + 1, normal(PREFIX)).await.expect("resumed");
        let answer = login();
        assert!(answer.accepted && answer.all(RATE).is_empty() && answer.all("Filter-Id").is_empty(), "{answer:?}");
        assert_eq!(answer.all(DELEGATED), [PREFIX]);
    }

    place.write("anna", 8, Login::WithoutPrefix).await.expect("taken away");
    assert!(login().accepted);
    assert_eq!(login().all(DELEGATED), Vec::<&str>::new());
    let user = place.aaa.user(&name("anna")).await.expect("read").expect("known");
    assert_eq!((user.delegated, user.rejected, user.groups.len()), (vec![], false, 0));
    assert!(user.operation.is_some());
}

#[tokio::test]
async fn each_kind_of_suspension_can_follow_each_other() {
    let (place, server) = Place::with_server().await;
    place.user("anna");
    place.sql("INSERT INTO radgroupreply (groupname, attribute, op, value) VALUES ('garden', 'Filter-Id', ':=', 'walled')");
    let kinds = [SuspendLogin::Reject, SuspendLogin::Group, SuspendLogin::Rate];
    let mut version = 1;
    for first in kinds {
        for second in kinds {
            for how in [first, second] {
                version += 1;
                place.write("anna", version, suspended(how, PREFIX)).await.expect("suspended");
            }
            let answer = server.login("anna", PASSWORD).expect("answered");
            let seen = (answer.accepted, answer.all("Filter-Id").len(), answer.all(RATE).len(), answer.all(DELEGATED).len());
            let expected = match second {
                SuspendLogin::Reject => (false, 0, 0, seen.3),
                SuspendLogin::Group => (true, 1, 0, 0),
                SuspendLogin::Rate => (true, 0, 1, 1),
            };
            assert_eq!(seen, expected, "{first:?} then {second:?}");
        }
    }
    place.write("anna", version + 1, normal(PREFIX)).await.expect("resumed");
    assert_eq!(place.sql("SELECT attribute FROM radcheck ORDER BY id"), "Cleartext-Password");
    assert_eq!(place.sql("SELECT attribute, op, value FROM radreply"), format!("{DELEGATED}|:=|{PREFIX}"));
    assert_eq!(place.sql("SELECT count(*) FROM radusergroup"), "0");
}

#[tokio::test]
async fn rows_of_the_operator_stay_and_those_that_would_be_sent_beside_ours_come_back() {
    let (place, server) = Place::with_server().await;
    for user in ["anna", "bert"] {
        place.user(user);
        place.sql(&format!(
            "INSERT INTO radreply (username, attribute, op, value) VALUES ('{user}', '{RATE}', ':=', '100M/50M'), ('{user}', 'Session-Timeout', ':=', '3600'),
                ('{user}', 'Framed-IPv6-Prefix', ':=', '2001:db8:f::/64');
             INSERT INTO radcheck (username, attribute, op, value) VALUES ('{user}', 'Simultaneous-Use', ':=', '1');
             INSERT INTO radusergroup (username, groupname, priority) VALUES ('{user}', 'home', 1)"
        ));
    }
    place.sql("INSERT INTO radgroupreply (groupname, attribute, op, value) VALUES ('home', 'Idle-Timeout', ':=', '600')");
    let before = place.rows();
    let login = || server.login("anna", PASSWORD).expect("answered");

    place.write("anna", 1, suspended(SuspendLogin::Rate, PREFIX)).await.expect("suspended");
    let answer = login();
    assert_eq!(answer.all(RATE), ["64k/64k"], "and not the operator's beside it");
    assert_eq!((answer.all("Session-Timeout"), answer.all("Idle-Timeout")), (vec!["3600"], vec!["600"]));
    assert_eq!(answer.all("Framed-IPv6-Prefix"), ["2001:db8:f::/64"], "the profile writes none, so it is the operator's");

    place.write("anna", 2, normal(PREFIX)).await.expect("resumed");
    assert_eq!(login().all(RATE), ["100M/50M"]);
    place.write("anna", 3, Login::WithoutPrefix).await.expect("taken away");
    let without_ids = |rows: &str| {
        let mut lines: Vec<String> = rows
            .lines()
            .map(|line| line.split('|').enumerate().filter(|(n, _)| *n != 1).map(|(_, v)| v).collect::<Vec<_>>().join("|"))
            .collect();
        lines.sort();
        lines
    };
    assert_eq!(without_ids(&place.rows()), without_ids(&before), "all is as it was, for bert too");

    // A new speed written while the suspension lasts is the newer word.
    place.write("anna", 4, suspended(SuspendLogin::Rate, PREFIX)).await.expect("suspended");
    place.sql(&format!("INSERT INTO radreply (username, attribute, op, value) VALUES ('anna', '{RATE}', ':=', '200M/100M')"));
    place.write("anna", 5, normal(PREFIX)).await.expect("resumed");
    assert_eq!(login().all(RATE), ["200M/100M"]);
}

#[tokio::test]
async fn the_same_again_changes_nothing_and_what_was_doubled_by_hand_is_mended() {
    let place = Place::tables().await;
    place.user("anna");
    let ask = crate::place::ask("anna", 1, suspended(SuspendLogin::Reject, PREFIX));
    place.aaa.write(&ask).await.expect("written");
    let state = |place: &Place| (place.rows(), place.sql("SELECT * FROM noctule_login"));
    let before = state(&place);
    for _ in 0..3 {
        place.aaa.write(&ask).await.expect("written again");
    }
    assert_eq!(state(&place), before);
    place.sql(
        "INSERT INTO radreply (username, attribute, op, value) VALUES ('anna', 'delegated-ipv6-prefix', '+=', '2001:db8:dead::/56'),
            ('anna', 'Delegated-IPv6-Prefix', ':=', '2001:db8:a:100::/56')",
    );
    place.aaa.write(&ask).await.expect("mended");
    assert_eq!(place.sql("SELECT attribute, op, value FROM radreply"), format!("{DELEGATED}|:=|{PREFIX}"));
}

#[tokio::test]
async fn the_framed_prefix_goes_with_the_delegated_one() {
    let (place, server) = Place::with_server().await;
    place.user("anna");
    let both = Login::Normal { delegated: PREFIX.parse().ok(), framed: "2001:db8:a:100::/64".parse().ok() };
    place.write("anna", 1, both).await.expect("written");
    let answer = server.login("anna", PASSWORD).expect("answered");
    assert_eq!((answer.all(DELEGATED), answer.all("Framed-IPv6-Prefix")), (vec![PREFIX], vec!["2001:db8:a:100::/64"]));
    place.write("anna", 2, Login::WithoutPrefix).await.expect("taken away");
    let answer = server.login("anna", PASSWORD).expect("answered");
    assert!(answer.accepted && answer.all(DELEGATED).is_empty() && answer.all("Framed-IPv6-Prefix").is_empty());
}

#[tokio::test]
async fn what_would_have_no_effect_is_refused_in_words_and_nothing_is_stored() {
    let place = Place::tables().await;
    place.user("anna");
    place.sql(
        "INSERT INTO radusergroup (username, groupname, priority) VALUES ('anna', 'home', 0);
         INSERT INTO radgroupreply (groupname, attribute, op, value) VALUES ('home', 'Mikrotik-Rate-Limit', ':=', '100M')",
    );
    let before = place.rows();
    let refused = |answer: Result<(), AaaError>, words: &str| match answer {
        Err(AaaError::Refused(why)) => assert!(why.as_str().contains(words), "{why}"),
        other => panic!("{other:?}"),
    };
    refused(place.write("anna", 1, suspended(SuspendLogin::Group, PREFIX)).await, "garden has no row in radgroupreply");
    refused(place.write("anna", 1, suspended(SuspendLogin::Rate, PREFIX)).await, "group home sets Mikrotik-Rate-Limit with :=");
    assert_eq!(place.rows(), before);
    assert_eq!(place.sql("SELECT count(*) FROM noctule_login"), "0");
    place.write("anna", 1, suspended(SuspendLogin::Reject, PREFIX)).await.expect("the connection is still good");
}
