//! verify-full: the chain and the name are checked, a client certificate is taken, and every refusal says what is wrong.

use super::place::{PASSWORD, Place};
use noctule_domain::permission::Role;
use noctule_domain::secret::Secret;
use noctule_sync::connect::{Centre, CentreConfig, CentreError, ClientCertificate, Tls};
use noctule_testbed::PostgresOptions;
use std::path::PathBuf;

async fn asked(config: CentreConfig) -> Result<(), CentreError> {
    let session = Centre::new(config).session().await?;
    let encrypted = session.within("test", session.query_one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[])).await?;
    assert!(encrypted.get::<_, bool>(0), "the line is encrypted");
    Ok(())
}

fn full(ca: PathBuf, client: Option<(PathBuf, PathBuf)>) -> Tls {
    Tls::VerifyFull { ca: Some(ca), client: client.map(|(certificate, key)| ClientCertificate { certificate, key }) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_right_server_and_the_right_certificate_will_do() {
    let options = PostgresOptions { tls: true, ..PostgresOptions::default() }.set("listen_addresses", "127.0.0.1,127.0.0.2");
    let place = Place::with(options).await;
    let (ca, foreign) = (place.postgres.ca_pem().expect("a CA"), place.postgres.foreign_ca_pem().expect("a CA"));
    let config = |tls: Tls| CentreConfig { tls, ..place.config("nora") };
    asked(config(full(ca.clone(), None))).await.expect("the right CA");

    let refused = |answer: Result<(), CentreError>, words: &str| match answer {
        Err(CentreError::Untrusted(why)) => assert!(why.as_str().contains(words), "{why}"),
        other => panic!("{words}: {other:?}"),
    };
    refused(asked(config(full(foreign, None))).await, "not issued by the authority");
    // The certificate is for 127.0.0.1 and localhost; this is the same server under another address.
    let elsewhere = CentreConfig { hosts: vec![("127.0.0.2".to_owned(), place.postgres.port())], ..config(full(ca.clone(), None)) };
    refused(asked(elsewhere).await, "another name");
    refused(asked(config(Tls::VerifyFull { ca: None, client: None })).await, "not issued by the authority");
    refused(asked(config(full("/nonexistent.pem".into(), None))).await, "can not be read");

    // Members of cert_users come with a certificate and need no password.
    place.user("carla", Role::Noc, None).await;
    place.sql("GRANT cert_users TO carla");
    let carla = |tls: Tls| CentreConfig { tls, user: "carla".to_owned(), password: None, ..place.config("carla") };
    let own = place.postgres.client_certificate("carla").expect("a certificate");
    asked(carla(full(ca.clone(), Some(own.clone())))).await.expect("her own certificate");
    assert!(matches!(asked(carla(full(ca.clone(), None))).await, Err(CentreError::Denied(_))), "none");
    let other = place.postgres.client_certificate("nora").expect("a certificate");
    assert!(matches!(asked(carla(full(ca.clone(), Some(other)))).await, Err(CentreError::Denied(_))), "somebody else's");
    let forged = place.postgres.foreign_client_certificate("carla").expect("a certificate");
    assert!(asked(carla(full(ca.clone(), Some(forged)))).await.is_err(), "one of another CA");
    // A key that others may read is not used.
    let open = own.1.with_extension("open");
    std::fs::copy(&own.1, &open).expect("a copy");
    std::fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("a mode");
    refused(asked(carla(full(ca.clone(), Some((own.0.clone(), open))))).await, "read by others");

    let wrong = CentreConfig { password: Some(Secret::new("wrong")), ..config(full(ca.clone(), None)) };
    assert_eq!(asked(wrong).await, Err(CentreError::BadPassword));
    assert_eq!(asked(CentreConfig { password: None, ..config(full(ca, None)) }).await, Err(CentreError::BadPassword));
    assert!(!format!("{:?}", place.config("nora")).contains(PASSWORD));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_tls_is_not_spoken_to() {
    let place = Place::new().await;
    let elsewhere = Place::with(PostgresOptions { tls: true, ..PostgresOptions::default() }).await;
    let ca = elsewhere.postgres.ca_pem().expect("a CA");
    let answer = asked(CentreConfig { tls: full(ca, None), ..place.config("nora") }).await;
    assert!(matches!(&answer, Err(CentreError::Untrusted(why)) if why.as_str().contains("TLS")), "{answer:?}");
}
