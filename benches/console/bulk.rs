//! The screen while a bulk of ten thousand runs: the real program, six simulated NASes that take 20 ms for each answer, and somebody who works
//! at the console all the while. NASes, console and bench share the machine, which is harder on the console than life is.

use super::hands::{Hands, is_selected, number};
use super::outside::{ms, thousands};
use super::pty::Console;
use super::screen::Screen;
use super::store::PLAIN;
use super::{load, say};
use noctule_sim::nas::{Delay, NasSim};
use noctule_sim::world::{World, WorldConfig};
use noctule_storage::Store;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Of whom some more than 10,000 are active.
const SUBSCRIBERS: u64 = 17_400;
const TRIP: Duration = Duration::from_millis(20);
/// Suspended, resumed and so on: enough keys for a hundredth of them to be several.
const ROUNDS: [(&str, &str, &str); 4] =
    [("s", "suspend", "active"), ("r", "resume", "suspended"), ("s", "suspend", "active"), ("r", "resume", "suspended")];

pub fn measure(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let (home, _nases) = runtime.block_on(provider(folder));
    say("bulk_load_of_the_machine_before", load(), "processes", "");
    let mut hands = Hands::on(Console::start(home.path(), PLAIN));
    hands.console.wait("the overview", |screen| screen.has("IPv6 lifecycle"));
    hands.console.press("2");
    hands.console.wait("the board", |screen| screen.has(&format!("{} subscribers", thousands(SUBSCRIBERS))));
    let (mut moved, mut took) = (0, 0.0);
    for (key, course, state) in ROUNDS {
        let count = begin(&mut hands, key, state);
        let begun = Instant::now();
        work(&mut hands, course);
        took += begun.elapsed().as_secs_f64();
        moved += count;
        all_went(&mut hands.console, course, count);
    }
    say("bulk_subscribers_a_round", f64::from(moved) / ROUNDS.len() as f64, "rows", "");
    say("bulk_seconds_a_round", took / ROUNDS.len() as f64, "s", "");
    hands.tell("bulk");
    hands.end("bulk", "target=100");
    say("bulk_load_of_the_machine_after", load(), "processes", "");
}

/// Everybody in this state: a filter, the preview, and the count that it asks for.
fn begin(hands: &mut Hands, key: &str, state: &str) -> u32 {
    let console = &mut hands.console;
    filter(console, &format!("state:{state} session:yes"));
    console.press("if");
    console.wait("the menu of all that match", |screen| screen.has("For everybody that matches"));
    console.press(key);
    console.wait("the preview", |screen| screen.has("Type "));
    let text = console.screen.text();
    let asked = text.split("Type ").nth(1).expect("a count");
    let count: u32 = asked.split_whitespace().next().and_then(|n| n.parse().ok()).expect("a count");
    assert!(count >= 10_000, "{count} can go:\n{text}");
    console.press(&format!("{count}"));
    console.wait("the count", |screen| screen.has(&format!(": {count}")));
    console.press("\r");
    console.wait("the board", |screen| !screen.has("Type "));
    filter(console, "");
    put_away(console);
    count
}

/// The notice goes, so that the line tells of the selection again. Escape and a key at once would be another key.
fn put_away(console: &mut Console) {
    console.press("\x1b");
    console.quiet(60);
}

fn filter(console: &mut Console, text: &str) {
    console.press("/");
    console.wait("the filter", |screen| screen.row(super::outside::FILTER_ROW).starts_with('/'));
    console.press(&format!("\x15{text}"));
    console.wait("the text", |screen| screen.row(super::outside::FILTER_ROW).trim_end().starts_with(&format!("/{text}")));
    console.press("\r");
    console.wait("the board", |screen| !screen.row(super::outside::FILTER_ROW).starts_with('/'));
}

/// Works until the job has gone from the header.
fn work(hands: &mut Hands, course: &str) {
    let runs = |screen: &Screen| screen.row(0).contains(&format!("{course} ")) && screen.row(0).contains(" %");
    hands.console.wait("the job in the header", runs);
    while runs(&hands.console.screen) {
        hands.key("pane", "6", |screen| screen.row(2).contains("[open"));
        hands.key("pane", "1", |screen| screen.has("IPv6 lifecycle"));
        hands.key("pane", "7", |screen| screen.row(2).contains("NetBox"));
        hands.key("pane", "2", |screen| screen.row(2).contains(" subscribers"));
        hands.filter("anna");
        for (kind, key) in [("cursor", "j"), ("cursor", "j"), ("page", "\x1b[6~"), ("cursor", "k"), ("page", "\x1b[5~")] {
            // A notice stands for some seconds where the selection is told: then the cursor can not be seen to move.
            if is_selected(&hands.console.screen) {
                let before = number(&hands.console.screen);
                hands.key(kind, key, |screen| !is_selected(screen) || number(screen) != before);
            }
        }
    }
}

/// The job says so of each.
fn all_went(console: &mut Console, course: &str, count: u32) {
    console.press("J");
    console.wait("the jobs", |screen| screen.has("Jobs: enter opens one"));
    console.press("\r");
    let done = format!("{course} {count} of {count}, done");
    console.wait("the job at its end", |screen| screen.has(&done));
    console.press("q");
    console.wait("the board", |screen| !screen.has(&done));
    put_away(console);
}

/// A store with its NASes running, everything with the round trip of a country.
async fn provider(folder: &Path) -> (TempDir, Vec<NasSim>) {
    fs::create_dir_all(folder).expect("a folder");
    let home = tempfile::tempdir_in(folder).expect("a folder");
    let secrets = home.path().join("nas-secrets");
    let mut config = WorldConfig::new(1, chrono::Utc::now());
    config.subscribers = SUBSCRIBERS;
    config.secrets.clone_from(&secrets);
    let world = World::generate(config);
    fs::DirBuilder::new().mode(0o700).create(&secrets).expect("a folder");
    let mut nases = Vec::new();
    for (i, mut sim) in world.nas_sims().into_iter().enumerate() {
        let mut file = fs::OpenOptions::new();
        let mut file = file.write(true).create_new(true).mode(0o600).open(secrets.join(world.nases[i].name.as_str())).expect("a secret");
        std::io::Write::write_all(&mut file, world.nas_secret(i).expose()).expect("a secret");
        // One that logs in again has the service that it should: what is measured is the screen.
        sim.behaviour.delay = Delay::Fixed(TRIP);
        sim.behaviour.relogin = None;
        sim.behaviour.acks_strangers = true;
        nases.push(NasSim::start(sim).await.expect("a simulated NAS"));
    }
    let text = format!("[tenant]\nid = \"{}\"\nname = \"Bench\"\n\n[store]\npath = \"noctule.db\"\n", world.tenant);
    fs::write(home.path().join(PLAIN), text).expect("a configuration");
    let flags = noctule::cli::GlobalArgs { config: Some(home.path().join(PLAIN)), ..Default::default() };
    let loaded = noctule::config::load(&flags, &noctule::config::Environment::of_process()).expect("the configuration is right");
    let store = Store::open(&loaded.store_path(), noctule::commands::store_options(&loaded).expect("a tenant")).expect("the store opens");
    let addresses: Vec<SocketAddr> = nases.iter().map(NasSim::addr).collect();
    let begun = Instant::now();
    noctule::compose::fill_store(&store, &world, &addresses, &|_| {}).await.map_err(|f| f.sentence).expect("the rows are good");
    say("bulk_store_filled", ms(begun.elapsed()), "ms", "");
    (home, nases)
}
