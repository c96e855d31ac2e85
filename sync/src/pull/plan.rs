//! What to do with the copy that is there: go on from where it stands, compare it, or make a new one. A pure rule.

use super::Hello;
use noctule_domain::TenantId;
use noctule_domain::sync::Position;

/// What follows from the position of the local copy and the centre's greeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Ask for what changed since.
    Increments,
    /// The centre failed over: it may have lost transactions that this copy holds, and their numbers may mean others now. Everything is
    /// compared, and only what differs is fetched.
    Heal,
    /// A whole copy; the reason in words.
    Copy(&'static str),
}

/// Decides.
pub fn plan(position: Option<&Position>, hello: &Hello, tenant: TenantId, login: &str) -> Plan {
    let Some(at) = position else { return Plan::Copy("there is no copy yet") };
    if at.tenant != tenant.uuid() || at.login != login {
        return Plan::Copy("the copy was made for somebody else");
    }
    if at.epoch != hello.epoch {
        return Plan::Copy("the rights of this operator have changed");
    }
    if at.schema != hello.schema {
        return Plan::Copy("the centre's tables have changed");
    }
    if at.history != hello.history {
        return if same_but_timeline(&at.history, &hello.history) { Plan::Heal } else { Plan::Copy("the centre was restored or replaced") };
    }
    if hello.floor > 0 && at.cursor.xmin <= hello.floor {
        return Plan::Copy("the copy is older than what the centre remembers of deletes");
    }
    Plan::Increments
}

/// `cluster/timeline/database/generation`: only the second part differs.
fn same_but_timeline(ours: &str, theirs: &str) -> bool {
    let (ours, theirs): (Vec<&str>, Vec<&str>) = (ours.split('/').collect(), theirs.split('/').collect());
    ours.len() == 4 && theirs.len() == 4 && (0..4).all(|part| part == 1 || ours[part] == theirs[part])
}

#[cfg(test)]
mod tests {
    use super::*;
    use noctule_domain::permission::Role;

    fn hello() -> Hello {
        Hello {
            schema: 6,
            min_protocol: 1,
            history: "7/1/5/g".into(),
            epoch: 3,
            role: Role::Noc,
            technician: None,
            floor: 0,
            now: Default::default(),
            standby: false,
            consoles: None,
            listen: true,
        }
    }

    #[test]
    fn each_reason_for_a_new_copy_is_found() {
        let tenant = TenantId(uuid::Uuid::from_u128(1));
        let at = Position {
            history: "7/1/5/g".into(),
            schema: 6,
            epoch: 3,
            tenant: tenant.uuid(),
            login: "ann".into(),
            cursor: "100:120:110".parse().expect("a snapshot"),
            at: Default::default(),
        };
        let decide = |at: &Position, hello: &Hello| plan(Some(at), hello, tenant, "ann");
        assert_eq!(decide(&at, &hello()), Plan::Increments);
        assert!(matches!(plan(None, &hello(), tenant, "ann"), Plan::Copy(_)));
        assert!(matches!(plan(Some(&at), &hello(), tenant, "bob"), Plan::Copy(_)));
        assert!(matches!(plan(Some(&at), &hello(), TenantId(uuid::Uuid::from_u128(2)), "ann"), Plan::Copy(_)));
        assert!(matches!(decide(&at, &Hello { epoch: 4, ..hello() }), Plan::Copy(_)));
        assert!(matches!(decide(&at, &Hello { schema: 7, ..hello() }), Plan::Copy(_)));
        assert!(matches!(decide(&at, &Hello { history: "7/1/5/h".into(), ..hello() }), Plan::Copy(_)));
        assert_eq!(decide(&at, &Hello { history: "7/2/5/g".into(), ..hello() }), Plan::Heal);
        assert_eq!(decide(&at, &Hello { floor: 99, ..hello() }), Plan::Increments);
        // Transaction 100 was still running for this copy.
        assert!(matches!(decide(&at, &Hello { floor: 100, ..hello() }), Plan::Copy(_)));
    }
}
