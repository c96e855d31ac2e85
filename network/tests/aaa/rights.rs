//! A login that may do what docs/aaa.md grants, and nothing more, is enough; what is missing is said with the statement that mends it.

use crate::place::{Place, config, normal};
use noctule_domain::secret::Secret;
use noctule_network::aaa::FreeRadius;
use noctule_network::upstream::{Aaa, AaaError};

#[tokio::test]
async fn an_index_that_is_missing_is_told_with_what_it_costs_and_the_statement_that_makes_it() {
    let place = Place::tables().await;
    for (index, what) in [
        ("noctule_radacct_changed", "radacct by its last change"),
        ("noctule_radacct_open", "open rows of radacct"),
        ("noctule_radcheck_escaped", "radcheck in the order of names"),
    ] {
        place.sql(&format!("DROP INDEX {index}"));
        let check = place.aaa.check().await.expect("looked");
        let missing: Vec<_> = check.findings.iter().filter(|finding| !finding.fine).collect();
        assert!(missing.len() == 1 && missing[0].what.as_str().contains(what) && !missing[0].needed, "{index}: {missing:?}");
        assert!(missing[0].words.as_str().starts_with("without it"), "{index}: {missing:?}");
        place.aaa.init(&check.sql(), &|_| {}).await.expect("made");
        assert!(place.aaa.check().await.expect("looked").is_fine(), "{index}");
    }
}

#[tokio::test]
async fn the_statements_of_the_check_are_all_that_a_login_needs() {
    let place = Place::tables().await;
    let role = format!("noc_{}", place.database.name());
    place.sql(&format!("CREATE ROLE {role} LOGIN PASSWORD 'pw'"));
    let mut with = config(place.postgres, &place.database);
    with.user.clone_from(&role);
    with.password = Some(Secret::new("pw".to_owned()));
    let aaa = FreeRadius::new(with);
    let ask = crate::place::ask("anna", 1, normal("2001:db8:1::/56"));
    match aaa.write(&ask).await {
        Err(AaaError::Refused(why)) => assert!(why.as_str().contains("noctule aaa check"), "{why}"),
        other => panic!("{other:?}"),
    }
    let check = aaa.check().await.expect("looked");
    assert!(check.findings.iter().any(|finding| !finding.fine && finding.needed), "{:?}", check.findings);
    assert!(check.sql().iter().any(|sql| sql.starts_with("GRANT SELECT ON nasreload")), "{:?}", check.sql());
    // The owner carries them out.
    for statement in check.sql() {
        place.sql(&statement);
    }
    let check = aaa.check().await.expect("looked");
    assert!(check.is_fine(), "{:?}", check.findings);
    aaa.write(&ask).await.expect("written");
    assert_eq!(aaa.users_after(None, 10).await.expect("read").len(), 1);
    assert!(aaa.sessions_of(&ask.username).await.expect("read").is_empty());
}

#[tokio::test]
async fn the_clients_are_read_by_their_names_alone_where_somebody_lets_us() {
    let place = Place::tables().await;
    assert_eq!(place.aaa.clients().await.expect("read"), None, "an empty table tells nothing");
    place.sql("INSERT INTO nas (nasname, shortname, secret) VALUES ('192.0.2.0/24', 'access', 'sesame')");
    assert_eq!(place.aaa.clients().await.expect("read"), Some(vec!["192.0.2.0/24".to_owned()]));
    let role = format!("noc_{}", place.database.name());
    place.sql(&format!("CREATE ROLE {role} LOGIN PASSWORD 'pw'"));
    let mut with = config(place.postgres, &place.database);
    with.user.clone_from(&role);
    with.password = Some(Secret::new("pw".to_owned()));
    let aaa = FreeRadius::new(with);
    assert_eq!(aaa.clients().await.expect("read"), None, "no right is no error");
    place.sql(&format!("GRANT SELECT (nasname) ON nas TO {role}"));
    assert_eq!(aaa.clients().await.expect("read"), Some(vec!["192.0.2.0/24".to_owned()]));
}
