//! The six NASes of the demo: as registered, and as simulated.

use super::World;
use super::subscribers::stream;
use crate::dice::Dice;
use crate::nas::{AttrKey, Delay, LoginProfile, NasIdentity, NasSession, NasSimConfig, Preset, attr, vendor};
use noctule_domain::lifecycle::Ipv6State;
use noctule_domain::nas::{Nas, NasHealth};
use noctule_domain::secret::{Secret, SecretRef};
use noctule_domain::subscriber::Subscriber;
use noctule_domain::{NasId, SafeText, TenantId};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

/// Name, town, kind.
const NASES: &[(&str, &str, Preset)] = &[
    ("bng-1", "Helsinki", Preset::Strict),
    ("bng-2", "Espoo", Preset::Mikrotik),
    ("bng-3", "Turku", Preset::Juniper),
    ("bng-4", "Tampere", Preset::Nokia),
    ("bng-5", "Lahti", Preset::AccelPpp),
    ("bng-6", "Kotka", Preset::FreeRadius321),
];

pub const MOST_NASES: usize = NASES.len();

/// The filter, service or profile that a suspended session has.
pub const SUSPENDED_FILTER: &str = "noctule-suspended";

pub(super) fn ids(seed: u64, count: usize) -> Vec<NasId> {
    (0..count.clamp(1, MOST_NASES) as u64).map(|i| NasId(Dice::of(seed, stream::NAS, i).uuid_v4())).collect()
}

/// The registry. Addresses are RFC 5737 ones until the simulators are started; secrets stand in files of `secrets` by the NAS's name.
pub(super) fn registry(ids: &[NasId], tenant: TenantId, secrets: &Path) -> Vec<Nas> {
    let row = |(i, id): (usize, &NasId)| {
        let (name, town, preset) = NASES[i];
        Nas {
            id: *id,
            tenant,
            name: SafeText::new(name),
            profile: preset.profile_key().to_owned(),
            address: SocketAddr::new(IpAddr::V4(own_address(i)), 3799),
            nas_ip: Some(IpAddr::V4(own_address(i))),
            nas_identifier: Some(SafeText::new(name)),
            secret: SecretRef::File(secrets.join(name)),
            position: super::places::TOWNS.iter().find(|t| t.name == town).map(super::places::Town::centre),
            site: Some(SafeText::new(town)),
            enabled: true,
            health: NasHealth::default(),
        }
    };
    ids.iter().enumerate().map(row).collect()
}

/// True where a suspend ends the session and the next login goes to the garden.
pub(super) fn suspends_by_disconnect(i: usize) -> bool {
    matches!(NASES[i].2, Preset::AccelPpp)
}

fn own_address(i: usize) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, 11 + i as u8)
}

impl World {
    /// The shared secret of a NAS, by its place in `nases`: 32 letters from the seed. It guards a loopback simulator, nothing else.
    pub fn nas_secret(&self, nas: usize) -> Secret {
        let mut dice = Dice::of(self.config.seed, stream::NAS, 1000 + nas as u64);
        Secret::new(format!("{:016x}{:016x}", dice.next_u64(), dice.next_u64()))
    }

    /// One simulator per NAS, in the order of `nases`, with the sessions of its subscribers. Set `login` before starting (see
    /// [`login_profile`]): without it nobody logs in again after a Disconnect.
    pub fn nas_sims(&self) -> Vec<NasSimConfig> {
        let mut out: Vec<NasSimConfig> = (0..self.nases.len())
            .map(|i| {
                let (name, _, preset) = NASES[i];
                let mut config = NasSimConfig::new(preset, self.nas_secret(i)).behave(|b| {
                    b.delay = Delay::Between(Duration::from_millis(2), Duration::from_millis(25 + 10 * i as u64));
                    b.relogin = Some(Delay::Between(Duration::from_millis(1500), Duration::from_millis(4000)));
                });
                config.name = name.to_owned();
                config.seed = self.config.seed.wrapping_add(i as u64);
                config.identity = NasIdentity { ipv4: Some(own_address(i)), ipv6: None, identifier: Some(name.to_owned()) };
                config
            })
            .collect();
        for subscriber in self.subscribers() {
            let at = subscriber.session.as_ref().and_then(|s| self.nases.iter().position(|n| n.id == s.nas));
            let Some(at) = at else { continue };
            if let (Some(config), Some(session)) = (out.get_mut(at), nas_session(&subscriber, NASES[at].2)) {
                config.sessions.push(session);
            }
        }
        out
    }
}

/// The session of a subscriber as a NAS of that kind has it; a suspended one in the way in which that kind suspends.
pub fn nas_session(subscriber: &Subscriber, preset: Preset) -> Option<NasSession> {
    let known = subscriber.session.as_ref()?;
    let mut session = NasSession::new(known.acct_session_id.as_str(), subscriber.username.as_str(), known.started_at);
    session.framed_ipv4 = known.framed_ipv4;
    session.delegated_prefixes.extend(known.delegated_prefix);
    if subscriber.ipv6.state == Ipv6State::Suspended {
        match preset {
            Preset::Juniper => {
                session.services.insert(SUSPENDED_FILTER.to_owned());
            }
            Preset::Nokia => {
                let sla_profile = AttrKey::vendor(vendor::NOKIA, vendor::NOKIA_SLA_PROFILE);
                session.settings.insert(sla_profile, SUSPENDED_FILTER.as_bytes().to_vec());
            }
            _ => session.filter = Some(SUSPENDED_FILTER.to_owned()),
        }
    }
    if let Some(mac) = &subscriber.cpe_mac {
        session.keys.insert(attr::CALLING_STATION_ID, mac.as_str().as_bytes().to_vec());
    }
    if let Some(circuit) = &subscriber.circuit_id {
        session.keys.insert(attr::NAS_PORT_ID, circuit.as_str().as_bytes().to_vec());
    }
    Some(session)
}

/// What RADIUS says when this subscriber logs in: the prefix from activation on, a filter while suspended. For the `login` of a
/// simulated NAS, from the row as it is then.
pub fn login_profile(subscriber: &Subscriber) -> LoginProfile {
    let state = subscriber.ipv6.state;
    let holds = matches!(state, Ipv6State::Active | Ipv6State::Suspended);
    LoginProfile {
        framed_ipv4: subscriber.static_ipv4.or(subscriber.session.as_ref().and_then(|s| s.framed_ipv4)),
        delegated_prefixes: subscriber.ipv6.prefix.filter(|_| holds).into_iter().collect(),
        filter: (state == Ipv6State::Suspended).then(|| SUSPENDED_FILTER.to_owned()),
        ..LoginProfile::default()
    }
}
