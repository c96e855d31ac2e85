//! A subscriber's row against what AAA hands out to its logins.

use super::{DriftKind, DriftRow, Finding, Parents, Repair, Subject};
use crate::SafeText;
use crate::aaa::{AaaUser, LoginProfile, SuspendLogin};
use crate::lifecycle::Ipv6State;
use ipnet::Ipv6Net;

/// A row and the AAA user of its name (`None`: AAA knows none). `login`: how logins on its NAS are written.
pub fn aaa_pair(row: &DriftRow, user: Option<&AaaUser>, login: &LoginProfile, parents: &Parents) -> Option<Finding> {
    if row.busy {
        return None;
    }
    let kind = kind_of(row, user, login, parents)?;
    let ours = match row.state {
        Ipv6State::Suspended => format!("{}: a login gets {}", row.said(), login.suspend),
        _ => row.said(),
    };
    let theirs = user.map_or_else(|| "AAA knows no such user".to_owned(), said);
    Some(row.finding(kind, ours, theirs, Repair::Reconcile { nas: false }))
}

fn kind_of(row: &DriftRow, user: Option<&AaaUser>, login: &LoginProfile, parents: &Parents) -> Option<DriftKind> {
    match (row.state, user) {
        (Ipv6State::Active, None) => row.prefix.map(|_| DriftKind::AaaPrefixMissing),
        (Ipv6State::Active, Some(user)) => {
            let prefix = row.prefix?;
            if user.rejected || user.groups.contains(&login.group) {
                Some(DriftKind::AaaStillSuspended)
            } else if user.delegated.is_empty() {
                Some(DriftKind::AaaPrefixMissing)
            } else {
                other(user, prefix, login)
            }
        }
        (Ipv6State::Suspended, Some(user)) => {
            let prefix = row.prefix?;
            let kept_out = match login.suspend {
                SuspendLogin::Reject => user.rejected,
                SuspendLogin::Group => user.rejected || (user.groups.contains(&login.group) && user.delegated.is_empty()),
                // What slows it down is not among what is compared.
                SuspendLogin::Rate => true,
            };
            if !kept_out {
                return Some(DriftKind::AaaNotSuspended);
            }
            if user.delegated.is_empty() { None } else { other(user, prefix, login) }
        }
        // Nobody logs in whom AAA does not know.
        (_, None) => None,
        (state, Some(user)) => {
            // Not in use, so nothing of ours may be handed out. What lies outside of our pools is somebody else's.
            let hands_out =
                user.delegated.iter().chain(&user.framed).any(|p| row.prefix.is_some_and(|own| own.contains(p)) || inside(parents, *p));
            hands_out.then_some(if state == Ipv6State::Revoked { DriftKind::AaaReleasedPrefix } else { DriftKind::AaaOtherPrefix })
        }
    }
}

fn other(user: &AaaUser, prefix: Ipv6Net, login: &LoginProfile) -> Option<DriftKind> {
    let link = login.framed_prefix.then(|| Ipv6Net::new(prefix.network(), 64.max(prefix.prefix_len())).ok()).flatten();
    let framed = link.is_none_or(|link| user.framed.iter().all(|framed| *framed == link));
    (user.delegated.iter().any(|p| *p != prefix) || !framed).then_some(DriftKind::AaaOtherPrefix)
}

fn inside(parents: &Parents, prefix: Ipv6Net) -> bool {
    parents.0.iter().any(|(parent, _)| parent.contains(&prefix))
}

/// A user that is no subscriber here. It matters where it hands out what is ours to give.
pub fn aaa_stranger(user: &AaaUser, parents: &Parents) -> Option<Finding> {
    let prefix = user.delegated.iter().chain(&user.framed).copied().find(|p| inside(parents, *p))?;
    Some(Finding {
        kind: DriftKind::AaaUserUnknown,
        subject: Subject::User(user.username.clone()),
        who: None,
        netbox_id: None,
        prefix: Some(prefix),
        ours: "no subscriber of this name".into(),
        theirs: SafeText::new(&said(user)),
        repair: Repair::ByHand,
    })
}

fn said(user: &AaaUser) -> String {
    let list = |nets: &[Ipv6Net]| nets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let mut parts = Vec::new();
    if user.rejected {
        parts.push("reject".to_owned());
    }
    if !user.delegated.is_empty() {
        parts.push(format!("delegated {}", list(&user.delegated)));
    }
    if !user.framed.is_empty() {
        parts.push(format!("framed {}", list(&user.framed)));
    }
    if !user.groups.is_empty() {
        parts.push(format!("groups {}", user.groups.join(", ")));
    }
    if parts.is_empty() { "accept, no prefix".to_owned() } else { parts.join("; ") }
}
