//! What RADIUS hands out to a login, and what accounting tells of sessions, without the tables behind it. Several AAA systems can stand
//! behind the same words.

use crate::lifecycle::{Ipv6State, OperationKind, target};
use crate::subscriber::{Ipv6Record, Username};
use crate::{OperationId, SafeText, Timestamp, words};
use ipnet::Ipv6Net;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr};

words!(
    /// What the login of a suspended subscriber gets; the NAS profile chooses.
    SuspendLogin {
        /// Access-Reject.
        Reject = "reject",
        /// Access-Accept by a group of the AAA system (walled garden), without the subscriber's own prefix.
        Group = "group",
        /// Access-Accept with the prefix and with reply attributes that slow it down.
        Rate = "rate",
    }
);

/// A reply attribute by its dictionary name, as FreeRADIUS writes it: `Mikrotik-Rate-Limit := 64k/64k`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplyAttribute {
    pub name: String,
    pub value: String,
}

/// How the logins of subscribers on one kind of NAS are written: a section of its profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoginProfile {
    pub suspend: SuspendLogin,
    /// The group of a suspended subscriber, with `suspend = "group"`.
    pub group: String,
    /// What is added to the reply of a suspended subscriber, with `suspend = "rate"`.
    pub reply: Vec<ReplyAttribute>,
    /// Also write Framed-IPv6-Prefix: the first /64 of the delegated prefix is the one of the link.
    pub framed_prefix: bool,
}

impl Default for LoginProfile {
    fn default() -> Self {
        Self { suspend: SuspendLogin::Reject, group: "noctule-suspended".to_owned(), reply: Vec::new(), framed_prefix: false }
    }
}

/// What a new login of one user is to get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Login {
    /// The service, with these prefixes.
    Normal {
        delegated: Option<Ipv6Net>,
        framed: Option<Ipv6Net>,
    },
    Suspended {
        how: SuspendLogin,
        group: String,
        reply: Vec<ReplyAttribute>,
        delegated: Option<Ipv6Net>,
        framed: Option<Ipv6Net>,
    },
    /// No prefix of ours: before an activation, and from a revoke on. Whatever else the user has stays.
    WithoutPrefix,
}

/// What a login gets by what the record says: the one rule that operations write by and that drift is measured by. `profile` is that of the
/// NAS that owns the session, else of the one that the subscriber is registered at.
pub fn login_of(record: &Ipv6Record, profile: &LoginProfile) -> Login {
    login_in(record.state, record, profile)
}

/// What a login gets when an operation has reached its goal. Allocate and release change nothing of it.
pub fn login_after(kind: OperationKind, record: &Ipv6Record, profile: &LoginProfile) -> Login {
    login_in(target(kind).filter(|_| kind != OperationKind::Allocate).unwrap_or(record.state), record, profile)
}

fn login_in(state: Ipv6State, record: &Ipv6Record, profile: &LoginProfile) -> Login {
    let delegated = record.prefix;
    let framed = delegated.filter(|prefix| profile.framed_prefix && prefix.prefix_len() <= 64).map(first_64);
    match state {
        Ipv6State::Active => Login::Normal { delegated, framed },
        // Whoever is slowed down keeps the prefix; in the garden, and before a closed door, it is nobody's.
        Ipv6State::Suspended => {
            let (group, reply, own) = match profile.suspend {
                SuspendLogin::Reject => (String::new(), Vec::new(), false),
                SuspendLogin::Group => (profile.group.clone(), Vec::new(), false),
                SuspendLogin::Rate => (String::new(), profile.reply.clone(), true),
            };
            Login::Suspended { how: profile.suspend, group, reply, delegated: delegated.filter(|_| own), framed: framed.filter(|_| own) }
        }
        Ipv6State::Pending | Ipv6State::Allocated | Ipv6State::Revoking | Ipv6State::Revoked | Ipv6State::Failed => Login::WithoutPrefix,
    }
}

fn first_64(prefix: Ipv6Net) -> Ipv6Net {
    Ipv6Net::new_assert(prefix.network(), 64)
}

impl Login {
    /// The prefixes that it hands out: delegated, framed.
    pub fn prefixes(&self) -> (Option<Ipv6Net>, Option<Ipv6Net>) {
        match self {
            Self::Normal { delegated, framed } | Self::Suspended { delegated, framed, .. } => (*delegated, *framed),
            Self::WithoutPrefix => (None, None),
        }
    }

    /// True where the AAA system shows this login, as far as it tells (reply attributes beside the prefixes it does not). `group` of the
    /// profile is no group of a subscriber who is not suspended. Nothing known of a user is no prefix.
    pub fn shown_by(&self, user: Option<&AaaUser>, profile: &LoginProfile) -> bool {
        let Some(user) = user else { return *self == Self::WithoutPrefix };
        let (delegated, framed) = self.prefixes();
        let in_group = |group: &str| user.groups.iter().any(|g| g == group);
        let state = match self {
            Self::Suspended { how: SuspendLogin::Reject, .. } => return user.rejected,
            Self::Suspended { how: SuspendLogin::Group, group, .. } => !user.rejected && in_group(group),
            Self::Normal { .. } | Self::Suspended { how: SuspendLogin::Rate, .. } => !user.rejected && !in_group(&profile.group),
            // Whoever is let in by what else stands there: only the prefix is ours to tell.
            Self::WithoutPrefix => true,
        };
        let same = |has: &[Ipv6Net], wanted: Option<Ipv6Net>| has.iter().copied().eq(wanted);
        state && same(&user.delegated, delegated) && same(&user.framed, framed)
    }
}

