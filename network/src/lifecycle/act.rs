//! One step, done: which call, to whom, and what its answer means for the machine.

use super::drive::Hints;
use super::executor::Inner;
use crate::upstream::{AllocateAsk, Allocation, IpamError, NasAsk, NasOutcome, Purpose, PutBack, StatusChange};
use noctule_domain::drift::wanted_status;
use noctule_domain::ipam::PrefixStatus;
use noctule_domain::lifecycle::{Ipv6State, OperationKind, Progress, StepAnswer, StepKind, was_used};
use noctule_domain::ports::Context;
use noctule_domain::radius::CauseMeaning;
use noctule_domain::{SafeText, sentence};
use std::time::Duration;

/// How often a NAS that says "busy" (502, 505, 506) is asked before that counts as its answer.
const BUSY_TRIES: u32 = 3;

/// What came of a try.
pub(super) enum Acted {
    Answered {
        answer: StepAnswer,
        words: SafeText,
    },
    /// Ask once more in another way, or a little later; the machine does not hear of it.
    Again {
        words: SafeText,
        after: Duration,
    },
}

impl Acted {
    pub(super) fn new(answer: StepAnswer, words: impl Into<SafeText>) -> Self {
        Self::Answered { answer, words: words.into() }
    }
}

impl Inner {
    pub(super) async fn act(&self, context: &Context, progress: &mut Progress, step: StepKind, hints: &mut Hints) -> Acted {
        match step {
            StepKind::NetboxAllocate => self.allocate(context, progress).await,
            StepKind::NetboxActivate => self.set_status(context, progress, PrefixStatus::Active).await,
            StepKind::NetboxDeprecate => self.set_status(context, progress, PrefixStatus::Deprecated).await,
            StepKind::NetboxDelete => self.delete(context).await,
            StepKind::NetboxPutBack => self.put_back(context).await,
            StepKind::NasCoa | StepKind::NasDisconnect => self.ask_nas(context, step, hints).await,
            StepKind::AaaWrite | StepKind::AaaRestore => self.write_login(context, step).await,
            StepKind::Reset => Acted::new(StepAnswer::Done, "nothing is held any more"),
        }
    }

    async fn allocate(&self, context: &Context, progress: &mut Progress) -> Acted {
        let Some(ipam) = &self.upstreams.ipam else { return no_ipam() };
        let options = &context.operation.options;
        let subscriber = &context.subscriber;
        let ask = AllocateAsk {
            operation: context.operation.id,
            pools: options.pool.into_iter().collect(),
            prefix_len: prefix_len(context),
            site: subscriber.site.clone(),
            nas: context.nas.as_ref().map(|nas| nas.name.clone()),
            subscriber_number: subscriber.subscriber_number.clone(),
            username: SafeText::new(subscriber.username.as_str()),
            maybe_earlier: progress.unclear || progress.attempts > 1,
        };
        match ipam.allocate(&ask).await {
            Ok(Allocation { id, prefix, vrf, adopted, .. }) => {
                let how = if adopted { "adopted by operation id" } else { "201" };
                let words = format!("{prefix}, {} id {id} ({how})", ipam.name());
                Acted::new(StepAnswer::Allocated { prefix, netbox_prefix_id: id, vrf }, words)
            }
            Err(error) => {
                // It is in NetBox under our id and nobody will hold it: housekeeping looks for it and gives it back.
                progress.unclear |= matches!(error, IpamError::NotAsAsked(_));
                failed(error)
            }
        }
    }

