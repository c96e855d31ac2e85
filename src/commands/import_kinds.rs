//! Rows of an import on their way into the store: made from fields with what is there already, pushed in batches, committed once.

use super::import_centre::Spool;
use super::{Context, wire_rows};
use crate::cli::ImportKind;
use crate::csv_import::{self, Fields, Known, LiteralSecrets, Report};
use crate::exit::{Exit, Failure};
use noctule_domain::audit::AuditEntry;
use noctule_domain::nas::Nas;
use noctule_domain::task::Task;
use noctule_domain::technician::Technician;
use noctule_domain::{NasId, SafeText, TaskId, Timestamp};
use noctule_storage::{Importer, MethodsOf, NewNas, NewSubscriber, NewTask, NewTechnician, Store};
use noctule_sync::push::import::Kind;
use std::collections::HashMap;

const BATCH: usize = 500;

enum Batch {
    Subscribers(Vec<NewSubscriber>),
    Nas(Vec<NewNas>),
    Technicians(Vec<NewTechnician>),
    Tasks(Vec<NewTask>),
}

/// What is in the store before the import. Subscribers are too many to be held: they are looked up one by one, when there are any.
#[derive(Default)]
struct There {
    any_subscriber: bool,
    nas_names: HashMap<NasId, SafeText>,
    nas: HashMap<String, Nas>,
    technicians: HashMap<String, Technician>,
    tasks: HashMap<String, Task>,
    task_numbers: HashMap<TaskId, SafeText>,
}

/// Where rows go.
enum To {
    Store(Importer),
    /// Kept in a file without a name until the whole input was read: with a bad row nothing of it goes.
    Centre(Box<Spool>),
}

pub(super) struct Batches {
    store: Store,
    to: To,
    batch: Batch,
    /// Line of each row of the batch.
    lines: Vec<u64>,
    there: There,
    literal: Option<LiteralSecrets>,
    methods: MethodsOf,
    now: Timestamp,
}

impl Batches {
    pub async fn new(context: &Context, kind: ImportKind, literal: Option<LiteralSecrets>) -> Result<Self, Failure> {
        let store = context.store.clone();
        let mut there = There::default();
        let nas: Vec<Nas> = store.nas_rows().await?.into_iter().map(|row| row.nas).collect();
        there.nas_names = nas.iter().map(|nas| (nas.id, nas.name.clone())).collect();
        let batch = match kind {
            ImportKind::Subscribers => {
                there.any_subscriber = store.overview(chrono::Utc::now()).await?.subscribers > 0;
                Batch::Subscribers(Vec::new())
            }
            ImportKind::Nas => {
                there.nas = nas.into_iter().map(|nas| (nas.name.as_str().to_ascii_lowercase(), nas)).collect();
                Batch::Nas(Vec::new())
            }
            ImportKind::Technicians => {
                there.technicians = store.technicians().await?.into_iter().map(|t| (t.employee_id.to_string(), t)).collect();
                Batch::Technicians(Vec::new())
            }
            ImportKind::Tasks => {
                let tasks = store.tasks().await?;
                there.task_numbers = tasks.iter().map(|task| (task.id, task.number.clone())).collect();
                there.tasks = tasks.into_iter().map(|task| (task.number.to_string(), task)).collect();
                Batch::Tasks(Vec::new())
            }
        };
        let to = match context.is_central() {
            true => To::Centre(Box::new(Spool::new(&context.loaded.central_folder())?)),
            false => To::Store(store.importer().await?),
        };
        let methods = crate::compose::methods(&context.loaded)?;
        Ok(Self { store, to, batch, lines: Vec::new(), there, literal, methods, now: chrono::Utc::now() })
    }

    /// Checks one row and takes it into the batch. The inner error is the reason why the row is bad.
    pub async fn add(&mut self, line: u64, fields: &Fields<'_>) -> Result<Result<(), String>, Failure> {
        let known = match (&self.batch, fields.raw("subscriber_number")) {
            (Batch::Subscribers(_), Some(number)) if self.there.any_subscriber => self.known(number).await?,
            _ => None,
        };
        let old_task = fields.raw("number").and_then(|number| self.there.tasks.get(number)).cloned();
        let old_subscriber = match old_task.as_ref().and_then(|task| task.subscriber) {
            Some(id) => self.store.subscriber(id).await?.map(|subscriber| subscriber.subscriber_number),
            None => None,
        };
        let made = match &mut self.batch {
            Batch::Subscribers(rows) => csv_import::subscriber(fields, known.as_ref(), self.now).map(|row| rows.push(row)),
            Batch::Nas(rows) => {
                let old = fields.raw("name").and_then(|name| self.there.nas.get(&name.to_ascii_lowercase()));
                let methods = &self.methods;
                csv_import::nas(fields, old, &|key| methods(key).is_some(), self.literal.as_mut()).map(|row| rows.push(row))
            }
            Batch::Technicians(rows) => {
                let old = fields.raw("employee_id").and_then(|id| self.there.technicians.get(id));
                csv_import::technician(fields, old).map(|row| rows.push(row))
            }
            Batch::Tasks(rows) => {
                let before = old_task.iter().flat_map(|task| &task.depends_on);
                let depends = before.filter_map(|id| self.there.task_numbers.get(id)).cloned().collect();
                csv_import::task(fields, old_task.as_ref(), old_subscriber, depends, self.now).map(|row| rows.push(row))
            }
        };
        if made.is_ok() {
            self.lines.push(line);
        }
        Ok(made)
    }

