//! The detail of a pool or a NAS. The secret of a NAS is never shown, nor where it comes from.

use super::rows::{level, outlook, reach, round_trip};
use super::state::{Item, State};
use crate::app::Dx;
use crate::look::Tone;
use crate::panes::kit::{Detail, local_long, thousands};
use crate::widgets::{age, spark};
use noctule_domain::ipam::{Pool, WINDOW_DAYS, resample};
use noctule_domain::nas::{NasReach, NasRow, ProbeReport};
use noctule_domain::sentence;

/// Cells of the history.
const HISTORY: usize = 30;

pub fn detail(state: &State, item: Item, dx: &Dx<'_>) -> Detail {
    let mut d = Detail::default();
    match item {
        Item::Pool(id) => {
            if let Some(p) = state.pool(id) {
                pool(&mut d, p, dx);
            }
        }
        Item::Nas(id) => {
            if let Some(n) = state.nas(id) {
                nas(&mut d, state, n, dx);
            }
        }
    }
    d
}

fn pool(d: &mut Detail, p: &Pool, dx: &Dx<'_>) {
    d.head(p.prefix.to_string());
    let (glyph, word, tone) = level(p);
    d.toned("Level", format!("{} {word}, {:.1} % used", dx.look.glyph(glyph), p.utilisation()), tone);
    d.field(
        "Delegates",
        format!("/{}: {} used, {} free of {}", p.delegated_len, thousands(p.taken()), thousands(p.free()), thousands(p.capacity())),
    );
    if p.fits.len() > 1 || p.fits.first().is_some_and(|fit| fit.len != p.delegated_len) {
        let list: Vec<String> = p.fits.iter().map(|fit| format!("/{} {}", fit.len, thousands(fit.count))).collect();
        d.field("Still fit", list.join(", "));
    }
    d.toned("Outlook", sentence::pool_forecast(&p.forecast()), outlook(p));
    if let (Some(first), Some(last)) = (p.history.first(), p.history.last()) {
        let days = (last.at - first.at).num_days().clamp(1, WINDOW_DAYS);
        let line = spark(&resample(&p.history, days, HISTORY), dx.look);
        d.toned("History", format!("{line} {days} days"), tone);
    }
    if !p.description.is_empty() {
        d.field("Description", p.description.as_str());
    }
    d.field("NetBox", format!("id {}, status {}{}", p.id, p.status, p.vrf.map(|v| format!(", VRF {v}")).unwrap_or_default()));
    d.field("Read", format!("{} ago, {}; P reads anew", age(p.seen_at, dx.env.now), local_long(p.seen_at, &dx.env)));
}

fn nas(d: &mut Detail, state: &State, n: &NasRow, dx: &Dx<'_>) {
    let h = &n.nas.health;
    d.head(format!("{}  {} at {}", n.nas.name, n.nas.profile, n.nas.address));
    let (reach, tone) = reach(n, dx.look);
    d.toned("Reach", format!("{reach}, round-trip {}", round_trip(n)), tone);
    d.field("Answers", format!("{} ack, {} nak, {} without answer", h.acks, h.naks, h.timeouts));
    let ago = |at| format!("{} ago", age(at, dx.env.now));
    d.field(
        "Last",
        format!("answer {}, asked {}", h.last_answer_at.map_or("never".to_owned(), ago), h.last_asked_at.map_or("never".to_owned(), ago)),
    );
    d.field("Carries", format!("{} subscribers, {} sessions", thousands(n.subscribers), thousands(n.sessions)));
    let probed = state.probe(n.nas.id);
    if h.reach == NasReach::Silent && n.nas.enabled && probed.is_none() {
        d.toned("Maybe", "wrong secret, our address not allowed, filtered on the way, or down; p finds out which", Tone::Warning);
    }
    d.maybe("Identifier", n.nas.nas_identifier.as_ref());
    d.maybe("NAS-IP", n.nas.nas_ip);
    d.maybe("Site", n.nas.site.as_ref());
    d.maybe("Position", n.nas.position.map(|at| format!("{:.5}, {:.5}", at.lat, at.lng)));
    if let Some(probe) = probed {
        probed_lines(d, probe, n.nas.enabled, dx);
    }
}

/// What this console asked last, what came of it, and what that says.
fn probed_lines(d: &mut Detail, probe: &ProbeReport, again: bool, dx: &Dx<'_>) {
    let when = format!("{} ago, {}", age(probe.at, dx.env.now), local_long(probe.at, &dx.env));
    d.head("Probe");
    d.field("Asked", if again { format!("{when}; p asks again") } else { when });
    let tone = match probe.reach {
        NasReach::Up => Tone::Good,
        NasReach::Busy => Tone::Warning,
        NasReach::Silent | NasReach::Unknown => Tone::Danger,
    };
    d.toned("Answer", probe.words.as_str(), tone);
    for (at, tried) in probe.tried.iter().enumerate() {
        let from = tried.from.map(|from| format!(" from {from}")).unwrap_or_default();
        let words = format!("{} to port {}{from}: {}", tried.what, tried.to.port(), tried.result);
        d.toned(if at == 0 { "Tried" } else { "" }, words, if tried.heard { Tone::Good } else { Tone::Text });
    }
    for (at, words) in probe.excluded.iter().enumerate() {
        d.field(if at == 0 { "Excluded" } else { "" }, words.as_str());
    }
    for (at, words) in probe.open.iter().enumerate() {
        d.toned(if at == 0 { "Not known" } else { "" }, words.as_str(), Tone::Warning);
    }
}
