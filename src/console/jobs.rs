//! What the screen asks about jobs: the preview of one, those of it that stand in one way, its export.

use crate::compose::{Services, Set};
use noctule_domain::filter::parse;
use noctule_domain::job::{Course, ItemFilter, ItemGroup, JobJournal, JobPreview, JobView, Terms};
use noctule_domain::{JobId, SafeText};
use noctule_ui::effect::JobSet;
use noctule_ui::msg::{JobItems, PreviewedJob};
use noctule_ui::{Msg, Notice};

/// Those that a preview names.
const NAMED: u32 = 100;
/// Those that a list shows; the export has all of them.
const LISTED: u32 = 1000;

fn failed(error: impl std::fmt::Display) -> Msg {
    Msg::Notice(Notice::warning(error.to_string()))
}

/// Fixes the set and says what would happen; nothing is begun.
pub async fn preview(services: &Services, course: Course, set: JobSet) -> Msg {
    let set = match set {
        JobSet::These(ids) => Set::These(ids),
        JobSet::BadOf(job) => Set::BadOf(job),
        JobSet::Filter(text) => match parse(&text) {
            Ok(filter) => Set::Filter { filter, text },
            Err(error) => return failed(error),
        },
    };
    match services.preview(course, Terms::default(), set).await {
        Ok(preview) => named(services, preview).await,
        Err(why) => failed(why),
    }
}

pub async fn show_preview(services: &Services, job: JobId) -> Msg {
    let view = match view(services, job).await {
        Ok(view) => view,
        Err(why) => return failed(why),
    };
    match services.previewed(view).await {
        Ok(preview) => named(services, preview).await,
        Err(why) => failed(why),
    }
}

async fn named(services: &Services, preview: JobPreview) -> Msg {
    let of = |group| services.jobs.items(preview.job.head.id, ItemFilter { group: Some(group), bad: false }, None, NAMED);
    match (of(ItemGroup::NotTried).await, of(ItemGroup::LeftOut).await) {
        (Ok(going), Ok(left_out)) => Msg::JobPreviewed(Box::new(PreviewedJob { preview, going, left_out })),
        (Err(error), _) | (_, Err(error)) => failed(error),
    }
}

/// Nothing of it was begun, and nothing is to be.
pub async fn drop_preview(services: &Services, job: JobId) -> Option<Msg> {
    services.jobs.discard(job).await.err().map(failed)
}

pub async fn items(services: &Services, job: JobId, group: ItemGroup) -> Msg {
    let view = match view(services, job).await {
        Ok(view) => view,
        Err(why) => return failed(why),
    };
    match services.jobs.items(job, ItemFilter { group: Some(group), bad: false }, None, LISTED).await {
        Ok(rows) => {
            // While it goes on the numbers move: what is listed is there.
            let total = view.tally.group(group).max(rows.len() as u32);
            Msg::JobItems(Box::new(JobItems { job, course: view.head.course.word().into(), group, rows, total }))
        }
        Err(error) => failed(error),
    }
}

/// Into a file of its own beside the store, for the owner alone.
pub async fn export(services: &Services, job: JobId) -> Notice {
    let folder = services.store.path().parent().map(std::path::Path::to_path_buf).unwrap_or_default();
    let path = folder.join(format!("job-{}.csv", job.short()));
    match crate::commands::export_job(&services.jobs, job, &path).await {
        Ok(count) => Notice::info(format!("{count} subscribers are in {}.", SafeText::new(&path.to_string_lossy()))),
        Err(failure) => Notice::warning(failure.sentence),
    }
}

async fn view(services: &Services, job: JobId) -> Result<JobView, SafeText> {
    match services.jobs.job(job).await {
        Ok(Some(view)) => Ok(view),
        Ok(None) => Err("This job is not there any more.".into()),
        Err(error) => Err(SafeText::new(&error.to_string())),
    }
}
