//! `noctule audit verify|list`.

use super::out::cell;
use super::{Context, Out, Progress, Table};
use crate::cli::{AuditCommand, GlobalArgs};
use crate::compose;
use crate::exit::{Exit, Failure};
use noctule_domain::audit::{AuditRecord, AuditVerdict};
use noctule_domain::sentence::moment;
use noctule_storage::Store;
use noctule_sync::authority::{audit_page, audit_verify};
use noctule_sync::connect::Centre;
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
    let verdict = match context.is_central() {
        // The centre keeps the one chain; what lies here is a copy of rows.
        true => audit_verify(&centre(&context).await?).await?,
        false => context.store.audit_verify().await?,
    };
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
    let records = match context.is_central() {
        true => newest_of_centre(&centre(&context).await?, limit).await?,
        false => newest(&context.store, limit as usize).await?,
    };
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

async fn centre(context: &Context) -> Result<Centre, Failure> {
    let central = compose::central_of(context)?;
    compose::ask(context).await?;
    central.open().await
}

/// The last `limit` records of the centre, newest first.
async fn newest_of_centre(centre: &Centre, limit: u32) -> Result<Vec<AuditRecord>, Failure> {
    let progress = Progress::new();
    // Where the chain ends now; whoever may not read it hears so with the first page.
    let head = centre.call("audit_page", &[&i64::MAX, &1i32]).await?["head"][0].as_i64().unwrap_or_default();
    let mut after = head.saturating_sub(i64::from(limit)).max(0);
    let mut records = Vec::new();
    while after < head {
        progress.say(&format!("reading the audit log: {} of {limit} records", records.len()));
        let page = audit_page(centre, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        records.extend(page);
    }
    if records.is_empty() {
        // Empty, or not for this role: that is said in words.
        audit_page(centre, 0, 1).await?;
    }
    records.reverse();
    records.truncate(limit as usize);
    Ok(records)
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
