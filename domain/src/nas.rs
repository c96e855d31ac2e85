//! The NAS registry: where a NAS is, how it is spoken to (its profile), how it does.

use crate::aaa::LoginProfile;
use crate::lifecycle::OperationKind;
use crate::{NasId, SafeText, TenantId, Timestamp, geo::LatLng, secret::SecretRef, words};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

mod probe;
mod template;

pub use probe::{ProbeReport, ProbeTry};
pub use template::{AttributeTemplate, AttributeValue, ValueKind};

/// One NAS as registered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Nas {
    pub id: NasId,
    pub tenant: TenantId,
    /// Short name, unique in the tenant, used in filters: `bng-3`.
    pub name: SafeText,
    /// Key of the profile: `generic`, `mikrotik`, …
    pub profile: String,
    /// Where CoA and Disconnect go; port 3799 unless set.
    pub address: SocketAddr,
    /// What the NAS calls itself, sent as NAS-IP-Address or NAS-IPv6-Address; `None` leaves it out.
    pub nas_ip: Option<IpAddr>,
    pub nas_identifier: Option<SafeText>,
    pub secret: SecretRef,
    pub position: Option<LatLng>,
    pub site: Option<SafeText>,
    pub enabled: bool,
    pub health: NasHealth,
}

impl Nas {
    /// Whether an entry in a list of RADIUS clients (an address, a network, a host name) is this one. What a host name stands for is not known
    /// here: it may be anybody.
    pub fn may_be_client(&self, entry: &str) -> bool {
        let own = std::iter::once(self.address.ip()).chain(self.nas_ip);
        match (entry.parse::<IpAddr>(), entry.parse::<ipnet::IpNet>()) {
            (Ok(address), _) => own.into_iter().any(|own| own == address),
            (_, Ok(net)) => own.into_iter().any(|own| net.contains(&own)),
            _ => true,
        }
    }
}

words!(
    /// What we know of a NAS from its answers. `silent` covers wrong secret, our address not allowed, filtered, down: from here they look alike.
    NasReach { Unknown = "unknown", Up = "up", Busy = "busy", Silent = "silent" }
);

/// Health from the last exchanges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NasHealth {
    pub reach: NasReach,
    pub round_trip: Option<Duration>,
    pub last_answer_at: Option<Timestamp>,
    pub last_asked_at: Option<Timestamp>,
    pub acks: u64,
    pub naks: u64,
    pub timeouts: u64,
}

impl Default for NasHealth {
    fn default() -> Self {
        Self { reach: NasReach::Unknown, round_trip: None, last_answer_at: None, last_asked_at: None, acks: 0, naks: 0, timeouts: 0 }
    }
}

impl NasHealth {
    /// The health after what was seen. Exchanges run side by side: counts add up, and the one asked last says how the NAS does.
    pub fn after(&self, seen: &NasSeen) -> Self {
        let mut health = Self {
            acks: self.acks.saturating_add(seen.acks),
            naks: self.naks.saturating_add(seen.naks),
            timeouts: self.timeouts.saturating_add(seen.timeouts),
            last_answer_at: self.last_answer_at.max(seen.answered_at),
            last_asked_at: self.last_asked_at.max(seen.asked_at),
            ..self.clone()
        };
        if seen.reach != NasReach::Unknown && seen.asked_at >= self.last_asked_at {
            health.reach = seen.reach;
            health.round_trip = seen.round_trip.or(self.round_trip);
        }
        health
    }
}

/// What an exchange told of a NAS, to be added to its health. The default is nothing: no request left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NasSeen {
    /// `Unknown`: the exchange says nothing of it.
    pub reach: NasReach,
    pub round_trip: Option<Duration>,
    pub answered_at: Option<Timestamp>,
    pub asked_at: Option<Timestamp>,
    /// To add, as are the other two.
    pub acks: u64,
    pub naks: u64,
    pub timeouts: u64,
}

impl Default for NasSeen {
    fn default() -> Self {
        Self { reach: NasReach::Unknown, round_trip: None, answered_at: None, asked_at: None, acks: 0, naks: 0, timeouts: 0 }
    }
}

