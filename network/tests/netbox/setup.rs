//! The check at the start and `init`: what is wrong is said, what is missing is made, what is somebody else's is left alone.

use crate::canned::Canned;
use crate::common::*;
use noctule_domain::Retry;
use noctule_domain::secret::Secret;
use noctule_network::netbox::{InitStep, Netbox, NetboxConfig, NetboxError, PoolConfig};
use noctule_network::upstream::Ipam;
use noctule_sim::netbox::{self as sim, DEFAULT_TOKEN, SeedPrefix, SimToken, Version};

#[tokio::test]
async fn a_netbox_that_is_set_up_is_well() {
    for version in [Version::V4_4, Version::V4_6] {
        let sim = start(version).await;
        let check = client(&sim).check().await.unwrap();
        assert!(check.is_well(), "{check:?}");
        assert_eq!(check.version.as_str(), version.full());
        assert_eq!(check.pools.len(), 1);
        assert_eq!(client(&sim).plan_init().await.unwrap(), []);
    }
}

#[tokio::test]
async fn init_says_what_is_missing_makes_it_once_and_can_be_repeated() {
    for version in [Version::V4_4, Version::V4_6] {
        let config =
            sim::NetboxConfig { version, fields: false, tags: vec![], prefixes: vec![SeedPrefix::container(POOL)], ..Default::default() };
        let sim = start_with(config).await;
        let netbox = client(&sim);
        assert_eq!(netbox.check().await.unwrap().custom_fields.len(), 3);
        let plan = netbox.plan_init().await.unwrap();
        let words: Vec<String> = plan.iter().map(ToString::to_string).collect();
        assert_eq!(words.len(), 4);
        assert!(words[0].contains("operation_id on ipam.prefix: text, unique, filter logic exact"), "{words:?}");
        assert!(words[3].contains("tag noctule"), "{words:?}");
        assert!(!sim.events().iter().any(|e| e.method != "GET"), "planning only reads");
        netbox.apply_init(&plan).await.unwrap();
        netbox.apply_init(&plan).await.unwrap();
        assert_eq!(netbox.plan_init().await.unwrap(), []);
        assert!(netbox.check().await.unwrap().is_well());
        netbox.allocate(&ask(operation())).await.unwrap();
    }
}

#[tokio::test]
async fn a_field_of_the_same_name_that_is_not_right_is_left_for_a_person() {
    let sim = start_with(sim::NetboxConfig { fields: false, prefixes: vec![SeedPrefix::container(POOL)], ..Default::default() }).await;
    let url = format!("{}/api/extras/custom-fields/", sim.url());
    let netbox = client(&sim);
    // Not unique, loose: what NetBox makes when nothing else is said.
    let body = r#"{"object_types":["ipam.prefix"],"type":"text","name":"operation_id"}"#;
    let made = reqwest::Client::builder().no_proxy().build().unwrap().post(url).header("Authorization", format!("Token {DEFAULT_TOKEN}"));
    assert_eq!(made.header("Content-Type", "application/json").body(body).send().await.unwrap().status(), 201);
    let plan = netbox.plan_init().await.unwrap();
    let by_hand: Vec<String> = plan.iter().filter(|s| matches!(s, InitStep::ByHand(_))).map(ToString::to_string).collect();
    assert_eq!(by_hand.len(), 2, "{plan:?}");
    assert!(by_hand[0].contains("not unique") && by_hand[1].contains("not exact"), "{by_hand:?}");
    netbox.apply_init(&plan).await.unwrap();
    assert_eq!(netbox.check().await.unwrap().custom_fields.len(), 2);
    assert!(netbox.allocate(&ask(operation())).await.is_err());
    assert_eq!(sim.count(), 1);
}

#[tokio::test]
async fn what_is_wrong_with_a_pool_is_said_before_anything_is_allocated() {
    let mut prefixes = vec![SeedPrefix::container(POOL)];
    prefixes.push(SeedPrefix { status: "deprecated".into(), ..SeedPrefix::container("2001:db8:200::/40") });
    prefixes.push(SeedPrefix { mark_utilized: true, ..SeedPrefix::container("2001:db8:300::/40") });
    let sim = start_with(sim::NetboxConfig { prefixes, ..Default::default() }).await;
    let mut config = config(&sim);
    config.pools = vec![
        PoolConfig::id(1, Some(5), 56),
        PoolConfig::id(2, None, 56),
        PoolConfig::id(3, None, 40),
        PoolConfig::id(99, None, 56),
        PoolConfig::prefix(net("2001:db8:900::/40"), None, 56),
    ];
    let check = Netbox::new(config).unwrap().check().await.unwrap();
    let said: Vec<&str> = check.pool_problems.iter().map(|p| p.as_str()).collect();
    for (problem, part) in
        said.iter().zip(["VRF 5", "deprecated", "fully utilized", "no /40", "pool 99 is not", "pool 2001:db8:900::/40 is not"])
    {
        assert!(problem.contains(part), "{problem} should tell of {part}");
    }
    assert_eq!((said.len(), check.pools.len()), (6, 3));
}

#[tokio::test]
async fn an_older_netbox_is_refused_and_other_servers_are_not_taken_for_one() {
    for (version, well) in [("4.3.9", false), ("3.7.8", false), ("4.4.0", true), ("v4.5.2-Docker-3.4", true), ("5.0.0", true)] {
        let body = format!(r#"{{"netbox-version":"{version}"}}"#);
        let server = Canned::start("GET api/status".into(), 200, "application/json".into(), body).await;
        let netbox = Netbox::new(NetboxConfig::new(server.url.as_str(), Secret::new(DEFAULT_TOKEN), vec![])).unwrap();
        match netbox.check().await {
            Ok(check) => assert!(well, "{check:?}"),
            Err(error) => {
                assert!(!well && matches!(error, NetboxError::TooOld { .. }), "{version}: {error:?}");
                assert_eq!(error.retry(), Retry::AfterFix);
            }
        }
    }
    let server = Canned::start("GET api/status".into(), 200, "application/json".into(), "{\"hello\":1}".into()).await;
    let netbox = Netbox::new(NetboxConfig::new(server.url.as_str(), Secret::new(DEFAULT_TOKEN), vec![])).unwrap();
    assert!(matches!(netbox.check().await, Err(NetboxError::Garbage { .. })));
}

#[tokio::test]
async fn a_version_2_token_goes_by_bearer_and_an_answer_beyond_all_bounds_is_not_read() {
    let sim = start(Version::V4_6).await;
    sim.set_tokens(vec![SimToken::v2("AAAABBBBCCCC", "0123456789012345678901234567890123456789")]);
    let mut second = config(&sim);
    second.token = Secret::new("nbt_AAAABBBBCCCC.0123456789012345678901234567890123456789");
    assert!(Netbox::new(second).unwrap().check().await.is_ok());
    assert!(client(&sim).check().await.is_err());

    let huge = format!("{{\"netbox-version\":\"{}\"}}", "4".repeat(9 * 1024 * 1024));
    let server = Canned::start("GET api/status".into(), 200, "application/json".into(), huge).await;
    let netbox = Netbox::new(NetboxConfig::new(server.url.as_str(), Secret::new(DEFAULT_TOKEN), vec![])).unwrap();
    let said = netbox.check().await.unwrap_err();
    assert!(said.to_string().contains("more than 8 MiB"), "{said}");
}
