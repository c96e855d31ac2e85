//! One subscriber, made from the seed and its index alone: the millionth costs as much as the first.

use super::layout::{Class, Layout};
use super::names::{self, Name};
use super::places::{self, Town};
use crate::dice::Dice;
use chrono::TimeDelta;
use noctule_domain::lifecycle::{AssignmentMode, Enforcement, Ipv6State};
use noctule_domain::subscriber::{Ipv6Record, Session, Subscriber, SubscriberStatus, Username};
use noctule_domain::{NasId, OperationId, SafeText, SubscriberId, TenantId, Timestamp};
use std::net::Ipv4Addr;

/// Streams of the dice, one a kind of thing.
pub(super) mod stream {
    pub const SUBSCRIBER: u64 = 1;
    pub const TECHNICIAN: u64 = 2;
    pub const TASK: u64 = 3;
    pub const NAS: u64 = 4;
    pub const TENANT: u64 = 5;
    pub const MOVER: u64 = 6;
    pub const OPERATION: u64 = 7;
    pub const FIELD: u64 = 8;
}

/// Tariffs: name, download and upload in kbit/s.
const TARIFFS: &[(u32, (&str, u32, u32))] = &[
    (30, ("fibre 100", 100_000, 50_000)),
    (34, ("fibre 300", 300_000, 150_000)),
    (20, ("fibre 1000", 1_000_000, 500_000)),
    (9, ("wireless 100", 100_000, 20_000)),
    (5, ("business 1000", 1_000_000, 1_000_000)),
    (2, ("vdsl 50", 50_000, 10_000)),
];

/// What the subscribers of a world have in common.
#[derive(Debug, Clone)]
pub(super) struct Common<'a> {
    pub seed: u64,
    pub now: Timestamp,
    pub tenant: TenantId,
    pub layout: &'a Layout,
    pub nases: &'a [NasId],
}