impl NasSeen {
    /// True when nothing left for the NAS: there is nothing to add.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what another exchange told.
    pub fn add(&mut self, other: &Self) {
        if other.reach != NasReach::Unknown && other.asked_at >= self.asked_at {
            self.reach = other.reach;
            self.round_trip = other.round_trip.or(self.round_trip);
        }
        self.answered_at = self.answered_at.max(other.answered_at);
        self.asked_at = self.asked_at.max(other.asked_at);
        self.acks = self.acks.saturating_add(other.acks);
        self.naks = self.naks.saturating_add(other.naks);
        self.timeouts = self.timeouts.saturating_add(other.timeouts);
    }
}

words!(
    /// How a NAS is made to obey, per operation.
    Method {
        /// CoA-Request with Delegated-IPv6-Prefix.
        CoaPrefix = "coa_prefix",
        /// CoA-Request with a Filter-Id (walled garden on suspend, the normal one on resume).
        CoaFilter = "coa_filter",
        /// CoA-Request that activates or deactivates a named service, by the profile's attributes.
        CoaService = "coa_service",
        /// Disconnect-Request; the subscriber logs in again and gets what RADIUS says then.
        DisconnectThenLogin = "disconnect_then_login",
        /// Nothing is sent.
        None = "none",
    }
);

words!(
    /// What names the session in a request.
    Identify {
        SessionId = "acct_session_id",
        Username = "user_name",
        FramedIpv4 = "framed_ip_address",
        /// The prefix that the session has (Nokia: the key of its IA_PD host). On other NASes this attribute is an order, not a name.
        DelegatedPrefix = "delegated_ipv6_prefix",
        NasIp = "nas_ip_address",
        NasIdentifier = "nas_identifier",
    }
);

words!(
    /// Of what `identify` lists and is known of the session: what is sent.
    IdentifyBy {
        /// All of it; it is joined by AND (RFC 5176 section 3).
        All = "all",
        /// The first that is known: for a NAS that takes one set of keys.
        First = "first",
    }
);

words!(
    /// How requests reach the NAS.
    Transport {
        Udp = "udp",
        /// RADIUS over TLS (RFC 6614), on TCP port 2083.
        Radsec = "radsec",
    }
);

words!(SignedAnswers { IfPresent = "if_present", Required = "required" });

/// How one kind of NAS is spoken to: data, from `assets/nas-profiles/*.toml` (see `../radius` in the network crate).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NasProfile {
    pub key: String,
    pub title: String,
    pub activate: Method,
    pub suspend: Method,
    pub resume: Method,
    pub identify: Vec<Identify>,
    #[serde(default = "all_of_it")]
    pub identify_by: IdentifyBy,
    #[serde(default = "udp")]
    pub transport: Transport,
    /// With `radsec`: the name that the certificate of the NAS must hold. `{nas_name}`, `{nas_identifier}` and `{address}` are filled in from
    /// the registry.
    #[serde(default = "its_address")]
    pub tls_name: String,
    #[serde(default = "default_port")]
    pub port: u16,
    /// Put Message-Authenticator first into every request.
    #[serde(default = "yes")]
    pub sign_requests: bool,
    #[serde(default = "if_present")]
    pub signed_answers: SignedAnswers,
    #[serde(default = "yes")]
    pub event_timestamp: bool,
    /// Requests in flight to this NAS at once.
    #[serde(default = "default_window")]
    pub window: u16,
    /// Requests per second to this NAS; `None` is no limit.
    #[serde(default)]
    pub rate_per_s: Option<u32>,
    /// Seconds for which an identifier rests after use on one source port (RFC 5176 section 6.3; 300 for strict NASes).
    #[serde(default = "default_rest")]
    pub identifier_rest_s: u32,
    #[serde(default)]
    pub retransmit: Retransmit,
    /// Attributes that suspend sends with `coa_filter` or `coa_service`.
    #[serde(default)]
    pub suspend_attributes: Vec<AttributeTemplate>,
    #[serde(default)]
    pub resume_attributes: Vec<AttributeTemplate>,
    #[serde(default)]
    pub activate_attributes: Vec<AttributeTemplate>,
    /// What an ACK of this NAS is worth, in words for the screen.
    #[serde(default)]
    pub ack_note: Option<String>,
    /// What RADIUS is to hand out to logins on this NAS.
    #[serde(default)]
    pub login: LoginProfile,
    /// What accounting shows after an ACK, and by when.
    #[serde(default)]
    pub proof: ProofProfile,
}

