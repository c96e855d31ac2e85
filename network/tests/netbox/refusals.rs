//! Answers that look well and are not, and rules that keep a prefix from being touched.

use crate::common::*;
use noctule_domain::ipam::PrefixStatus;
use noctule_domain::secret::Secret;
use noctule_network::netbox::{Netbox, NetboxConfig, NetboxError, PoolConfig, Setup};
use noctule_network::upstream::{Ipam, IpamError};
use noctule_sim::netbox::{self as sim, Fault, On, Rights, Say, SeedPrefix, SeedVrf, SimToken, Version};

fn words(error: &IpamError) -> String {
    error.to_string()
}

#[tokio::test]
async fn without_the_custom_field_nothing_is_allocated_and_the_operator_is_told_of_init() {
    for version in [Version::V4_4, Version::V4_6] {
        let sim =
            start_with(sim::NetboxConfig { version, fields: false, prefixes: vec![SeedPrefix::container(POOL)], ..Default::default() })
                .await;
        let said = client(&sim).allocate(&ask(operation())).await.unwrap_err();
        assert!(matches!(&said, IpamError::Refused(w) if w.as_str().contains("noctule init netbox")), "{said:?}");
        assert_eq!(sim.count(), 1);
        assert!(!sim.events().iter().any(|e| e.method == "POST"), "nothing was even tried");
    }
}

#[tokio::test]
async fn a_read_that_fails_before_anything_was_asked_for_leaves_no_doubt() {
    for say in [Say::Html500, Say::TooMany429, Say::BadGateway502] {
        let sim = start(Version::V4_6).await;
        sim.random_faults(On::Any, 1.0, 1, vec![Fault::Say(say)]);
        let netbox = client(&sim);
        let mut ask = ask(operation());
        let said = netbox.allocate(&ask).await.unwrap_err();
        assert!(matches!(said, IpamError::Unreachable(_)), "{say:?}: {said:?}");
        // Where an earlier try may be stored, the same answer is no comfort.
        ask.maybe_earlier = true;
        let said = netbox.allocate(&ask).await.unwrap_err();
        assert!(matches!(said, IpamError::Unclear(_)), "{say:?}: {said:?}");
    }
}

#[tokio::test]
async fn a_prefix_that_4_4_stored_without_its_id_is_taken_back_at_once() {
    let sim = start(Version::V4_4).await;
    let netbox = client(&sim);
    netbox.allocate(&ask(operation())).await.unwrap();
    // Somebody deletes the field while the client still believes its last check.
    sim.remove_field("operation_id");
    let said = netbox.allocate(&ask(operation())).await.unwrap_err();
    assert!(matches!(&said, IpamError::Refused(w) if w.as_str().contains("taken back")), "{said:?}");
    assert_eq!(sim.count(), 2, "nothing is left of it");
    // And the next try does not get that far.
    let posts = sim.events().iter().filter(|e| e.method == "POST").count();
    let said = netbox.allocate(&ask(operation())).await.unwrap_err();
    assert!(words(&said).contains("does not exist"), "{said:?}");
    assert_eq!(sim.events().iter().filter(|e| e.method == "POST").count(), posts);
}

#[tokio::test]
async fn without_the_right_to_delete_a_stray_prefix_is_named_for_the_operator() {
    let sim = start(Version::V4_4).await;
    let rights =
        Rights::Prefixes { view: true, add: true, change: true, delete: false, within: None, statuses: vec![], view_fields: false };
    sim.set_tokens(vec![SimToken::v1(sim::DEFAULT_TOKEN).with_rights("tool", rights)]);
    sim.remove_field("operation_id");
    let said = client(&sim).allocate(&ask(operation())).await.unwrap_err();
    let stray = sim.prefixes().pop().unwrap();
    assert_eq!(stray.status, "deprecated");
    assert!(words(&said).contains(&stray.prefix.to_string()) && words(&said).contains("by hand"), "{said:?}");
}

