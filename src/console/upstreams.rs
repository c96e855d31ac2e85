//! How the upstreams do, for the header of every pane: the store, NetBox, the NASes. A lost upstream is a state with an age, never an exit.

use crate::compose::Services;
use noctule_domain::nas::{Nas, NasReach, ProbeReport};
use noctule_domain::retry::backoff;
use noctule_domain::sync::Link;
use noctule_domain::{NasId, SafeText, Timestamp};
use noctule_network::aaa::Reading;
use noctule_ui::Msg;
use noctule_ui::msg::{Upstream, UpstreamKind, UpstreamState};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};

/// How often a NetBox that is well is asked.
const EVERY: Duration = Duration::from_secs(20);

/// What was last heard of NetBox. Kept by the services, so that the Network pane and the header say the same.
#[derive(Debug, Default)]
pub struct World {
    netbox: Mutex<Netbox>,
    /// The last probe of each NAS by this console.
    probes: Mutex<BTreeMap<NasId, ProbeReport>>,
    /// Ask now instead of at the next time.
    pub ask_now: Notify,
}

#[derive(Debug, Clone, Default)]
pub struct Netbox {
    pub words: SafeText,
    pub state: Option<UpstreamState>,
    pub since: Option<Timestamp>,
}

impl World {
    pub fn netbox(&self) -> Netbox {
        self.netbox.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn probes(&self) -> Vec<ProbeReport> {
        self.probes.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub fn probed(&self, report: ProbeReport) {
        self.probes.lock().unwrap_or_else(PoisonError::into_inner).insert(report.nas, report);
    }

    pub fn set_netbox(&self, state: UpstreamState, words: SafeText) {
        let mut netbox = self.netbox.lock().unwrap_or_else(PoisonError::into_inner);
        if netbox.state != Some(state) || netbox.since.is_none() {
            netbox.since = Some(chrono::Utc::now());
        }
        netbox.state = Some(state);
        netbox.words = words;
    }
}

/// Asks NetBox for version and pools from time to time, more slowly while it is away, and tells the screen how everybody does.
pub async fn watch(services: Arc<Services>, to: mpsc::Sender<Msg>) {
    let mut failures = 0u32;
    loop {
        if services.ipam_name().is_some() {
            failures = if services.hear_netbox().await.is_ok() { 0 } else { failures + 1 };
        }
        if to.send(Msg::Upstreams(all(&services).await)).await.is_err() {
            return;
        }
        let wait = match failures {
            0 => EVERY,
            n => backoff(n, Duration::from_secs(2), Duration::from_secs(60), f64::from(n % 7) / 7.0),
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = services.world.ask_now.notified() => {}
        }
    }
}

pub async fn all(services: &Services) -> Vec<Upstream> {
    let mut out = Vec::new();
    if let Some(central) = &services.central {
        let status = central.status().borrow().clone();
        let state = match status.link {
            Link::Live => UpstreamState::Live,
            Link::Connecting | Link::Delayed => UpstreamState::Delayed,
            Link::Offline | Link::Denied | Link::Upgrade => UpstreamState::Offline,
        };
        // Of an offline centre the age of what is shown counts.
        let since = if state == UpstreamState::Offline { status.fresh_at.or(status.since) } else { status.since };
        let note = status.note.or_else(|| Some(central.words()));
        out.push(Upstream { name: "centre".into(), kind: UpstreamKind::Central, state, since, note });
    }
    if let Some(name) = services.ipam_name() {
        let netbox = services.world.netbox();
        out.push(Upstream {
            name: name.into(),
            kind: UpstreamKind::Netbox,
            state: netbox.state.unwrap_or(UpstreamState::Delayed),
            since: netbox.since,
            note: Some(netbox.words),
        });
    }
    out.extend(aaa(services));
    if let Ok(rows) = services.store.nas_rows().await {
        let rows: Vec<_> = rows.into_iter().filter(|row| row.nas.enabled).collect();
        let silent: Vec<_> = rows.iter().map(|row| &row.nas).filter(|nas| nas.health.reach == NasReach::Silent).collect();
        let last_answers = |nases: &mut dyn Iterator<Item = &Nas>| nases.filter_map(|nas| nas.health.last_answer_at).max();
        if !rows.is_empty() {
            let (name, state, note): (SafeText, _, _) = match silent.as_slice() {
                [] => ("NAS".into(), UpstreamState::Live, format!("{} registered", rows.len())),
                _ if silent.len() == rows.len() => ("NAS".into(), UpstreamState::Offline, "no NAS answers".to_owned()),
                // The one that is lost is named: the header is where it is seen first.
                [one] => (one.name.clone(), UpstreamState::Offline, format!("silent: {}", one.name)),
                some => {
                    let names: Vec<&str> = some.iter().take(5).map(|nas| nas.name.as_str()).collect();
                    let name = format!("{} of {} NASes", some.len(), rows.len());
                    (SafeText::new(&name), UpstreamState::Offline, format!("silent: {}", names.join(", ")))
                }
            };
            // The age is that of the silence, not of what another NAS said meanwhile.
            let since = match silent.as_slice() {
                [] => last_answers(&mut rows.iter().map(|row| &row.nas)),
                some => last_answers(&mut some.iter().copied()),
            };
            out.push(Upstream { name, kind: UpstreamKind::Nas, state, since, note: Some(SafeText::new(&note)) });
        }
    }
    out
}

/// The AAA system by the reading of its accounting: the age is that of what was read last.
fn aaa(services: &Services) -> Option<Upstream> {
    let name: SafeText = "AAA".into();
    if let Some(why) = &services.aaa_trouble {
        return Some(Upstream { name, kind: UpstreamKind::Aaa, state: UpstreamState::Offline, since: None, note: Some(why.clone()) });
    }
    let status = services.accounting.as_ref()?.status().borrow().clone();
    let state = match status.reading {
        Reading::Leading if status.note.is_none() => UpstreamState::Live,
        Reading::Following => UpstreamState::Live,
        Reading::Leading | Reading::Starting => UpstreamState::Delayed,
        Reading::Away => UpstreamState::Offline,
    };
    let since = if state == UpstreamState::Offline { status.read_at.or(status.since) } else { status.read_at };
    let unknown: Vec<String> = status.heard.unknown_nas.iter().take(3).map(ToString::to_string).collect();
    let note = status.note.or_else(|| {
        (!unknown.is_empty()).then(|| SafeText::new(&format!("accounting names NASes that are not registered: {}", unknown.join(", "))))
    });
    Some(Upstream { name, kind: UpstreamKind::Aaa, state, since, note })
}
