//! Presets: kinds of NAS as they are met in the field. What each does is taken from the vendors' documents and from reading accel-ppp;
//! a preset is a likeness, not the device.

use super::behaviour::{Behaviour, Delay, Dup, Noise, Several, Unlisted};
use super::packet::{Sign, attr};
use super::session::AttrKey;
use std::collections::BTreeSet;
use std::time::Duration;

pub mod vendor {
    pub const CISCO: u32 = 9;
    pub const JUNIPER: u32 = 4874;
    pub const NOKIA: u32 = 6527;
    pub const MIKROTIK: u32 = 14988;

    pub const JUNIPER_ACTIVATE: u8 = 65;
    pub const JUNIPER_DEACTIVATE: u8 = 66;
    pub const MIKROTIK_RATE_LIMIT: u8 = 8;
    /// Alc-SLA-Prof-Str.
    pub const NOKIA_SLA_PROFILE: u8 = 13;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// RFC 5176 to the letter.
    Strict,
    /// Rate limit and filter by CoA; addresses and prefixes only by a new login.
    Mikrotik,
    /// Services by name, in vendor attributes.
    Juniper,
    /// Ignores what it does not support, and says ACK. Delegated-IPv6-Prefix names a session.
    Nokia,
    /// ACK to everything it does not look at, no causes, no kept answers.
    AccelPpp,
    /// FreeRADIUS 3.2.1 playing a NAS.
    FreeRadius321,
}

impl Preset {
    pub const ALL: &'static [Self] = &[Self::Strict, Self::Mikrotik, Self::Juniper, Self::Nokia, Self::AccelPpp, Self::FreeRadius321];

    /// Key of the client's profile for this kind of NAS.
    pub fn profile_key(self) -> &'static str {
        match self {
            Self::Strict => "generic",
            Self::Mikrotik => "mikrotik",
            Self::Juniper => "juniper",
            Self::Nokia => "nokia",
            Self::AccelPpp => "accel-ppp",
            Self::FreeRadius321 => "freeradius",
        }
    }

    pub fn of_profile(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|p| p.profile_key() == key)
    }

    pub fn behaviour(self) -> Behaviour {
        let strict = strict();
        match self {
            Self::Strict => strict,
            Self::Mikrotik => Behaviour {
                identify: BTreeSet::from([
                    attr::USER_NAME,
                    attr::ACCT_SESSION_ID,
                    attr::FRAMED_IP_ADDRESS,
                    attr::CALLING_STATION_ID,
                    attr::NAS_PORT,
                    attr::NAS_PORT_ID,
                ]),
                applies: standard(&[attr::FILTER_ID, attr::SESSION_TIMEOUT, attr::IDLE_TIMEOUT, attr::PORT_LIMIT])
                    .chain(vendors(vendor::MIKROTIK, &[1, 2, 3, vendor::MIKROTIK_RATE_LIMIT, 10, 11, 12, 13, 14, 15, 16, 17, 18]))
                    .collect(),
                authorize_only: false,
                sign: Sign::No,
                dup: Dup::Inflight,
                ..strict
            },
            Self::Juniper => Behaviour {
                identify: BTreeSet::from([attr::USER_NAME, attr::ACCT_SESSION_ID, attr::ACCT_MULTI_SESSION_ID]),
                enough: BTreeSet::from([attr::ACCT_SESSION_ID, attr::ACCT_MULTI_SESSION_ID, attr::USER_NAME]),
                applies: standard(&[attr::FILTER_ID, attr::SESSION_TIMEOUT, attr::IDLE_TIMEOUT])
                    .chain(vendors(vendor::JUNIPER, &[vendor::JUNIPER_ACTIVATE, vendor::JUNIPER_DEACTIVATE]))
                    .collect(),
                authorize_only: false,
                sign: Sign::No,
                ..strict
            },
            Self::Nokia => Behaviour {
                identify: strict.identify.iter().copied().chain([attr::DELEGATED_IPV6_PREFIX]).collect(),
                applies: standard(&[attr::FILTER_ID, attr::SESSION_TIMEOUT, attr::IDLE_TIMEOUT])
                    .chain(vendors(vendor::NOKIA, &[12, vendor::NOKIA_SLA_PROFILE, 134, 158]))
                    .collect(),
                unlisted: Unlisted::Ignore,
                several: Several::UpTo(32),
                authorize_only: false,
                prefix_lengths: (48, 64),
                sign: Sign::No,
                ..strict
            },
            Self::AccelPpp => Behaviour {
                identify: BTreeSet::from([
                    attr::USER_NAME,
                    attr::ACCT_SESSION_ID,
                    attr::NAS_PORT,
                    attr::NAS_PORT_ID,
                    attr::FRAMED_IP_ADDRESS,
                    attr::CALLING_STATION_ID,
                ]),
                missing_cause: Some(503),
                applies: standard(&[attr::CLASS, attr::SESSION_TIMEOUT, attr::FILTER_ID]).collect(),
                unlisted: Unlisted::Ignore,
                several: Several::First,
                gives_cause: false,
                authorize_only: false,
                check_message_authenticator: false,
                timestamp_window: None,
                dup: Dup::None,
                one_per_session: true,
                sign: Sign::No,
                teardown_delay: Duration::from_millis(200),
                ..strict
            },
            Self::FreeRadius321 => Behaviour {
                unlisted: Unlisted::Ignore,
                refuses: BTreeSet::from([AttrKey::standard(attr::FRAMED_POOL)]),
                several: Several::All,
                dup_window: Duration::from_secs(5),
                sign: Sign::No,
                ..strict
            },
        }
    }
}

