//! What accounting says of a subscriber's session, in words: is it up, since when, whose prefix does the network really give, is it old news.

use super::age;
use crate::lifecycle::{Expected, Ipv6State};
use crate::overview::Severity;
use crate::subscriber::{Ipv6Record, Session};
use crate::{SafeText, Timestamp};

/// A sentence, and how much of a look it wants; `None`: all is well.
pub type Said = (String, Option<Severity>);

/// Is the subscriber online? `read`: this console reads accounting, so that what it does not tell is not there.
pub fn online(session: Option<&Session>, nas: Option<&SafeText>, read: bool, now: Timestamp) -> Said {
    let ago = |at: Timestamp| age((now - at).num_seconds());
    let Some(session) = session else {
        let words = if read {
            "no: accounting has no open session"
        } else {
            "not known: no session was told of, and this console does not read accounting"
        };
        return (words.to_owned(), Some(Severity::Info));
    };
    let on = nas.map(|nas| format!(" on {nas}")).unwrap_or_default();
    if session.accounting.is_none() {
        let words = format!("it was{on} when it was imported, {} ago; accounting has not told of it", ago(session.seen_at));
        return (words, Some(Severity::Info));
    }
    if session.is_stale(now) {
        let words = format!("perhaps{on}: nothing was heard for {}. A NAS that lost its memory sends no Stop", ago(session.seen_at));
        return (words, Some(Severity::Warning));
    }
    (format!("yes{on}, for {}", ago(session.started_at)), None)
}

/// The delegated prefix of a session against the record. `None` where there is nothing to compare.
pub fn delegated(session: &Session, record: &Ipv6Record) -> Option<Said> {
    match (session.delegated_prefix, record.prefix) {
        (Some(_), Some(_)) if record.state == Ipv6State::Revoked => {
            Some(("the network still gives it, although it is revoked".to_owned(), Some(Severity::Warning)))
        }
        (Some(theirs), Some(ours)) if theirs == ours => Some(("as here".to_owned(), None)),
        (Some(_), Some(ours)) => Some((format!("DIFFERS: here it is {ours}"), Some(Severity::Warning))),
        (Some(_), None) => Some(("DIFFERS: here there is none".to_owned(), Some(Severity::Warning))),
        // An import need not know it.
        (None, Some(ours)) if record.state == Ipv6State::Active && session.accounting.is_some() => Some((
            format!("none in this session; {ours} comes with the next login, or the NAS does not tell of it"),
            Some(Severity::Warning),
        )),
        (None, _) => None,
    }
}

/// `5.1 GB from the subscriber, 160 GB to it`.
pub fn traffic(input: u64, output: u64) -> String {
    format!("{} from the subscriber, {} to it", octets(input), octets(output))
}

/// Octets with three digits: `820 B`, `5.12 kB`, `160 GB`.
pub fn octets(n: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if n < 1000 {
        return format!("{n} B");
    }
    let mut value = n as f64;
    let mut unit = "B";
    for next in UNITS {
        // What would be written as 1000 belongs to the next unit.
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    let digits = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    format!("{value:.digits$} {unit}")
}

/// What is still to come for something that accounting has not proved. `until`: its deadline, as the clock of the operator writes it.
pub fn proof_expected(expected: Expected, now: Timestamp, until: &str) -> Said {
    match expected {
        Expected::By(at) if now <= at => (format!("proof in accounting expected until {until}"), Some(Severity::Info)),
        Expected::By(_) => (
            format!("accounting did not show it until {until}: the network may not have done it. Drift looks at it"),
            Some(Severity::Warning),
        ),
        Expected::NoTrace => ("accounting shows no trace of this on this kind of NAS: no proof will come".to_owned(), Some(Severity::Info)),
        Expected::NotRead => ("this console does not read accounting: it will bring no proof".to_owned(), Some(Severity::Info)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::AssignmentMode;
    use crate::subscriber::SessionAccounting;
    use chrono::{Duration, TimeZone};

    fn now() -> Timestamp {
        chrono::Utc.timestamp_opt(1_800_000_000, 0).single().expect("time")
    }

    fn session(prefix: Option<&str>, seen: Duration, accounting: bool) -> Session {
        Session {
            nas: crate::NasId(uuid::Uuid::from_u128(1)),
            acct_session_id: "8100F2".into(),
            framed_ipv4: None,
            delegated_prefix: prefix.map(|p| p.parse().expect("a prefix")),
            started_at: now() - Duration::hours(30),
            seen_at: now() - seen,
            accounting: accounting.then(|| SessionAccounting { key: "k".into(), framed_prefix: None, input_octets: 1, output_octets: 2 }),
        }
    }

    #[test]
    fn whether_somebody_is_online_is_said_no_surer_than_it_is_known() {
        let nas = SafeText::new("bng-3");
        let said = |session: Option<&Session>, read| online(session, Some(&nas), read, now());
        let fresh = session(None, Duration::minutes(4), true);
        assert_eq!(said(Some(&fresh), true), ("yes on bng-3, for 30h".to_owned(), None));
        let old = said(Some(&session(None, Duration::hours(3), true)), true);
        assert!(old.0.starts_with("perhaps on bng-3: nothing was heard for 3h00m") && old.1 == Some(Severity::Warning), "{old:?}");
        assert!(said(Some(&session(None, Duration::hours(3), false)), true).0.starts_with("it was on bng-3 when it was imported"));
        assert!(said(None, true).0.starts_with("no:") && said(None, false).0.starts_with("not known:"));
    }

    #[test]
    fn a_prefix_that_the_network_gives_is_held_against_ours() {
        let mut record = Ipv6Record::pending(AssignmentMode::Pd, now());
        record.state = Ipv6State::Active;
        let said = |prefix, record: &Ipv6Record, accounting| delegated(&session(prefix, Duration::zero(), accounting), record);
        let (ours, theirs) = (Some("2001:db8:1::/56"), Some("2001:db8:2::/56"));
        assert!(said(theirs, &record, true).is_some_and(|s| s.0.contains("here there is none")));
        assert_eq!(said(None, &record, true), None);
        record.prefix = ours.map(|p| p.parse().expect("a prefix"));
        assert_eq!(said(ours, &record, true), Some(("as here".to_owned(), None)));
        assert!(said(theirs, &record, false).is_some_and(|s| s.0.contains("here it is 2001:db8:1::/56")));
        assert!(said(None, &record, true).is_some_and(|s| s.1 == Some(Severity::Warning)));
        assert_eq!(said(None, &record, false), None, "an import need not know it");
        record.state = Ipv6State::Suspended;
        assert_eq!(said(None, &record, true), None, "as it should be");
        record.state = Ipv6State::Revoked;
        assert!(said(ours, &record, true).is_some_and(|s| s.0.contains("although it is revoked")));
    }

    #[test]
    fn octets_have_three_digits_and_never_a_thousand() {
        for (n, words) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.00 kB"),
            (5_120, "5.12 kB"),
            (999_499, "999 kB"),
            (999_500, "1.00 MB"),
            (12_345_678, "12.3 MB"),
            (160_200_000_000, "160 GB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(octets(n), words);
        }
    }
}
