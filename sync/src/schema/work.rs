//! One transaction of the owner's work: as noctule_owner, on one tenant (to which the policies hold the owner too), with the schema at hand.

use super::error::{SchemaError, code};
use super::init::{applied, pending, pg};
use super::migrations::{MIGRATIONS, SCHEMA};
use crate::connect::Line;
use noctule_domain::TenantId;
use serde_json::{Value, json};
use tokio_postgres::Transaction;
use tokio_postgres::error::SqlState;

/// Begins one. The schema must be the one that this program knows.
pub(super) async fn begin(line: &mut Line, tenant: Option<TenantId>) -> Result<Transaction<'_>, SchemaError> {
    let transaction = line.client.transaction().await.map_err(pg)?;
    enter(&transaction).await?;
    let found = applied(&transaction).await?;
    if !pending(&found, MIGRATIONS)?.is_empty() {
        return Err(SchemaError::Older { found: found.last().map_or(0, |(version, ..)| *version), needed: SCHEMA });
    }
    let chosen = tenant.map(|tenant| tenant.uuid().to_string()).unwrap_or_default();
    transaction.execute("SELECT set_config('noctule.tenant', $1, true)", &[&chosen]).await.map_err(pg)?;
    Ok(transaction)
}

/// Whether the list of migrations is there. Asked of the catalogue: `to_regclass` wants a right on the schema.
pub(super) async fn has_schema(transaction: &Transaction<'_>) -> Result<bool, SchemaError> {
    let sql = "SELECT EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
               WHERE n.nspname = 'noctule' AND c.relname = 'migrations')";
    Ok(transaction.query_one(sql, &[]).await.map_err(pg)?.get(0))
}

/// Becomes noctule_owner for the rest of the transaction.
pub(super) async fn enter(transaction: &Transaction<'_>) -> Result<(), SchemaError> {
    if !has_schema(transaction).await? {
        return Err(SchemaError::NoSchema);
    }
    transaction.batch_execute("SET LOCAL ROLE noctule_owner; SET LOCAL search_path = ''").await.map_err(|error| match code(&error) {
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => SchemaError::refused(
            "this login may not look after the centre: it is no member of noctule_owner; a superuser, or whoever made that role, does: \
             GRANT noctule_owner TO it",
        ),
        _ => pg(error),
    })
}

/// Adds to the tenant's audit log what the owner did to an operator. The lock of the log is held to the end of the transaction: last but one.
pub(super) async fn audit(
    transaction: &Transaction<'_>,
    action: &str,
    login: &str,
    before: Value,
    after: Value,
) -> Result<(), SchemaError> {
    audit_of(transaction, action, &format!("login {login}"), before, after).await
}

/// The same of anything else.
pub(super) async fn audit_of(
    transaction: &Transaction<'_>,
    action: &str,
    target: &str,
    before: Value,
    after: Value,
) -> Result<(), SchemaError> {
    let entry = json!({ "origin": "noctule central", "action": action, "target": target, "before": before, "after": after });
    transaction
        .execute("SELECT noctule.audit_append($1 || jsonb_build_object('actor', session_user::text))", &[&entry])
        .await
        .map(drop)
        .map_err(pg)
}
