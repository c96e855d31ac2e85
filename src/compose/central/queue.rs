//! Lifecycle requests that waited in the outbox: begun on return through the executor, guarded by the version that the operator saw, and
//! answered in words where the world has moved.

use crate::compose::Services;
use noctule_domain::ports::{AuthorityError, BeginOperation};
use noctule_domain::sync::{Answer, Answered, LifecycleRequest, Op, Replica};
use noctule_domain::{OperationId, Retry, SafeText};
use noctule_network::lifecycle::{Handle, Started};

/// What came of one request.
pub enum Answers {
    /// It runs; the handle tells its end.
    Begun(Handle),
    Already,
    /// Not possible any more, in words; it stands among the conflicts until the operator has seen it.
    Refused(SafeText),
    /// The centre was away again: it stays in the outbox.
    Later(SafeText),
}

/// Begins one, under the id that it had from the start: however often it is begun, it is one operation.
pub async fn begin_queued(services: &Services, op: &Op, request: LifecycleRequest) -> Result<Answers, SafeText> {
    let mut actor = services.actor();
    actor.origin.clone_from(&op.origin);
    let begin = BeginOperation {
        id: OperationId::from_uuid(op.id.0),
        subscriber: request.subscriber,
        kind: request.kind,
        actor,
        options: request.options,
        expected_version: Some(request.seen_version),
    };
    let (answer, outcome) = match services.start(begin).await {
        Ok(Started::Running(handle)) => (Answer::Applied { version: None, merged: Vec::new() }, Answers::Begun(handle)),
        Ok(Started::AlreadyThere(subscriber)) => (Answer::Already { version: Some(subscriber.version) }, Answers::Already),
        // It was begun before the answer was lost, and has ended since.
        Err(AuthorityError::Ended { .. }) => (Answer::Already { version: None }, Answers::Already),
        Err(error @ AuthorityError::Store { retry: Retry::Later, .. }) => return Ok(Answers::Later(SafeText::new(&error.to_string()))),
        Err(error) => {
            let why = SafeText::new(&error.to_string());
            (Answer::Refused { why: why.clone() }, Answers::Refused(why))
        }
    };
    let answered = Answered { op: op.id, answer, xid: None, at: chrono::Utc::now() };
    services.store.answered(vec![answered]).await.map_err(|error| SafeText::new(&error.to_string()))?;
    Ok(outcome)
}
