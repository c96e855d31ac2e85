//! Questions asked in a burst, as by a hurried hand in the filter.
#![allow(clippy::unwrap_used)]

use super::effects::Effects;
use crate::config::{Config, Folders, Loaded};
use noctule_domain::TenantId;
use noctule_domain::filter::Filter;
use noctule_domain::lifecycle::Actor;
use noctule_domain::page::{From, PageRequest, Sort};
use noctule_domain::permission::Role;
use noctule_ui::{Effect, Msg, Query, Reply, RequestId};
use tokio::sync::mpsc;

const BURST: u64 = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_burst_of_questions_the_last_one_is_always_answered() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.tenant.id = Some(TenantId::from_uuid(uuid::Uuid::now_v7()));
    let place = folder.path().to_path_buf();
    let folders = Folders { config: place.clone(), data: place.clone(), state: place.clone() };
    let loaded = Loaded { config, folders, file: place.join("config.toml"), file_found: false, read_only: false };
    let store = noctule_storage::Store::open(&place.join("noctule.db"), crate::commands::store_options(&loaded).unwrap()).unwrap();
    let actor = Actor { name: "anna".into(), role: Role::Noc, origin: "test".into() };
    let services = crate::compose::services(&loaded, store, crate::secrets::Secrets::new(&place), actor, None).unwrap();
    let (to_app, mut messages) = mpsc::channel(1024);
    let effects = Effects::new(services, to_app, mpsc::channel(8).0, None);

    for burst in 0..100 {
        let ids: Vec<RequestId> = (0..BURST).map(|n| RequestId(burst * BURST + n)).collect();
        for id in &ids {
            let page = PageRequest { filter: Filter::default(), sort: Sort::default(), from: From::First, limit: 100 };
            effects.carry_out(Effect::Ask { id: *id, query: Query::Subscribers(page) });
        }
        // Those before it may have given way to it; it gives way to nobody.
        for _ in &ids {
            match messages.recv().await.unwrap() {
                Msg::Reply { id, reply: Reply::Failed(why) } => assert_ne!(Some(&id), ids.last(), "burst {burst}: {why}"),
                Msg::Reply { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
}
