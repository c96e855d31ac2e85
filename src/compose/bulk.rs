//! Jobs over many subscribers: the set and its preview, what the operator asks of them, the process that runs them. The console and the
//! command line use the same.

use super::Services;
use noctule_domain::filter::Filter;
use noctule_domain::job::{Course, ItemFilter, JobError, JobJournal, JobPreview, JobView, NasLoad, NewItem, NewJob, Terms, Wish, estimate};
use noctule_domain::subscriber::Subscriber;
use noctule_domain::{JobId, NasId, SafeText, SubscriberId};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;

/// Items that are stored at once.
const CHUNK: usize = 1000;
/// Until a NAS has been asked: a round trip across a country.
const USUAL_TRIP: Duration = Duration::from_millis(20);
/// Jobs that are over, and previews that were never begun, are kept for so long.
const KEEP: chrono::Duration = chrono::Duration::days(90);

/// Who goes.
#[derive(Debug, Clone)]
pub enum Set {
    Filter {
        filter: Filter,
        text: String,
    },
    These(Vec<SubscriberId>),
    /// The refused, unanswered and failed of a job.
    BadOf(JobId),
}

impl Services {
    /// Fixes the set of a job and says what will happen. Nothing is begun.
    pub async fn preview(&self, course: Course, terms: Terms, set: Set) -> Result<JobPreview, String> {
        self.may_change().map_err(words)?;
        let now = chrono::Utc::now();
        let actor = self.actor();
        let role = actor.role;
        let source = match &set {
            Set::Filter { text, .. } if text.trim().is_empty() => "everybody".to_owned(),
            Set::Filter { text, .. } => text.clone(),
            Set::These(ids) => format!("{} chosen", ids.len()),
            Set::BadOf(job) => format!("what was refused in job {}", job.short()),
        };
        let retry_of = if let Set::BadOf(job) = &set { Some(*job) } else { None };
        let id = JobId(uuid::Uuid::now_v7());
        let new = NewJob { id, course: course.clone(), terms, actor, source: SafeText::bounded(&source, 200), retry_of, made_at: now };
        self.jobs.forget(now - KEEP).await.map_err(words)?;
        self.jobs.create(new).await.map_err(words)?;
        let names: HashMap<NasId, SafeText> =
            self.store.nas_rows().await.map_err(words)?.into_iter().map(|row| (row.nas.id, row.nas.name)).collect();
        let item = |subscriber: &Subscriber| {
            let nas = subscriber.session.as_ref().map(|s| s.nas).or(subscriber.nas).and_then(|id| names.get(&id)).cloned();
            NewItem::of(&course, subscriber, nas.unwrap_or_default(), role, now)
        };
        match set {
            Set::Filter { filter, .. } => {
                let (send, mut chunks) = tokio::sync::mpsc::channel::<Vec<NewItem>>(4);
                let jobs = self.jobs.clone();
                let stored = tokio::spawn(async move {
                    while let Some(chunk) = chunks.recv().await {
                        jobs.add(id, chunk).await?;
                    }
                    Ok::<(), JobError>(())
                });
                let mut chunk = Vec::with_capacity(CHUNK);
                let mut full = Vec::new();
                self.store
                    .for_each_subscriber(filter, |subscriber| {
                        chunk.push(item(&subscriber));
                        if chunk.len() >= CHUNK {
                            full.push(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK)));
                        }
                        ControlFlow::Continue(())
                    })
                    .await
                    .map_err(words)?;
                full.push(chunk);
                for chunk in full {
                    // The other end has gone when it could not store: its error is told below.
                    if send.send(chunk).await.is_err() {
                        break;
                    }
                }
                drop(send);
                stored.await.map_err(words)?.map_err(words)?;
            }
            Set::These(ids) => self.add_these(id, ids, &item).await?,
            Set::BadOf(job) => {
                let mut after = None;
                loop {
                    let rows = self.jobs.items(job, ItemFilter { bad: true, group: None }, after, 1000).await.map_err(words)?;
                    let Some(last) = rows.last() else { break };
                    after = Some(last.seq);
                    self.add_these(id, rows.into_iter().map(|row| row.subscriber).collect(), &item).await?;
                }
            }
        }
        let job = self.jobs.ready(id).await.map_err(words)?;
        self.previewed(job).await
    }

    async fn add_these(&self, job: JobId, ids: Vec<SubscriberId>, item: &impl Fn(&Subscriber) -> NewItem) -> Result<(), String> {
        for some in ids.chunks(CHUNK) {
            let mut items = Vec::with_capacity(some.len());
            for id in some {
                if let Some(subscriber) = self.store.subscriber(*id).await.map_err(words)? {
                    items.push(item(&subscriber));
                }
            }
            self.jobs.add(job, items).await.map_err(words)?;
        }
        Ok(())
    }

    /// The preview of a job that is there.
    pub async fn previewed(&self, job: JobView) -> Result<JobPreview, String> {
        let per_nas = self.jobs.per_nas(job.head.id).await.map_err(words)?;
        let left_out = self.jobs.left_out(job.head.id).await.map_err(words)?;
        let nases: HashMap<SafeText, _> =
            self.store.nas_rows().await.map_err(words)?.into_iter().map(|row| (row.nas.name.clone(), row.nas)).collect();
        let profiles = self.radius.profiles();
        let loads: Vec<NasLoad> = per_nas
            .iter()
            .map(|(name, items)| {
                let nas = nases.get(name);
                let profile = nas.and_then(|nas| profiles.get(&nas.profile));
                NasLoad {
                    items: *items,
                    window: profile.as_ref().map_or(16, |profile| profile.window),
                    rate: profile.as_ref().and_then(|profile| profile.rate_per_s),
                    round_trip: nas.and_then(|nas| nas.health.round_trip).unwrap_or(USUAL_TRIP),
                }
            })
            .collect();
        let seconds = estimate(&job.head.terms, job.head.course.len(), &loads).as_secs_f64().ceil() as u64;
        Ok(JobPreview { job, per_nas, left_out, seconds })
    }

    /// Asks something of a job; the process that runs jobs does it, this one at once if that is it.
    pub async fn job_wish(&self, job: JobId, wish: Wish) -> Result<JobView, JobError> {
        self.may_change().map_err(|error| JobError::Refused(SafeText::new(&error.to_string())))?;
        let view = self.jobs.wish(job, wish).await?;
        self.runner.poke();
        Ok(view)
    }
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