#[tokio::test]
async fn two_prefixes_with_one_operation_id_are_an_alarm_and_never_the_first() {
    for version in [Version::V4_4, Version::V4_6] {
        let sim = start(version).await;
        let mut ask = ask(operation());
        for prefix in ["2001:db8:100::/56", "2001:db8:100:100::/56"] {
            sim.add_prefix(&SeedPrefix::delegated(prefix, "reserved", &ask.operation.to_string(), "x")).unwrap();
        }
        let netbox = client(&sim);
        let said = netbox.find_by_operation(ask.operation).await.unwrap_err();
        assert!(matches!(&said, IpamError::Refused(w) if w.as_str().starts_with("ALARM: 2 prefixes")), "{said:?}");
        ask.maybe_earlier = true;
        assert!(words(&netbox.allocate(&ask).await.unwrap_err()).contains("ALARM"));
        assert_eq!(sim.count(), 3);
    }
}

#[tokio::test]
async fn a_filter_that_netbox_ignores_is_noticed() {
    let sim = start(Version::V4_6).await;
    let netbox = client(&sim);
    let made = netbox.allocate(&ask(operation())).await.unwrap();
    sim.remove_field("operation_id");
    let said = netbox.find_by_operation(operation()).await.unwrap_err();
    assert!(words(&said).contains("did not filter"), "{said:?}");
    // An earlier try may be stored: that is no clear no.
    let mut again = ask(operation());
    again.maybe_earlier = true;
    assert!(matches!(netbox.allocate(&again).await, Err(IpamError::Unclear(_))));
    assert!(sim.prefix(made.id).is_some());
}

#[tokio::test]
async fn a_full_pool_is_followed_by_the_next_and_then_by_a_clear_no() {
    let prefixes =
        vec![SeedPrefix::container("2001:db8:1::/55"), SeedPrefix::container("2001:db8:2::/56"), SeedPrefix::container("2001:db8:3::/55")];
    let sim = start_with(sim::NetboxConfig { prefixes, ..Default::default() }).await;
    let netbox = client(&sim);
    let mut given = Vec::new();
    for _ in 0..4 {
        let mut ask = ask(operation());
        // The middle pool is itself a /56: a /56 of it would be a copy of the pool, so it is not even asked.
        ask.pools = vec![1, 2, 3];
        given.push(netbox.allocate(&ask).await.unwrap().prefix);
    }
    assert_eq!(given, ["2001:db8:1::/56", "2001:db8:1:100::/56", "2001:db8:3::/56", "2001:db8:3:100::/56"].map(net));
    let mut ask = ask(operation());
    ask.pools = vec![1, 2, 3];
    let said = netbox.allocate(&ask).await.unwrap_err();
    assert!(matches!(&said, IpamError::Exhausted(w) if w.as_str().contains("pools 1, 2, 3")), "{said:?}");
    assert!(!sim.events().iter().any(|e| e.target.contains("/2/available")));
}

#[tokio::test]
async fn a_vrf_pool_gives_prefixes_of_its_vrf() {
    for version in [Version::V4_4, Version::V4_6] {
        let vrf = SeedVrf { name: "cust-a".into(), rd: "65000:1".into(), enforce_unique: true };
        let mut pool = SeedPrefix::container(POOL);
        pool.vrf = Some(1);
        let sim = start_with(sim::NetboxConfig { version, vrfs: vec![vrf], prefixes: vec![pool], ..Default::default() }).await;
        let mut config = config(&sim);
        config.pools = vec![PoolConfig::prefix(net(POOL), Some(1), 56)];
        let netbox = Netbox::new(config).unwrap();
        let mut ask = ask(operation());
        ask.pools.clear();
        let made = netbox.allocate(&ask).await.unwrap();
        assert_eq!(made.vrf, Some(1));
        assert_eq!(netbox.find_by_prefix(made.prefix, Some(1)).await.unwrap().map(|a| a.id), Some(made.id));
        assert_eq!(netbox.find_by_prefix(made.prefix, None).await.unwrap(), None);
        assert_eq!(netbox.pools().await.unwrap()[0].used, 1);
    }
}

