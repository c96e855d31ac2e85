//! `noctule import`: streams a CSV file into one transaction, of the store or of the centre. All rows or none, unless the good ones are asked for.

use super::import_kinds::Batches;
use super::{Context, Out};
use crate::cli::{GlobalArgs, ImportArgs, ImportKind};
use crate::csv_import::{CsvError, LiteralSecrets, MAX_SHOWN, Report, Rows};
use crate::exit::{Exit, Failure};
use noctule_domain::SafeText;
use noctule_domain::audit::AuditEntry;
use noctule_domain::permission::Permission;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io::Read;

pub async fn run(flags: &GlobalArgs, args: &ImportArgs, out: &mut Out) -> Result<Exit, Failure> {
    if args.secrets_dir.is_some() && args.kind != ImportKind::Nas {
        return Err(Failure::new(Exit::Usage, "--secrets-dir belongs to import nas"));
    }
    let file = SafeText::new(&args.file.to_string_lossy());
    let from = open(args, &file)?;
    let context = Context::to_write(flags, &format!("import {}", args.kind.word()))?;
    let field_service = matches!(args.kind, ImportKind::Technicians | ImportKind::Tasks);
    if !(field_service && context.actor.role.allows(Permission::FieldWrite)) {
        context.need(Permission::Import)?;
    }
    let named = |error: CsvError| match error {
        CsvError::Unreadable { why, .. } => CsvError::Unreadable { file: file.clone(), why },
        other => other,
    };
    let mut rows = Rows::new(args.kind, from).map_err(named)?;
    let mut report = Report::new(args.kind.word(), args.dry_run);
    let literal = match &args.secrets_dir {
        Some(dir) => Some(LiteralSecrets::new(dir)?),
        None => None,
    };
    let mut batches = Batches::new(&context, args.kind, literal).await?;
    let mut seen = Seen::default();
    let key = crate::csv_import::columns(args.kind)[0].name;
    while let Some(row) = rows.next() {
        let (line, fields) = row.map_err(named)?;
        report.rows += 1;
        let fields = match fields {
            Ok(fields) => fields,
            Err(reason) => {
                report.bad(line, reason);
                continue;
            }
        };
        if let Some(before) = fields.raw(key).and_then(|value| seen.note(value, line)) {
            report.bad(line, format!("{key}: stands on line {before} already"));
            continue;
        }
        match batches.add(line, &fields).await? {
            Ok(()) => {}
            Err(reason) => report.bad(line, reason),
        }
        batches.push_when_full(&mut report).await?;
    }
    batches.push(&mut report).await?;
    report.sort();
    let mut refused = report.bad > 0 && !args.skip_bad;
    if !refused && !args.dry_run {
        report.imported = report.rows - report.bad;
        let entry = audit(&context, args, &file, &report);
        let stored = batches.commit(&context, entry, args.skip_bad, &mut report).await?;
        refused = stored.is_none();
        report.imported = stored.unwrap_or(0);
        report.sort();
    }
    if args.json {
        out.json(&report)?;
    } else {
        print(&report, refused, out)?;
    }
    Ok(match (report.bad, refused) {
        (0, _) => Exit::Ok,
        (_, true) => Exit::Usage,
        (_, false) => Exit::Partly,
    })
}

fn open(args: &ImportArgs, file: &SafeText) -> Result<Box<dyn Read + Send>, Failure> {
    if args.file.as_os_str() == "-" {
        return Ok(Box::new(std::io::stdin()));
    }
    let open = std::fs::File::open(&args.file)
        .map_err(|error| CsvError::Unreadable { file: file.clone(), why: SafeText::new(&error.to_string()) })?;
    Ok(Box::new(open))
}

fn audit(context: &Context, args: &ImportArgs, file: &SafeText, report: &Report) -> AuditEntry {
    AuditEntry {
        tenant: context.store.tenant(),
        at: chrono::Utc::now(),
        actor: context.actor.name.clone(),
        origin: context.actor.origin.clone(),
        action: format!("import-{}", args.kind.word()),
        target: file.clone(),
        operation: None,
        reason: None,
        before: serde_json::Value::Null,
        after: serde_json::json!({ "rows": report.rows, "bad": report.bad }),
        answers: serde_json::Value::Null,
    }
}

fn print(report: &Report, refused: bool, out: &mut Out) -> Result<(), Failure> {
    for bad in &report.errors {
        out.line(format!("line {}: {}", bad.line, bad.reason))?;
    }
    if report.bad > report.errors.len() as u64 {
        out.line(format!("({} more bad rows are not shown: {MAX_SHOWN} at most)", report.bad - report.errors.len() as u64))?;
    }
    let Report { kind, rows, bad, imported, .. } = report;
    out.line(match (report.dry_run, refused) {
        (true, _) => format!("{kind}: {rows} rows checked, {bad} bad; nothing was stored (--dry-run)"),
        (false, true) => {
            format!("{kind}: {bad} of {rows} rows are bad, so nothing was stored; mend them, or take the others with --skip-bad")
        }
        (false, false) => format!("{kind}: {imported} of {rows} rows imported, {bad} bad"),
    })
}

/// Which keys came before, by a hash of each: a million of them fit into some tens of megabytes.
#[derive(Default)]
struct Seen {
    hasher: RandomState,
    lines: HashMap<u64, u32>,
}

impl Seen {
    /// The line on which the same key stood before.
    fn note(&mut self, key: &str, line: u64) -> Option<u32> {
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        match self.lines.entry(self.hasher.hash_one(key)) {
            std::collections::hash_map::Entry::Occupied(before) => Some(*before.get()),
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(line);
                None
            }
        }
    }
}
