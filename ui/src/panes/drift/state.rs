//! State of the Drift pane.

use super::columns;
use crate::app::{Env, Slot};
use crate::panes::kit::{Copied, Find, Lay, Roll, banner_rows, below, beside, lay, local_long};
use crate::query::Query;
use noctule_domain::drift::{DriftKind, DriftView, Finding, KeptFinding};
use noctule_domain::overview::Severity;
use noctule_domain::{SafeText, words};
use ratatui::layout::Rect;

words!(Tab { Standing = "standing", Critical = "critical", Dismissed = "dismissed" });

#[derive(Debug)]
pub struct State {
    pub(super) data: Slot<Box<DriftView>>,
    pub(super) roll: Roll<u64>,
    pub(super) find: Find,
    pub(super) tab: Tab,
    /// The detail has the keys.
    pub(super) open: bool,
    pub(super) scroll: u16,
}

impl Default for State {
    fn default() -> Self {
        Self { data: Slot::default(), roll: Roll::default(), find: Find::default(), tab: Tab::Standing, open: false, scroll: 0 }
    }
}

/// What its prompts say back.
#[derive(Debug, Clone)]
pub enum Tell {
    /// The reason of a dismissal of what is selected.
    Dismiss(String),
}

/// Tells one finding from another on the screen, from check to check (FNV-1a of its key).
pub fn number(finding: &Finding) -> u64 {
    finding.key().bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Tab {
    pub(super) fn holds(self, kept: &KeptFinding) -> bool {
        match self {
            Self::Standing => kept.dismissed.is_none(),
            Self::Critical => kept.dismissed.is_none() && kept.severity() == Severity::Critical,
            Self::Dismissed => kept.dismissed.is_some(),
        }
    }
}

impl State {
    pub(super) fn query() -> Query {
        Query::Drift
    }

    pub(super) fn known(&self) -> Option<&DriftView> {
        self.data.value.as_deref()
    }

    pub(super) fn all(&self) -> &[KeptFinding] {
        self.known().map_or(&[], |view| &view.findings)
    }

    /// As they are listed: worst first, then oldest, as the store gives them.
    pub(super) fn rows(&self) -> Vec<&KeptFinding> {
        let wanted = |kept: &&KeptFinding| {
            self.tab.holds(kept)
                && (self.find.is_empty() || {
                    let texts = columns::texts(kept);
                    self.find.matches(&texts.iter().map(String::as_str).collect::<Vec<_>>())
                })
        };
        self.all().iter().filter(wanted).collect()
    }

    pub(super) fn ids(&self) -> Vec<u64> {
        self.rows().into_iter().map(|kept| number(&kept.finding)).collect()
    }

    pub(super) fn selected(&self) -> Option<&KeptFinding> {
        let id = self.roll.id()?;
        self.all().iter().find(|kept| number(&kept.finding) == id)
    }

    /// Those of the same kind and repair that stand and are shown.
    pub(super) fn alike(&self, kind: DriftKind) -> Vec<&KeptFinding> {
        let repair = self.selected().map(|kept| kept.finding.repair);
        self.rows().into_iter().filter(|k| k.finding.kind == kind && Some(k.finding.repair) == repair && k.dismissed.is_none()).collect()
    }

    pub(super) fn areas(&self, body: Rect) -> (Lay, Option<Rect>) {
        let (list, detail) = beside(body, body.width * 11 / 20);
        (lay(list, banner_rows(&self.data, list.width), self.find.shown()), detail)
    }

    pub(super) fn detail_area(&self, body: Rect) -> Rect {
        beside(body, body.width * 11 / 20).1.unwrap_or_else(|| below(body, banner_rows(&self.data, body.width)))
    }

    pub(super) fn count(&self, tab: Tab) -> usize {
        self.all().iter().filter(|kept| tab.holds(kept)).count()
    }

    pub(super) fn hold(&self) -> chrono::Duration {
        chrono::Duration::seconds(self.known().map_or(0, |view| view.hold_s))
    }

    pub(super) fn copied(&self, env: &Env<'_>) -> Option<Copied> {
        let kept = self.selected()?;
        let f = &kept.finding;
        let ticket = format!(
            "Drift {} ({}, {}): {}\nAbout: {}\nHere: {}\nThere: {}\nSince {}\nRepair: {}",
            f.id(),
            f.kind,
            kept.severity(),
            f.kind.meaning(),
            f.about(),
            f.ours,
            f.theirs,
            local_long(kept.first_seen, env),
            f.preview(self.hold()).join(" ")
        );
        Some(Copied {
            row: format!("{}\t{}\t{}\t{}\t{}\t{}", f.id(), kept.severity(), f.kind, f.about(), f.ours, f.theirs),
            number: f.who.as_ref().map(|who| who.number.to_string()),
            name: f.who.as_ref().map(|who| who.username.to_string()),
            prefix: f.prefix.map(|p| p.to_string()),
            id: Some(f.id()),
            json: serde_json::to_string_pretty(kept).ok(),
            ticket,
        })
    }

    /// What the status of the sources says of the last check, where one was not read whole.
    pub(super) fn cut(&self) -> Option<SafeText> {
        let last = self.known()?.last.as_ref()?;
        let source = last.sources.iter().find(|s| !s.whole)?;
        let why = source.trouble.as_ref().map(|t| format!(": {t}")).unwrap_or_default();
        Some(SafeText::new(&format!("{} was not read to its end in the last check, so nothing of it is called gone{why}", source.source)))
    }
}
