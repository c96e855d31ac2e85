//! What a hint of NetBox sets off: the drift check looks at these objects again, in NetBox itself, and the pools are asked for anew, because
//! what is used of them has changed.

use crate::compose::Services;
use crate::exit::{Exit, Failure};
use async_trait::async_trait;
use noctule_domain::{Retry, SafeText};
use noctule_server::{Look, LookError};
use std::sync::Arc;

/// How far back is looked where hints may have been missed. Longer ago is the whole check's, which runs at its own interval.
const MISSED: chrono::Duration = chrono::Duration::hours(24);

pub(super) struct Looker {
    services: Arc<Services>,
}

impl Looker {
    pub(super) fn new(services: Arc<Services>) -> Self {
        Self { services }
    }

    async fn pools(&self) -> Result<(), LookError> {
        // Whatever it was, it may be mended by the time of the next try: a token, a certificate, the network.
        self.services.hear_netbox().await.map(drop).map_err(|words| LookError { words, retry: Retry::Later })
    }
}

#[async_trait]
impl Look for Looker {
    async fn again(&self, prefixes: &[i64]) -> Result<(), LookError> {
        let shown: Vec<String> = prefixes.iter().take(10).map(ToString::to_string).collect();
        let more = if prefixes.len() > shown.len() { ", …" } else { "" };
        tracing::info!(target: "netbox", "NetBox hints at changes of {} prefix(es): {}{more}", prefixes.len(), shown.join(", "));
        if !self.services.has_netbox() {
            return Ok(());
        }
        let found = self.services.drift.look_at(&self.services, prefixes).await.map_err(error)?;
        if found > 0 {
            tracing::warn!(target: "drift", "{found} of them differ from what is known here: `noctule drift list`");
        }
        self.pools().await
    }

    async fn all(&self) -> Result<(), LookError> {
        tracing::info!(target: "netbox", "hints of NetBox may have been missed: everything is looked at");
        if !self.services.has_netbox() {
            return Ok(());
        }
        if !self.services.drift.poll(&self.services, chrono::Utc::now() - MISSED).await.map_err(error)? {
            tracing::info!(target: "drift", "more has changed in NetBox than is looked at one by one: the next whole check does it");
        }
        self.pools().await
    }
}

fn error(failure: Failure) -> LookError {
    let retry = match failure.exit {
        Exit::Unreachable | Exit::Unanswered | Exit::Store | Exit::Guard => Retry::Later,
        _ => Retry::AfterFix,
    };
    LookError { words: SafeText::new(&failure.sentence), retry }
}
