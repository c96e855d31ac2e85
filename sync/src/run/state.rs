//! The centre's side of the status: what it holds, as this operator may see it.

use crate::connect::{Centre, CentreError};
use crate::pull::{Hello, bad};
use noctule_domain::sync::{CentreState, Other, PROTOCOL, TABLES};
use noctule_domain::{ConsoleId, SafeText, SubscriberId, Timestamp};
use serde_json::Value;
use uuid::Uuid;

/// Asks the primary. Counts every table, so it costs a look at each of its rows.
pub async fn centre_state(centre: &Centre) -> Result<CentreState, CentreError> {
    let console = centre.config().console.uuid();
    let greeting: Value = centre.call("hello", &[&PROTOCOL, &console, &"status"]).await?;
    let hello: Hello = serde_json::from_value(greeting)
        .map_err(|error| CentreError::Sql(format!("the centre's greeting can not be read: {error}").into()))?;
    let session = centre.session().await?;
    let server = session.within("state", session.query_one("SELECT split_part(version(), ' on ', 1)", &[])).await?;
    let mut rows = Vec::with_capacity(TABLES.len());
    for table in TABLES {
        let sql = format!("SELECT count(*) FROM noctule.{table} t WHERE t.tenant_id = (SELECT noctule.tenant())");
        let row = session.within("state", session.query_one(&sql, &[])).await?;
        rows.push((*table, u64::try_from(row.try_get::<_, i64>(0).map_err(|error| bad(&error))?).unwrap_or(0)));
    }
    let mut consoles = Vec::new();
    let present = "SELECT p.console, p.login, p.subscriber, p.seen_at FROM noctule.presence p \
                   WHERE p.tenant_id = (SELECT noctule.tenant()) AND p.seen_at > now() - interval '45 seconds' ORDER BY p.login, p.console LIMIT 1000";
    for row in session.within("state", session.query(present, &[])).await? {
        consoles.push(Other {
            console: ConsoleId(row.try_get::<_, Uuid>(0).map_err(|error| bad(&error))?),
            login: SafeText::new(row.try_get(1).map_err(|error| bad(&error))?),
            subscriber: row.try_get::<_, Option<Uuid>>(2).map_err(|error| bad(&error))?.map(SubscriberId),
            seen_at: row.try_get::<_, Timestamp>(3).map_err(|error| bad(&error))?,
        });
    }
    let sizes = "SELECT (SELECT count(*) FROM noctule.feed f WHERE f.tenant_id = (SELECT noctule.tenant())), \
                 (SELECT count(*) FROM noctule.ops o WHERE o.tenant_id = (SELECT noctule.tenant()))";
    let sizes = session.within("state", session.query_one(sizes, &[])).await?;
    let size = |at: usize| sizes.try_get::<_, i64>(at).map(|size| u64::try_from(size).unwrap_or(0)).map_err(|error| bad(&error));
    Ok(CentreState {
        server: SafeText::new(server.try_get(0).map_err(|error| bad(&error))?),
        schema: hello.schema,
        history: hello.history,
        standby: hello.standby,
        now: hello.now,
        rows,
        consoles,
        feed: size(0)?,
        ops: size(1)?,
    })
}
