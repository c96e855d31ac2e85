//! Roles and what they may do. One table; the store, the executor and the screens ask it.

use crate::lifecycle::OperationKind;
use crate::words;

words!(Role { Admin = "admin", Noc = "noc", Dispatcher = "dispatcher", Technician = "technician", Viewer = "viewer" });

words!(
    /// A permission, named as configuration and audit show it.
    Permission {
        Read = "read",
        Ipv6Allocate = "ipv6.allocate",
        Ipv6Activate = "ipv6.activate",
        Ipv6Suspend = "ipv6.suspend",
        Ipv6Resume = "ipv6.resume",
        Ipv6Revoke = "ipv6.revoke",
        /// Go on although the NAS refused or did not answer; act while the centre is down; overrule what somebody wrote elsewhere.
        Ipv6Force = "ipv6.force",
        /// Notes and contact of a subscriber.
        SubscriberWrite = "subscriber.write",
        FieldWrite = "field.write",
        /// Only own tasks, time and position.
        OwnWrite = "own.write",
        Import = "import",
        Configure = "configure",
    }
);

impl Role {
    pub fn allows(self, permission: Permission) -> bool {
        use Permission as P;
        match self {
            Role::Admin => true,
            Role::Noc => matches!(
                permission,
                P::Read
                    | P::Ipv6Allocate
                    | P::Ipv6Activate
                    | P::Ipv6Suspend
                    | P::Ipv6Resume
                    | P::Ipv6Revoke
                    | P::Ipv6Force
                    | P::SubscriberWrite
            ),
            Role::Dispatcher => matches!(permission, P::Read | P::FieldWrite | P::SubscriberWrite),
            Role::Technician => matches!(permission, P::Read | P::OwnWrite),
            Role::Viewer => matches!(permission, P::Read),
        }
    }
}

/// The permission that an operation needs. `release` is done by the system after the hold and needs what revoke needs.
pub const fn needed_for(kind: OperationKind) -> Permission {
    match kind {
        OperationKind::Allocate => Permission::Ipv6Allocate,
        OperationKind::Activate => Permission::Ipv6Activate,
        OperationKind::Suspend => Permission::Ipv6Suspend,
        OperationKind::Resume => Permission::Ipv6Resume,
        OperationKind::Revoke | OperationKind::Release => Permission::Ipv6Revoke,
        // It overrules what somebody wrote in NetBox or AAA, and it may end a session.
        OperationKind::Reconcile => Permission::Ipv6Force,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_only_reads_and_a_dispatcher_never_touches_the_lifecycle() {
        for permission in Permission::ALL {
            assert_eq!(Role::Viewer.allows(*permission), *permission == Permission::Read);
            if permission.word().starts_with("ipv6.") {
                assert!(!Role::Dispatcher.allows(*permission) && !Role::Technician.allows(*permission));
                assert!(Role::Noc.allows(*permission));
            }
        }
    }
}