    async fn known(&self, number: &str) -> Result<Option<Known>, Failure> {
        let found = self.store.find_subscriber(number).await?;
        let Some(row) = found.into_iter().find(|row| row.subscriber_number.as_str() == number) else { return Ok(None) };
        let Some(row) = self.store.subscriber(row.id).await? else { return Ok(None) };
        let nas = row.nas.and_then(|id| self.there.nas_names.get(&id)).cloned();
        Ok(Some(Known { row, nas }))
    }

    pub async fn push_when_full(&mut self, report: &mut Report) -> Result<(), Failure> {
        if self.lines.len() >= BATCH { self.push(report).await } else { Ok(()) }
    }

    pub async fn push(&mut self, report: &mut Report) -> Result<(), Failure> {
        let lines = std::mem::take(&mut self.lines);
        let importer = match &mut self.to {
            To::Centre(spool) => return spool_batch(spool, &mut self.batch, &lines),
            To::Store(importer) => importer,
        };
        let errors = match &mut self.batch {
            Batch::Subscribers(rows) => importer.push_subscribers(std::mem::take(rows)).await?,
            Batch::Nas(rows) => importer.push_nas(std::mem::take(rows)).await?,
            Batch::Technicians(rows) => importer.push_technicians(std::mem::take(rows)).await?,
            Batch::Tasks(rows) => importer.push_tasks(std::mem::take(rows)).await?,
        };
        for error in errors {
            report.bad(lines.get(error.index).copied().unwrap_or(0), &error.words);
        }
        Ok(())
    }

    /// Stores everything, here or in the centre; gives how many rows are there now. Secret files come first and go again when the rows are
    /// not stored. `None`: the centre did not take every row, which the report tells, and so none is stored unless `skip_bad`.
    pub async fn commit(self, context: &Context, entry: AuditEntry, skip_bad: bool, report: &mut Report) -> Result<Option<u64>, Failure> {
        let written = match &self.literal {
            Some(literal) => Some(literal.write().map_err(|why| Failure::new(Exit::Usage, format!("nothing was stored: {why}")))?),
            None => None,
        };
        let count = match self.to {
            To::Store(importer) => {
                let count = importer.commit(entry).await?;
                Some(count.new + count.changed + count.unchanged)
            }
            To::Centre(spool) => spool.send(context, &entry, skip_bad, report).await?,
        };
        if let Some(written) = written.filter(|_| count.is_some()) {
            written.keep();
        }
        Ok(count)
    }
}

fn spool_batch(spool: &mut Spool, batch: &mut Batch, lines: &[u64]) -> Result<(), Failure> {
    let at = |place: usize| lines.get(place).copied().unwrap_or(0);
    match batch {
        Batch::Subscribers(rows) => {
            for (place, row) in std::mem::take(rows).iter().enumerate() {
                spool.put(Kind::Subscribers, at(place), &wire_rows::new_subscriber(row))?;
                if let Some(session) = &row.session {
                    spool.put(Kind::Sessions, at(place), &wire_rows::new_session(&row.subscriber_number, session))?;
                }
            }
        }
        Batch::Nas(rows) => {
            for (place, row) in std::mem::take(rows).iter().enumerate() {
                spool.put(Kind::Nas, at(place), &wire_rows::new_nas(row))?;
            }
        }
        Batch::Technicians(rows) => {
            for (place, row) in std::mem::take(rows).iter().enumerate() {
                spool.put(Kind::Technicians, at(place), &wire_rows::new_technician(row))?;
            }
        }
        Batch::Tasks(rows) => {
            for (place, row) in std::mem::take(rows).iter().enumerate() {
                spool.put(Kind::Tasks, at(place), &wire_rows::new_task(row))?;
            }
        }
    }
    Ok(())
}
