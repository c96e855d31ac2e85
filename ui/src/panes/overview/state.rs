//! State of the Overview pane: the answer, and which line is selected.

use crate::app::{Env, Slot};
use crate::panes::kit::sections::Row;
use crate::panes::kit::{Roll, WIDE, banner_rows, below};
use noctule_domain::ipam::Pool;
use noctule_domain::lifecycle::{Enforcement, Ipv6State};
use noctule_domain::overview::{Alert, Overview, Severity};
use noctule_domain::sync::Link;
use noctule_domain::task::TaskStatus;
use noctule_domain::technician::TechnicianStatus;
use ratatui::layout::Rect;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A line that leads somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// An alert has no id: its text is what it is.
    Alert(u64),
    /// Something about the centre.
    Centre(CentreAlert),
    State(Ipv6State),
    Pool(i64),
    Running,
    Waiting,
    Failed,
    /// What the network is not known to have done.
    Unproved(Enforcement),
    Technicians(TechnicianStatus),
    Overdue,
    Today,
    Tasks(TaskStatus),
}

/// What of the centre wants a look; the Sync pane has the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CentreAlert {
    Revoked,
    Upgrade,
    Offline,
    Conflicts,
}

impl CentreAlert {
    pub fn severity(self) -> Severity {
        match self {
            Self::Revoked | Self::Upgrade => Severity::Critical,
            Self::Offline | Self::Conflicts => Severity::Warning,
        }
    }
}

/// What there is to say of the centre now, the worst first.
pub fn centre_alerts(env: &Env<'_>) -> Vec<CentreAlert> {
    let Some(status) = env.sync.filter(|_| env.central) else { return Vec::new() };
    let link = match status.link {
        Link::Denied => Some(CentreAlert::Revoked),
        Link::Upgrade => Some(CentreAlert::Upgrade),
        Link::Offline => Some(CentreAlert::Offline),
        _ => None,
    };
    link.into_iter().chain((status.outbox.conflicts > 0).then_some(CentreAlert::Conflicts)).collect()
}

#[derive(Debug, Default)]
pub struct State {
    pub(super) data: Slot<Box<Overview>>,
    pub(super) roll: Roll<Item>,
}

/// What its menus say back.
#[derive(Debug, Clone)]
pub enum Tell {}

/// A column of the pane: where it is, and its rows.
pub struct Part {
    pub area: Rect,
    pub rows: Vec<Row<Item>>,
}

pub fn alert_id(alert: &Alert) -> u64 {
    let mut hasher = DefaultHasher::new();
    alert.text.as_str().hash(&mut hasher);
    alert.filter.hash(&mut hasher);
    hasher.finish()
}

impl State {
    pub(super) fn overview(&self) -> Option<&Overview> {
        self.data.value.as_deref()
    }

    pub(super) fn alert(&self, id: u64) -> Option<&Alert> {
        self.overview()?.alerts.iter().find(|a| alert_id(a) == id)
    }

    pub(super) fn pool(&self, id: i64) -> Option<&Pool> {
        self.overview()?.pools.iter().find(|p| p.id == id)
    }

    /// One column on a narrow screen, two on a wide one.
    pub(super) fn parts(&self, env: &Env<'_>) -> Vec<Part> {
        let body = env.body;
        let area = below(body, banner_rows(&self.data, body.width));
        let Some(overview) = self.overview() else { return Vec::new() };
        let join = |sections: Vec<Vec<Row<Item>>>| {
            let mut rows: Vec<Row<Item>> = Vec::new();
            for section in sections.into_iter().filter(|section| !section.is_empty()) {
                if !rows.is_empty() {
                    rows.push(Row::Blank);
                }
                rows.extend(section);
            }
            rows
        };
        if area.width < WIDE {
            let rows =
                join(vec![alerts(overview, env), states(overview), operations(), network(overview), pools(overview), field(overview)]);
            return vec![Part { area, rows }];
        }
        let half = area.width / 2 - 1;
        let left = Rect { width: half, ..area };
        let right = Rect { x: area.x + half + 2, width: area.width - half - 2, ..area };
        vec![
            Part { area: left, rows: join(vec![states(overview), operations(), network(overview), field(overview)]) },
            Part { area: right, rows: join(vec![alerts(overview, env), pools(overview)]) },
        ]
    }
}

fn alerts(overview: &Overview, env: &Env<'_>) -> Vec<Row<Item>> {
    let mut alerts: Vec<&Alert> = overview.alerts.iter().collect();
    alerts.sort_by(|a, b| b.severity.cmp(&a.severity).then(a.since.cmp(&b.since)));
    let mut rows = vec![Row::Head("alerts")];
    let centre = centre_alerts(env);
    if alerts.is_empty() && centre.is_empty() {
        rows.push(Row::Note("Nothing needs attention.".to_owned()));
    }
    // The worst first; of what is equally bad, what is about everything first.
    let mut all: Vec<(Severity, Item)> = centre.into_iter().map(|alert| (alert.severity(), Item::Centre(alert))).collect();
    all.extend(alerts.into_iter().map(|a| (a.severity, Item::Alert(alert_id(a)))));
    all.sort_by_key(|(severity, _)| std::cmp::Reverse(*severity));
    rows.extend(all.into_iter().map(|(_, item)| Row::Item(item)));
    rows
}

fn states(overview: &Overview) -> Vec<Row<Item>> {
    let mut rows = vec![Row::Head("states")];
    if overview.subscribers == 0 {
        rows.push(Row::Note("No subscribers yet: noctule import subscribers".to_owned()));
    }
    rows.extend(overview.states.iter().map(|(state, _)| Row::Item(Item::State(*state))));
    rows
}

fn operations() -> Vec<Row<Item>> {
    vec![Row::Head("operations"), Row::Item(Item::Running), Row::Item(Item::Waiting), Row::Item(Item::Failed)]
}

fn network(overview: &Overview) -> Vec<Row<Item>> {
    let rows = overview.unproved.iter().map(|(enforcement, _)| Row::Item(Item::Unproved(*enforcement)));
    let head = (!overview.unproved.is_empty()).then_some(Row::Head("network"));
    head.into_iter().chain(rows).collect()
}

fn pools(overview: &Overview) -> Vec<Row<Item>> {
    // The fullest first.
    let mut pools: Vec<&Pool> = overview.pools.iter().collect();
    pools.sort_by(|a, b| b.utilisation().total_cmp(&a.utilisation()).then(a.prefix.cmp(&b.prefix)));
    let mut rows = vec![Row::Head("pools")];
    if pools.is_empty() {
        rows.push(Row::Note("No pool is known yet; pane 7 reads them.".to_owned()));
    }
    rows.extend(pools.into_iter().map(|p| Row::Item(Item::Pool(p.id))));
    rows
}

fn field(overview: &Overview) -> Vec<Row<Item>> {
    let mut rows = vec![Row::Head("field"), Row::Item(Item::Overdue), Row::Item(Item::Today)];
    rows.extend(overview.tasks.iter().filter(|(status, n)| *n > 0 && !status.is_ended()).map(|(s, _)| Row::Item(Item::Tasks(*s))));
    rows.extend(overview.technicians.iter().filter(|(_, n)| *n > 0).map(|(s, _)| Row::Item(Item::Technicians(*s))));
    rows
}