    /// The NetBox object of the subscriber's prefix: by its id, or (imported prefixes) by its value, once.
    async fn set_status(&self, context: &Context, progress: &mut Progress, status: PrefixStatus) -> Acted {
        let record = &context.subscriber.ipv6;
        let Some(prefix) = record.prefix else { return Acted::new(StepAnswer::Done, "no prefix") };
        let Some(ipam) = &self.upstreams.ipam else {
            return match record.netbox_prefix_id {
                None => Acted::new(StepAnswer::Done, "no NetBox is configured and none is recorded for this prefix"),
                Some(_) => no_ipam(),
            };
        };
        let id = match record.netbox_prefix_id.or(progress.netbox_prefix_id) {
            Some(id) => id,
            None => match ipam.find_by_prefix(prefix, record.vrf).await {
                // The value fits, the object does not: other delegations may lie in it, and it is not ours to put to rest.
                Ok(Some(found)) if found.status == PrefixStatus::Container => {
                    let why = format!(
                        "{prefix} (NetBox id {}) is a container, not a delegation: correct it in NetBox, or the subscriber here",
                        found.id
                    );
                    return failed(IpamError::Refused(SafeText::new(&why)));
                }
                Ok(Some(found)) => {
                    progress.netbox_prefix_id = Some(found.id);
                    found.id
                }
                Ok(None) => return not_in_netbox(status, format!("{} has no {prefix}", ipam.name())),
                Err(error) => return failed(error),
            },
        };
        let hold_until = (status == PrefixStatus::Deprecated).then(|| self.config.clock.now() + self.config.hold);
        let change = StatusChange { id, expect: prefix, status, hold_until, operation: context.operation.id };
        match ipam.set_status(&change).await {
            Ok(()) => Acted::new(StepAnswer::Done, format!("{prefix} is {status} in {}", ipam.name())),
            Err(IpamError::Gone(why)) => not_in_netbox(status, why.into_string()),
            Err(error) => failed(error),
        }
    }

    /// The object of the subscriber's prefix as the state has it. One that is not there is not made again: it may be somebody else's by now.
    async fn put_back(&self, context: &Context) -> Acted {
        let record = &context.subscriber.ipv6;
        let resting = record.state == Ipv6State::Revoked && record.hold_until.is_some();
        let (Some(prefix), Some(status)) = (record.prefix, wanted_status(record.state, resting)) else {
            return failed(IpamError::Refused(SafeText::new(&format!("{} says nothing of NetBox", record.state))));
        };
        let Some(ipam) = &self.upstreams.ipam else { return no_ipam() };
        let id = match record.netbox_prefix_id {
            Some(id) => id,
            None => match ipam.find_by_prefix(prefix, record.vrf).await {
                Ok(Some(found)) => found.id,
                Ok(None) => return failed(IpamError::Gone(SafeText::new(&format!("{} has no {prefix}", ipam.name())))),
                Err(error) => return failed(error),
            },
        };
        let hold_until = record.hold_until.filter(|_| resting);
        match ipam.put_back(&PutBack { id, prefix, vrf: record.vrf, status, hold_until, operation: context.operation.id }).await {
            Ok(()) => Acted::new(StepAnswer::Done, format!("{} id {id} is {prefix} and {status} again", ipam.name())),
            Err(error) => failed(error),
        }
    }

    async fn delete(&self, context: &Context) -> Acted {
        let record = &context.subscriber.ipv6;
        let (Some(id), Some(prefix)) = (record.netbox_prefix_id, record.prefix) else {
            return Acted::new(StepAnswer::Done, "nothing is recorded in NetBox");
        };
        let Some(ipam) = &self.upstreams.ipam else { return no_ipam() };
        if context.operation.kind == OperationKind::Allocate
            && record.state == Ipv6State::Failed
            && record.hold_until.is_none()
            && !was_used(record.state, record.enforcement)
        {
            // NetBox handed it out, but it never came to the subscriber: it is not at rest there, and needs none.
            let change =
                StatusChange { id, expect: prefix, status: PrefixStatus::Deprecated, hold_until: None, operation: context.operation.id };
            match ipam.set_status(&change).await {
                Ok(()) | Err(IpamError::Gone(_)) => {}
                Err(error) => return failed(error),
            }
        }
        match ipam.delete(id, prefix, context.operation.id).await {
            Ok(()) => Acted::new(StepAnswer::Done, format!("{prefix} (NetBox id {id}) is deleted")),
            // Gone, or the id is somebody else's by now: ours is not there any more, and theirs is not ours to delete.
            Err(IpamError::Gone(why)) => Acted::new(StepAnswer::Done, why),
            Err(error) => failed(error),
        }
    }

