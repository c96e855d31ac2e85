//! The port `Authority` over the centre's functions. A call whose answer was lost is made again, which is safe because each of them is told
//! apart from its repetition by what it names (operation, step, attempt); only after a few such tries the trouble is handed up.

use super::answer::{garbled, no, part, trouble};
use crate::connect::{Centre, CentreError};
use async_trait::async_trait;
use noctule_domain::audit::AuditEntry;
use noctule_domain::ipam::Pool;
use noctule_domain::lifecycle::{Actor, Ended, Methods, Operation, Progress, Proofs, Told};
use noctule_domain::nas::{Nas, NasSeen};
use noctule_domain::ports::{
    Authority, AuthorityError, BeginOperation, Begun, Clock, Context, Finished, FirstTry, Heard, Opened, StepEnd, StepStart,
};
use noctule_domain::retry::backoff;
use noctule_domain::subscriber::Subscriber;
use noctule_domain::{ConsoleId, NasId, OperationId, Retry, SafeText, SubscriberId, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_postgres::types::ToSql;

/// How NASes of a profile are made to obey; `None` for a profile that this console does not know.
pub type MethodsOf = Arc<dyn Fn(&str) -> Option<Methods> + Send + Sync>;
/// Consoles on this machine, of this operator, whose processes are known to be gone: their operations need not wait for the end of a lease.
pub type Dead = Arc<dyn Fn() -> Vec<ConsoleId> + Send + Sync>;

/// How often a call is made whose answer was lost, or that collided with others' work.
const TRIES: u32 = 4;
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// Profiles asked for one after the other in one beginning: more means that somebody moves the subscriber about all the time.
const PROFILES: usize = 3;

/// The centre as the authority. Cheap to clone; clones share the connection.
#[derive(Clone)]
pub struct CentralAuthority {
    centre: Centre,
    methods: MethodsOf,
    dead: Dead,
    clock: Arc<dyn Clock>,
    /// Profiles of NASes that operations were begun for: told at once the next time.
    profiles: Arc<Mutex<BTreeSet<String>>>,
}

struct System;

impl Clock for System {
    fn now(&self) -> Timestamp {
        chrono::Utc::now()
    }
}

impl CentralAuthority {
    pub fn new(centre: Centre, methods: MethodsOf, dead: Dead) -> Self {
        Self { centre, methods, dead, clock: Arc::new(System), profiles: Arc::default() }
    }

    /// With the clock that the executor goes by, where that is not the system's.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    pub fn centre(&self) -> &Centre {
        &self.centre
    }

    fn console(&self) -> uuid::Uuid {
        self.centre.config().console.0
    }

    /// What NetBox says of the pools now; pools that it does not name any more are forgotten. False when the centre knew all of it.
    pub async fn pools_replace(&self, pools: &[Pool]) -> Result<bool, AuthorityError> {
        let pools = serde_json::to_value(pools).map_err(|error| garbled(&error))?;
        let answer = self.ask("pools_replace", &[&pools]).await?;
        Ok(part::<bool>(answer.clone(), "ok")? && answer["changed"] == Value::Bool(true))
    }

    /// A call that may be made again.
    pub(super) async fn ask(&self, function: &str, args: &[&(dyn ToSql + Sync)]) -> Result<Value, AuthorityError> {
        repeated(function, || self.centre.call(function, args)).await.map_err(|error| trouble(&error))
    }

    pub(super) async fn done(&self, function: &str, args: &[&(dyn ToSql + Sync)]) -> Result<(), AuthorityError> {
        part::<bool>(self.ask(function, args).await?, "ok").map(drop)
    }

    /// The methods of the profiles met so far, as the centre reads them.
    fn known_methods(&self) -> Value {
        let profiles = self.profiles.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let known = profiles.into_iter().filter_map(|profile| {
            let Methods { activate, suspend, resume } = (self.methods)(&profile)?;
            Some((profile, json!({ "activate": activate, "suspend": suspend, "resume": resume })))
        });
        Value::Object(known.collect())
    }
}

/// Makes a call again while its answer was lost or it collided with others' work, a few times.
async fn repeated<T, F>(what: &str, mut call: impl FnMut() -> F) -> Result<T, CentreError>
where
    F: Future<Output = Result<T, CentreError>>,
{
    let mut tries = 0;
    loop {
        match call().await {
            Err(error) if tries + 1 < TRIES && (error.maybe_done() || matches!(error, CentreError::Busy(_))) => {
                tracing::debug!(what, %error, tries, "asked again");
                tokio::time::sleep(backoff(tries, PAUSE.0, PAUSE.1, rand::random::<f64>())).await;
                tries += 1;
            }
            result => return result,
        }
    }
}

