//! The life of a line: connect when there is something to ask, serve, and after a loss connect again with growing pauses. An ask that was never
//! written ends at once when there is no connection; one that was written is sent again until its deadline.

use super::connect::{RadsecFiles, connect};
use super::serve::{Lost, serve};
use super::{Ask, End};
use noctule_domain::SafeText;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The other end.
#[derive(Debug, Clone)]
pub struct Whom {
    pub name: SafeText,
    pub address: SocketAddr,
    /// The name that its certificate must hold.
    pub tls_name: String,
    /// After so much silence with a request under way the watchdog asks.
    pub watch: Duration,
}

pub(super) async fn run(whom: Whom, files: RadsecFiles, mut asks: mpsc::Receiver<Ask>) {
    let mut waiting: VecDeque<Ask> = VecDeque::new();
    let mut pause = FIRST_PAUSE;
    // Each loss by the watchdog makes it more patient: a slow NAS must not be cut off again and again.
    let mut watch = whom.watch;
    let mut last: Option<SafeText> = None;
    loop {
        if waiting.is_empty() {
            match asks.recv().await {
                Some(ask) => waiting.push_back(ask),
                None => return,
            }
        }
        let earliest = waiting.iter().map(|ask| ask.deadline).min().unwrap_or_else(Instant::now);
        let opened = timeout_at(earliest, connect(whom.address, &whom.tls_name, &files)).await;
        let why = match opened {
            Ok(Ok(stream)) => match serve(stream, &whom, watch, &mut waiting, &mut asks).await {
                None => return,
                Some(Lost { why, answered, by_watchdog, refused }) => {
                    tracing::info!(nas = %whom.name, %why, "RADIUS over TLS: connection lost");
                    if answered {
                        pause = FIRST_PAUSE;
                    }
                    watch = if by_watchdog { (watch * 2).min(Duration::from_secs(60)) } else { whom.watch };
                    if refused {
                        // The other end took our certificate for a bad one: nothing of what was written reached RADIUS.
                        for ask in &mut waiting {
                            ask.sends = 0;
                        }
                    }
                    why
                }
            },
            Ok(Err(why)) => why,
            Err(_) => last.take().unwrap_or_else(|| SafeText::from(format!("no connection to {} in time", whom.address))),
        };
        last = Some(why.clone());
        give_up(&whom, &mut waiting, &why);
        // Who asks in the pause hears at once why there is no connection.
        let until = waiting.iter().map(|ask| ask.deadline).min().unwrap_or(Instant::now() + pause).min(Instant::now() + pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
        while !waiting.is_empty() || Instant::now() < until {
            tokio::select! {
                () = sleep_until(until) => break,
                ask = asks.recv() => match ask {
                    Some(ask) if waiting.is_empty() => {
                        let words = format!("{} is not asked again for {} ms: {why}", whom.name, until.saturating_duration_since(Instant::now()).as_millis());
                        let _ = ask.reply.send(End::NotSent(SafeText::from(words)));
                    }
                    Some(ask) => waiting.push_back(ask),
                    None => return,
                }
            }
        }
    }
}

/// Ends what was never written, and what has no time left; the rest waits for the next connection.
fn give_up(whom: &Whom, waiting: &mut VecDeque<Ask>, why: &SafeText) {
    let now = Instant::now();
    let (keep, end): (VecDeque<Ask>, VecDeque<Ask>) =
        waiting.drain(..).partition(|ask| ask.sends > 0 && ask.deadline > now && !ask.reply.is_closed());
    *waiting = keep;
    for ask in end {
        let ended = if ask.sends == 0 {
            End::NotSent(SafeText::from(format!("{} is not reached over TLS: {why}", whom.name)))
        } else {
            End::Silence { sends: ask.sends, note: Some(why.clone()) }
        };
        // Nobody may wait any more.
        let _ = ask.reply.send(ended);
    }
}
