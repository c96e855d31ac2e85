//! The AAA system of the demo behind the port that the real one stands behind, and what its word means to a simulated NAS.

use async_trait::async_trait;
use noctule_domain::aaa::{AaaUser, AccountingSession, Login, SuspendLogin};
use noctule_domain::subscriber::Username;
use noctule_network::upstream::{Aaa, AaaError, LoginWrite};
use noctule_sim::aaa::{AaaSim, AaaTrouble};
use noctule_sim::nas::LoginProfile;
use noctule_sim::world::SUSPENDED_FILTER;

/// A simulated AAA system as an upstream.
#[derive(Debug, Clone)]
pub struct SimAaa(pub AaaSim);

fn error(trouble: AaaTrouble) -> AaaError {
    match trouble {
        AaaTrouble::Refused(why) => AaaError::Refused(why),
        AaaTrouble::Unreachable(why) => AaaError::Unreachable(why),
        AaaTrouble::Unclear(why) => AaaError::Unclear(why),
    }
}

#[async_trait]
impl Aaa for SimAaa {
    async fn write(&self, ask: &LoginWrite) -> Result<(), AaaError> {
        self.0.write(ask.operation, &ask.username, &ask.login).map_err(error)
    }

    async fn user(&self, username: &Username) -> Result<Option<AaaUser>, AaaError> {
        self.0.user(username).map_err(error)
    }

    async fn sessions_of(&self, username: &Username) -> Result<Vec<AccountingSession>, AaaError> {
        self.0.sessions_of(username).map_err(error)
    }

    async fn users_after(&self, after: Option<&Username>, limit: u32) -> Result<Vec<AaaUser>, AaaError> {
        self.0.users_after(after, limit).map_err(error)
    }
}

/// What a NAS makes of an answer to a login; `None` for an Access-Reject.
pub fn nas_login(login: &Login) -> Option<LoginProfile> {
    let (delegated, framed) = login.prefixes();
    let mut profile =
        LoginProfile { framed_prefix: framed, delegated_prefixes: delegated.into_iter().collect(), ..LoginProfile::default() };
    match login {
        Login::Suspended { how: SuspendLogin::Reject, .. } => return None,
        Login::Suspended { how: SuspendLogin::Group, .. } => profile.filter = Some(SUSPENDED_FILTER.to_owned()),
        Login::Suspended { how: SuspendLogin::Rate, reply, .. } => profile.rate = reply.first().map(|a| a.value.clone()),
        Login::Normal { .. } | Login::WithoutPrefix => {}
    }
    Some(profile)
}
