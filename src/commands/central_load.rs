//! `noctule central load`: takes what a single machine has into an empty tenant of the centre, with ids, versions, IPv6 states and times.
//! The local store is only read. What is not taken is said: the journal of old operations, time entries and the local audit log stay there.

use super::{Out, Progress, confirm, wire_rows};
use crate::cli::GlobalArgs;
use crate::config::Loaded;
use crate::exit::{Exit, Failure};
use noctule_domain::filter::Filter;
use noctule_domain::{SafeText, TaskId, TenantId};
use noctule_storage::{OperationFilter, Store};
use noctule_sync::connect::{Centre, CentreError};
use noctule_sync::push::import::{Entry, Kind, import_rows};
use noctule_sync::schema::OwnerConfig;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::ops::ControlFlow;

/// Rows of one call, and rows that wait for it.
const BATCH: usize = 1000;
/// Tasks that one list of the store holds at most.
const TASKS: u64 = 2000;
/// Rows that were not taken are shown up to here.
const SHOWN: usize = 20;

pub async fn run(
    flags: &GlobalArgs,
    loaded: &Loaded,
    owner: &OwnerConfig,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let store = open(flags, loaded)?;
    let tenant = loaded.config.tenant_id()?;
    let open = store.operations(OperationFilter { open_only: true, status: None, limit: 1 }).await?;
    if let Some(row) = open.first() {
        let sentence = format!(
            "{} {} is still open in the local store: let it end (`noctule operations resume --all` without [central]), then load",
            row.kind, row.subscriber_number
        );
        return Err(Failure::new(Exit::Guard, sentence));
    }
    let centre = Centre::new(owner.centre(tenant));
    let there = rows_there(&centre, tenant).await?;
    if there > 0 {
        let sentence =
            format!("the tenant {tenant} is not empty ({there} rows): a load would mix two truths. Make another tenant, or import");
        return Err(Failure::new(Exit::Guard, sentence));
    }
    let overview = store.overview(chrono::Utc::now()).await?;
    let counts = [
        ("nas", store.nas_rows().await?.len() as u64),
        ("technicians", store.technicians().await?.len() as u64),
        ("subscribers", overview.subscribers),
        ("tasks", store.tasks().await?.len() as u64),
    ];
    // The store gives so many at once; more than that would be left behind without a word.
    if counts[3].1 >= TASKS {
        let sentence = format!(
            "the local store has {TASKS} tasks or more, and a load takes fewer: export and import the tasks instead of loading them"
        );
        return Err(Failure::new(Exit::Guard, sentence));
    }
    if dry_run {
        if as_json {
            out.json(&json!({ "dry_run": true, "would_load": HashMap::from(counts) }))?;
        } else {
            for (what, count) in counts {
                out.line(format!("{what}: {count} rows"))?;
            }
            out.line("nothing was taken (--dry-run)")?;
        }
        return Ok(Exit::Ok);
    }
    if !yes {
        let [.., (_, subscribers), _] = counts;
        confirm(
            "a load",
            &format!("{subscribers} subscribers and what belongs to them go into tenant {tenant} of {}.", SafeText::new(owner.database())),
        )?;
    }
    let mut load = Load::new(centre, super::hostname());
    load.everything(&store).await?;
    let Load { taken, errors, refused, .. } = load;
    if as_json {
        let errors: Vec<Value> = errors.iter().map(|(kind, row, words)| json!({ "kind": kind, "row": row, "words": words })).collect();
        out.json(
            &json!({ "dry_run": false, "loaded": taken.iter().copied().collect::<HashMap<_, _>>(), "refused": refused, "errors": errors }),
        )?;
    } else {
        for (kind, row, words) in &errors {
            out.line(format!("{kind} {row}: {words}"))?;
        }
        for (what, count) in &taken {
            out.line(format!("{what}: {count} rows taken"))?;
        }
        out.line("Not taken: the journal of ended operations, time entries and the audit log; they stay in the local store.")?;
    }
    Ok(if refused == 0 { Exit::Ok } else { Exit::Partly })
}

/// The single-machine store of this configuration, to look.
fn open(flags: &GlobalArgs, loaded: &Loaded) -> Result<Store, Failure> {
    let path = flags.store.clone().unwrap_or_else(|| loaded.store_path());
    if !path.exists() {
        let shown = SafeText::new(&path.to_string_lossy());
        return Err(Failure::new(Exit::NotFound, format!("there is no local store at {shown}: nothing to load")));
    }
    let mut options = super::store_options(loaded)?;
    options.read_only = true;
    Ok(Store::open(&path, options)?)
}

