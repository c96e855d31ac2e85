//! The wake-up: LISTEN on the tenant's channel, after a test that notifications come through at all. A pooler in transaction mode accepts
//! LISTEN without an error and never delivers; then polling alone has to do, and it does.

use crate::connect::{CentreError, Line};
use noctule_domain::TenantId;
use std::time::Duration;
use uuid::Uuid;

/// How long our own notification may take.
const ECHO: Duration = Duration::from_secs(2);

/// Listens. False when notifications do not come through.
pub(super) async fn listen(line: &Line, limit: Duration, tenant: TenantId) -> Result<bool, CentreError> {
    let (channel, echo) = (format!("noctule_{}", tenant.uuid().simple()), format!("noctule_echo_{}", Uuid::new_v4().simple()));
    line.within(limit, "listen", line.client.batch_execute(&format!("LISTEN {channel}; LISTEN {echo}"))).await?;
    line.within(limit, "listen", line.client.batch_execute(&format!("NOTIFY {echo}"))).await?;
    let came = tokio::time::timeout(ECHO.min(limit), line.echo.notified()).await.is_ok();
    let rest = if came { format!("UNLISTEN {echo}") } else { "UNLISTEN *".to_owned() };
    line.within(limit, "listen", line.client.batch_execute(&rest)).await?;
    Ok(came)
}
