//! State of the Map pane: the answer, what is looked at, which layers, where the technicians have been since the console began.

use super::layers::{Layer, Layers};
use crate::app::Slot;
use crate::map::{MapView, MarkId};
use crate::panes::kit::{Find, banner_rows, below};
use crate::query;
use noctule_domain::TechnicianId;
use noctule_domain::geo::LatLng;
use ratatui::layout::Rect;
use std::collections::VecDeque;

/// Places kept of each technician.
const TRAIL: usize = 60;
/// Technicians whose trail is kept.
const TRAILS: usize = 500;

#[derive(Debug, Default)]
pub struct State {
    pub(super) data: Slot<Box<query::MapView>>,
    pub(super) view: MapView,
    /// The view was set: by the first answer, or by the operator.
    pub(super) placed: bool,
    pub(super) layers: Layers,
    pub(super) legend: bool,
    pub(super) find: Find,
    /// To be selected and shown as soon as it is there.
    pub(super) wanted: Option<MarkId>,
    pub(super) trails: Vec<(TechnicianId, VecDeque<LatLng>)>,
}

/// What its menus say back.
#[derive(Debug, Clone)]
pub enum Tell {
    Toggle(Layer),
    Open(MarkId),
}

/// Where the parts are.
pub struct Parts {
    pub banner: Rect,
    pub summary: Rect,
    pub map: Rect,
    /// What is selected, in words.
    pub words: Rect,
}

impl State {
    pub(super) fn parts(&self, body: Rect) -> Parts {
        let line = |area: Rect, rows: u16| Rect { height: area.height.min(rows), ..area };
        let banner = line(body, banner_rows(&self.data, body.width));
        let rest = below(body, banner.height);
        let summary = line(rest, 1);
        let rest = below(rest, summary.height);
        let map = Rect { height: rest.height.saturating_sub(1), ..rest };
        Parts { banner, summary, map, words: below(rest, map.height) }
    }

    /// Remembers where everybody is.
    pub(super) fn keep_trails(&mut self) {
        let Some(answer) = &self.data.value else { return };
        self.trails.retain(|(id, _)| answer.technicians.iter().any(|t| t.id == *id));
        for t in answer.technicians.iter().take(TRAILS) {
            let Some(at) = t.fix.map(|fix| fix.at) else { continue };
            let index = match self.trails.iter().position(|(id, _)| *id == t.id) {
                Some(index) => index,
                None => {
                    self.trails.push((t.id, VecDeque::new()));
                    self.trails.len() - 1
                }
            };
            let trail = &mut self.trails[index].1;
            if trail.back() != Some(&at) {
                if trail.len() >= TRAIL {
                    trail.pop_front();
                }
                trail.push_back(at);
            }
        }
    }

    pub(super) fn summary(&self) -> String {
        let Some(answer) = &self.data.value else { return String::new() };
        let open = || answer.tasks.iter().filter(|t| !t.status.is_ended());
        let mut text = format!("{} technicians, {} open tasks, {} NASes", answer.technicians.len(), open().count(), answer.nases.len());
        let unplaced = answer.technicians.iter().filter(|t| t.fix.is_none()).count()
            + open().filter(|t| t.position.is_none()).count()
            + answer.nases.iter().filter(|n| n.nas.position.is_none()).count();
        if unplaced > 0 {
            text.push_str(&format!("; {unplaced} without position"));
        }
        // Ended tasks are hidden at first: that is nothing to tell.
        let hidden: Vec<&str> = Layer::ALL.iter().filter(|l| **l != Layer::Ended && !self.layers.has(**l)).map(|l| l.word()).collect();
        if !hidden.is_empty() {
            text.push_str(&format!("; hidden: {}", hidden.join(", ")));
        }
        text
    }
}
