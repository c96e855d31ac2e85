//! What accounting shows of a request that the NAS did not answer. Two looks are compared, one before the request left and one after: the clocks
//! of NAS, AAA system and console differ by minutes, the order of the two looks does not.

use crate::aaa::{AccountingSession, Login};
use crate::nas::Verification;
use ipnet::Ipv6Net;

/// The session that shows it, if one does. `prefix` is the subscriber's own, `login` what AAA hands out since before the first look.
///
/// By a Stop: every session that was open is ended, and none that is open holds a prefix that AAA hands out no more. By an Interim-Update (or
/// a Start): an open session names the prefix that AAA hands out, and none did before.
pub fn shown<'s>(
    by: Verification,
    prefix: Option<Ipv6Net>,
    login: &Login,
    before: &[AccountingSession],
    after: &'s [AccountingSession],
) -> Option<&'s AccountingSession> {
    let open = |session: &&AccountingSession| session.stopped_at.is_none();
    let handed_out = prefix.is_some() && login.prefixes().0 == prefix;
    let holds = |session: &AccountingSession| prefix.is_some() && session.delegated_prefix == prefix;
    match by {
        Verification::None => None,
        Verification::Stop => {
            let mut last = None;
            for was in before.iter().filter(open) {
                last = Some(after.iter().find(|now| now.key == was.key && now.stopped_at.is_some())?);
            }
            let still = after.iter().filter(open).any(|session| holds(session) && !handed_out);
            last.filter(|_| !still)
        }
        Verification::Interim => {
            let named = before.iter().filter(open).any(holds);
            after.iter().filter(open).find(|session| holds(session) && handed_out && !named)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscriber::Username;
    use chrono::{TimeZone, Utc};

    const PREFIX: &str = "2001:db8:7:100::/56";

    fn session(key: &str, prefix: Option<&str>, stopped: bool) -> AccountingSession {
        let at = Utc.timestamp_opt(1_800_000_000, 0).single().expect("time");
        AccountingSession {
            key: key.into(),
            acct_session_id: key.into(),
            username: Username::new("anna").expect("a name"),
            nas_address: "192.0.2.1".parse().expect("address"),
            framed_ipv4: None,
            framed_prefix: None,
            delegated_prefix: prefix.map(|p| p.parse().expect("prefix")),
            started_at: at,
            updated_at: at,
            // Long before anything else here: a clock that is wrong must not matter.
            stopped_at: stopped.then(|| at - chrono::Duration::days(400)),
            input_octets: 0,
            output_octets: 0,
            terminate_cause: None,
        }
    }

    fn stop(login: &Login, before: &[AccountingSession], after: &[AccountingSession]) -> bool {
        shown(Verification::Stop, PREFIX.parse().ok(), login, before, after).is_some()
    }

    #[test]
    fn a_stop_counts_when_the_session_was_open_before_the_request_and_is_not_after_it() {
        let gone = Login::WithoutPrefix;
        let (open, stopped) = (session("a", Some(PREFIX), false), session("a", Some(PREFIX), true));
        assert!(stop(&gone, std::slice::from_ref(&open), std::slice::from_ref(&stopped)));
        // Still open; not told of any more; ended before we asked; nothing known at all.
        assert!(!stop(&gone, std::slice::from_ref(&open), std::slice::from_ref(&open)));
        assert!(!stop(&gone, std::slice::from_ref(&open), &[]));
        assert!(!stop(&gone, std::slice::from_ref(&stopped), std::slice::from_ref(&stopped)));
        assert!(!stop(&gone, &[], std::slice::from_ref(&stopped)));
        // One of two.
        let other = session("b", None, false);
        assert!(!stop(&gone, &[open.clone(), other.clone()], &[stopped.clone(), other.clone()]));
        // Logged in again without the prefix is as it should be; with it, the network still holds it.
        assert!(stop(&gone, std::slice::from_ref(&open), &[session("c", None, false), stopped.clone()]));
        let again = session("c", Some(PREFIX), false);
        assert!(!stop(&gone, std::slice::from_ref(&open), &[again.clone(), stopped.clone()]));
        let normal = Login::Normal { delegated: PREFIX.parse().ok(), framed: None };
        assert!(stop(&normal, std::slice::from_ref(&open), &[again, stopped]));
    }

    #[test]
    fn a_prefix_is_shown_by_a_session_that_names_it_and_did_not_before() {
        let login = Login::Normal { delegated: PREFIX.parse().ok(), framed: None };
        let interim = |before: &[AccountingSession], after: &[AccountingSession]| {
            shown(Verification::Interim, PREFIX.parse().ok(), &login, before, after).is_some()
        };
        let (without, with) = (session("a", None, false), session("a", Some(PREFIX), false));
        assert!(interim(std::slice::from_ref(&without), std::slice::from_ref(&with)));
        assert!(!interim(std::slice::from_ref(&with), std::slice::from_ref(&with)));
        assert!(!interim(std::slice::from_ref(&without), &[session("a", Some(PREFIX), true)]));
        let (before, after) = (std::slice::from_ref(&without), std::slice::from_ref(&with));
        assert!(shown(Verification::Interim, PREFIX.parse().ok(), &Login::WithoutPrefix, before, after).is_none(), "not what was wanted");
        let none = shown(Verification::None, PREFIX.parse().ok(), &login, std::slice::from_ref(&without), std::slice::from_ref(&with));
        assert!(none.is_none());
    }
}
