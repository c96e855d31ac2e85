//! `noctule central status`: the centre as its owner sees it: server, schema, tenants, sizes.

use super::out::cell;
use super::{Out, Table};
use crate::exit::{Exit, Failure};
use noctule_domain::sentence::moment;
use noctule_sync::schema::{self, OwnerConfig, SchemaStatus};
use serde_json::{Value, json};

/// Tables that are shown: the largest.
const SHOWN: usize = 12;

pub async fn run(owner: &OwnerConfig, as_json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let status = schema::status(owner).await?;
    // What an upgrade would mend is no trouble yet; what it would refuse is.
    let exit = if status.trouble.is_some() || status.schema.is_none() { Exit::Internal } else { Exit::Ok };
    if as_json {
        out.json(&value(&status))?;
        return Ok(exit);
    }
    let schema = match (status.schema, status.pending.is_empty()) {
        (None, _) => "none of ours: `noctule central init`".to_owned(),
        (Some(schema), true) => format!("{schema}, up to date"),
        (Some(schema), false) => format!("{schema}; `noctule central upgrade` would apply {}", status.pending.join(", ")),
    };
    out.pairs(&[
        ("server", Some(format!("{}{}", status.server, if status.standby { ", a standby" } else { "" }))),
        ("database", Some(format!("{}, {}", status.database, super::doctor_system::bytes(status.bytes)))),
        ("schema", Some(schema)),
        ("trouble", status.trouble.as_ref().map(ToString::to_string)),
        ("oldest protocol", status.min_protocol.map(|n| n.to_string())),
        ("history", status.history.as_ref().map(ToString::to_string)),
        ("clock", Some(moment(status.now))),
    ])?;
    let mut table = Table::new(&["tenant", "operators", "revoked", "consoles", "feed", "tombstones", "changes", "name"]);
    for tenant in &status.tenants {
        table.row(vec![
            tenant.id.to_string(),
            tenant.members.to_string(),
            tenant.revoked.to_string(),
            cell(tenant.consoles),
            tenant.feed.to_string(),
            tenant.tombstones.to_string(),
            tenant.ops.to_string(),
            tenant.name.to_string(),
        ]);
    }
    if !table.is_empty() {
        out.table(&table)?;
    }
    let mut largest: Vec<_> = status.tables.iter().collect();
    largest.sort_by_key(|table| std::cmp::Reverse(table.bytes));
    let mut table = Table::new(&["table", "rows, about", "size"]);
    for one in largest.into_iter().take(SHOWN) {
        table.row(vec![one.name.to_string(), cell(one.rows), super::doctor_system::bytes(one.bytes)]);
    }
    if !table.is_empty() {
        out.table(&table)?;
    }
    Ok(exit)
}

fn value(status: &SchemaStatus) -> Value {
    let tenants = status.tenants.iter().map(|t| {
        json!({ "id": t.id, "name": t.name, "hold_s": t.hold.as_secs(), "members": t.members, "revoked": t.revoked, "feed": t.feed,
            "tombstones": t.tombstones, "ops": t.ops, "consoles": t.consoles })
    });
    let tables = status.tables.iter().map(|t| json!({ "name": t.name, "rows": t.rows, "bytes": t.bytes }));
    json!({
        "server": status.server, "database": status.database, "standby": status.standby, "now": status.now, "schema": status.schema,
        "known": status.known, "pending": status.pending, "trouble": status.trouble, "history": status.history,
        "min_protocol": status.min_protocol, "bytes": status.bytes,
        "applied": status.applied.iter().map(|a| json!({ "version": a.version, "name": a.name })).collect::<Vec<_>>(),
        "tenants": tenants.collect::<Vec<_>>(), "tables": tables.collect::<Vec<_>>(),
    })
}
