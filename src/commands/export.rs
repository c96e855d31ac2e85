//! `noctule export`: what the store holds, as a stream of CSV or JSON. The CSV has the columns of the import, so it can be imported again.

use super::export_rows as rows;
use super::{Context, Out};
use crate::cli::{ExportArgs, ExportFormat, ExportKind, GlobalArgs, ImportKind};
use crate::csv_import::columns;
use crate::exit::{Exit, Failure};
use noctule_domain::SafeText;
use noctule_storage::OperationFilter;
use serde::Serialize;
use std::collections::HashMap;
use std::fs::OpenOptions;
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Operations that one list of the store holds at most.
const OPERATIONS: u32 = 10_000;
const PAGE: u32 = 1000;

pub async fn run(flags: &GlobalArgs, args: &ExportArgs, out: &mut Out) -> Result<Exit, Failure> {
    if args.filter.is_some() && args.kind != ExportKind::Subscribers {
        return Err(Failure::new(Exit::Usage, "--filter belongs to export subscribers"));
    }
    let context = Context::to_read(flags, "export")?.copied().await?;
    let Some(path) = &args.output else {
        write(&context, args, out).await?;
        return Ok(Exit::Ok);
    };
    let mut file = NewFile::beside(path)?;
    let mut into = Out::to(file.take()?);
    let count = write(&context, args, &mut into).await?;
    into.flush()?;
    drop(into);
    file.put_in_place()?;
    out.line(format!("wrote {count} rows into {}", SafeText::new(&path.to_string_lossy())))?;
    Ok(Exit::Ok)
}

/// Rows on their way out.
struct Sink<'a> {
    out: &'a mut Out,
    format: ExportFormat,
    count: u64,
}

impl<'a> Sink<'a> {
    fn begin(out: &'a mut Out, format: ExportFormat, header: &[&str]) -> Result<Self, Failure> {
        match format {
            ExportFormat::Csv => out.raw(&line(header.iter().map(|name| (*name).to_owned()).collect())?)?,
            ExportFormat::Json => out.raw(b"[")?,
        }
        Ok(Self { out, format, count: 0 })
    }

    fn put(&mut self, value: &impl Serialize, cells: impl FnOnce() -> Vec<String>) -> Result<(), Failure> {
        match self.format {
            ExportFormat::Csv => self.out.raw(&line(cells())?)?,
            ExportFormat::Json => {
                self.out.raw(if self.count == 0 { b"\n" } else { b",\n" })?;
                self.out.json_row(value)?;
            }
        }
        self.count += 1;
        Ok(())
    }

    fn end(self) -> Result<u64, Failure> {
        if self.format == ExportFormat::Json {
            self.out.raw(b"\n]\n")?;
        }
        Ok(self.count)
    }
}

pub(super) fn line(cells: Vec<String>) -> Result<Vec<u8>, Failure> {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    writer.write_record(&cells).map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
    writer.into_inner().map_err(|error| Failure::new(Exit::Internal, error.to_string()))
}

async fn write(context: &Context, args: &ExportArgs, out: &mut Out) -> Result<u64, Failure> {
    let store = &context.store;
    let header = |kind| columns(kind).iter().map(|column| column.name).collect::<Vec<_>>();
    match args.kind {
        ExportKind::Subscribers => {
            let filter = super::subscriber::filter_of(args.filter.as_deref().unwrap_or_default())?;
            let names: HashMap<_, _> = store.nas_rows().await?.into_iter().map(|row| (row.nas.id, row.nas.name)).collect();
            let mut sink = Sink::begin(out, args.format, &header(ImportKind::Subscribers))?;
            let mut failed = None;
            store
                .for_each_subscriber(filter, |subscriber| {
                    let nas = subscriber.nas.and_then(|id| names.get(&id));
                    let session_nas = subscriber.session.as_ref().and_then(|session| names.get(&session.nas));
                    match sink.put(&subscriber, || rows::subscriber(&subscriber, nas, session_nas)) {
                        Ok(()) => ControlFlow::Continue(()),
                        Err(failure) => {
                            failed = Some(failure);
                            ControlFlow::Break(())
                        }
                    }
                })
                .await?;
            match failed {
                Some(failure) => Err(failure),
                None => sink.end(),
            }
        }
        ExportKind::Nas => {
            let mut sink = Sink::begin(out, args.format, &header(ImportKind::Nas))?;
            for row in store.nas_rows().await? {
                sink.put(&row, || rows::nas(&row.nas))?;
            }
            sink.end()
        }
        ExportKind::Technicians => {
            let mut sink = Sink::begin(out, args.format, &header(ImportKind::Technicians))?;
            for row in store.technicians().await? {
                sink.put(&row, || rows::technician(&row))?;
            }
            sink.end()
        }
        ExportKind::Tasks => {
            let technicians: HashMap<_, _> = store.technicians().await?.into_iter().map(|t| (t.id, t.employee_id)).collect();
            let tasks = store.tasks().await?;
            let numbers: HashMap<_, _> = tasks.iter().map(|task| (task.id, task.number.clone())).collect();
            let mut sink = Sink::begin(out, args.format, &header(ImportKind::Tasks))?;
            // A task follows those that it depends on: an import asks for that.
            for task in rows::in_order(&tasks) {
                let subscriber = match task.subscriber {
                    Some(id) => store.subscriber(id).await?.map(|s| s.subscriber_number),
                    None => None,
                };
                sink.put(task, || rows::task(task, subscriber, &technicians, &numbers))?;
            }
            sink.end()
        }
        ExportKind::Operations => {
            let mut sink = Sink::begin(out, args.format, rows::OPERATION)?;
            for row in store.operations(OperationFilter { open_only: false, status: None, limit: OPERATIONS }).await? {
                sink.put(&row, || rows::operation(&row))?;
            }
            sink.end()
        }
        ExportKind::Audit => {
            let mut sink = Sink::begin(out, args.format, rows::AUDIT)?;
            let mut after = 0;
            loop {
                let page = store.audit_page(after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = last.seq;
                for record in &page {
                    sink.put(record, || rows::audit(record))?;
                }
            }
            sink.end()
        }
    }
}

/// A private file that takes its name only when it is whole.
struct NewFile {
    path: PathBuf,
    partial: PathBuf,
    open: Option<std::fs::File>,
}

impl NewFile {
    fn beside(path: &Path) -> Result<Self, Failure> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let partial = folder.join(format!(".{}.partial", uuid::Uuid::new_v4().simple()));
        let open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial);
        let open = open.map_err(|error| {
            Failure::new(Exit::Usage, format!("{} can not be written: {error}", SafeText::new(&path.to_string_lossy())))
        })?;
        Ok(Self { path: path.to_path_buf(), partial, open: Some(open) })
    }

    fn take(&mut self) -> Result<std::fs::File, Failure> {
        self.open.take().ok_or_else(|| Failure::new(Exit::Internal, "the file is open already"))
    }

    fn put_in_place(self) -> Result<(), Failure> {
        Ok(std::fs::rename(&self.partial, &self.path)?)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // Gone already when it was put in place.
        let _ = std::fs::remove_file(&self.partial);
    }
}
