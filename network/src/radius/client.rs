//! `DynamicAuthorization` over RADIUS: finds profile and secret, builds, exchanges, and says how the NAS does. The secret is asked for
//! when it is needed, kept for a short while, and asked for anew after a silence: a wrong one is then mended at once.

use super::codec::Reason;
use super::engine::{Engine, Exchange, Priority, Target};
use super::probe::{Cause, Conclusion, Evidence, Prober, Tried, conclude};
use super::profiles::Profiles;
use super::radsec;
use super::request::{Prepared, nas_identification, prepare, prepare_probe};
use crate::upstream::{DynamicAuthorization, NasAnswer, NasAsk, NasOutcome};
use async_trait::async_trait;
use noctule_domain::nas::{Nas, NasProfile, NasReach, NasSeen, Transport};
use noctule_domain::radius::{CauseMeaning, ErrorCause};
use noctule_domain::secret::{Secret, SecretRef};
use noctule_domain::subscriber::Subscriber;
use noctule_domain::{SafeText, Timestamp, sentence};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Reads a secret. It may block (a file, a password program): it is called on a thread for such work.
pub type Secrets = Arc<dyn Fn(&SecretRef) -> Result<Secret, SafeText> + Send + Sync>;

/// How long a secret is used before it is read again.
const KEEP_SECRET: Duration = Duration::from_secs(30);

/// How long the first request of a probe is waited for, whatever the profile says.
const LONGEST_PROBE_S: f64 = 8.0;

type Kept = HashMap<SecretRef, (Instant, Arc<Secret>)>;

/// Asks NASes over RADIUS. Cheap to clone.
#[derive(Clone)]
pub struct RadiusClient {
    engine: Engine,
    secrets: Secrets,
    profiles: Arc<Profiles>,
    priority: Priority,
    kept: Arc<Mutex<Kept>>,
}

impl RadiusClient {
    pub fn new(engine: Engine, secrets: Secrets, profiles: Arc<Profiles>) -> Self {
        Self { engine, secrets, profiles, priority: Priority::Interactive, kept: Arc::default() }
    }