fn standard(types: &[u8]) -> impl Iterator<Item = AttrKey> {
    types.iter().map(|t| AttrKey::standard(*t))
}

fn vendors(vendor: u32, types: &[u8]) -> impl Iterator<Item = AttrKey> {
    types.iter().map(move |t| AttrKey::vendor(vendor, *t))
}

fn strict() -> Behaviour {
    Behaviour {
        identify: BTreeSet::from([
            attr::USER_NAME,
            attr::NAS_PORT,
            attr::FRAMED_IP_ADDRESS,
            attr::CALLED_STATION_ID,
            attr::CALLING_STATION_ID,
            attr::ACCT_SESSION_ID,
            attr::ACCT_MULTI_SESSION_ID,
            attr::NAS_PORT_ID,
            attr::CHARGEABLE_USER_IDENTITY,
            attr::FRAMED_INTERFACE_ID,
            attr::FRAMED_IPV6_PREFIX,
        ]),
        enough: BTreeSet::new(),
        missing_cause: Some(402),
        applies: standard(&[attr::DELEGATED_IPV6_PREFIX, attr::FILTER_ID, attr::SESSION_TIMEOUT, attr::IDLE_TIMEOUT, attr::CLASS])
            .collect(),
        unlisted: Unlisted::Refuse,
        refuses: BTreeSet::new(),
        ignores: BTreeSet::new(),
        lie_ack: false,
        acks_strangers: false,
        several: Several::Refuse,
        gives_cause: true,
        authorize_only: true,
        prefix_lengths: (0, 128),
        blocking_words: ["suspend", "walled", "blocked"].map(str::to_owned).to_vec(),
        check_message_authenticator: true,
        require_message_authenticator: false,
        timestamp_window: Some(Duration::from_secs(300)),
        clock_offset_s: 0,
        dup: Dup::Strict,
        dup_window: Duration::from_secs(300),
        strict_window: false,
        one_per_session: false,
        nak_probability: 0.0,
        nak_causes: vec![506],
        down: false,
        drop_in: 0.0,
        drop_out: 0.0,
        delay: Delay::None,
        answer_delay: Delay::None,
        serial: false,
        queue: 10_000,
        pps: None,
        sign: Sign::Rfc,
        stamp_answers: false,
        reply_from_other: false,
        noise: Noise::default(),
        teardown_delay: Duration::ZERO,
        relogin: None,
    }
}
