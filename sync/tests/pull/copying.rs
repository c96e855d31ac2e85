//! Whole copies: complete, and gone on with after any cut.

use super::model::Model;
use super::place::{Place, syncer_config};
use noctule_domain::sync::{Link, Phase};
use noctule_sync::connect::CentreError;
use noctule_sync::run::once;
use noctule_testbed::Link as Network;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::cell::RefCell;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_holds_what_the_centre_holds() {
    let place = Place::new().await;
    place.fill(1, 7_000);
    let model = Model::default();
    let seen = RefCell::new(Vec::new());
    let position =
        once(&syncer_config(place.config("nora"), model.clone()), &|status| seen.borrow_mut().push(status.clone())).await.expect("a copy");
    place.must_equal(&model).await;
    assert_eq!(model.with(|state| state.position.clone()), Some(position));
    let seen = seen.into_inner();
    let largest =
        seen.iter().filter_map(|status| if let Phase::Copying { rows, of, .. } = status.phase { Some((rows, of)) } else { None }).max();
    let (rows, of) = largest.expect("the copy shows how far it is");
    assert!(rows > 5_000 && of >= rows, "{rows} of {of}");
    assert!(seen.last().is_some_and(|status| status.link == Link::Live && status.phase == Phase::Idle && status.fresh_at.is_some()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_is_cut_anywhere_goes_on_where_it_was() {
    let place = Place::new().await;
    place.fill(1, 12_000);
    let network = Network::to(place.addr()).expect("a link");
    let seed = rand::rng().random();
    let mut dice = StdRng::seed_from_u64(seed);
    let model = Model::default();
    let config = syncer_config(place.config_at("nora", &[network.addr()]), model.clone());
    let mut cuts = 0;
    // The rows are some 10 MB: cuts of up to 1.2 MB leave less than one batch now and then, and nothing but a whole piece is durable.
    loop {
        network.cut_after_bytes(None, Some(dice.random_range(0..4_000_000)));
        match once(&config, &|_| ()).await {
            Ok(_) => break,
            Err(error) => {
                cuts += 1;
                assert!(
                    matches!(error, CentreError::Lost(_) | CentreError::Unreachable(_)),
                    "seed {seed}, cut {cuts}: a cut is not called {error:?}"
                );
                // The world moves on in between.
                place.sql(&format!(
                    "UPDATE noctule.subscribers SET notes = 'cut {cuts}' WHERE number = 'S-{}';
                     DELETE FROM noctule.sessions WHERE id = (SELECT id FROM noctule.sessions ORDER BY id OFFSET {} LIMIT 1);
                     DELETE FROM noctule.assignments WHERE id = (SELECT id FROM noctule.assignments ORDER BY id LIMIT 1)",
                    dice.random_range(1..12_000),
                    dice.random_range(0..1_000)
                ));
                assert!(cuts < 400, "seed {seed}: it never comes to its end");
            }
        }
    }
    network.cut_after_bytes(None, None);
    once(&config, &|_| ()).await.expect("the last changes");
    place.must_equal(&model).await;
    assert!(cuts >= 3, "seed {seed}: only {cuts} cuts, the test shows nothing");
    let (copied, copies) = model.with(|state| (state.copied_rows, state.copies));
    let all: u64 = place
        .sql("SELECT sum(n) FROM (SELECT count(*) n FROM noctule.subscribers UNION ALL SELECT count(*) FROM noctule.tasks) x")
        .parse()
        .expect("a number");
    assert_eq!(copies, 1, "seed {seed}");
    // What was durable was not sent again (changed and small rows aside, everything is handed over once).
    assert!(copied < all * 2, "seed {seed}: {copied} rows handed over for {all}");
}
