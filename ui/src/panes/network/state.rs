//! State of the Network pane.

use crate::app::{Env, Slot};
use crate::panes::kit::sections::Row;
use crate::panes::kit::{Copied, Find, Roll, banner_rows, below, beside};
use crate::query::NetworkView;
use noctule_domain::NasId;
use noctule_domain::ipam::Pool;
use noctule_domain::nas::{NasRow, ProbeReport};
use ratatui::layout::Rect;

/// What can be selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    Pool(i64),
    Nas(NasId),
}

#[derive(Debug, Default)]
pub struct State {
    pub(super) data: Slot<Box<NetworkView>>,
    pub(super) roll: Roll<Item>,
    pub(super) find: Find,
    /// The detail has the keys, and where there is no room beside the list, the pane.
    pub(super) open: bool,
    pub(super) scroll: u16,
}

/// What its menus say back.
#[derive(Debug, Clone)]
pub enum Tell {}

/// Where the parts are.
pub struct Parts {
    pub banner: Rect,
    pub netbox: Rect,
    pub find: Rect,
    pub rows: Rect,
    /// Beside the list, or below it; `None` where there is no room.
    pub detail: Option<Rect>,
}

/// Lines of the detail below the list, its rule included: at least, at most.
const STRIP: (u16, u16) = (6, 10);

impl State {
    pub(super) fn pools(&self) -> &[Pool] {
        self.data.value.as_ref().map_or(&[], |v| v.pools.as_slice())
    }

    pub(super) fn nases(&self) -> &[NasRow] {
        self.data.value.as_ref().map_or(&[], |v| v.nases.as_slice())
    }

    pub(super) fn rows(&self) -> Vec<Row<Item>> {
        let mut rows = vec![Row::Head("pools")];
        let pools: Vec<&Pool> =
            self.pools().iter().filter(|p| self.find.matches(&[&p.prefix.to_string(), p.description.as_str(), p.level().word()])).collect();
        if pools.is_empty() {
            let none = if self.pools().is_empty() { "NetBox has told of no pool yet; P reads them" } else { "no pool matches" };
            rows.push(Row::Note(none.to_owned()));
        }
        rows.extend(pools.into_iter().map(|p| Row::Item(Item::Pool(p.id))));
        rows.push(Row::Blank);
        rows.push(Row::Head("nases"));
        let nases: Vec<&NasRow> = self.nases().iter().filter(|n| self.find.matches(&texts(n))).collect();
        if nases.is_empty() {
            let none = if self.nases().is_empty() { "no NAS is registered: noctule import nas FILE.csv" } else { "no NAS matches" };
            rows.push(Row::Note(none.to_owned()));
        }
        rows.extend(nases.into_iter().map(|n| Row::Item(Item::Nas(n.nas.id))));
        rows
    }

    pub(super) fn pool(&self, id: i64) -> Option<&Pool> {
        self.pools().iter().find(|p| p.id == id)
    }

    pub(super) fn nas(&self, id: NasId) -> Option<&NasRow> {
        self.nases().iter().find(|n| n.nas.id == id)
    }

    /// What this console found when it asked the NAS last.
    pub(super) fn probe(&self, id: NasId) -> Option<&ProbeReport> {
        self.data.value.as_ref()?.probes.iter().find(|probe| probe.nas == id)
    }

    /// The detail on its own, where it is opened in a narrow terminal.
    pub(super) fn whole(&self, body: Rect) -> Option<Rect> {
        let (list, beside) = beside(body, body.width * 2 / 3);
        (self.open && beside.is_none()).then(|| below(list, banner_rows(&self.data, list.width)))
    }

    pub(super) fn selected_nas(&self) -> Option<&NasRow> {
        match self.roll.id()? {
            Item::Nas(id) => self.nas(id),
            Item::Pool(_) => None,
        }
    }

    pub(super) fn parts(&self, body: Rect) -> Parts {
        let line = |area: Rect, rows: u16| Rect { height: area.height.min(rows), ..area };
        let (list, beside) = beside(body, body.width * 2 / 3);
        let banner = line(list, banner_rows(&self.data, list.width));
        let rest = below(list, banner.height);
        let netbox = line(rest, 1);
        let rest = below(rest, 1);
        let find = line(rest, u16::from(self.find.shown()));
        let mut rows = below(rest, find.height);
        let mut detail = beside;
        let spare = rows.height.saturating_sub(self.rows().len() as u16).clamp(STRIP.0, STRIP.1);
        if detail.is_none() && rows.height >= spare + 8 {
            rows.height -= spare;
            detail = Some(Rect { y: rows.bottom(), height: spare, ..rows });
        }
        Parts { banner, netbox, find, rows, detail }
    }

    pub(super) fn copied(&self, _env: &Env<'_>) -> Option<Copied> {
        match self.roll.id()? {
            Item::Pool(id) => {
                let p = self.pool(id)?;
                let line = format!("{}\t{:.1}%\t{}\t{}", p.prefix, p.utilisation(), p.level(), p.description);
                Some(Copied {
                    row: line.clone(),
                    number: Some(p.id.to_string()),
                    name: None,
                    prefix: Some(p.prefix.to_string()),
                    id: Some(p.id.to_string()),
                    json: serde_json::to_string_pretty(p).ok(),
                    ticket: format!(
                        "Pool {} ({}): {} of {} /{} used, {}",
                        p.prefix,
                        p.description,
                        p.taken(),
                        p.capacity(),
                        p.delegated_len,
                        p.level()
                    ),
                })
            }
            Item::Nas(id) => {
                let n = self.nas(id)?;
                let h = &n.nas.health;
                Some(Copied {
                    row: format!("{}\t{}\t{}\t{}\t{}", n.nas.name, n.nas.address, n.nas.profile, h.reach, n.subscribers),
                    number: None,
                    name: Some(n.nas.name.to_string()),
                    prefix: Some(n.nas.address.to_string()),
                    id: Some(n.nas.id.to_string()),
                    // Where the secret is taken from is configuration: it does not go to a clipboard.
                    json: serde_json::to_string_pretty(&serde_json::json!({
                        "id": n.nas.id, "name": n.nas.name, "profile": n.nas.profile, "address": n.nas.address, "site": n.nas.site,
                        "enabled": n.nas.enabled, "health": n.nas.health, "subscribers": n.subscribers, "sessions": n.sessions,
                    }))
                    .ok(),
                    ticket: format!(
                        "NAS {} ({}, {}): {}\n{} ack, {} nak, {} without answer\n{} subscribers, {} sessions",
                        n.nas.name, n.nas.address, n.nas.profile, h.reach, h.acks, h.naks, h.timeouts, n.subscribers, n.sessions
                    ),
                })
            }
        }
    }
}

fn texts(row: &NasRow) -> Vec<&str> {
    let mut out = vec![row.nas.name.as_str(), row.nas.profile.as_str(), row.nas.health.reach.word()];
    out.extend(row.nas.site.as_ref().map(|s| s.as_str()));
    if !row.nas.enabled {
        out.push("disabled");
    }
    out
}
