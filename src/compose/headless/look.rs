//! What a hint of NetBox sets off: the pools are asked for anew, because what is used of them has changed.

use crate::compose::Services;
use async_trait::async_trait;
use noctule_domain::Retry;
use noctule_server::{Look, LookError};
use std::sync::Arc;

pub(super) struct Looker {
    services: Arc<Services>,
}

impl Looker {
    pub(super) fn new(services: Arc<Services>) -> Self {
        Self { services }
    }
}

#[async_trait]
impl Look for Looker {
    async fn again(&self, prefixes: &[i64]) -> Result<(), LookError> {
        let shown: Vec<String> = prefixes.iter().take(10).map(ToString::to_string).collect();
        let more = if prefixes.len() > shown.len() { ", …" } else { "" };
        tracing::info!(target: "netbox", "NetBox hints at changes of {} prefix(es): {}{more}", prefixes.len(), shown.join(", "));
        self.look().await?;
        if !self.services.has_netbox() {
            return Ok(());
        }
        let later =
            |failure: crate::exit::Failure| LookError { words: noctule_domain::SafeText::new(&failure.sentence), retry: Retry::Later };
        self.services.drift.look_at(&self.services, prefixes).await.map(drop).map_err(later)
    }

    async fn all(&self) -> Result<(), LookError> {
        tracing::info!(target: "netbox", "hints of NetBox may have been missed: everything is looked at");
        self.look().await
    }
}

impl Looker {
    async fn look(&self) -> Result<(), LookError> {
        if !self.services.has_netbox() {
            return Ok(());
        }
        // Whatever it was, it may be mended by the time of the next try: a token, a certificate, the network.
        self.services.hear_netbox().await.map(drop).map_err(|words| LookError { words, retry: Retry::Later })
    }
}
