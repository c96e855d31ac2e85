//! The first words with the centre: who we are to it, what it speaks, which history it holds.

use crate::connect::{CentreError, Line};
use noctule_domain::permission::Role;
use noctule_domain::sync::PROTOCOL;
use noctule_domain::{ConsoleId, TechnicianId, Timestamp};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::time::Duration;

/// What `noctule.hello` answers.
#[derive(Debug, Clone, Deserialize)]
pub struct Hello {
    pub schema: i32,
    pub min_protocol: i32,
    pub history: String,
    pub epoch: i64,
    pub role: Role,
    #[serde(default)]
    pub technician: Option<TechnicianId>,
    /// A cursor that has not seen everything up to this transaction can not be continued: its deletes have been cleaned away.
    #[serde(default, deserialize_with = "xid")]
    pub floor: u64,
    pub now: Timestamp,
    pub standby: bool,
    #[serde(default)]
    pub consoles: Option<u32>,
    /// False where so many consoles are connected that they had better only poll.
    #[serde(default = "yes")]
    pub listen: bool,
}

fn yes() -> bool {
    true
}

/// xid8 travels as a number or, beyond what JSON readers like, as a text.
fn xid<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(0),
        Value::Number(number) => number.as_u64().ok_or_else(|| serde::de::Error::custom("not a transaction id")),
        Value::String(text) => text.parse().map_err(serde::de::Error::custom),
        _ => Err(serde::de::Error::custom("not a transaction id")),
    }
}

impl Hello {
    /// Says hello. `Denied` when the login is not (any more) a member of the tenant, `Upgrade` when we are too old for this centre.
    pub async fn say(line: &Line, limit: Duration, console: ConsoleId, host: &str) -> Result<Self, CentreError> {
        let console = console.uuid();
        let args: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&PROTOCOL, &console, &host];
        let ask = line.client.query_one("SELECT noctule.hello($1, $2, $3), noctule.tenant() IS NOT NULL", &args);
        let row = line.within(limit, "hello", ask).await?;
        let answer: Option<Value> = row.try_get(0).map_err(|error| CentreError::from_pg(&error))?;
        let member: bool = row.try_get(1).map_err(|error| CentreError::from_pg(&error))?;
        let answer = answer.unwrap_or_default();
        if !member {
            let words = answer.get("denied").and_then(Value::as_str).unwrap_or("this login is not a member of the tenant (any more)");
            return Err(CentreError::Denied(noctule_domain::SafeText::bounded(words, 300)));
        }
        // Before the rest, which a later version may have changed.
        if let Some(needed) = answer.get("min_protocol").and_then(Value::as_i64)
            && needed > i64::from(PROTOCOL)
        {
            return Err(CentreError::Upgrade { ours: PROTOCOL, needed: i32::try_from(needed).unwrap_or(i32::MAX) });
        }
        serde_json::from_value(answer).map_err(|error| CentreError::Sql(format!("the centre's greeting can not be read: {error}").into()))
    }
}
