//! What a wipe leaves of the files that lie beside the copy.

use crate::support::*;
use noctule_domain::job::{Course, JobJournal, NewItem, NewJob, Terms};
use noctule_domain::lifecycle::{OperationKind, OperationOptions};
use noctule_domain::permission::Role;
use noctule_domain::{JobId, SubscriberId};
use noctule_storage::Jobs;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Items name subscribers: they are part of what was kept of the centre, whether the unsent work stays or not.
#[tokio::test]
async fn a_wipe_removes_the_jobs_with_everything_beside_their_file() {
    for also_unsent in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        drop(open(folder.path()));
        let jobs = Jobs::open(folder.path(), &options(clock())).unwrap();
        assert!(jobs.lead());
        let id = JobId(Uuid::now_v7());
        let course = Course::Single { kind: OperationKind::Suspend, options: OperationOptions::default() };
        let (actor, made_at) = (actor(Role::Noc), chrono::Utc::now());
        let job = NewJob { id, course, terms: Terms::default(), actor, source: "*".into(), retry_of: None, made_at };
        jobs.create(job).await.unwrap();
        let item = NewItem {
            subscriber: SubscriberId(Uuid::now_v7()),
            subscriber_number: "N-000017".into(),
            name: "Anna Virtanen".into(),
            nas: "bng-1".into(),
            seen_version: None,
            entry: Ok(0),
        };
        jobs.add(id, vec![item]).await.unwrap();
        let of_jobs = || {
            let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names.filter(|name| name.starts_with("jobs")).collect::<BTreeSet<_>>()
        };
        // With the log and the index that a killed process leaves behind.
        let kept: Vec<_> = of_jobs().into_iter().map(|name| (std::fs::read(folder.path().join(&name)).unwrap(), name)).collect();
        drop(jobs);
        kept.iter().for_each(|(bytes, name)| std::fs::write(folder.path().join(name), bytes).unwrap());
        assert_eq!(of_jobs(), ["jobs.db", "jobs.db-shm", "jobs.db-wal", "jobs.lock"].map(str::to_owned).into());
        noctule_storage::wipe(folder.path(), also_unsent).unwrap();
        assert_eq!(of_jobs(), BTreeSet::new());
        let jobs = Jobs::open(folder.path(), &options(clock())).unwrap();
        assert!(jobs.jobs(10).await.unwrap().is_empty());
    }
}
