//! Ending an operator's access: the place in the tenant, the right to log in, what is connected now, and what he leads.

use super::error::{SchemaError, code};
use super::init::pg;
use super::owner::OwnerConfig;
use super::users::{check_login, live_member, reset, run_made};
use super::{roles, work};
use crate::connect::Line;
use noctule_domain::{SafeText, TenantId};
use serde_json::json;
use tokio_postgres::error::SqlState;

/// How long one session may take to end, in milliseconds.
const END_LIMIT: i64 = 5_000;

/// What a revocation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Sessions that were ended.
    pub sessions: i64,
    /// Operations that this login led: anybody's console may go on with them now.
    pub leases: u64,
    /// False when the login works for another tenant of this centre and so can still log in, to that one.
    pub login_ended: bool,
    /// What could not be done, and what that means. The revocation stands.
    pub note: Option<SafeText>,
}

/// Revokes an operator: from the commit on nothing of the tenant is visible to him, whatever is connected; then his sessions are ended.
/// Unsent work stays on his machine, and what he did stays signed.
pub async fn user_revoke(owner: &OwnerConfig, tenant: TenantId, login: &str) -> Result<Revoked, SchemaError> {
    check_login(login)?;
    let mut line = owner.open().await?;
    let transaction = work::begin(&mut line, Some(tenant)).await?;
    let before = live_member(&transaction, tenant, login).await?;
    transaction
        .execute("UPDATE noctule.members SET revoked_at = now() WHERE tenant_id = $1 AND login = $2", &[&tenant.uuid(), &login])
        .await
        .map_err(pg)?;
    let leases = transaction
        .execute(
            "UPDATE noctule.operations SET lease_until = clock_timestamp()
             WHERE tenant_id = $1 AND lease_login = $2 AND status IN ('running', 'waiting') AND lease_until > clock_timestamp()",
            &[&tenant.uuid(), &login],
        )
        .await
        .map_err(pg)?;
    let elsewhere: bool = transaction
        .query_one("SELECT EXISTS (SELECT FROM noctule.members WHERE login = $1 AND revoked_at IS NULL)", &[&login])
        .await
        .map_err(pg)?
        .get(0);
    work::audit(&transaction, "user-revoke", login, before, json!({ "revoked": true, "can_login": elsewhere })).await?;
    if !elsewhere {
        reset(&transaction).await?;
        run_made(&transaction, "ALTER ROLE %I NOLOGIN", login, None, owner.user()).await?;
    }
    transaction.commit().await.map_err(pg)?;
    let (sessions, note) = match end_sessions(&line, login, !elsewhere).await {
        Ok((ended, 0)) => (ended, None),
        Ok((ended, left)) => (ended, Some(format!("{left} of its sessions did not end at once; they see nothing any more").into())),
        Err(error) => {
            (0, Some(format!("its sessions could not be ended ({error}); they see nothing any more, and no new one is let in").into()))
        }
    };
    Ok(Revoked { sessions, leases, login_ended: !elsewhere, note })
}

/// Ends what is connected; `everywhere`: in other databases of the cluster too. Gives how many ended, and how many did not.
async fn end_sessions(line: &Line, login: &str, everywhere: bool) -> Result<(i64, i64), SchemaError> {
    match terminate(line, login, everywhere).await {
        Err(error) if code(&error) == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            // Whoever may manage roles may act as them: for this moment, by a membership that is taken back.
            let options = if roles::version(line).await? >= 160_000 { " WITH INHERIT TRUE, SET TRUE" } else { "" };
            member_of(line, &format!("GRANT %I TO CURRENT_USER{options}"), login).await?;
            let ended = terminate(line, login, everywhere).await;
            member_of(line, "REVOKE %I FROM CURRENT_USER", login).await?;
            ended.map_err(pg)
        }
        other => other.map_err(pg),
    }
}

async fn member_of(line: &Line, form: &str, login: &str) -> Result<(), SchemaError> {
    let statement: String =
        line.client.query_one("SELECT pg_catalog.format($1::text, $2::text)", &[&form, &login]).await.map_err(pg)?.get(0);
    line.client.batch_execute(&statement).await.map_err(pg)
}

async fn terminate(line: &Line, login: &str, everywhere: bool) -> Result<(i64, i64), tokio_postgres::Error> {
    // A session that ended by itself in between is no failure: the function says so with a warning and false.
    let row = line
        .client
        .query_one(
            "WITH ended AS MATERIALIZED (
                 SELECT pg_terminate_backend(pid, $3) AS ok FROM pg_stat_activity
                 WHERE usename = $1 AND ($2 OR datname = current_database()) AND pid <> pg_backend_pid())
             SELECT count(*) FILTER (WHERE ok), count(*) FILTER (WHERE NOT ok) FROM ended",
            &[&login, &everywhere, &END_LIMIT],
        )
        .await?;
    Ok((row.get(0), row.get(1)))
}
