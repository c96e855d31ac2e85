//! `noctule audit verify|list`.

use super::out::cell;
use super::{Context, Out, Table};
use crate::cli::{AuditCommand, GlobalArgs};
use crate::exit::{Exit, Failure};
use noctule_domain::audit::{AuditRecord, AuditVerdict};
use noctule_domain::sentence::moment;
use noctule_storage::Store;
use serde_json::json;
use std::collections::VecDeque;

const PAGE: u32 = 1000;

pub async fn run(flags: &GlobalArgs, what: &AuditCommand, out: &mut Out) -> Result<Exit, Failure> {
    match what {
        AuditCommand::Verify { json } => verify(flags, *json, out).await,
        AuditCommand::List { limit, json } => list(flags, *limit, *json, out).await,
    }
}

async fn verify(flags: &GlobalArgs, as_json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let context = Context::to_read(flags, "audit verify")?;
    let verdict = context.store.audit_verify().await?;
    let (exit, words, value) = match &verdict {
        AuditVerdict::Intact { records, head } => (
            Exit::Ok,
            format!("the audit log is intact: {records} records, head {head}"),
            json!({"intact": true, "records": records, "head": head}),
        ),
        AuditVerdict::Broken { seq, why } => (
            Exit::Internal,
            format!("the audit log is broken at record {seq}: {why}. What stands before it can be trusted, what follows can not"),
            json!({"intact": false, "seq": seq, "why": why}),
        ),
    };
    if as_json {
        out.json(&value)?
    } else {
        out.line(words)?
    }
    Ok(exit)
}

async fn list(flags: &GlobalArgs, limit: u32, json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let context = Context::to_read(flags, "audit list")?;
    let records = newest(&context.store, limit as usize).await?;
    if json {
        out.json(&records)?;
        return Ok(Exit::Ok);
    }
    if records.is_empty() {
        out.line("the audit log is empty")?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["seq", "at", "who", "from", "action", "target", "reason"]);
    for record in records {
        let entry = record.entry;
        table.row(vec![
            record.seq.to_string(),
            moment(entry.at),
            entry.actor.to_string(),
            entry.origin.to_string(),
            entry.action,
            entry.target.to_string(),
            cell(entry.reason),
        ]);
    }
    out.table(&table)?;
    Ok(Exit::Ok)
}

/// The last `limit` records, newest first. The store gives them from the oldest on, by pages.
async fn newest(store: &Store, limit: usize) -> Result<Vec<AuditRecord>, Failure> {
    let mut kept: VecDeque<AuditRecord> = VecDeque::new();
    let mut after = 0;
    loop {
        let page = store.audit_page(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        let full = page.len() >= PAGE as usize;
        kept.extend(page);
        while kept.len() > limit {
            kept.pop_front();
        }
        if !full {
            break;
        }
    }
    Ok(kept.into_iter().rev().collect())
}
