//! Thousands of seeded operations against simulated NASes that lie, fall silent, refuse, answer late, reboot, are busy, do things twice, lose
//! and garble: what the record says is never more than what is true on the simulator.
//!
//! `NOCTULE_SIM_SEED` runs the worlds of one seed, `NOCTULE_SIM_RUNS` so many seeds instead of the usual few.

mod judge;
mod weather;
mod world;

use futures::StreamExt;
use judge::Tally;
use noctule_sim::nas::Preset;
use weather::Weather;
use world::World;

/// Worlds at once: most of their time they wait.
const AT_ONCE: usize = 24;
const USUAL_SEEDS: u64 = 3;

fn seeds() -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")));
    match (number("NOCTULE_SIM_SEED"), number("NOCTULE_SIM_RUNS")) {
        (Some(seed), _) => vec![seed],
        (None, Some(runs)) => {
            let first = u64::from(std::process::id()) << 32;
            (first..first + runs).collect()
        }
        // Fixed: a run that fails here fails again.
        (None, None) => (1..=USUAL_SEEDS).collect(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_the_record_says_is_never_more_than_the_truth_of_the_nas() {
    let mut worlds = Vec::new();
    for seed in seeds() {
        for preset in Preset::ALL {
            for weather in Weather::ALL {
                worlds.push((seed, *preset, *weather));
            }
        }
    }
    let ran = futures::stream::iter(worlds).map(|(seed, preset, weather)| async move {
        // The name of the world stands in front of every panic of its own.
        let world = tokio::spawn(async move { World::new(seed, preset, weather).await.live().await });
        (weather, world.await.unwrap_or_else(|_| panic!("failed above: seed {seed}, {preset:?}, {weather:?}: NOCTULE_SIM_SEED={seed}")))
    });
    let mut total = Tally::default();
    let mut by_weather: Vec<(Weather, Tally)> = Weather::ALL.iter().map(|weather| (*weather, Tally::default())).collect();
    let mut ran = std::pin::pin!(ran.buffer_unordered(AT_ONCE));
    while let Some((weather, tally)) = ran.next().await {
        total.add(&tally);
        if let Some((_, of)) = by_weather.iter_mut().find(|(known, _)| *known == weather) {
            of.add(&tally);
        }
    }
    for (weather, tally) in &by_weather {
        println!("{weather:?}: {tally:?}");
    }
    println!("all: {total:?}");
    // Every outcome was met where it belongs; without this the test could hold because nothing happened.
    let of = |weather: Weather| &by_weather.iter().find(|(known, _)| *known == weather).expect("listed").1;
    assert!(total.operations >= 2_000 || seeds().len() < 3, "{total:?}");
    assert!(of(Weather::Fair).acknowledged > 0 && of(Weather::Fair).unanswered == 0 && of(Weather::Fair).as_wished > 0, "{by_weather:?}");
    assert!(of(Weather::LyingAck).acknowledged > 0 && of(Weather::LyingAck).claimed_and_false > 0, "{by_weather:?}");
    assert!(of(Weather::Naks).refused > 0 && of(Weather::Busy).refused > 0, "{by_weather:?}");
    for silent in [Weather::Silent, Weather::ForgedOnly, Weather::OtherAddress, Weather::SignedWrongly, Weather::LateAnswers] {
        assert!(of(silent).unanswered > 0 && of(silent).acknowledged == 0, "{silent:?}: {:?}", of(silent));
    }
    // A lost answer hides a change that was made: the record says unknown, the NAS has done it.
    assert!(of(Weather::LateAnswers).done_unseen > 0 && of(Weather::Losses).done_unseen > 0, "{by_weather:?}");
    assert!(
        of(Weather::Noise).acknowledged > 0 && of(Weather::DoneTwice).done_again > 0 && of(Weather::Reboots).no_session > 0,
        "{by_weather:?}"
    );
}