/// A user as the AAA system has it, as far as it is ours to compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AaaUser {
    pub username: Username,
    pub delegated: Vec<Ipv6Net>,
    pub framed: Vec<Ipv6Net>,
    /// A check that lets nobody in (`Auth-Type := Reject`).
    pub rejected: bool,
    pub groups: Vec<String>,
    /// The operation that wrote it last, if it was ours.
    pub operation: Option<OperationId>,
}

/// One session as accounting has it: an open row has no `stopped_at`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountingSession {
    /// Unique in the AAA system; the same row told again has the same key.
    pub key: SafeText,
    pub acct_session_id: SafeText,
    pub username: Username,
    /// The NAS by its own address (NAS-IP-Address, NAS-IPv6-Address).
    pub nas_address: IpAddr,
    pub framed_ipv4: Option<Ipv4Addr>,
    pub framed_prefix: Option<Ipv6Net>,
    pub delegated_prefix: Option<Ipv6Net>,
    pub started_at: Timestamp,
    /// The last Interim-Update, else the start.
    pub updated_at: Timestamp,
    pub stopped_at: Option<Timestamp>,
    /// From the subscriber (Acct-Input-Octets) and to it (Acct-Output-Octets), with the gigawords.
    pub input_octets: u64,
    pub output_octets: u64,
    pub terminate_cause: Option<SafeText>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::AssignmentMode;
    use chrono::{TimeZone, Utc};

    fn record(state: Ipv6State) -> Ipv6Record {
        let mut record = Ipv6Record::pending(AssignmentMode::Pd, Utc.timestamp_opt(1_800_000_000, 0).single().expect("time"));
        record.state = state;
        record.prefix = Some("2001:db8:7:100::/56".parse().expect("prefix"));
        record
    }

    #[test]
    fn only_who_is_active_or_slowed_down_is_handed_the_prefix() {
        let rate = LoginProfile { suspend: SuspendLogin::Rate, framed_prefix: true, ..LoginProfile::default() };
        for state in Ipv6State::ALL {
            for (profile, slowed) in [(&LoginProfile::default(), false), (&rate, true)] {
                let has = login_of(&record(*state), profile).prefixes().0.is_some();
                assert_eq!(has, *state == Ipv6State::Active || (slowed && *state == Ipv6State::Suspended), "{state}");
            }
        }
        let (delegated, framed) = login_of(&record(Ipv6State::Active), &rate).prefixes();
        assert_eq!((delegated, framed), (record(Ipv6State::Active).prefix, Some("2001:db8:7:100::/64".parse().expect("prefix"))));
    }

    #[test]
    fn an_operation_writes_what_its_end_will_say() {
        let profile = LoginProfile::default();
        for (kind, from, to) in [
            (OperationKind::Activate, Ipv6State::Allocated, Ipv6State::Active),
            (OperationKind::Suspend, Ipv6State::Active, Ipv6State::Suspended),
            (OperationKind::Resume, Ipv6State::Suspended, Ipv6State::Active),
            (OperationKind::Revoke, Ipv6State::Revoking, Ipv6State::Revoked),
            (OperationKind::Release, Ipv6State::Revoked, Ipv6State::Revoked),
        ] {
            assert_eq!(login_after(kind, &record(from), &profile), login_of(&record(to), &profile), "{kind}");
        }
        assert_eq!(login_after(OperationKind::Allocate, &record(Ipv6State::Failed), &profile), Login::WithoutPrefix);
    }

    #[test]
    fn what_stands_in_the_aaa_system_is_compared_as_far_as_it_tells() {
        let profile = LoginProfile::default();
        let prefix: Ipv6Net = "2001:db8:7:100::/56".parse().expect("prefix");
        let user = AaaUser {
            username: Username::new("anna").expect("a name"),
            delegated: vec![prefix],
            framed: Vec::new(),
            rejected: false,
            groups: vec!["gold".to_owned()],
            operation: None,
        };
        let active = login_of(&record(Ipv6State::Active), &profile);
        assert!(active.shown_by(Some(&user), &profile));
        assert!(!active.shown_by(None, &profile) && Login::WithoutPrefix.shown_by(None, &profile));
        assert!(!active.shown_by(Some(&AaaUser { rejected: true, ..user.clone() }), &profile));
        assert!(!active.shown_by(Some(&AaaUser { delegated: vec![prefix, prefix], ..user.clone() }), &profile));
        assert!(!active.shown_by(Some(&AaaUser { groups: vec![profile.group.clone()], ..user.clone() }), &profile));
        assert!(!Login::WithoutPrefix.shown_by(Some(&user), &profile));
        let suspended = login_of(&record(Ipv6State::Suspended), &profile);
        assert!(!suspended.shown_by(Some(&user), &profile));
        assert!(suspended.shown_by(Some(&AaaUser { rejected: true, ..user }), &profile));
    }
}
