//! What the executor asks of the AAA system: a login is written, and accounting is looked at where a NAS did not answer.

use super::act::Acted;
use super::executor::Inner;
use crate::upstream::{Aaa, AaaError, LoginWrite};
use noctule_domain::aaa::AccountingSession;
use noctule_domain::lifecycle::{StepAnswer, StepKind, shown};
use noctule_domain::nas::Verification;
use noctule_domain::ports::Context;
use noctule_domain::{SafeText, sentence};

/// What accounting told before a request left, and what of it would prove that the request was done.
pub(super) struct Look {
    by: Verification,
    before: Vec<AccountingSession>,
}

impl Inner {
    pub(super) async fn write_login(&self, context: &Context, step: StepKind) -> Acted {
        let Some(aaa) = &self.upstreams.aaa else {
            let why = SafeText::from(
                "logins of this tenant are written in an AAA system, and this console has no access to it: set [aaa] in the configuration",
            );
            return Acted::new(StepAnswer::Unreachable(why.clone()), why);
        };
        let login = match self.tries.login(context, step) {
            Ok(login) => login,
            Err(why) => return Acted::new(StepAnswer::Unreachable(why.clone()), why),
        };
        let subscriber = &context.subscriber;
        let ask = LoginWrite {
            operation: context.operation.id,
            subscriber: subscriber.id,
            version: subscriber.version,
            username: subscriber.username.clone(),
            login,
        };
        match aaa.write(&ask).await {
            Ok(()) => Acted::new(StepAnswer::Done, "stored"),
            Err(AaaError::Refused(why)) if step == StepKind::AaaRestore && self.is_so(aaa.as_ref(), context, &ask).await => {
                Acted::new(StepAnswer::Done, format!("it stands there already ({why})"))
            }
            Err(error) => {
                let words = SafeText::new(&error.to_string());
                let answer = match error {
                    AaaError::Refused(why) => StepAnswer::Refused(why),
                    AaaError::Unreachable(why) => StepAnswer::Unreachable(why),
                    AaaError::Unclear(why) => StepAnswer::Unclear(why),
                };
                Acted::new(answer, words)
            }
        }
    }

    /// A write that is refused now may never have been stored: then there is nothing to put back, and no reason to ask for ever.
    async fn is_so(&self, aaa: &dyn Aaa, context: &Context, ask: &LoginWrite) -> bool {
        let profile = context.nas.as_ref().and_then(|nas| self.upstreams.profiles.get(&nas.profile));
        let profile = profile.map(|profile| profile.login.clone()).unwrap_or_default();
        matches!(aaa.user(&ask.username).await, Ok(user) if ask.login.shown_by(user.as_ref(), &profile))
    }

    /// The first look, where accounting can prove what is about to be asked of the NAS. A look that fails proves nothing and stops nothing.
    pub(super) async fn look(&self, context: &Context) -> Option<Look> {
        let aaa = self.upstreams.aaa.as_ref()?;
        let profile = self.upstreams.profiles.get(&context.nas.as_ref()?.profile)?;
        let by = profile.verification(context.operation.kind.at_nas(context.subscriber.ipv6.state));
        if by == Verification::None || !context.operation.plan.contains(&StepKind::AaaWrite) {
            return None;
        }
        match aaa.sessions_of(&context.subscriber.username).await {
            Ok(before) => Some(Look { by, before }),
            Err(error) => {
                tracing::debug!(%error, "accounting was not looked at");
                None
            }
        }
    }

    /// The second look, after silence: the words of what shows that it was done all the same.
    pub(super) async fn shown(&self, context: &Context, look: Look) -> Option<SafeText> {
        let after = self.upstreams.aaa.as_ref()?.sessions_of(&context.subscriber.username).await.ok()?;
        let login = self.tries.login(context, StepKind::AaaWrite).ok()?;
        let session = shown(look.by, context.subscriber.ipv6.prefix, &login, &look.before, &after)?;
        let words = match (look.by, session.stopped_at) {
            (Verification::Stop, Some(at)) => {
                let cause = session.terminate_cause.as_ref().map(|cause| format!(", {cause}")).unwrap_or_default();
                format!(
                    "no answer, but accounting shows it: session {} has ended (Stop of {}{cause})",
                    session.acct_session_id,
                    sentence::moment(at)
                )
            }
            _ => format!("no answer, but accounting shows it: session {} has the prefix", session.acct_session_id),
        };
        Some(SafeText::new(&words))
    }
}