words!(
    /// How accounting proves that a NAS did what it acknowledged.
    Verification {
        /// It can not: an ACK stays an ACK.
        None = "none",
        /// A Start or Interim-Update after the ACK names the prefix.
        Interim = "interim",
        /// A Stop of the session after the request.
        Stop = "stop",
    }
);

/// Per operation what proves it; what is left out follows from the method, see [`NasProfile::verification`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProofProfile {
    pub activate: Option<Verification>,
    pub suspend: Option<Verification>,
    pub resume: Option<Verification>,
    pub revoke: Option<Verification>,
    /// Seconds after which an acknowledgement without proof is a finding.
    pub deadline_s: u32,
}

impl Default for ProofProfile {
    fn default() -> Self {
        Self { activate: None, suspend: None, resume: None, revoke: None, deadline_s: 900 }
    }
}

impl NasProfile {
    /// How this NAS is made to obey; an allocation asks no NAS, and a prefix is only ever taken back by a Disconnect (RFC 5176 section 3.6:
    /// what a CoA leaves out stays).
    pub fn method(&self, kind: OperationKind) -> Method {
        match kind {
            OperationKind::Activate => self.activate,
            OperationKind::Suspend => self.suspend,
            OperationKind::Resume => self.resume,
            OperationKind::Revoke => Method::DisconnectThenLogin,
            OperationKind::Allocate | OperationKind::Release | OperationKind::Reconcile => Method::None,
        }
    }

    /// What accounting has to show before an ACK counts as observed: what the profile says, else what the method lets one see. A prefix is
    /// proved by a session that names it, also when a new login brings it; a Disconnect by a Stop; a filter or a service by nothing.
    pub fn verification(&self, kind: OperationKind) -> Verification {
        let said = match kind {
            OperationKind::Activate => self.proof.activate,
            OperationKind::Suspend => self.proof.suspend,
            OperationKind::Resume => self.proof.resume,
            OperationKind::Revoke => self.proof.revoke,
            OperationKind::Allocate | OperationKind::Release | OperationKind::Reconcile => None,
        };
        said.unwrap_or(match (self.method(kind), kind) {
            (Method::CoaPrefix, _) | (Method::DisconnectThenLogin, OperationKind::Activate) => Verification::Interim,
            (Method::DisconnectThenLogin, _) => Verification::Stop,
            (Method::CoaFilter | Method::CoaService | Method::None, _) => Verification::None,
        })
    }

    /// How long after an ACK the proof may take before its absence is a finding.
    pub fn proof_deadline(&self) -> Duration {
        Duration::from_secs(u64::from(self.proof.deadline_s))
    }
}

/// RFC 5080 section 2.2.1 values, seconds. The default is that section's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retransmit {
    pub irt_s: f64,
    pub mrt_s: f64,
    pub mrc: u32,
    pub mrd_s: f64,
}

impl Default for Retransmit {
    fn default() -> Self {
        Self { irt_s: 2.0, mrt_s: 16.0, mrc: 5, mrd_s: 30.0 }
    }
}

fn all_of_it() -> IdentifyBy {
    IdentifyBy::All
}
fn udp() -> Transport {
    Transport::Udp
}
fn its_address() -> String {
    "{address}".to_owned()
}
fn default_port() -> u16 {
    3799
}
fn default_window() -> u16 {
    16
}
fn default_rest() -> u32 {
    30
}
fn yes() -> bool {
    true
}
fn if_present() -> SignedAnswers {
    SignedAnswers::IfPresent
}