    async fn ask_nas(&self, context: &Context, step: StepKind, hints: &mut Hints) -> Acted {
        let Some(nas) = &context.nas else {
            let why = SafeText::from("no NAS is registered for this subscriber, so none can be asked: register its NAS, then try again");
            return Acted::new(StepAnswer::NotSent(why.clone()), why);
        };
        let ask = nas_ask(context, step, hints);
        let look = self.look(context).await;
        let asked = if hints.bulk { &self.bulk.nas } else { &self.upstreams.nas };
        let answer = asked.ask(nas, &context.subscriber, ask).await;
        // Stored by the caller: this future is not polled while the lease is renewed, and a question to the authority that is asked half-way
        // would stand in the way of the renewal.
        hints.seen = (!answer.seen.is_nothing()).then(|| (nas.id, answer.seen.clone()));
        let timing = answer.round_trip.map(|rtt| format!(", {:.1} ms", rtt.as_secs_f64() * 1000.0)).unwrap_or_default();
        match answer.outcome {
            NasOutcome::Ack { causes } => {
                let with: Vec<String> = causes.iter().map(ToString::to_string).collect();
                let words = if with.is_empty() { format!("ACK{timing}") } else { format!("ACK ({}){timing}", with.join("; ")) };
                Acted::new(StepAnswer::Acknowledged, words)
            }
            NasOutcome::Nak { causes } => {
                let words = SafeText::new(&sentence::nak(&nas.name, &causes));
                match causes.first().map(|cause| cause.meaning()) {
                    // The session id may be an old one: the subscriber may have logged in again since.
                    Some(CauseMeaning::NoSession) if ask.with_session_id && context.subscriber.session.is_some() => {
                        hints.by_username = true;
                        Acted::Again { words, after: Duration::ZERO }
                    }
                    Some(CauseMeaning::NoSession) => Acted::new(StepAnswer::NoSession, words),
                    Some(CauseMeaning::Busy) if hints.busy + 1 < BUSY_TRIES => {
                        hints.busy += 1;
                        Acted::Again { words, after: self.config.backoff.0 * hints.busy }
                    }
                    _ => Acted::new(StepAnswer::Refused(words.clone()), words),
                }
            }
            NasOutcome::Silence { seconds, note } => {
                let mut words = sentence::silence(&nas.name, answer.sends, seconds);
                if let Some(note) = note {
                    words.push_str(&format!(" ({note})"));
                }
                let words = SafeText::new(&words);
                match look {
                    Some(look) => match self.shown(context, look).await {
                        Some(shown) => Acted::new(StepAnswer::Observed, shown),
                        None => Acted::new(StepAnswer::Unanswered(words.clone()), words),
                    },
                    None => Acted::new(StepAnswer::Unanswered(words.clone()), words),
                }
            }
            NasOutcome::NotSent(why) => Acted::new(StepAnswer::NotSent(why.clone()), why),
        }
    }
}

/// Asked for, or the subscriber's size; without either the pool's own.
pub(super) fn prefix_len(context: &Context) -> Option<u8> {
    context.operation.options.prefix_len.or(context.subscriber.ipv6.pd_size)
}

fn nas_ask(context: &Context, step: StepKind, hints: &Hints) -> NasAsk {
    let purpose = match context.operation.kind.at_nas(context.subscriber.ipv6.state) {
        OperationKind::Activate => Purpose::Activate,
        OperationKind::Suspend => Purpose::Suspend,
        OperationKind::Resume => Purpose::Resume,
        OperationKind::Allocate | OperationKind::Revoke | OperationKind::Release | OperationKind::Reconcile => Purpose::Revoke,
    };
    NasAsk { purpose, disconnect: step == StepKind::NasDisconnect, with_session_id: !hints.by_username }
}

fn no_ipam() -> Acted {
    let why = SafeText::from("no NetBox is configured: set [netbox] in the configuration, then try again");
    Acted::new(StepAnswer::Unreachable(why.clone()), why)
}

/// A prefix that NetBox does not have: for a release that is the goal, for an activation a refusal.
fn not_in_netbox(status: PrefixStatus, why: String) -> Acted {
    let words = SafeText::new(&why);
    if status == PrefixStatus::Deprecated {
        return Acted::new(StepAnswer::Done, format!("{words}: nothing to release"));
    }
    Acted::new(StepAnswer::Refused(words.clone()), words)
}

fn failed(error: IpamError) -> Acted {
    let words = SafeText::new(&error.to_string());
    let answer = match error {
        IpamError::Refused(why) | IpamError::Exhausted(why) | IpamError::Gone(why) | IpamError::NotAsAsked(why) => StepAnswer::Refused(why),
        IpamError::Unreachable(why) => StepAnswer::Unreachable(why),
        IpamError::Unclear(why) => StepAnswer::Unclear(why),
    };
    Acted::new(answer, words)
}