#[tokio::test]
async fn another_prefix_under_the_same_id_is_never_touched() {
    for version in [Version::V4_4, Version::V4_6] {
        let sim = start(version).await;
        let netbox = client(&sim);
        let op = operation();
        let mut made = netbox.allocate(&ask(op)).await.unwrap();
        made.prefix = net("2001:db8:100:ff00::/56");
        assert!(matches!(netbox.set_status(&to(&made, PrefixStatus::Deprecated, op)).await, Err(IpamError::Gone(_))));
        assert!(matches!(netbox.delete(made.id, made.prefix, op).await, Err(IpamError::Refused(_))));
        let stored = sim.prefix(made.id).unwrap();
        assert_eq!(stored.status, "reserved");
        // A prefix in use is not deleted by another operation than its own.
        let said = netbox.delete(made.id, stored.prefix, operation()).await.unwrap_err();
        assert!(words(&said).contains("only a deprecated prefix"), "{said:?}");
        assert!(sim.prefix(made.id).is_some());
        assert!(matches!(
            netbox.set_status(&to(&noctule_network::upstream::Allocation { id: 4711, ..made }, PrefixStatus::Active, op)).await,
            Err(IpamError::Gone(_))
        ));
    }
}

#[tokio::test]
async fn a_prefix_that_others_change_meanwhile_is_looked_at_again() {
    // 4.6 only: the simulator answers 412 when the ETag is old. Each look is followed by somebody else's change.
    let sim = start(Version::V4_6).await;
    let netbox = client(&sim);
    let op = operation();
    let made = netbox.allocate(&ask(op)).await.unwrap();
    sim.script(On::Changes, [Fault::Say(sim::Say::Precondition412), Fault::Say(sim::Say::Precondition412)]);
    netbox.set_status(&to(&made, PrefixStatus::Active, op)).await.unwrap();
    assert_eq!(sim.prefix(made.id).unwrap().status, "active");
    sim.script(On::Changes, [Fault::Say(sim::Say::Precondition412); 3]);
    let said = netbox.set_status(&to(&made, PrefixStatus::Deprecated, op)).await.unwrap_err();
    assert!(matches!(&said, IpamError::Unclear(w) if w.as_str().contains("412 three times")), "{said:?}");
}

#[test]
fn urls_and_tokens_that_cannot_work_are_refused_without_showing_them() {
    let make = |url: &str, token: &str| Netbox::new(NetboxConfig::new(url, Secret::new(token), vec![]));
    assert!(matches!(make("http://netbox.example.net", "x").unwrap_err(), NetboxError::Config(Setup::PlainHttp(_))));
    assert!(matches!(make("https://user:pw@netbox.example.net", "x").unwrap_err(), NetboxError::Config(Setup::CredentialsInUrl)));
    assert!(matches!(make("netbox", "x").unwrap_err(), NetboxError::Config(Setup::BadUrl(_))));
    assert!(matches!(make("ftp://netbox", "x").unwrap_err(), NetboxError::Config(Setup::BadUrl(_))));
    let error = make("http://127.0.0.1:1", "hush hush\u{7}").unwrap_err();
    assert!(matches!(error, NetboxError::Config(Setup::BadToken)));
    assert!(!format!("{error:?} {error}").contains("hush"));
    let fine = make("https://netbox.example.net/netbox/api/", "wonderland").unwrap();
    assert!(!format!("{fine:?}").contains("wonderland"));
    let mut plain = NetboxConfig::new("http://netbox.example.net", Secret::new("x"), vec![]);
    plain.allow_plain_http = true;
    assert!(Netbox::new(plain).is_ok());
    let mut ca = NetboxConfig::new("https://netbox.example.net", Secret::new("x"), vec![]);
    ca.extra_ca = Some("/no/such/ca.pem".into());
    assert!(matches!(Netbox::new(ca).unwrap_err(), NetboxError::Config(Setup::CaFile { .. })));
}

#[tokio::test]
async fn hostile_text_in_netbox_reaches_nobody_as_it_is() {
    let sim = start(Version::V4_6).await;
    let hostile = format!("\u{1b}[2J\u{202e}evil\u{9b}{}", "x".repeat(10_000));
    let seed = SeedPrefix {
        description: hostile.clone(),
        subscriber_id: Some(hostile),
        ..SeedPrefix::delegated("2001:db8:100::/56", "active", "o", "s")
    };
    sim.add_prefix(&seed).unwrap();
    let netbox = client(&sim);
    let seen: Vec<_> = futures::TryStreamExt::try_collect(netbox.scan(net(POOL), None).await.unwrap()).await.unwrap();
    let prefix: &noctule_network::netbox::RemotePrefix = &seen[0];
    let text = prefix.description.as_str();
    assert!(noctule_domain::SafeText::is_clean(text) && text.len() < 300, "{text:?}");
}
