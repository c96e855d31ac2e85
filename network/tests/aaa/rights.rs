//! A login that may do what docs/aaa.md grants, and nothing more, is enough; what is missing is said with the statement that mends it.

use crate::place::{Place, config, normal};
use noctule_domain::secret::Secret;
use noctule_network::aaa::FreeRadius;
use noctule_network::upstream::{Aaa, AaaError};

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