/// A row of the Network pane and of `noctule nas list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NasRow {
    pub nas: Nas,
    pub subscribers: u64,
    pub sessions: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Duration as Span, TimeZone, Utc};

    #[test]
    fn a_nas_is_found_in_a_list_of_clients_by_either_address_a_network_or_perhaps_a_name() {
        let nas = Nas {
            id: NasId(uuid::Uuid::nil()),
            tenant: TenantId(uuid::Uuid::nil()),
            name: "bng-1".into(),
            profile: "generic".into(),
            address: "192.0.2.1:3799".parse().unwrap(),
            nas_ip: Some("2001:db8::1".parse().unwrap()),
            nas_identifier: None,
            secret: "env:X".parse().unwrap(),
            position: None,
            site: None,
            enabled: true,
            health: NasHealth::default(),
        };
        for entry in ["192.0.2.1", "2001:db8::1", "192.0.2.0/24", "2001:db8::/32", "bng-1.example.net"] {
            assert!(nas.may_be_client(entry), "{entry}");
        }
        for entry in ["192.0.2.2", "192.0.3.0/24", "2001:db9::/32"] {
            assert!(!nas.may_be_client(entry), "{entry}");
        }
    }

    fn profile(activate: Method, suspend: Method, resume: Method) -> NasProfile {
        NasProfile {
            key: "test".into(),
            title: "Test".into(),
            activate,
            suspend,
            resume,
            identify: vec![Identify::Username],
            identify_by: IdentifyBy::All,
            transport: Transport::Udp,
            tls_name: its_address(),
            port: default_port(),
            sign_requests: true,
            signed_answers: SignedAnswers::IfPresent,
            event_timestamp: true,
            window: default_window(),
            rate_per_s: None,
            identifier_rest_s: default_rest(),
            retransmit: Retransmit::default(),
            suspend_attributes: Vec::new(),
            resume_attributes: Vec::new(),
            activate_attributes: Vec::new(),
            ack_note: None,
            login: LoginProfile::default(),
            proof: ProofProfile::default(),
        }
    }

    #[test]
    fn what_proves_an_operation_is_what_the_profile_says_else_what_its_method_lets_one_see() {
        use OperationKind as Kind;
        let by_coa = profile(Method::CoaPrefix, Method::CoaFilter, Method::CoaService);
        let seen =
            |profile: &NasProfile| [Kind::Activate, Kind::Suspend, Kind::Resume, Kind::Revoke].map(|kind| profile.verification(kind));
        assert_eq!(seen(&by_coa), [Verification::Interim, Verification::None, Verification::None, Verification::Stop]);
        let again = Method::DisconnectThenLogin;
        let mut by_login = profile(again, again, again);
        // The new session names the prefix; that the old one ended says nothing of it.
        assert_eq!(seen(&by_login), [Verification::Interim, Verification::Stop, Verification::Stop, Verification::Stop]);
        by_login.proof = ProofProfile { suspend: Some(Verification::None), revoke: Some(Verification::None), ..ProofProfile::default() };
        assert_eq!(seen(&by_login), [Verification::Interim, Verification::None, Verification::Stop, Verification::None]);
        assert_eq!(seen(&profile(Method::None, Method::None, Method::None))[..3], [Verification::None; 3]);
        for asks_no_nas in [Kind::Allocate, Kind::Release] {
            assert_eq!((by_coa.method(asks_no_nas), by_coa.verification(asks_no_nas)), (Method::None, Verification::None));
        }
        assert_eq!(by_coa.proof_deadline(), Duration::from_secs(900));
    }

    #[test]
    fn counts_of_parallel_exchanges_add_up_and_the_one_asked_last_says_how_it_does() {
        let now = Utc.timestamp_opt(1_800_000_000, 0).single().expect("time");
        let ack = NasSeen {
            reach: NasReach::Up,
            round_trip: Some(Duration::from_millis(3)),
            answered_at: Some(now),
            asked_at: Some(now),
            acks: 1,
            ..NasSeen::default()
        };
        let late = now - Span::seconds(30);
        let silence = NasSeen { reach: NasReach::Silent, asked_at: Some(late), timeouts: 1, ..NasSeen::default() };
        let before = NasHealth { acks: 4, ..NasHealth::default() };
        let (one, other) = (before.after(&ack).after(&silence), before.after(&silence).after(&ack));
        assert_eq!(one, other);
        assert_eq!((one.reach, one.acks, one.timeouts, one.last_asked_at), (NasReach::Up, 5, 1, Some(now)));
        assert_eq!(one.after(&NasSeen::default()), one);
        assert!(NasSeen::default().is_nothing() && !ack.is_nothing());
    }
}
