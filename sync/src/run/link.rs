//! The connection that reads, from the first try to the end of the program: greeting, what is due (copy, comparison), then waking and
//! polling. Any error ends the connection; the next one is tried after a growing, jittered wait, or at once when the operator asks.

use super::listen::listen;
use super::{follow, syncer::Shared};
use crate::connect::{CentreError, Line};
use crate::pull::{Plan, Puller};
use crate::push::Beat;
use crate::verify;
use noctule_domain::retry::backoff;
use noctule_domain::sync::Phase;
use noctule_domain::{Retry, SafeText};
use rand::RngExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// When a person must change something first.
const FIX_WAIT: Duration = Duration::from_secs(60);
/// The centre's wake-ups are throttled: what was committed within the same moment is fetched a little later.
const TRAILING: Duration = Duration::from_millis(150);
/// A server has what it did on its disk by then, also what nobody waits for (`wal_writer_delay`).
const FLUSHED: Duration = Duration::from_millis(300);
/// How often to say that we are there.
pub(super) const BEAT: Duration = Duration::from_secs(20);
/// The end of the program waits so long for the centre to hear of it.
pub(super) const LEAVE: Duration = Duration::from_millis(300);
/// Somebody who walks down a list looks at nothing.
const LOOK: Duration = Duration::from_millis(300);
/// How often to ask who we are to the centre: rights, its history, how far its memory of deletes reaches.
const GREET: Duration = Duration::from_secs(30);

