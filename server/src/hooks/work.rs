//! The one worker behind the queue: gathers hints for a moment, then looks, in lists. A NetBox that is away is tried again with growing waits,
//! and what came meanwhile is merged.

use super::queue::Work;
use super::receive::Inner;
use crate::ports::LookError;
use noctule_domain::retry::backoff;
use noctule_domain::{Retry, SafeText};
use tokio_util::sync::CancellationToken;

pub(super) async fn run(hooks: &Inner, cancel: CancellationToken) {
    tokio::select! {
        () = cancel.cancelled() => {}
        () = work(hooks) => {}
    }
}

async fn work(hooks: &Inner) {
    let mut failures = 0u32;
    loop {
        hooks.queue.filled().await;
        tokio::time::sleep(hooks.config.gather).await;
        while let Some(work) = hooks.queue.take(hooks.config.batch) {
            match look(hooks, &work).await {
                Ok(()) => failures = 0,
                Err(error) if error.retry == Retry::Later => {
                    let wait = backoff(failures, hooks.config.again.0, hooks.config.again.1, jitter(failures));
                    failures = failures.saturating_add(1);
                    tracing::warn!(words = %error.words, seconds = wait.as_secs_f64(), "NetBox could not be looked at again");
                    hooks.queue.give_back(work);
                    tokio::time::sleep(wait).await;
                }
                // The same would fail again; the next walk over everything finds what is missed by this.
                Err(error) => tracing::warn!(words = %error.words, "a hint of NetBox could not be followed"),
            }
        }
    }
}

async fn look(hooks: &Inner, work: &Work) -> Result<(), LookError> {
    let look = async {
        match work {
            Work::Some(ids) => hooks.look.again(ids).await,
            Work::All => hooks.look.all().await,
        }
    };
    let late = |_| LookError { words: SafeText::from("looking took too long"), retry: Retry::Later };
    tokio::time::timeout(hooks.config.patience, look).await.map_err(late)?
}

/// One worker has nobody to be out of step with; several servers have.
fn jitter(failures: u32) -> f64 {
    f64::from((std::process::id() ^ failures.wrapping_mul(37)) % 100) / 100.0
}
