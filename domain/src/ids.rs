//! Identifiers. Each kind is its own type, so that a task can not be passed where a subscriber is meant. They are UUIDs (v7 where we
//! make them, so that they sort by time); this crate never makes one, as that would read a clock.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            pub const fn from_uuid(id: Uuid) -> Self { Self(id) }
            pub const fn uuid(self) -> Uuid { self.0 }
            /// The last eight hex digits: enough for a column on the screen. (A v7 id begins with its time, so the end tells two apart.)
            pub fn short(self) -> String {
                let hex = self.0.simple().to_string();
                hex[hex.len() - 8..].to_owned()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { self.0.fmt(f) }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> { Uuid::parse_str(text).map(Self) }
        }
    )+};
}

id!(
    TenantId,
    SubscriberId,
    /// One lifecycle request, UUID v7. The same value stands in NetBox's unique custom field `operation_id`.
    OperationId,
    NasId,
    TechnicianId,
    TaskId,
    /// One running process of Noctule; the owner of leases.
    ConsoleId,
    /// A local change waiting to be pushed, UUID v7.
    OpId,
    TimeEntryId,
    /// A durable set of subscribers that go through the same course, UUID v7.
    JobId,
);
