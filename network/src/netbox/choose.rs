//! Which parents an allocation asks, in which order: the configured pools as they are in NetBox now, ranked by `domain::ipam::choose`.

use super::client::{BELIEVED, Netbox};
use super::config::{PoolConfig, PoolRef, TenantRef};
use super::error::NetboxError;
use super::remote::RemotePrefix;
use crate::upstream::AllocateAsk;
use noctule_domain::ipam::{Offer, Passed, PoolRule, Wanted, choose, fits, within_vrf};
use noctule_domain::lifecycle::DEFAULT_PREFIX_LEN;
use noctule_domain::{SafeText, sentence};
use std::time::{Duration, Instant};

/// How old a count may be that the rule goes by. Our own allocations since then are added to it.
const COUNTED: Duration = Duration::from_secs(120);

/// A parent to ask.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub parent: RemotePrefix,
    pub len: u8,
    pub tenant: Option<TenantRef>,
}

/// A configured pool with its parent.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub pool: PoolConfig,
    pub parent: RemotePrefix,
}

impl Placed {
    fn offer(&self, used: Option<f64>) -> Offer {
        Offer {
            id: self.parent.id,
            prefix: self.parent.prefix,
            vrf: self.parent.vrf,
            status: self.parent.status,
            marked_full: self.parent.mark_utilized,
            wrong_vrf: self.pool.vrf != self.parent.vrf,
            policy: self.pool.policy.clone(),
            used,
        }
    }
}

impl Netbox {
    /// The configured pools with their parents, read at most every ten minutes. One that is not there is left out; `check` names it.
    pub(super) async fn placed(&self) -> Result<Vec<Placed>, NetboxError> {
        let mut out = Vec::with_capacity(self.config.pools.len());
        for (place, pool) in self.config.pools.iter().enumerate() {
            let known = match pool.parent {
                PoolRef::Id(id) => Some(id),
                PoolRef::Prefix(_) => self.known().places.get(&place).filter(|(at, _)| at.elapsed() < BELIEVED).map(|(_, id)| *id),
            };
            let fresh =
                known.and_then(|id| self.known().parents.get(&id).filter(|(at, _)| at.elapsed() < BELIEVED).map(|(_, p)| p.clone()));
            let parent = match fresh {
                Some(parent) => Some(parent),
                None => self.resolve(pool).await?,
            };
            if let Some(parent) = parent {
                self.known().places.insert(place, (Instant::now(), parent.id));
                out.push(Placed { pool: pool.clone(), parent });
            }
        }
        Ok(out)
    }

    /// The parents to ask, the best first; an error in words when there is none.
    pub(super) async fn targets(&self, ask: &AllocateAsk) -> Result<Vec<Target>, NetboxError> {
        if self.config.pools.is_empty() && ask.pools.is_empty() {
            return Err(NetboxError::NoPool);
        }
        let placed = self.placed().await?;
        if !ask.pools.is_empty() {
            return self.named(ask, &placed).await;
        }
        if placed.is_empty() {
            return Err(NetboxError::NoPool);
        }
        let mut offers = Vec::with_capacity(placed.len());
        for one in &placed {
            offers.push(one.offer(self.used_share(one).await?));
        }
        let wanted = wanted(ask);
        let choice = choose(&wanted, &offers, self.config.rule);
        if choice.candidates.is_empty() {
            return Err(NetboxError::NoneFits(SafeText::new(&sentence::no_pool(&wanted, &choice.passed))));
        }
        let target = |id: i64, len: u8| {
            let one = placed.iter().find(|p| p.parent.id == id)?;
            Some(Target { parent: one.parent.clone(), len, tenant: one.pool.tenant.clone() })
        };
        Ok(choice.candidates.iter().filter_map(|c| target(c.id, c.len)).collect())
    }

    /// Pools that the operation names win over sites and rules, not over what they are: VRF, lengths, status.
    async fn named(&self, ask: &AllocateAsk, placed: &[Placed]) -> Result<Vec<Target>, NetboxError> {
        let configured: Vec<Offer> = placed.iter().map(|p| p.offer(None)).collect();
        let mut targets = Vec::new();
        let mut passed: Vec<Passed> = Vec::new();
        for id in &ask.pools {
            let known = placed.iter().find(|p| p.parent.id == *id);
            let one = match known {
                Some(placed) => placed.clone(),
                None => {
                    let parent = self.parent(*id).await?;
                    let mut pool = PoolConfig::id(*id, parent.vrf, DEFAULT_PREFIX_LEN);
                    pool.tenant.clone_from(&self.config.tenant);
                    Placed { pool, parent }
                }
            };
            let len = ask.prefix_len.unwrap_or(one.pool.policy.delegated_len);
            let mut offer = one.offer(None);
            offer.wrong_vrf |= known.is_none() && !within_vrf(offer.vrf, &configured);
            match fits(&offer, len) {
                Ok(()) => targets.push(Target { parent: one.parent, len, tenant: one.pool.tenant }),
                Err(why) => passed.push(Passed { id: *id, prefix: offer.prefix, why }),
            }
        }
        if targets.is_empty() {
            return Err(NetboxError::NoneFits(SafeText::new(&sentence::named_pool(ask.prefix_len, &passed))));
        }
        Ok(targets)
    }

    /// How full the pool is, where the rule asks for it.
    async fn used_share(&self, one: &Placed) -> Result<Option<f64>, NetboxError> {
        if self.config.rule == PoolRule::InOrder || self.config.pools.len() < 2 {
            return Ok(None);
        }
        let known = self.known().used.get(&one.parent.id).filter(|(at, _)| at.elapsed() < COUNTED).map(|(_, used)| *used);
        let used = match known {
            Some(used) => used,
            None => self.counted(&one.pool, one.parent.clone()).await?.used,
        };
        let bits = one.pool.policy.delegated_len.saturating_sub(one.parent.prefix.prefix_len());
        Ok(Some(used as f64 / 2f64.powi(i32::from(bits))))
    }

    /// One more in this parent, for the rule until it is counted again.
    pub(super) fn count_ours(&self, parent: i64, made: u64) {
        if let Some((_, used)) = self.known().used.get_mut(&parent) {
            *used += made;
        }
    }

    /// What an earlier try of this operation may have come from: any configured pool, for the choice may have been another then, and the
    /// ones that it names.
    pub(super) async fn possible(&self, ask: &AllocateAsk) -> Result<Vec<Target>, NetboxError> {
        let mut out: Vec<Target> = Vec::new();
        for one in self.placed().await? {
            let len = one.pool.policy.delegated_len;
            out.push(Target { parent: one.parent, len, tenant: one.pool.tenant });
        }
        if !ask.pools.is_empty() {
            out.retain(|t| ask.pools.contains(&t.parent.id));
            for id in &ask.pools {
                if !out.iter().any(|t| t.parent.id == *id) {
                    match self.parent(*id).await {
                        Ok(parent) => out.push(Target { parent, len: DEFAULT_PREFIX_LEN, tenant: self.config.tenant.clone() }),
                        // It can not be compared with a parent that is not visible; the others may hold it.
                        Err(NetboxError::Refused { .. }) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok(out)
    }
}

fn wanted(ask: &AllocateAsk) -> Wanted<'_> {
    Wanted { site: ask.site.as_ref().map(|s| s.as_str()), nas: ask.nas.as_ref().map(|n| n.as_str()), len: ask.prefix_len }
}
