//! Small values that several tests need: a profile with short waits, a NAS, a subscriber.

use noctule_domain::lifecycle::AssignmentMode;
use noctule_domain::nas::{Nas, NasHealth, NasProfile, Retransmit};
use noctule_domain::secret::Secret;
use noctule_domain::subscriber::{Ipv6Record, Session, Subscriber, SubscriberStatus, Username};
use noctule_domain::{NasId, SafeText, SubscriberId, TenantId};
use noctule_network::radius::attribute::{Attribute, kind};
use noctule_network::radius::{Request, RequestKind, Target, profiles};
use std::net::SocketAddr;
use std::sync::Arc;

/// The generic profile with waits that suit a test. Identifiers rest for a second.
pub fn profile() -> NasProfile {
    let generic = profiles::get("generic").expect("built in");
    NasProfile {
        key: "test".into(),
        identifier_rest_s: 1,
        retransmit: Retransmit { irt_s: 0.2, mrt_s: 0.5, mrc: 3, mrd_s: 0.8 },
        ..(*generic).clone()
    }
}

pub fn target(address: SocketAddr, secret: &str, profile: NasProfile) -> Target {
    let tls_name = address.ip().to_string();
    Target { name: SafeText::new("bng-demo"), address, secret: Arc::new(Secret::new(secret)), profile: Arc::new(profile), tls_name }
}

/// A request that names one session; the session is its own key.
pub fn request(kind: RequestKind, session: &str) -> Request {
    let attributes = vec![Attribute::text(kind::ACCT_SESSION_ID, session).expect("short")];
    Request { kind, attributes, session_key: session.to_owned() }
}

pub fn nas(address: SocketAddr) -> Nas {
    Nas {
        id: NasId(uuid::Uuid::from_u128(7)),
        tenant: TenantId(uuid::Uuid::from_u128(1)),
        name: SafeText::new("bng-demo"),
        profile: "test".into(),
        address,
        nas_ip: None,
        nas_identifier: None,
        secret: "env:NOCTULE_TEST_SECRET".parse().expect("a reference"),
        position: None,
        site: None,
        enabled: true,
        health: NasHealth::default(),
    }
}

pub fn subscriber(nas: &Nas, session: Option<&str>) -> Subscriber {
    let now = chrono::DateTime::UNIX_EPOCH;
    let mut ipv6 = Ipv6Record::pending(AssignmentMode::Pd, now);
    ipv6.prefix = Some("2001:db8:100:42f0::/60".parse().expect("a prefix"));
    Subscriber {
        id: SubscriberId(uuid::Uuid::from_u128(2)),
        tenant: nas.tenant,
        subscriber_number: SafeText::new("S-1001"),
        username: Username::new("alice@isp.example").expect("a user name"),
        full_name: SafeText::new("Alice"),
        email: None,
        phone: None,
        status: SubscriberStatus::Active,
        service_type: None,
        download_kbps: Some(100_000),
        upload_kbps: Some(20_000),
        service_address: None,
        position: None,
        site: None,
        nas: Some(nas.id),
        vlan: None,
        circuit_id: None,
        remote_id: None,
        onu_serial: None,
        cpe_mac: None,
        static_ipv4: None,
        ipv6,
        balance_flag: false,
        suspend_reason: None,
        notes: None,
        session: session.map(|id| Session {
            nas: nas.id,
            acct_session_id: SafeText::new(id),
            framed_ipv4: Some("192.0.2.10".parse().expect("an address")),
            delegated_prefix: None,
            started_at: now,
            seen_at: now,
            accounting: None,
        }),
        running: None,
        queued: None,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}
