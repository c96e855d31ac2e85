//! A try of a step before it leaves: its line in the journal, in words. Made also inside the transaction that begins an operation, so it holds
//! no upstream and no store, only what they are called.

use super::act::prefix_len;
use super::drive::Hints;
use crate::radius::Profiles;
use noctule_domain::aaa::{Login, LoginProfile, login_after, login_of};
use noctule_domain::lifecycle::{Next, Progress, StepKind, first};
use noctule_domain::ports::{Context, StepStart};
use noctule_domain::{SafeText, sentence};
use std::sync::Arc;

#[derive(Clone)]
pub(super) struct Tries {
    /// What the IPAM is called.
    pub ipam: &'static str,
    pub profiles: Arc<Profiles>,
}

impl Tries {
    /// The first try of an operation that has just begun, if its plan begins with a step.
    pub fn first(&self, context: &Context) -> Option<StepStart> {
        let operation = &context.operation;
        match first(operation.kind, &operation.plan, &operation.progress) {
            Next::Run(step) => Some(self.start(context, operation.progress.clone(), step, &Hints::default())),
            _ => None,
        }
    }

    /// The next try of a step, counted in the progress that it carries.
    pub fn start(&self, context: &Context, mut progress: Progress, step: StepKind, hints: &Hints) -> StepStart {
        progress.attempts += 1;
        // The store did not take down how the last try ended: it may have happened.
        progress.unclear |= hints.under_way;
        if step.is_nas() && progress.before.is_none() {
            let ipv6 = &context.subscriber.ipv6;
            progress.before = Some((ipv6.enforcement, ipv6.enforcement_note.clone()));
        }
        StepStart {
            operation: context.operation.id,
            step,
            attempt: progress.attempts,
            upstream: self.upstream_name(context, step),
            request: self.request_words(context, &progress, step, hints),
            progress,
        }
    }

    fn upstream_name(&self, context: &Context, step: StepKind) -> SafeText {
        if step.is_nas() {
            return context.nas.as_ref().map_or_else(|| "no NAS".into(), |nas| nas.name.clone());
        }
        match step {
            StepKind::Reset => "Noctule".into(),
            step if step.is_aaa() => "AAA".into(),
            _ => self.ipam.into(),
        }
    }

    /// The request in words, for the journal. It is written before anything leaves.
    fn request_words(&self, context: &Context, progress: &Progress, step: StepKind, hints: &Hints) -> SafeText {
        let record = &context.subscriber.ipv6;
        let prefix = record.prefix.map(|p| p.to_string()).unwrap_or_default();
        let words = match step {
            StepKind::NetboxAllocate => {
                let len = prefix_len(context).map_or("prefix of the pool's length".to_owned(), |len| format!("/{len}"));
                format!("available-prefixes: next free {len}{}", again(progress))
            }
            StepKind::NetboxActivate => format!("{prefix}: status active{}", again(progress)),
            StepKind::NetboxDeprecate => format!("{prefix}: status deprecated{}", again(progress)),
            StepKind::NetboxDelete => format!("{prefix}: delete{}", again(progress)),
            StepKind::NetboxPutBack => format!("{prefix}: as {} says{}", record.state, again(progress)),
            StepKind::Reset => "back to pending".to_owned(),
            StepKind::AaaWrite | StepKind::AaaRestore => {
                let login = self.login(context, step).map_or_else(|why| why.into_string(), |login| sentence::login(&login));
                let back = if step == StepKind::AaaRestore { " again" } else { "" };
                format!("a login of {} gets{back} {login}", context.subscriber.username)
            }
            StepKind::NasCoa | StepKind::NasDisconnect => {
                let packet = if step == StepKind::NasCoa { "CoA-Request" } else { "Disconnect-Request" };
                let session = context.subscriber.session.as_ref().filter(|_| !hints.by_username);
                let session = session.map(|s| format!(", Acct-Session-Id {}", s.acct_session_id)).unwrap_or_default();
                format!("{packet} for {}{session}", context.subscriber.username)
            }
        };
        SafeText::new(&words)
    }

    /// What the step writes: the login of the goal, or again the one of the state that stands.
    pub fn login(&self, context: &Context, step: StepKind) -> Result<Login, SafeText> {
        let record = &context.subscriber.ipv6;
        let login = |profile: &LoginProfile| match step {
            StepKind::AaaRestore => login_of(record, profile),
            _ => login_after(context.operation.kind, record, profile),
        };
        let Some(nas) = &context.nas else { return Ok(login(&LoginProfile::default())) };
        match self.profiles.get(&nas.profile) {
            Some(profile) => Ok(login(&profile.login)),
            // A prefix is taken away alike for every NAS.
            None => Some(login(&LoginProfile::default())).filter(|login| *login == Login::WithoutPrefix).ok_or_else(|| {
                let profile = SafeText::bounded(&nas.profile, 60);
                let why = format!(
                    "NAS {} has the profile '{profile}', which this console does not know: add the profile, or correct the NAS; AAA was not asked",
                    nas.name
                );
                SafeText::new(&why)
            }),
        }
    }
}

fn again(progress: &Progress) -> &'static str {
    if progress.unclear { " (after a look-up: the last try ended unclear)" } else { "" }
}