/// The answer to `context`, with the centre's clock.
#[derive(Deserialize)]
struct Seen {
    operation: Operation,
    subscriber: Subscriber,
    nas: Option<Nas>,
    now: Timestamp,
}

impl CentralAuthority {
    /// `SessionBook::told`, kept by the centre: all consoles get the rows by its feed.
    pub async fn sessions_told(&self, told: &[Told], proofs: &BTreeMap<String, Proofs>) -> Result<Heard, AuthorityError> {
        let told = serde_json::to_value(told).map_err(|error| garbled(&error))?;
        let proofs = serde_json::to_value(proofs).map_err(|error| garbled(&error))?;
        part(self.ask("sessions_told", &[&told, &proofs, &self.console()]).await?, "heard")
    }
}

impl CentralAuthority {
    /// What is done about a prefix of NetBox that belongs to nobody: there is no subscriber to lock and so no operation, but the centre looks
    /// whether somebody holds it by now, and its audit log has it. Who acts is the login, whatever the entry says.
    pub async fn prefix_retired(&self, entry: &AuditEntry) -> Result<(), AuthorityError> {
        let entry = serde_json::to_value(entry).map_err(|error| garbled(&error))?;
        self.done("prefix_retired", &[&entry]).await
    }
}

impl CentralAuthority {
    /// Asks a function that begins an operation, again with the methods of a profile that it does not know yet.
    async fn ask_to_begin(&self, function: &str, request: &BeginOperation) -> Result<Value, AuthorityError> {
        // Who asks is the login; the actor's name and role are what the centre knows of it.
        let asked = json!({
            "id": request.id, "subscriber": request.subscriber, "kind": request.kind, "origin": request.actor.origin,
            "options": request.options, "expected_version": request.expected_version,
        });
        for _ in 0..PROFILES {
            let answer = self.ask(function, &[&asked, &self.console(), &self.known_methods()]).await?;
            let (Some(profile), Some(nas)) = (answer["profile"].as_str(), answer["nas"].as_str()) else { return Ok(answer) };
            if (self.methods)(profile).is_none() {
                let message = format!(
                    "NAS {} has the profile '{}', which this console does not know: add the profile, or correct the NAS; nothing was begun",
                    SafeText::bounded(nas, 100),
                    SafeText::bounded(profile, 60)
                );
                return Err(AuthorityError::Store { message: SafeText::new(&message), retry: Retry::AfterFix });
            }
            self.profiles.lock().unwrap_or_else(PoisonError::into_inner).insert(profile.to_owned());
        }
        let message = "the subscriber was moved from NAS to NAS while this was asked: nothing was begun; look again, then decide";
        Err(AuthorityError::Store { message: message.into(), retry: Retry::Later })
    }

    fn seen(&self, answer: Value) -> Result<Context, AuthorityError> {
        let mut seen: Seen = serde_json::from_value(answer).map_err(|error| garbled(&error))?;
        // These two are compared with this console's clock, which may be hours off: they are told in its time.
        let ahead = self.clock.now() - seen.now;
        for at in [&mut seen.operation.retry_at, &mut seen.operation.ended_at].into_iter().flatten() {
            *at = at.checked_add_signed(ahead).unwrap_or(*at);
        }
        Ok(Context { operation: seen.operation, subscriber: seen.subscriber, nas: seen.nas })
    }

    /// The end of a try, as the centre reads it.
    fn told(&self, step: &StepEnd) -> Value {
        let wait_ms = step.wait.as_ref().map(|(until, _)| (*until - self.clock.now()).num_milliseconds().max(0));
        json!({
            "operation": step.operation, "step": step.step, "attempt": step.attempt, "status": step.status, "answer": step.answer,
            "progress": step.progress, "wait_ms": wait_ms, "why": step.wait.as_ref().map(|(_, why)| why),
        })
    }
}

fn begun(answer: Value) -> Result<Begun, AuthorityError> {
    if answer.get("operation").is_some() {
        return Ok(Begun::Started(Box::new(part(answer, "operation")?)));
    }
    part(answer, "already_there").map(|subscriber| Begun::AlreadyThere(Box::new(subscriber)))
}

fn outcome(ended: &Ended) -> Value {
    json!({
        "status": ended.status, "state": ended.state, "enforcement": ended.enforcement, "enforcement_note": ended.enforcement_note,
        "error": ended.error, "begin_hold": ended.begin_hold, "forget_prefix": ended.forget_prefix,
    })
}

