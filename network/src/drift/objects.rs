//! NetBox against the rows that name its objects: one merge join by id.

use super::check::{Checker, Step};
use super::parents::Children;
use super::source::{Parent, PrefixSource};
use super::suspects::Suspects;
use noctule_domain::drift::{Crossings, DriftRow, Merge, NetboxRow, Pair, Parents, netbox_alone, netbox_pair};

/// Objects without a row that are looked up in the store at once.
const LOOKED_UP: usize = 500;

impl Checker {
    /// Adds what is suspected; how many objects were read, and all of them, or the trouble that ended it early.
    pub(super) async fn objects(
        &self,
        source: &dyn PrefixSource,
        pools: &[Parent],
        parents: &Parents,
        suspects: &mut Suspects,
    ) -> (u64, Result<Crossings, Step>) {
        let mut read = 0;
        let done = self.join_objects(source, pools, parents, suspects, &mut read).await;
        (read, done)
    }

    async fn join_objects(
        &self,
        source: &dyn PrefixSource,
        pools: &[Parent],
        parents: &Parents,
        suspects: &mut Suspects,
        read: &mut u64,
    ) -> Result<Crossings, Step> {
        let mut children = Children::new(source, pools, self.config.page, self.config.pause);
        let mut merge = Merge::new(|row: &DriftRow, object: &NetboxRow| row.netbox_id.unwrap_or(0).cmp(&object.id));
        let mut crossings = Crossings::default();
        let mut after = 0;
        let mut alone: Vec<NetboxRow> = Vec::new();
        loop {
            self.stop_if_told()?;
            if merge.wants_right() {
                let page = children.next().await?;
                *read += page.len() as u64;
                self.progress(page.len() as u64, suspects.count());
                merge.right(page);
            }
            if merge.wants_left() {
                let page = self.rows.by_netbox(after, self.config.page as u32).await?;
                after = page.last().and_then(|row| row.netbox_id).unwrap_or(after);
                merge.left(page);
            }
            while let Some(pair) = merge.take() {
                match pair {
                    Pair::Both(row, object) => {
                        crossings.add(&object, true);
                        self.suspect(suspects, netbox_pair(&row, Some(&object), parents));
                    }
                    Pair::Left(row) => self.suspect(suspects, netbox_pair(&row, None, parents)),
                    Pair::Right(object) => alone.push(object),
                }
            }
            let ended = !merge.wants_left() && !merge.wants_right();
            if alone.len() >= LOOKED_UP || ended {
                self.strangers(&mut alone, parents, suspects, &mut crossings).await?;
            }
            if ended {
                break;
            }
        }
        crossings.settle();
        for (kind, one, other) in crossings.pairs() {
            if self.config.wants(kind) {
                suspects.add_crossing(kind, one, other);
            }
        }
        Ok(crossings)
    }

    /// Objects that no row names by id: an imported row may hold the prefix by its value.
    async fn strangers(
        &self,
        alone: &mut Vec<NetboxRow>,
        parents: &Parents,
        suspects: &mut Suspects,
        crossings: &mut Crossings,
    ) -> Result<(), Step> {
        if alone.is_empty() {
            return Ok(());
        }
        let now = self.config.clock.now();
        let wanted = alone.iter().map(|o| (o.id, o.prefix, o.vrf)).collect();
        let holders: std::collections::HashMap<i64, DriftRow> = self.rows.holders(wanted).await?.into_iter().collect();
        for object in alone.drain(..) {
            match holders.get(&object.id) {
                Some(row) => {
                    crossings.add(&object, true);
                    let named = DriftRow { netbox_id: Some(object.id), ..row.clone() };
                    self.suspect(suspects, netbox_pair(&named, Some(&object), parents));
                }
                None => {
                    crossings.add(&object, false);
                    self.suspect(suspects, netbox_alone(&object, now));
                }
            }
        }
        Ok(())
    }
}
