//! The recordings of a NetBox in trouble: maintenance mode, a read-only database, PostgreSQL or Redis away, nginx in front. The simulator
//! answers them through its faults, so this also checks that the faults say what the real ones say, and whether the effect happened.

use crate::recording::{Player, setup};
use noctule_sim::netbox::{Fault, NetboxConfig, On, Say, SeedPrefix, Version};
use serde_json::json;

pub const NAMES: &[&str] = &[
    "86-maintenance-status",
    "86-maintenance-get",
    "86-maintenance-available-post",
    "86-maintenance-patch",
    "86-maintenance-delete",
    "86-readonly-db-maintenance-post",
    "86-readonly-db-get-token-stale",
    "86-readonly-db-get",
    "86-readonly-db-available-post",
    "86-readonly-db-patch",
    "86-readonly-db-delete",
    "86-readonly-db-validation-first",
    "86-maintenance-over",
    "87-global-unique-off-duplicate",
    "87-global-unique-off-available-same-length",
    "88-redis-dies-midway-with-event-rule",
    "88-redis-dies-midway-without-event-rule",
    "88-postgres-down-available-post",
    "88-postgres-down-get",
    "88-postgres-down-status",
    "88-postgres-back-get",
    "89-nginx-ok",
    "89-nginx-429",
    "89-nginx-504",
    "89-nginx-502",
    "89-nginx-502-post",
];

/// The faults that stand for what was broken when this was recorded.
fn faults(version: Version, name: &str) -> Option<Fault> {
    Some(match name {
        "86-readonly-db-get-token-stale" | "86-readonly-db-available-post" | "86-readonly-db-patch" | "86-readonly-db-delete" => {
            Fault::Say(Say::ReadOnlyDatabase)
        }
        "88-redis-dies-midway-with-event-rule" => Fault::SayAfter(Say::Html500),
        // The same for every request on 4.4; on 4.6 the status page, on a worker without a connection, says it cannot connect.
        "88-postgres-down-status" if version == Version::V4_6 => Fault::Say(Say::PostgresRefuses),
        "88-postgres-down-available-post" | "88-postgres-down-get" | "88-postgres-down-status" => Fault::Say(Say::PostgresDown),
        "89-nginx-429" => Fault::Say(Say::TooMany429),
        "89-nginx-502" | "89-nginx-502-post" => Fault::Say(Say::BadGateway502),
        "89-nginx-504" => Fault::SayAfter(Say::GatewayTimeout504),
        _ => return None,
    })
}

/// The database as it stood after the concurrency experiments: the parent with its twelve children at the ids that the paths name, and
/// as many others as the counts tell.
async fn after_the_experiments(version: Version) -> Player {
    let (parent, count) = if version == Version::V4_6 { (677, 622) } else { (565, 569) };
    let config = NetboxConfig { prefixes: vec![SeedPrefix::container("2001:db8::/32")], enforce_global_unique: false, ..setup(version) };
    let mut player = Player::with(config).await;
    for (name, kind, unique) in [
        ("operation_id", "text", true),
        ("subscriber_id", "text", false),
        ("loose_note", "text", false),
        ("quarantine_until", "datetime", false),
    ] {
        let body = json!({ "object_types": ["ipam.prefix"], "type": kind, "name": name, "unique": unique, "filter_logic": "exact" });
        player.unrecorded("POST", "extras/custom-fields/", &body.to_string()).await;
    }
    for i in 0..count - 15 {
        player.sim.add_prefix(&SeedPrefix::container(&format!("3fff:{i:x}::/32"))).unwrap();
    }
    player.sim.skip_ids_to(parent);
    player.sim.add_prefix(&SeedPrefix::container("2001:db8:b000::/48")).unwrap();
    for i in 0..12 {
        player.sim.add_prefix(&SeedPrefix { prefix: format!("2001:db8:b000:{i:x}::/64"), ..SeedPrefix::default() }).unwrap();
    }
    player.sim.add_prefix(&SeedPrefix { prefix: "2001:db8:b200::/48".into(), ..SeedPrefix::default() }).unwrap();
    assert_eq!(player.sim.count(), count);
    player
}

async fn replay(version: Version) {
    let mut player = after_the_experiments(version).await;
    for name in NAMES {
        if *name == "87-global-unique-off-available-same-length" {
            player.unrecorded("POST", "ipam/prefixes/", r#"{"prefix":"2001:db8:b100::/48"}"#).await;
        }
        if let Some(fault) = faults(version, name) {
            player.sim.script(On::Any, [fault]);
        }
        player.play(name).await;
        player.sim.clear_faults();
    }
    player.verdict();
}

#[tokio::test]
async fn a_troubled_netbox_4_6_is_simulated_as_recorded() {
    replay(Version::V4_6).await;
}

#[tokio::test]
async fn a_troubled_netbox_4_4_is_simulated_as_recorded() {
    replay(Version::V4_4).await;
}
