//! Commands of the IPv6 lifecycle and of its operations.

use super::BulkArgs;
use clap::{Args, Subcommand};

#[derive(Debug, Clone, Subcommand)]
pub enum Ipv6Command {
    /// Take a prefix from a NetBox pool for the subscriber
    Allocate(Ipv6Args),
    /// Put the allocated prefix to use; a live session is told by CoA
    Activate(Ipv6Args),
    /// Stop the service: CoA or Disconnect by the profile of the NAS
    Suspend(Ipv6Args),
    /// Take up a suspended service again
    Resume(Ipv6Args),
    /// End the session, then let the prefix rest and give it back to NetBox
    Revoke(Ipv6Args),
    /// With the centre away: end the known session of a subscriber at its NAS at once. The state does not move
    EmergencyDisconnect(EmergencyArgs),
    /// Where the subscriber's prefix stands
    Status {
        /// Number, user name or id of the subscriber
        subscriber: String,
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
}

/// Rule of emergencies: only with the centre away, only to the NAS of the known session, journaled here before the packet leaves.
#[derive(Debug, Clone, Default, Args)]
pub struct EmergencyArgs {
    /// Number, user name or id of the subscriber
    pub subscriber: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// One request. Options that do not belong to the operation are refused with exit code 2.
#[derive(Debug, Clone, Default, Args)]
pub struct Ipv6Args {
    /// Number, user name or id of the subscriber
    #[arg(required_unless_present = "filter", conflicts_with = "filter")]
    pub subscriber: Option<String>,
    #[command(flatten)]
    pub bulk: BulkArgs,
    /// JSON instead of text
    #[arg(long)]
    pub json: bool,
    /// Why: kept in the operation and in the audit log
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Allocate: length to delegate, 48 to 64 [default: the subscriber's pd size, then 56]
    #[arg(long, value_name = "LENGTH", value_parser = clap::value_parser!(u8).range(48..=64))]
    pub prefix_len: Option<u8>,
    /// Allocate: the pool, by its id or its prefix (see `noctule pools`) [default: by site, NAS and the configured rule]
    #[arg(long, value_name = "POOL")]
    pub pool: Option<PoolName>,
    /// Activate: do not tell the NAS of a live session
    #[arg(long)]
    pub no_coa: bool,
    /// Revoke: send no Disconnect; a prefix that was in use then needs --force
    #[arg(long)]
    pub no_disconnect: bool,
    /// Revoke: leave the prefix in NetBox as it is
    #[arg(long)]
    pub keep_in_netbox: bool,
    /// Go on although the NAS refused or did not answer (permission ipv6.force)
    #[arg(long)]
    pub force: bool,
    /// Do not ask: revoke, --force and every bulk ask for confirmation otherwise
    #[arg(long)]
    pub yes: bool,
    /// Seconds to wait for the end; the operation goes on after that
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(0..=86_400))]
    pub wait: u32,
    /// With the centre away: keep the request in the outbox. On return it is checked again, and refused in words when the world has moved
    #[arg(long)]
    pub queue: bool,
    /// Refuse when the subscriber has changed since this version
    #[arg(long, value_name = "N")]
    pub if_version: Option<i64>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum OperationsCommand {
    /// Operations, newest first
    List {
        /// Only those that run or wait
        #[arg(long)]
        open: bool,
        /// Only those of this subscriber (number, user name or id)
        #[arg(long, value_name = "SUBSCRIBER")]
        subscriber: Option<String>,
        /// Rows at most
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// One operation with its journal
    Show {
        /// Id of the operation, whole or its last characters as the screens show them
        id: String,
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Take over and go on with operations that nobody runs
    Resume {
        /// Id of the operation, whole or its last characters
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<String>,
        /// All of them
        #[arg(long)]
        all: bool,
        /// Seconds to wait for the end
        #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(0..=86_400))]
        wait: u32,
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// End an operation that has had no effect yet
    Cancel {
        /// Id of the operation, whole or its last characters
        id: String,
    },
}

/// A pool as somebody names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolName {
    Id(i64),
    Prefix(ipnet::Ipv6Net),
}

impl std::str::FromStr for PoolName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(id) = text.parse::<i64>() {
            return if id > 0 { Ok(Self::Id(id)) } else { Err("an id is a number from 1".into()) };
        }
        text.parse().map(Self::Prefix).map_err(|_| "an id such as 42 or a prefix such as 2001:db8::/40 is wanted".into())
    }
}