    /// The same client for a bulk run: its requests let interactive ones go first.
    pub fn bulk(&self) -> Self {
        Self { priority: Priority::Bulk, ..self.clone() }
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    pub fn profiles(&self) -> &Profiles {
        &self.profiles
    }

    /// Asks for something harmless, the end of a session that cannot exist, and says what the answer tells of address and secret. A silence is
    /// explained by experiments; `progress` hears of them before they begin.
    pub async fn probe(&self, nas: &Nas, progress: impl Fn(&str)) -> Probe {
        let unsent = |words| Probe { words, ..Probe::default() };
        let session = format!("noctule-probe-{}", uuid::Uuid::new_v4());
        let profile = match self.profile(nas) {
            Ok(profile) => profile,
            Err(why) => return unsent(why),
        };
        let prepared = match prepare_probe(&session, &profile, nas) {
            Ok(prepared) => prepared,
            Err(error) => return unsent(SafeText::from(error.to_string())),
        };
        // Somebody waits for the answer: a NAS that is slower than this is explained by being asked again.
        let mut patient = (*profile).clone();
        patient.retransmit.mrd_s = patient.retransmit.mrd_s.min(LONGEST_PROBE_S);
        let exchange = self.send(nas, Arc::new(patient), &prepared).await;
        let seen = seen_of(&exchange, chrono::Utc::now());
        let mut probe = Probe {
            words: SafeText::from(probe_words(nas, &exchange)),
            seen,
            round_trip: exchange.round_trip,
            tried: Vec::new(),
            conclusion: None,
        };
        if matches!(exchange.outcome, NasOutcome::Silence { .. }) && profile.transport == Transport::Udp {
            progress(&format!("{} is silent; trying what may be the reason, some seconds", nas.name));
            self.explain(nas, &profile, &exchange, &mut probe).await;
        }
        probe
    }

    async fn explain(&self, nas: &Nas, profile: &NasProfile, exchange: &Exchange, probe: &mut Probe) {
        let (Ok(secret), Ok(nas_name)) = (self.secret(&nas.secret).await, nas_identification(profile, nas)) else { return };
        let prober =
            Prober { address: nas.address, source: self.engine.source(), profile, secret: &secret, nas_name: &nas_name, clock_ahead: 0 };
        probe.tried = prober.run().await;
        let not_authentic: Vec<Reason> = exchange.dropped.by_reason.keys().copied().collect();
        let conclusion = conclude(&Evidence {
            name: nas.name.as_str(),
            address: nas.address,
            tried: &probe.tried,
            not_authentic: &not_authentic,
            answer_from: exchange.dropped.answer_from,
        });
        if conclusion.cause == Cause::Lossy {
            probe.seen = NasSeen { reach: NasReach::Up, answered_at: Some(chrono::Utc::now()), ..probe.seen.clone() };
        }
        probe.words = SafeText::from(format!("{} did not answer. {}", nas.name, capital(conclusion.words.as_str())));
        probe.conclusion = Some(conclusion);
    }

    fn profile(&self, nas: &Nas) -> Result<Arc<NasProfile>, SafeText> {
        self.profiles.get(&nas.profile).ok_or_else(|| {
            let known: Vec<&str> = self.profiles.iter().map(|profile| profile.key.as_str()).collect();
            SafeText::from(format!(
                "{} has the profile '{}', and there is none of that name: {} are known",
                nas.name,
                nas.profile,
                known.join(", ")
            ))
        })
    }

    async fn send(&self, nas: &Nas, profile: Arc<NasProfile>, prepared: &Prepared) -> Exchange {
        // Over TLS the secret is the one of RFC 6614, whatever the registry names.
        let secret = match profile.transport {
            Transport::Radsec => Ok(radsec::secret()),
            Transport::Udp => self.secret(&nas.secret).await,
        };
        let secret = match secret {
            Ok(secret) => secret,
            Err(why) => {
                let why = SafeText::from(format!("the secret of {} ({}) can not be read: {why}", nas.name, nas.secret));
                return Exchange { outcome: NasOutcome::NotSent(why), sends: 0, round_trip: None, dropped: Default::default() };
            }
        };
        let tls_name = tls_name(&profile, nas);
        let target = Target { name: nas.name.clone(), address: nas.address, secret, profile, tls_name };
        let exchange = self.engine.exchange(&target, &prepared.request, self.priority).await;
        if matches!(exchange.outcome, NasOutcome::Silence { .. }) {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(&nas.secret);
        }
        exchange
    }

    async fn secret(&self, reference: &SecretRef) -> Result<Arc<Secret>, SafeText> {
        let now = Instant::now();
        if let Some((at, secret)) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(reference)
            && now.duration_since(*at) < KEEP_SECRET
        {
            return Ok(Arc::clone(secret));
        }
        let (secrets, wanted) = (Arc::clone(&self.secrets), reference.clone());
        let read = tokio::task::spawn_blocking(move || secrets(&wanted)).await;
        let secret = Arc::new(read.map_err(|error| SafeText::from(format!("reading it failed: {error}")))??);
        if secret.expose().is_empty() {
            return Err(SafeText::new("it is empty"));
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (at, _)| now.duration_since(*at) < KEEP_SECRET);
        kept.insert(reference.clone(), (now, Arc::clone(&secret)));
        Ok(secret)
    }
}

#[async_trait]
impl DynamicAuthorization for RadiusClient {
    fn for_bulk(&self) -> Option<Arc<dyn DynamicAuthorization>> {
        Some(Arc::new(self.bulk()))
    }

