//! The behaviours that acceptance asks for, on the real store and a real centre, executor and clients, against a simulated NetBox and NAS that speak the real
//! protocols. Each test tells what the operator sees and what is true out there; each fails when its rule is taken away.

/// A story is told on both authorities: the local store and a centre. What happens is the same.
macro_rules! on_both {
    ($name:ident) => {
        mod $name {
            use super::Backend;

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn on_sqlite() {
                super::$name(Backend::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn on_the_centre() {
                super::$name(Backend::Centre).await;
            }
        }
    };
}

#[path = "../support/mod.rs"]
mod support;

mod aaa;
mod activate;
mod allocate;
mod hardship;
mod hardship_parts;
mod reconcile;
mod revoke;
mod suspend;
mod together;

use noctule_domain::lifecycle::{Operation, OperationKind, OperationOptions, Refusal};
use noctule_domain::ports::{AuthorityError, Finished};
use noctule_domain::subscriber::Subscriber;
use noctule_network::lifecycle::Started;
use std::time::Duration;
use support::bench::Bench;

/// How asking for an operation ended.
#[derive(Debug)]
pub enum Asked {
    Ended(Box<Operation>, Box<Subscriber>),
    AlreadyThere(Box<Subscriber>),
    Refused(Refusal),
}

impl Asked {
    pub fn ended(self) -> (Operation, Subscriber) {
        match self {
            Self::Ended(operation, subscriber) => (*operation, *subscriber),
            other => panic!("it did not run: {other:?}"),
        }
    }

    pub fn refusal(self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            other => panic!("it was not refused: {other:?}"),
        }
    }
}

/// Asks as a key press does, and waits for the end.
pub async fn ask(bench: &Bench, kind: OperationKind) -> Asked {
    ask_with(bench, kind, OperationOptions::default()).await
}

pub async fn ask_with(bench: &Bench, kind: OperationKind, options: OperationOptions) -> Asked {
    let plan = bench.plan_for(kind);
    let store = plan.open();
    let executor = plan.executor(&store);
    let mut request = plan.request();
    request.options = options;
    match executor.start(request).await {
        Ok(Started::AlreadyThere(subscriber)) => Asked::AlreadyThere(subscriber),
        Ok(Started::Running(handle)) => {
            let ended = tokio::time::timeout(Duration::from_secs(60), handle.ended()).await.expect("it ends");
            let Finished { operation, subscriber } = ended.expect("in the store");
            Asked::Ended(Box::new(operation), Box::new(subscriber))
        }
        Err(AuthorityError::Refused(refusal)) => Asked::Refused(refusal),
        Err(error) => panic!("{kind}: {error}"),
    }
}

/// Runs operations that must succeed, to come to where the test begins.
pub async fn given(bench: &Bench, kinds: &[OperationKind]) {
    for kind in kinds {
        bench.operate(*kind).await;
    }
}