async fn rows_there(centre: &Centre, tenant: TenantId) -> Result<i64, Failure> {
    const ASK: &str =
        "SELECT (SELECT count(*) FROM noctule.subscribers WHERE tenant_id = $1) + (SELECT count(*) FROM noctule.nas WHERE tenant_id = $1)
        + (SELECT count(*) FROM noctule.technicians WHERE tenant_id = $1) + (SELECT count(*) FROM noctule.tasks WHERE tenant_id = $1)";
    let session = centre.session().await?;
    let row = session.within("count", session.query_one(ASK, &[&tenant.0])).await?;
    row.try_get(0).map_err(|error| Failure::from(CentreError::Sql(SafeText::new(&error.to_string()))))
}

struct Load {
    centre: Centre,
    entry: Entry,
    progress: Progress,
    taken: Vec<(&'static str, u64)>,
    errors: Vec<(&'static str, SafeText, SafeText)>,
    refused: u64,
}

impl Load {
    fn new(centre: Centre, host: String) -> Self {
        let entry = Entry {
            origin: SafeText::new(&format!("{host} central load")),
            target: "local store".into(),
            reason: None,
            after: Value::Null,
            load: true,
        };
        Self { centre, entry, progress: Progress::new(), taken: Vec::new(), errors: Vec::new(), refused: 0 }
    }

    /// What others refer to comes first.
    async fn everything(&mut self, store: &Store) -> Result<(), Failure> {
        let nas: Vec<Value> = store.nas_rows().await?.iter().map(|row| wire_rows::nas(&row.nas)).collect();
        self.rows(Kind::Nas, nas).await?;
        let technicians: Vec<Value> = store.technicians().await?.iter().map(wire_rows::technician).collect();
        self.rows(Kind::Technicians, technicians).await?;
        self.subscribers(store).await?;
        let tasks = store.tasks().await?;
        let numbers: HashMap<TaskId, SafeText> = tasks.iter().map(|task| (task.id, task.number.clone())).collect();
        let rows = super::export_rows::in_order(&tasks).into_iter().map(|task| wire_rows::task(task, &numbers)).collect();
        self.rows(Kind::Tasks, rows).await
    }

    /// Streamed: a million of them are never in memory at once.
    async fn subscribers(&mut self, store: &Store) -> Result<(), Failure> {
        let (send, mut batches) = tokio::sync::mpsc::channel::<(Vec<Value>, Vec<Value>)>(2);
        let from = store.clone();
        let reading = tokio::spawn(async move {
            let (mut rows, mut sessions) = (Vec::with_capacity(BATCH), Vec::new());
            let mut full = Vec::new();
            let read = from
                .for_each_subscriber(Filter::default(), |subscriber| {
                    rows.push(wire_rows::subscriber(&subscriber));
                    sessions.extend(subscriber.session.as_ref().map(|session| wire_rows::session(&subscriber.subscriber_number, session)));
                    if rows.len() < BATCH {
                        return ControlFlow::Continue(());
                    }
                    full.push((std::mem::take(&mut rows), std::mem::take(&mut sessions)));
                    // The pages of the store come in a thread of their own; here is where they wait for the centre.
                    match tokio::task::block_in_place(|| full.drain(..).try_for_each(|batch| send.blocking_send(batch))) {
                        Ok(()) => ControlFlow::Continue(()),
                        Err(_) => ControlFlow::Break(()),
                    }
                })
                .await;
            if read.is_ok() && !rows.is_empty() {
                // Nobody receives any more: the other side has ended with its own error.
                let _ = send.send((rows, sessions)).await;
            }
            read
        });
        while let Some((rows, sessions)) = batches.recv().await {
            self.rows(Kind::Subscribers, rows).await?;
            self.rows(Kind::Sessions, sessions).await?;
        }
        drop(batches);
        reading.await.map_err(|error| Failure::new(Exit::Internal, error.to_string()))??;
        Ok(())
    }

    async fn rows(&mut self, kind: Kind, rows: Vec<Value>) -> Result<(), Failure> {
        if rows.is_empty() {
            return Ok(());
        }
        let word = kind.word();
        let done = import_rows(&self.centre, kind, &rows, &self.entry)
            .await
            .map_err(|error| Failure::from(error).during("the load ended before all was taken; empty the tenant and begin again"))?;
        let taken = done.new + done.changed + done.unchanged;
        match self.taken.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += taken,
            None => self.taken.push((word, taken)),
        }
        self.refused += done.errors.len() as u64;
        for error in done.errors {
            let row = usize::try_from(error.index).ok().and_then(|at| rows.get(at));
            let names = ["number", "name", "employee_id", "subscriber_number"];
            let name = row.and_then(|row| names.iter().find_map(|key| row[*key].as_str())).unwrap_or_default();
            if self.errors.len() < SHOWN {
                self.errors.push((word, SafeText::bounded(name, 80), error.words));
            }
        }
        let total: u64 = self.taken.iter().map(|(_, count)| count).sum();
        self.progress.say(&format!("loading {word}: {total} rows so far"));
        Ok(())
    }
}