    async fn ask(&self, nas: &Nas, subscriber: &Subscriber, ask: NasAsk) -> NasAnswer {
        let not_sent = |why: SafeText, request: SafeText| NasAnswer {
            outcome: NasOutcome::NotSent(why),
            sends: 0,
            round_trip: None,
            request,
            seen: NasSeen::default(),
        };
        let nothing = SafeText::new(if ask.disconnect { "Disconnect-Request (not built)" } else { "CoA-Request (not built)" });
        if !nas.enabled {
            return not_sent(SafeText::from(format!("{} is disabled in the registry", nas.name)), nothing);
        }
        let profile = match self.profile(nas) {
            Ok(profile) => profile,
            Err(why) => return not_sent(why, nothing),
        };
        let prepared = match prepare(&ask, &profile, nas, subscriber) {
            Ok(prepared) => prepared,
            Err(error) => return not_sent(SafeText::from(error.to_string()), nothing),
        };
        let exchange = self.send(nas, profile, &prepared).await;
        let seen = seen_of(&exchange, chrono::Utc::now());
        NasAnswer { outcome: exchange.outcome, sends: exchange.sends, round_trip: exchange.round_trip, request: prepared.words, seen }
    }
}

/// What an exchange that ended at `now` told of its NAS.
pub fn seen_of(exchange: &Exchange, now: Timestamp) -> NasSeen {
    let answered = |causes: &[ErrorCause]| {
        let busy = causes.iter().any(|cause| cause.meaning() == CauseMeaning::Busy);
        NasSeen {
            reach: if busy { NasReach::Busy } else { NasReach::Up },
            round_trip: exchange.round_trip,
            answered_at: Some(now),
            asked_at: Some(now),
            ..NasSeen::default()
        }
    };
    match &exchange.outcome {
        NasOutcome::Ack { causes } => NasSeen { acks: 1, ..answered(causes) },
        NasOutcome::Nak { causes } => NasSeen { naks: 1, ..answered(causes) },
        NasOutcome::Silence { .. } => NasSeen { reach: NasReach::Silent, asked_at: Some(now), timeouts: 1, ..NasSeen::default() },
        NasOutcome::NotSent(_) => NasSeen::default(),
    }
}

/// What a probe told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Probe {
    pub words: SafeText,
    pub seen: NasSeen,
    pub round_trip: Option<Duration>,
    /// The experiments after a silence.
    pub tried: Vec<Tried>,
    pub conclusion: Option<Conclusion>,
}

/// The name that the certificate of a NAS must hold.
fn tls_name(profile: &NasProfile, nas: &Nas) -> String {
    let identifier = nas.nas_identifier.as_ref().map_or("", SafeText::as_str);
    let filled = profile.tls_name.replace("{nas_name}", nas.name.as_str()).replace("{nas_identifier}", identifier);
    filled.replace("{address}", &nas.address.ip().to_string())
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn probe_words(nas: &Nas, exchange: &Exchange) -> String {
    let name = &nas.name;
    let took = exchange.round_trip.map(|took| format!(" in {:.1} ms", took.as_secs_f64() * 1000.0)).unwrap_or_default();
    match &exchange.outcome {
        NasOutcome::Nak { causes } if causes.contains(&ErrorCause::SESSION_NOT_FOUND) => {
            format!("{name} answered{took}: the secret is right, and it looks for sessions (it knows none of this name, as it should)")
        }
        NasOutcome::Nak { causes } => {
            format!("{name} answered{took}: it is reachable and the secret is right. {}", sentence::nak(name, causes))
        }
        NasOutcome::Ack { .. } => format!(
            "{name} answered{took} and the secret is right, but it acknowledged the end of a session that can not exist: an ACK of this NAS proves nothing"
        ),
        NasOutcome::Silence { seconds, note } => {
            let note = note.as_ref().map(|note| format!(". Seen meanwhile: {note}")).unwrap_or_default();
            format!("{}{note}", sentence::silence(name, exchange.sends, *seconds))
        }
        NasOutcome::NotSent(why) => format!("nothing was sent to {name}: {why}"),
    }
}
