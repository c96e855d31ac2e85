//! `/health`: one answer for a service manager, a load balancer and a person. An upstream that is away is a state with an age, not a reason
//! to restart this process: only what this process cannot work without makes the answer a 503.

use crate::ports::Health;
use axum::Json;
use axum::extract::State as Given;
use axum::http::StatusCode;
use noctule_domain::{SafeText, Timestamp, words};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

words!(
    /// How one part does.
    State {
        Live = "live",
        /// Not heard of yet, or late.
        Delayed = "delayed",
        Offline = "offline",
    }
);

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    pub name: SafeText,
    pub state: State,
    /// Since when.
    pub since: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HealthReport {
    pub version: &'static str,
    /// The store can be read: without it nothing is done.
    pub works: bool,
    pub upstreams: Vec<Part>,
    /// Operations that run, and that wait.
    pub running: u64,
    pub waiting: u64,
}

/// A store that does not answer within this is no store.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) async fn health(Given(port): Given<Arc<dyn Health>>) -> (StatusCode, Json<serde_json::Value>) {
    let Ok(report) = tokio::time::timeout(PATIENCE, port.report()).await else {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(serde_json::json!({ "state": "stuck" })));
    };
    let well = report.upstreams.iter().all(|part| part.state == State::Live);
    let (status, state) = match (report.works, well) {
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "failed"),
        (true, false) => (StatusCode::OK, "degraded"),
        (true, true) => (StatusCode::OK, "ok"),
    };
    let mut body = serde_json::json!(report);
    body["state"] = state.into();
    (status, Json(body))
}