impl Common<'_> {
    pub fn town(&self, index: u64) -> &'static Town {
        places::town(&mut Dice::of(self.seed, stream::SUBSCRIBER, index))
    }

    /// The operation that allocated the prefix of a subscriber: stands in NetBox beside it.
    pub fn operation(&self, index: u64, at: Timestamp) -> OperationId {
        OperationId(Dice::of(self.seed, stream::OPERATION, index).uuid_v7(unix_ms(at)))
    }

    pub fn subscriber(&self, index: u64) -> Subscriber {
        let mut dice = Dice::of(self.seed, stream::SUBSCRIBER, index);
        let town = places::town(&mut dice);
        let rank = self.layout.rank(index);
        let class = self.layout.class(rank);
        let number = index + 1;
        let Name { full, ascii } = names::name(&mut dice, town.name);
        let nas_index = town.nas % self.nases.len().max(1);
        let nas = self.nases.get(nas_index).copied();
        let created_at = self.now - TimeDelta::minutes(dice.between(40 * 1440, 2200 * 1440));
        let (tariff, down, up) = *dice.weighted(TARIFFS);
        let fibre = tariff.starts_with("fibre") || tariff.starts_with("business");
        let business = tariff.starts_with("business");
        let ipv6 = self.record(&mut dice, class, rank, created_at);
        let session = nas.and_then(|nas| self.session(&mut dice, class, &ipv6, number, nas, nas_index));
        let status = match class {
            Class::Active if dice.chance(0.004) => SubscriberStatus::Quarantined,
            Class::Active | Class::Allocated | Class::NoDelegation => SubscriberStatus::Active,
            Class::Suspended => SubscriberStatus::Suspended,
            Class::Revoking | Class::Resting | Class::Rested => SubscriberStatus::Disconnected,
            Class::Gone => SubscriberStatus::Terminated,
            Class::Failed | Class::Pending => SubscriberStatus::Pending,
        };
        let dunned = class == Class::Suspended && dice.chance(0.85);
        let updated_at = ipv6.since;
        Subscriber {
            id: SubscriberId(dice.uuid_v7(unix_ms(created_at))),
            tenant: self.tenant,
            subscriber_number: SafeText::new(&subscriber_number(number)),
            username: username(&ascii, number),
            full_name: SafeText::new(&full),
            email: dice.chance(0.93).then(|| SafeText::new(&format!("{ascii}{number}@example.net"))),
            phone: dice.chance(0.9).then(|| SafeText::new(&format!("+358 40 555 {:04}", dice.below(10_000)))),
            status,
            service_type: Some(SafeText::new(tariff)),
            download_kbps: Some(down),
            upload_kbps: Some(up),
            service_address: Some(SafeText::new(&town.address(&mut dice))),
            position: Some(town.place(&mut dice)),
            site: Some(SafeText::new(town.name)),
            nas,
            vlan: Some(100 + (number % 3900) as u16),
            circuit_id: Some(SafeText::new(&format!("eth 1/1/{}/{}:{}", 1 + number % 16, 1 + number % 64, 100 + number % 3900))),
            remote_id: fibre.then(|| SafeText::new(&format!("ont-{number:07}"))),
            onu_serial: fibre.then(|| SafeText::new(&format!("DEMO{:08X}", dice.next_u64() as u32))),
            cpe_mac: Some(SafeText::new(&mac(number))),
            static_ipv4: (business && dice.chance(0.5)).then(|| documentation_v4(number)),
            balance_flag: dunned || dice.chance(0.02),
            suspend_reason: (class == Class::Suspended)
                .then(|| SafeText::new(if dunned { "dunning: invoice 30 days overdue" } else { dice.word(SUSPENDED) })),
            notes: dice.chance(0.06).then(|| SafeText::new(dice.word(NOTES))),
            session,
            running: None,
            queued: None,
            version: dice.between(1, 9),
            created_at,
            updated_at,
            ipv6,
        }
    }

    fn record(&self, dice: &mut Dice, class: Class, rank: u64, created: Timestamp) -> Ipv6Record {
        let now = self.now;
        let ago = |dice: &mut Dice, from_min: i64, to_min: i64| now - TimeDelta::seconds(dice.between(from_min * 60, to_min * 60));
        let mode = match class {
            Class::NoDelegation => *dice.weighted(&[(7, AssignmentMode::Slaac), (2, AssignmentMode::None), (1, AssignmentMode::Stateful)]),
            _ => *dice.weighted(&[(62, AssignmentMode::Pd), (38, AssignmentMode::DualStack)]),
        };
        let mut record = Ipv6Record::pending(mode, created);
        record.pd_size = mode.delegates().then(|| *dice.weighted(&[(94, 56u8), (4, 60), (2, 64)]));
        if let Some((slot, id)) = self.layout.slot(rank) {
            let length = record.pd_size.unwrap_or(slot.prefix_len()).max(slot.prefix_len());
            record.prefix = ipnet::Ipv6Net::new(slot.addr(), length).ok();
            record.netbox_prefix_id = Some(id);
        }
        match class {
            Class::NoDelegation => {}
            Class::Pending => {
                // New customers of the last days, mostly.
                record.since = if dice.chance(0.7) { ago(dice, 5, 6 * 1440).max(created) } else { created };
            }
            Class::Allocated => {
                // Some were forgotten: allocated for more than a day.
                record.since = if dice.chance(0.85) { ago(dice, 3, 1200) } else { ago(dice, 1500, 9000) };
                record.state = Ipv6State::Allocated;
                record.allocated_at = Some(record.since);
            }
            Class::Active | Class::Suspended => self.lived(dice, class, created, &mut record),
            Class::Revoking => {
                record.state = Ipv6State::Revoking;
                // The first two are stuck for hours, the others for less.
                let stuck = rank < self.layout.first_rank(Class::Revoking) + 2 || dice.chance(0.4);
                record.since = if stuck { ago(dice, 75, 600) } else { ago(dice, 4, 50) };
                self.before(dice, record.since, created, &mut record);
                (record.enforcement, record.enforcement_note) = if dice.chance(0.7) {
                    (Enforcement::Unanswered, Some("no answer to 4 sends in 30 s".into()))
                } else {
                    (Enforcement::Refused, Some("504 Session Context Not Removable".into()))
                };
                record.last_error = record.enforcement_note.clone();
            }
            Class::Resting | Class::Rested | Class::Gone => {
                record.state = Ipv6State::Revoked;
                record.since = match class {
                    Class::Resting => ago(dice, 10, 1380),
                    Class::Rested => ago(dice, 1445, 1800),
                    _ => ago(dice, 3 * 1440, 120 * 1440).max(created + TimeDelta::days(1)),
                };
                record.revoked_at = Some(record.since);
                record.hold_until = (class != Class::Gone).then(|| record.since + TimeDelta::hours(24));
                self.before(dice, record.since, created, &mut record);
                (record.enforcement, record.enforcement_note) = match dice.below(3) {
                    0 => (Enforcement::None, Some("no session on the NAS (503)".into())),
                    1 => (Enforcement::Observed, None),
                    _ => (Enforcement::Acknowledged, None),
                };
            }
            Class::Failed => {
                record.state = Ipv6State::Failed;
                record.since = ago(dice, 8, 2 * 1440);
                record.failed_at = Some(record.since);
                record.last_error = Some(SafeText::new(dice.word(FAILURES)));
            }
        }
        record
    }

    /// Active and suspended: allocated, activated, maybe suspended and resumed before.
    fn lived(&self, dice: &mut Dice, class: Class, created: Timestamp, record: &mut Ipv6Record) {
        let span = (self.now - created).num_seconds().max(3600);
        let activated = created + TimeDelta::seconds(dice.between(600, span - 1800));
        record.allocated_at = Some(activated - TimeDelta::seconds(dice.between(20, 590)));
        record.activated_at = Some(activated);
        record.since = activated;
        let later = |dice: &mut Dice, after: Timestamp| {
            let room = (self.now - after).num_seconds().max(2);
            after + TimeDelta::seconds(dice.between(1, room - 1))
        };
        if class == Class::Suspended {
            record.state = Ipv6State::Suspended;
            let room = (self.now - activated).num_seconds().min(30 * 86_400);
            let at = self.now - TimeDelta::seconds(dice.between(1, room.max(2) - 1));
            record.suspended_at = Some(at);
            record.since = at;
        } else {
            record.state = Ipv6State::Active;
            if dice.chance(0.06) {
                let suspended = later(dice, activated);
                let resumed = later(dice, suspended);
                record.suspended_at = Some(suspended);
                record.resumed_at = Some(resumed);
                record.since = resumed;
            }
        }
        (record.enforcement, record.enforcement_note) = match dice.below(1000) {
            0..=549 => (Enforcement::Observed, None),
            550..=949 => (Enforcement::Acknowledged, None),
            950..=989 => (Enforcement::None, Some("no session then: in force since the next login".into())),
            990..=995 => (Enforcement::Unanswered, Some("no answer to 4 sends in 30 s".into())),
            _ => (Enforcement::Refused, Some("401 Unsupported Attribute".into())),
        };
    }

    /// The stamps of the life that a revoke ended.
    fn before(&self, dice: &mut Dice, until: Timestamp, created: Timestamp, record: &mut Ipv6Record) {
        let span = (until - created).num_seconds().max(1200);
        let activated = created + TimeDelta::seconds(dice.between(600, span - 1));
        let activated = activated.min(until);
        record.allocated_at = Some(activated - TimeDelta::seconds(dice.between(20, 590)));
        record.activated_at = Some(activated);
    }

    fn session(&self, dice: &mut Dice, class: Class, ipv6: &Ipv6Record, number: u64, nas: NasId, nas_index: usize) -> Option<Session> {
        let online = match class {
            Class::Active | Class::Suspended | Class::Revoking => 1.0,
            Class::NoDelegation => 0.85,
            Class::Failed => 0.7,
            Class::Allocated => 0.6,
            Class::Pending => 0.5,
            Class::Resting | Class::Rested | Class::Gone => 0.0,
        };
        if !dice.chance(online) {
            return None;
        }
        let holds = matches!(class, Class::Active | Class::Suspended | Class::Revoking);
        let lasting = TimeDelta::seconds(dice.between(900, 20 * 86_400));
        let started_at = match class {
            // A Disconnect ended the old session; a CoA left it as it was.
            Class::Suspended if super::nases::suspends_by_disconnect(nas_index) => ipv6.since + lasting.min((self.now - ipv6.since) / 2),
            Class::Suspended => ipv6.since - lasting,
            _ => self.now - lasting,
        };
        Some(Session {
            nas,
            acct_session_id: SafeText::new(&format!("{:02x}{:06x}{number:08x}", 0x81 + nas_index, dice.below(1 << 24))),
            framed_ipv4: Some(Ipv4Addr::from(0x6440_0000 + (number as u32 & 0x3f_ffff))),
            // Who logged in again while suspended got no prefix.
            delegated_prefix: ipv6.prefix.filter(|_| holds && (class != Class::Suspended || started_at < ipv6.since)),
            started_at,
            seen_at: (self.now - TimeDelta::seconds(dice.between(5, 600))).max(started_at),
            accounting: None,
        })
    }
}

