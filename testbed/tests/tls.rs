//! TLS as the real psql sees it: the right CA, a foreign one, a name that the certificate lacks, certificates of clients.

use noctule_testbed::{Postgres, PostgresOptions};

#[test]
fn tls_is_verified_in_both_directions() {
    let options =
        PostgresOptions { tls: true, tls_only: true, dns_names: vec!["central.example".to_owned()], ..PostgresOptions::default() };
    let cluster = Postgres::start_with(options).expect("a cluster starts");
    let database = cluster.create_database().expect("a database");
    let ca = cluster.ca_pem().expect("a CA").display().to_string();
    let foreign_ca = cluster.foreign_ca_pem().expect("a CA").display().to_string();
    let as_superuser =
        |rest: &str| cluster.psql(&format!("{}?{rest}", database.dsn()), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");

    let verified = as_superuser(&format!("sslmode=verify-full&sslrootcert={ca}")).expect("psql runs");
    assert_eq!((verified.code, verified.stdout.trim()), (Some(0), "t"), "{verified:?}");
    let foreign = as_superuser(&format!("sslmode=verify-full&sslrootcert={foreign_ca}")).expect("psql runs");
    assert_eq!(foreign.code, Some(2));
    assert!(foreign.stderr.contains("certificate verify failed"), "{foreign:?}");
    let plain = as_superuser("sslmode=disable").expect("psql runs");
    assert_eq!(plain.code, Some(2));
    assert!(plain.stderr.contains("pg_hba.conf rejects connection"), "{plain:?}");

    // hostaddr says where, host says who it must be.
    let named = |host: &str| {
        let dsn = format!(
            "host={host} hostaddr=127.0.0.1 port={} user=postgres password={} sslmode=verify-full sslrootcert={ca}",
            cluster.port(),
            cluster.superuser_password()
        );
        cluster.psql(&dsn, "SELECT 1").expect("psql runs")
    };
    assert_eq!(named("central.example").code, Some(0));
    let other = named("other.example");
    assert!(other.stderr.contains("does not match host name"), "{other:?}");

    cluster
        .query(database.dsn(), "CREATE ROLE alice LOGIN; GRANT cert_users TO alice; CREATE ROLE bob LOGIN; GRANT cert_users TO bob")
        .expect("roles");
    let by_certificate = |user: &str, pair: Option<(std::path::PathBuf, std::path::PathBuf)>| {
        let (certificate, key) = pair.map_or(("/nonexistent".into(), "/nonexistent".into()), |pair| pair);
        let dsn = format!(
            "host=127.0.0.1 port={} dbname={} user={user} sslmode=verify-full sslrootcert={ca} sslcert={} sslkey={}",
            cluster.port(),
            database.name(),
            certificate.display(),
            key.display()
        );
        cluster.psql(&dsn, "SELECT current_user, client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()").expect("psql runs")
    };
    let alice = || Some(cluster.client_certificate("alice").expect("a certificate"));
    let entered = by_certificate("alice", alice());
    assert_eq!((entered.code, entered.stdout.trim()), (Some(0), "alice|/CN=alice"), "{entered:?}");
    let of_another = by_certificate("bob", alice());
    assert!(of_another.stderr.contains("certificate authentication failed for user \"bob\""), "{of_another:?}");
    let without = by_certificate("alice", None);
    assert!(without.stderr.contains("connection requires a valid client certificate"), "{without:?}");
    let stranger = by_certificate("alice", Some(cluster.foreign_client_certificate("alice").expect("a certificate")));
    assert_eq!(stranger.code, Some(2), "{stranger:?}");

    // A standby serves the same certificates.
    let standby = cluster.standby().expect("a standby");
    let dsn =
        format!("{}?sslmode=verify-full&sslrootcert={}", standby.superuser_dsn(database.name()), standby.ca_pem().expect("a CA").display());
    assert_eq!(standby.query(&dsn, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").expect("a login"), "t");
}
