//! Marks: rows picked for a bulk action, kept with what was last seen of them, over pages and filters. A range that is being drawn counts
//! as marked and becomes marks when it ends.

use noctule_domain::SubscriberId;
use noctule_domain::subscriber::SubscriberRow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most rows that can be marked at once.
pub(super) const MAX_MARKS: usize = 10_000;

pub(super) type Marked = Arc<BTreeMap<SubscriberId, SubscriberRow>>;

#[derive(Debug, Default)]
pub(super) struct Marks {
    pub rows: Marked,
    /// Under which filter each was marked: what was marked under another one may be hidden now.
    under: BTreeMap<SubscriberId, Arc<str>>,
    /// The present filter.
    pub filter: Arc<str>,
    /// Where the range began.
    pub anchor: Option<SubscriberId>,
}

impl Marks {
    pub fn contains(&self, id: SubscriberId) -> bool {
        self.rows.contains_key(&id)
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// False when there are too many already.
    pub fn add(&mut self, row: &SubscriberRow) -> bool {
        if self.rows.len() >= MAX_MARKS && !self.contains(row.id) {
            return false;
        }
        Arc::make_mut(&mut self.rows).insert(row.id, row.clone());
        self.under.insert(row.id, self.filter.clone());
        true
    }

    pub fn toggle(&mut self, row: &SubscriberRow) -> bool {
        if self.contains(row.id) {
            Arc::make_mut(&mut self.rows).remove(&row.id);
            self.under.remove(&row.id);
            true
        } else {
            self.add(row)
        }
    }

    pub fn clear(&mut self) {
        self.rows = Marked::default();
        self.under.clear();
        self.anchor = None;
    }

    /// True when it was marked under another filter than the present one, so that the present one may hide it.
    pub fn may_be_hidden(&self, id: SubscriberId) -> bool {
        !self.filter.is_empty() && self.under.get(&id).is_none_or(|under| *under != self.filter)
    }

    /// Newer facts about rows that are marked: a bulk must not begin with old versions.
    pub fn refresh(&mut self, rows: &[SubscriberRow]) {
        let changed = |row: &&SubscriberRow| self.rows.get(&row.id).is_some_and(|known| known != *row);
        let newer: Vec<SubscriberRow> = rows.iter().filter(changed).cloned().collect();
        if !newer.is_empty() {
            let marked = Arc::make_mut(&mut self.rows);
            for row in newer {
                marked.insert(row.id, row);
            }
        }
    }
}