pub(super) async fn run(shared: Arc<Shared>) {
    let mut attempt = 0;
    // How old the copy is, is known before anybody answers.
    if let Ok(Some(kept)) = shared.config.replica.position().await {
        shared.board.update(|status| status.fresh_at = Some(kept.at));
    }
    while !shared.stop.is_cancelled() {
        if !(shared.config.lead)() {
            follow::until_lead(&shared).await;
            continue;
        }
        shared.board.update(|status| status.follower = false);
        let ended = tokio::select! {
            () = stopped(&shared) => return,
            ended = one_link(&shared, &mut attempt) => ended,
        };
        shared.live.send_replace(false);
        let Err(error) = ended else { continue };
        tracing::info!(%error, "not connected with the centre");
        shared.board.lost(&error);
        shared.set_others(Vec::new());
        let wait = match error.retry() {
            Retry::Later => backoff(attempt, FIRST_WAIT, LONGEST_WAIT, rand::rng().random()),
            Retry::Never | Retry::AfterFix => backoff(attempt.max(3), FIRST_WAIT, FIX_WAIT, rand::rng().random()),
        };
        attempt = attempt.saturating_add(1);
        tokio::select! {
            () = shared.stop.cancelled() => {}
            () = shared.now.notified() => attempt = 0,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// The program ends. A link that stands is given a moment to say so.
async fn stopped(shared: &Shared) {
    shared.stop.cancelled().await;
    if *shared.live.borrow() {
        tokio::time::sleep(LEAVE).await;
    }
}

/// Ends with an error, or well when this process does not lead any more or ends.
async fn one_link(shared: &Shared, attempt: &mut u32) -> Result<(), CentreError> {
    let config = &shared.config;
    let mut puller = match &config.read {
        Some(read) => match Puller::connect(read, &config.host).await {
            Ok(puller) => puller,
            Err(error) if error.retry() == Retry::Later => {
                tracing::info!(%error, "the standby can not be read; asking the primary");
                Puller::connect(&config.centre, &config.host).await?
            }
            Err(error) => return Err(error),
        },
        None => Puller::connect(&config.centre, &config.host).await?,
    };
    bring_up(shared, &mut puller).await?;
    let mut note = None;
    let mut listening = false;
    if config.listen && puller.hello().listen && !puller.hello().standby {
        listening = listen(puller.line(), config.centre.call_timeout, config.centre.tenant).await?;
        if !listening {
            note = Some(SafeText::new("a pooler in between holds notifications back; asking by the clock instead"));
        }
    }
    // What was committed between the first read and LISTEN.
    poll(shared, &mut puller, true, true, note.as_ref()).await?;
    *attempt = 0;
    shared.live.send_replace(true);

    let mut look = shared.look.subscribe();
    look.mark_unchanged();
    let far = Instant::now() + Duration::from_secs(86_400 * 365);
    let (mut next, mut trailing, mut beat) = (Instant::now() + jitter(config.poll), far, Instant::now());
    let mut greet = Instant::now() + jitter(GREET);
    let mut ended = puller.line().ended.clone();
    let wake = Arc::clone(&puller.line().wake);
    loop {
        let (mut expect, mut keep, mut asked) = (true, false, true);
        tokio::select! {
            () = shared.stop.cancelled() => return leave(shared, &puller).await,
            why = async { ended.wait_for(Option::is_some).await.ok().and_then(|why| why.clone()) } => {
                return Err(why.unwrap_or_else(|| CentreError::Lost("the connection ended".into())));
            }
            () = wake.notified(), if listening => trailing = Instant::now() + TRAILING,
            () = sleep_until(trailing) => trailing = far,
            () = shared.answered.notified() => keep = true,
            () = shared.now.notified() => keep = true,
            changed = look.changed() => {
                asked = false;
                if changed.is_ok() {
                    beat = Instant::now() + LOOK;
                }
            }
            () = sleep_until(beat) => {
                asked = false;
                beat = Instant::now() + jitter(BEAT);
                say_beat(shared, &puller).await?;
            }
            () = sleep_until(next) => {
                expect = false;
                if !(config.lead)() {
                    return Ok(());
                }
                if Instant::now() >= greet {
                    greet = Instant::now() + jitter(GREET);
                    bring_up(shared, &mut puller).await?;
                }
            }
        }
        if asked {
            next = Instant::now() + jitter(config.poll);
            // Answers of the outbox that come with the next wake-up need no read of their own, but may need the position kept.
            if poll(shared, &mut puller, expect, keep, note.as_ref()).await? {
                bring_up(shared, &mut puller).await?;
                poll(shared, &mut puller, true, true, note.as_ref()).await?;
            }
            if puller.owes() {
                next = next.min(Instant::now() + FLUSHED);
            }
        }
    }
}

/// Says hello and does what is due before increments: a whole copy, a comparison.
async fn bring_up(shared: &Shared, puller: &mut Puller) -> Result<(), CentreError> {
    let replica = shared.config.replica.as_ref();
    let hello = puller.greet().await?.clone();
    shared.board.update(|status| {
        status.login = Some(SafeText::new(&shared.config.centre.user));
        status.role = Some(hello.role);
        status.consoles = hello.consoles.or(status.consoles);
    });
    let due = puller.plan(replica).await?;
    match due {
        Plan::Increments => {}
        Plan::Copy(why) => {
            tracing::info!(why, "a whole copy begins");
            shared.board.connected();
            puller.copy(replica, &|phase| shared.board.phase(phase)).await?;
            shared.board.update(|status| status.fresh_at = puller.position().map(|position| position.at));
        }
        Plan::Heal => {
            shared.board.connected();
            let report = verify::with(puller, due, replica, true, &|phase| shared.board.phase(phase)).await?;
            let differing: u64 = report.tables.iter().map(|table| table.differing).sum();
            tracing::info!(differing, "the centre failed over: this copy was compared with it");
        }
    }
    Ok(())
}

/// True when the rights have changed.
async fn poll(shared: &Shared, puller: &mut Puller, expect: bool, keep: bool, note: Option<&SafeText>) -> Result<bool, CentreError> {
    let replica = shared.config.replica.as_ref();
    let pulled = puller.poll(replica, expect, keep, &|phase: Phase| shared.board.phase(phase)).await?;
    let limit = u64::try_from(shared.config.poll.as_millis().saturating_mul(3)).unwrap_or(u64::MAX);
    // Only a standby can be late without being silent.
    let late = puller.hello().standby && pulled.lag_ms.is_some_and(|lag| lag > limit);
    shared.board.read(pulled.now, pulled.lag_ms, late, note);
    Ok(pulled.rights_changed)
}

async fn say_beat(shared: &Shared, puller: &Puller) -> Result<(), CentreError> {
    let looks_at = *shared.look.borrow();
    let beat = if puller.hello().standby {
        // A standby takes no notes: the primary is told, and when it is away nobody is.
        crate::push::beat(&shared.centre, looks_at).await.ok()
    } else {
        Some(beat_on(puller.line(), shared, looks_at).await?)
    };
    if let Some(beat) = beat {
        shared.set_others(beat.others);
        shared.board.update(|status| status.consoles = Some(beat.consoles));
    }
    Ok(())
}

/// Nobody is shown any more that this console looks at something.
async fn leave(shared: &Shared, puller: &Puller) -> Result<(), CentreError> {
    if puller.hello().standby {
        return crate::push::leave(&shared.centre).await;
    }
    let console = shared.config.centre.console.uuid();
    let line = puller.line();
    line.within(LEAVE, "leave", line.client.query_one("SELECT noctule.leave($1)", &[&console])).await.map(drop)
}

/// On the connection that stands anyway: one a console, not two.
async fn beat_on(line: &Line, shared: &Shared, looks_at: Option<noctule_domain::SubscriberId>) -> Result<Beat, CentreError> {
    let (console, looks_at) = (shared.config.centre.console.uuid(), looks_at.map(|id| id.uuid()));
    let args: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&console, &looks_at];
    let ask = line.client.query_one("SELECT noctule.beat($1, $2)", &args);
    let row = line.within(shared.config.centre.call_timeout, "beat", ask).await?;
    let answer: serde_json::Value = row.try_get(0).map_err(|error| crate::pull::bad(&error))?;
    serde_json::from_value(answer).map_err(|error| CentreError::Sql(format!("its list of consoles is not understood: {error}").into()))
}

/// Between three quarters and five quarters: a thousand consoles that lost the centre in one moment do not ask in one moment for ever.
fn jitter(every: Duration) -> Duration {
    every.mul_f64(0.75 + rand::rng().random::<f64>() / 2.0)
}