pub(super) fn subscriber_number(number: u64) -> String {
    format!("N-{number:07}")
}

fn username(ascii: &str, number: u64) -> Username {
    let name = Username::new(&format!("{ascii}.{number}@isp.example"));
    // ASCII letters, dots and digits, under a hundred of them: `names` keeps to that and tests it.
    name.or_else(|_| Username::new(&format!("n.{number}@isp.example"))).expect("an ASCII user name is valid")
}

/// The documentation range for MAC addresses (RFC 7042 section 2.1.1) has room for 256: beyond it a locally administered one.
fn mac(number: u64) -> String {
    let b = number.to_be_bytes();
    format!("02:00:5e:{:02x}:{:02x}:{:02x}", b[5], b[6], b[7])
}

/// 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24.
fn documentation_v4(number: u64) -> Ipv4Addr {
    let host = 1 + (number / 3 % 254) as u8;
    match number % 3 {
        0 => Ipv4Addr::new(192, 0, 2, host),
        1 => Ipv4Addr::new(198, 51, 100, host),
        _ => Ipv4Addr::new(203, 0, 113, host),
    }
}

pub(super) fn unix_ms(at: Timestamp) -> u64 {
    u64::try_from(at.timestamp_millis()).unwrap_or(0)
}

const SUSPENDED: &[&str] = &["abuse: open resolver, ticket 4471", "customer asked: away for the winter", "dunning: two invoices open"];

const NOTES: &[&str] = &[
    "Dog on the premises, ring first.",
    "Own router, asks for a fixed prefix.",
    "Moved in from number 12, same ONT.",
    "Key to the basement at the caretaker's.",
    "Speaks Swedish and English.",
    "Line was spliced twice in 2025; look at the loss first.",
    "Voucher until the end of the year.",
];

const FAILURES: &[&str] = &[
    "NetBox refused: no room for a /56 in the pool (409). Choose another pool, then allocate again.",
    "NetBox refused: the token may not add prefixes (403). Give the token that right, then allocate again.",
    "NetBox refused: operation_id is not a unique field (400). Run noctule init netbox, then allocate again.",
];
