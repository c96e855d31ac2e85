//! Presence: this console says that it is there and what it looks at, and learns who else is.

use crate::connect::{Centre, CentreError};
use noctule_domain::SubscriberId;
use noctule_domain::sync::Other;
use serde::Deserialize;

/// What the centre knows of consoles heard of within the last 45 s.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Beat {
    /// The others of the tenant, at most 200; those that look at the same subscriber first. What the others look at is told as far as the
    /// role may know.
    pub others: Vec<Other>,
    /// All of them, this one included.
    pub consoles: u32,
}

/// Says it, every 15 s or so and when the operator looks at something else. A revoked login is `Denied`.
pub async fn beat(centre: &Centre, subscriber: Option<SubscriberId>) -> Result<Beat, CentreError> {
    let value = centre.call("beat", &[&centre.config().console.0, &subscriber.map(|id| id.0)]).await?;
    serde_json::from_value(value).map_err(|error| CentreError::Sql(format!("its list of consoles is not understood: {error}").into()))
}

/// This console ends: others are not told any more that it is there.
pub async fn leave(centre: &Centre) -> Result<(), CentreError> {
    centre.call("leave", &[&centre.config().console.0]).await.map(drop)
}
