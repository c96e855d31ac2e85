//! Accounting: what NASes tell of their sessions.

use super::core::AaaSim;
use crate::nas::{EndedBy, NasEvent, NasSession, NasSim, What};
use noctule_domain::Timestamp;
use noctule_domain::aaa::AccountingSession;
use noctule_domain::subscriber::Username;
use std::net::IpAddr;
use tokio::sync::broadcast::error::RecvError;

impl AaaSim {
    /// A session as accounting has it; the same key again takes the place of what stood there.
    pub fn account(&self, session: AccountingSession) {
        self.with(|state| {
            match state.sessions.iter_mut().find(|known| known.key == session.key) {
                Some(known) => *known = session,
                None => state.sessions.push(session),
            }
            ((), true)
        });
    }

    /// Start, Interim-Update and Stop of this NAS from now on, and a Start of what is open already. Ends with the NAS.
    pub fn hears(&self, nas: &NasSim, address: IpAddr) {
        let mut events = nas.subscribe();
        for session in nas.sessions() {
            self.tell(address, &session, session.since, None);
        }
        let (aaa, nas) = (self.clone(), nas.clone());
        tokio::spawn(async move {
            loop {
                match events.recv().await {
                    Ok(event) => aaa.heard(&nas, address, &event),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        });
    }

    fn heard(&self, nas: &NasSim, address: IpAddr, event: &NasEvent) {
        match &event.what {
            What::SessionStarted { session, .. } | What::SessionChanged { session, .. } => {
                if let Some(now) = nas.session(session) {
                    self.tell(address, &now, event.at, None);
                }
            }
            What::SessionEnded { session, by, .. } => self.with(|state| {
                let cause = match by {
                    EndedBy::Disconnect => "Admin-Reset",
                    EndedBy::Reboot => "NAS-Reboot",
                    EndedBy::Hand => "User-Request",
                };
                let key = key(address, session);
                for known in state.sessions.iter_mut().filter(|known| known.key.as_str() == key) {
                    known.stopped_at = Some(event.at);
                    known.updated_at = event.at;
                    known.terminate_cause = Some(cause.into());
                }
                ((), true)
            }),
            _ => {}
        }
    }

    fn tell(&self, nas_address: IpAddr, session: &NasSession, at: Timestamp, stopped_at: Option<Timestamp>) {
        let Ok(username) = Username::new(&session.username) else { return };
        self.account(AccountingSession {
            key: key(nas_address, &session.acct_session_id).into(),
            acct_session_id: session.acct_session_id.as_str().into(),
            username,
            nas_address,
            framed_ipv4: session.framed_ipv4,
            framed_prefix: session.framed_prefix,
            delegated_prefix: session.delegated_prefixes.first().copied(),
            started_at: session.since,
            updated_at: at,
            stopped_at,
            input_octets: 0,
            output_octets: 0,
            terminate_cause: None,
        });
    }
}

fn key(nas: IpAddr, session: &str) -> String {
    format!("{nas}/{session}")
}
