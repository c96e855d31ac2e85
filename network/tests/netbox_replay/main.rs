//! The recordings of a real NetBox 4.6.8 and 4.4.10 are fed in order to the simulated NetBox of that version; its answers must be those
//! of the real one: status, content type, ETag or none, body. What changes from run to run (moments, request ids) is left out of the
//! comparison, nothing else.

#![allow(clippy::unwrap_used)]

mod outages;
mod recording;
mod script;

use noctule_sim::netbox::Version;
use recording::{Player, recordings};
use script::{STORY, Step, not_replayed};
use std::collections::BTreeSet;

async fn replay(version: Version) {
    let mut player = Player::start(version).await;
    for step in STORY {
        match step {
            Step::Play(name) => player.play(name).await,
            Step::Unrecorded(method, path, body) => player.unrecorded(method, path, body).await,
        }
    }
    player.verdict();
}

#[tokio::test]
async fn the_simulated_netbox_4_6_answers_as_the_recorded_one() {
    replay(Version::V4_6).await;
}

#[tokio::test]
async fn the_simulated_netbox_4_4_answers_as_the_recorded_one() {
    replay(Version::V4_4).await;
}

#[test]
fn every_recording_is_replayed_or_named_with_a_reason() {
    let played: BTreeSet<&str> = STORY.iter().filter_map(|s| if let Step::Play(name) = s { Some(*name) } else { None }).collect();
    let outages: BTreeSet<&str> = outages::NAMES.iter().copied().collect();
    for version in [Version::V4_4, Version::V4_6] {
        let names = recordings(version);
        assert!(names.len() > 200, "{} recordings of {version:?}", names.len());
        for name in &names {
            let ways = usize::from(played.contains(name.as_str()))
                + usize::from(outages.contains(name.as_str()))
                + usize::from(not_replayed(name));
            assert_eq!(ways, 1, "{name}: replayed, an outage or named in NOT_REPLAYED, and only one of them");
        }
    }
    for (pattern, reason) in script::NOT_REPLAYED {
        assert!(reason.len() > 20, "{pattern} needs its reason");
        let all = recordings(Version::V4_4).into_iter().chain(recordings(Version::V4_6)).collect::<Vec<_>>();
        assert!(all.iter().any(|n| pattern.strip_suffix('*').map_or(n == pattern, |s| n.starts_with(s))), "{pattern} names no recording");
    }
}
