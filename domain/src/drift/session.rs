//! The session of a subscriber against its state, and an acknowledgement that accounting does not bear out.

use super::{DriftKind, DriftRow, Finding, Parents, Repair};
use crate::Timestamp;
use crate::aaa::SuspendLogin;
use crate::lifecycle::{Enforcement, Ipv6State};
use crate::nas::{Method, NasProfile, Verification};
use crate::sentence::age;
use chrono::Duration;

/// What the session says against the row. `profile`: that of the NAS, if it is known; `accounting`: sessions come from accounting, so that
/// what is not there is not there.
pub fn session_of(row: &DriftRow, profile: Option<&NasProfile>, accounting: bool, parents: &Parents, now: Timestamp) -> Option<Finding> {
    if row.busy {
        return None;
    }
    let deadline = Duration::seconds(profile.map_or(900, |p| i64::from(p.proof.deadline_s)));
    let said = |s: &crate::subscriber::Session| match s.delegated_prefix {
        Some(prefix) => format!("session {} with {prefix}, seen {} ago", s.acct_session_id, age((now - s.seen_at).num_seconds())),
        None => format!("session {} without a prefix, seen {} ago", s.acct_session_id, age((now - s.seen_at).num_seconds())),
    };
    let ask = Repair::Reconcile { nas: true };
    if let Some(session) = &row.session {
        let later = session.seen_at > row.since + deadline;
        let routed = session.delegated_prefix;
        match (row.state, routed) {
            (Ipv6State::Active | Ipv6State::Suspended, Some(prefix)) if row.prefix.is_some() && row.prefix != Some(prefix) => {
                return Some(row.finding(DriftKind::SessionOtherPrefix, row.said(), said(session), ask));
            }
            (Ipv6State::Revoked, Some(_)) if later => return Some(row.finding(DriftKind::SessionNotEnded, row.said(), said(session), ask)),
            (Ipv6State::Suspended, Some(_)) if later && should_have_ended(profile, session.started_at > row.since, accounting) => {
                return Some(row.finding(DriftKind::SessionNotEnded, row.said(), said(session), ask));
            }
            (Ipv6State::Pending | Ipv6State::Failed, Some(prefix)) if parents.hold(prefix, row.vrf) => {
                return Some(row.finding(DriftKind::SessionOtherPrefix, row.said(), said(session), ask));
            }
            _ => {}
        }
    }
    let proved = row.session.as_ref().is_some_and(|s| s.delegated_prefix == row.prefix && s.seen_at > row.since);
    let unproved = accounting
        && row.state == Ipv6State::Active
        && row.enforcement == Enforcement::Acknowledged
        && now - row.since > deadline
        && profile.is_some_and(proves_activate)
        && !proved;
    unproved.then(|| {
        let theirs = row.session.as_ref().map_or_else(|| "no session in accounting".to_owned(), said);
        let ours = format!("{}, acknowledged {} ago", row.said(), age((now - row.since).num_seconds()));
        row.finding(DriftKind::ProofMissing, ours, theirs, ask)
    })
}

/// A filter or a slower service leaves the session as it is; a Disconnect ends it, and then the login decides.
fn should_have_ended(profile: Option<&NasProfile>, began_after: bool, accounting: bool) -> bool {
    let Some(profile) = profile else { return false };
    // A login after the suspend: what it may get is ours to say only where AAA is.
    if began_after { accounting && profile.login.suspend != SuspendLogin::Rate } else { profile.suspend == Method::DisconnectThenLogin }
}

/// A session that names the prefix is what shows an activation, unless the profile says otherwise.
fn proves_activate(profile: &NasProfile) -> bool {
    match profile.proof.activate {
        Some(verification) => verification != Verification::None,
        None => matches!(profile.activate, Method::CoaPrefix | Method::DisconnectThenLogin),
    }
}
