//! How this process does, for `/health`.

use crate::compose::Services;
use crate::console::upstreams_now;
use async_trait::async_trait;
use noctule_server::{Health, HealthReport, Part, State};
use noctule_ui::msg::UpstreamState;
use std::sync::Arc;

pub(super) struct Watch {
    services: Arc<Services>,
}

impl Watch {
    pub(super) fn new(services: Arc<Services>) -> Self {
        Self { services }
    }
}

#[async_trait]
impl Health for Watch {
    async fn report(&self) -> HealthReport {
        let work = self.services.work().await;
        let upstreams = upstreams_now(&self.services).await.into_iter().map(|upstream| Part {
            name: upstream.name,
            state: match upstream.state {
                UpstreamState::Live => State::Live,
                UpstreamState::Delayed => State::Delayed,
                UpstreamState::Offline => State::Offline,
            },
            since: upstream.since,
        });
        let (running, waiting) = work.as_ref().copied().unwrap_or_default();
        HealthReport { version: env!("CARGO_PKG_VERSION"), works: work.is_ok(), upstreams: upstreams.collect(), running, waiting }
    }
}
