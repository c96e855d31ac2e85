//! Tenants: the companies, or branches of one, whose rows never meet.

use super::error::SchemaError;
use super::init::pg;
use super::owner::OwnerConfig;
use super::work;
use crate::connect::Line;
use noctule_domain::{SafeText, TenantId};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

const LONGEST_NAME: usize = 200;

/// Makes a tenant, or gives the one with this id another name and hold. `hold` is how long a released prefix rests before it is deleted; `None`
/// keeps it (24 hours for a new one). Gives the id, and whether the tenant is new.
pub async fn tenant_add(
    owner: &OwnerConfig,
    id: Option<TenantId>,
    name: &str,
    hold: Option<Duration>,
) -> Result<(TenantId, bool), SchemaError> {
    let id = id.unwrap_or_else(|| TenantId(Uuid::now_v7()));
    let mut line = owner.open().await?;
    let new = add(&mut line, id, name, hold).await?;
    Ok((id, new))
}

/// Says whether an AAA system of ours decides what logins of this tenant get; from then on every activate, suspend, resume and revoke writes
/// there first. True when that is new. It stands in the tenant's audit log.
pub async fn tenant_aaa(owner: &OwnerConfig, tenant: TenantId, on: bool) -> Result<bool, SchemaError> {
    let mut line = owner.open().await?;
    let transaction = work::begin(&mut line, Some(tenant)).await?;
    let row =
        transaction.query_opt("SELECT aaa FROM noctule.tenants WHERE tenant_id = $1 FOR UPDATE", &[&tenant.uuid()]).await.map_err(pg)?;
    let Some(row) = row else {
        return Err(SchemaError::refused(format!(
            "there is no tenant {tenant} in this centre: nothing was changed; `noctule central status` lists them"
        )));
    };
    let before: bool = row.get(0);
    if before != on {
        transaction.execute("UPDATE noctule.tenants SET aaa = $2 WHERE tenant_id = $1", &[&tenant.uuid(), &on]).await.map_err(pg)?;
        let target = format!("tenant {tenant}");
        work::audit_of(&transaction, "tenant-aaa", &target, json!({ "aaa": before }), json!({ "aaa": on })).await?;
    }
    transaction.commit().await.map_err(pg)?;
    Ok(before != on)
}

/// True when it is new.
pub(super) async fn add(line: &mut Line, id: TenantId, name: &str, hold: Option<Duration>) -> Result<bool, SchemaError> {
    let name = name.trim();
    if name.is_empty() || name.len() > LONGEST_NAME || !SafeText::is_clean(name) {
        return Err(SchemaError::refused(format!(
            "the name of a tenant has 1 to {LONGEST_NAME} bytes and no control characters: nothing was changed"
        )));
    }
    if id.uuid().is_nil() {
        return Err(SchemaError::refused("the id of a tenant is not all zeros: nothing was changed"));
    }
    let hold = hold.map(|hold| hold.as_secs_f64());
    let transaction = work::begin(line, Some(id)).await?;
    let row = transaction
        .query_one(
            "INSERT INTO noctule.tenants AS t (tenant_id, name, hold)
             VALUES ($1, $2, coalesce(make_interval(secs => $3), '24 hours'))
             ON CONFLICT (tenant_id) DO UPDATE SET name = excluded.name, hold = coalesce(make_interval(secs => $3), t.hold)
             RETURNING xmax = 0",
            &[&id.uuid(), &name, &hold],
        )
        .await
        .map_err(pg)?;
    let new: bool = row.get(0);
    transaction.commit().await.map_err(pg)?;
    Ok(new)
}