fn finished(answer: Value) -> Result<Finished, AuthorityError> {
    #[derive(Deserialize)]
    struct Stored {
        operation: Operation,
        subscriber: Subscriber,
    }
    let Stored { operation, subscriber } = part(answer, "finished")?;
    Ok(Finished { operation, subscriber })
}

#[async_trait]
impl Authority for CentralAuthority {
    async fn begin(&self, request: BeginOperation) -> Result<Begun, AuthorityError> {
        let answer = self.ask_to_begin("begin", &request).await?;
        begun(answer)
    }

    async fn begin_and_start(&self, request: BeginOperation, first: FirstTry) -> Result<Opened, AuthorityError> {
        let answer = self.ask_to_begin("begin_in_context", &request).await?;
        if answer.get("subscriber").is_none() {
            return begun(answer).map(Opened::Begun);
        }
        let context = self.seen(answer)?;
        let Some(start) = first(&context) else { return Ok(Opened::Begun(Begun::Started(Box::new(context.operation)))) };
        match self.step_started(start.clone()).await {
            Ok(()) => Ok(Opened::Started(Box::new((context, start)))),
            // It is begun, and whoever drives it asks for that once more.
            Err(error) => {
                tracing::debug!(operation = %context.operation.id, %error, "begun, its first try not taken down yet");
                Ok(Opened::Begun(Begun::Started(Box::new(context.operation))))
            }
        }
    }

    async fn context(&self, operation: OperationId) -> Result<Context, AuthorityError> {
        let answer = self.ask("context", &[&operation.0]).await?;
        if answer.get("operation").is_none() {
            return Err(no(answer));
        }
        self.seen(answer)
    }

    async fn step_started(&self, step: StepStart) -> Result<(), AuthorityError> {
        let step = json!({
            "operation": step.operation, "step": step.step, "attempt": step.attempt, "upstream": step.upstream,
            "request": step.request, "unclear": step.progress.unclear,
        });
        self.done("step_started", &[&step, &self.console()]).await
    }

    async fn step_ended(&self, step: StepEnd) -> Result<(), AuthorityError> {
        self.done("step_ended", &[&self.told(&step), &self.console()]).await
    }

    async fn finish(&self, operation: OperationId, progress: Progress, ended: Ended) -> Result<Finished, AuthorityError> {
        let progress = serde_json::to_value(progress).map_err(|error| garbled(&error))?;
        finished(self.ask("finish", &[&operation.0, &self.console(), &progress, &outcome(&ended)]).await?)
    }

    async fn end_and_finish(&self, step: StepEnd, ended: Ended) -> Result<Finished, AuthorityError> {
        finished(self.ask("end_and_finish", &[&self.told(&step), &self.console(), &outcome(&ended)]).await?)
    }

    async fn renew(&self, operation: OperationId) -> Result<(), AuthorityError> {
        self.done("renew", &[&operation.0, &self.console()]).await
    }

    async fn take_over(&self) -> Result<Vec<OperationId>, AuthorityError> {
        let dead: Vec<uuid::Uuid> = (self.dead)().into_iter().map(|console| console.0).collect();
        part(self.ask("take_over", &[&self.console(), &dead]).await?, "operations")
    }

    async fn cancel(&self, operation: OperationId, actor: Actor) -> Result<(), AuthorityError> {
        self.done("cancel", &[&operation.0, &self.console(), &actor.origin.as_str()]).await
    }

    async fn rested(&self, limit: u32) -> Result<Vec<SubscriberId>, AuthorityError> {
        part(self.ask("rested", &[&i32::try_from(limit).unwrap_or(i32::MAX)]).await?, "subscribers")
    }

    async fn watched(&self, limit: u32) -> Result<Vec<OperationId>, AuthorityError> {
        part(self.ask("watched", &[&i32::try_from(limit).unwrap_or(i32::MAX)]).await?, "operations")
    }

    async fn unwatch(&self, operation: OperationId, note: SafeText) -> Result<(), AuthorityError> {
        self.done("unwatch", &[&operation.0, &self.console(), &note.as_str()]).await
    }

    async fn nas_health(&self, nas: NasId, seen: NasSeen) -> Result<(), AuthorityError> {
        let seen = serde_json::to_value(seen).map_err(|error| garbled(&error))?;
        // Once: told twice it would count twice.
        let answer = self.centre.call("nas_health", &[&nas.0, &seen]).await.map_err(|error| trouble(&error))?;
        part::<bool>(answer, "ok").map(drop)
    }
}
