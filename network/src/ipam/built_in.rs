//! `Ipam` over a `PrefixBook`. Every call of the book is one transaction and an operation has one prefix in it, so "exactly once" needs no
//! rule of its own here: asking again gives what was given.

use crate::upstream::{AllocateAsk, Allocation, Ipam, IpamError, StatusChange};
use async_trait::async_trait;
use ipnet::Ipv6Net;
use noctule_domain::ipam::{
    BookAsk, BookParent, BookPool, BookPrefix, Changed, LENGTHS, Offer, Passed, Pool, PoolPolicy, PoolRule, PrefixBook, PrefixStatus,
    Taken, Wanted, capacity, choose, fits, free_fits, told_lengths,
};
use noctule_domain::ports::AuthorityError;
use noctule_domain::{OperationId, SafeText, sentence};
use std::sync::Arc;

/// A parent, as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltInPool {
    pub prefix: Ipv6Net,
    /// A number of one's own; `None` is the global table.
    pub vrf: Option<i64>,
    pub description: SafeText,
    pub policy: PoolPolicy,
}

/// Cheap to share behind an `Arc`.
pub struct BuiltIn {
    book: Arc<dyn PrefixBook>,
    pools: Vec<BuiltInPool>,
    rule: PoolRule,
}

impl BuiltIn {
    pub fn new(book: Arc<dyn PrefixBook>, pools: Vec<BuiltInPool>, rule: PoolRule) -> Self {
        Self { book, pools, rule }
    }

    async fn told(&self) -> Result<Vec<BookPool>, IpamError> {
        let parents = self.pools.iter().map(|p| BookParent { prefix: p.prefix, vrf: p.vrf }).collect();
        self.book.parents(parents).await.map_err(trouble)
    }

    /// What is wrong with the pools, a sentence each.
    pub async fn problems(&self) -> Result<Vec<SafeText>, IpamError> {
        Ok(self.told().await?.into_iter().filter_map(|pool| pool.trouble).collect())
    }

    fn offers(&self, told: &[BookPool]) -> Vec<Offer> {
        self.pools
            .iter()
            .zip(told)
            .filter(|(_, told)| told.trouble.is_none())
            .map(|(pool, told)| Offer {
                id: told.id,
                prefix: told.prefix,
                vrf: pool.vrf,
                status: Some(PrefixStatus::Container),
                marked_full: false,
                wrong_vrf: false,
                policy: pool.policy.clone(),
                used: Some(used(pool, told)),
            })
            .collect()
    }

    /// Parents to ask and the length to ask for, in order.
    async fn targets(&self, ask: &AllocateAsk) -> Result<Vec<(BookParent, u8, i64)>, IpamError> {
        if self.pools.is_empty() {
            return Err(refused("no pool is configured: add one to [[ipam.pools]]"));
        }
        let offers = self.offers(&self.told().await?);
        let target = |prefix: Ipv6Net, vrf: Option<i64>, len: u8, id: i64| (BookParent { prefix, vrf }, len, id);
        if ask.pools.is_empty() {
            let wanted =
                Wanted { site: ask.site.as_ref().map(|s| s.as_str()), nas: ask.nas.as_ref().map(|n| n.as_str()), len: ask.prefix_len };
            let choice = choose(&wanted, &offers, self.rule);
            if choice.candidates.is_empty() {
                return Err(refused(&format!(
                    "{}. Correct [[ipam.pools]], the subscriber, or name a pool",
                    sentence::no_pool(&wanted, &choice.passed)
                )));
            }
            let vrf = |id: i64| offers.iter().find(|o| o.id == id).and_then(|o| o.vrf);
            return Ok(choice.candidates.iter().map(|c| target(c.prefix, vrf(c.id), c.len, c.id)).collect());
        }
        let (mut named, mut passed) = (Vec::new(), Vec::new());
        for id in &ask.pools {
            let Some(offer) = offers.iter().find(|o| o.id == *id) else {
                return Err(refused(&format!("there is no pool {id}: `noctule pools` lists them")));
            };
            let len = ask.prefix_len.unwrap_or(offer.policy.delegated_len);
            match fits(offer, len) {
                Ok(()) => named.push(target(offer.prefix, offer.vrf, len, offer.id)),
                Err(why) => passed.push(Passed { id: *id, prefix: offer.prefix, why }),
            }
        }
        if named.is_empty() { Err(refused(&sentence::named_pool(ask.prefix_len, &passed))) } else { Ok(named) }
    }

    /// What an earlier try of the operation took, when it is what is asked for.
    fn adopt(&self, ask: &AllocateAsk, found: BookPrefix) -> Result<Allocation, IpamError> {
        let is = found.prefix.prefix_len();
        let own = |pool: &BuiltInPool| pool.prefix.contains(&found.prefix) && pool.policy.delegated_len == is;
        let as_asked = ask.prefix_len.map_or_else(|| self.pools.iter().any(own), |len| len == is);
        let what = if !as_asked || !LENGTHS.contains(&is) {
            Some(format!("is a /{is}, not what is asked for now"))
        } else if found.status == PrefixStatus::Deprecated {
            Some("is deprecated, so it is released".to_owned())
        } else {
            None
        };
        match what {
            None => Ok(allocation(found, true)),
            Some(what) => {
                let words = format!(
                    "the prefix that this operation has taken, {} (id {}), {what}. It is not taken and not touched",
                    found.prefix, found.id
                );
                Err(IpamError::NotAsAsked(SafeText::new(&words)))
            }
        }
    }
}

#[async_trait]
impl Ipam for BuiltIn {
    fn name(&self) -> &'static str {
        "IPAM"
    }

    async fn allocate(&self, ask: &AllocateAsk) -> Result<Allocation, IpamError> {
        if let Some(found) = self.book.by_operation(ask.operation).await.map_err(trouble)? {
            return self.adopt(ask, found);
        }
        let targets = self.targets(ask).await?;
        for (parent, len, _) in &targets {
            let asked = BookAsk { operation: ask.operation, parent: parent.clone(), len: *len, subscriber: ask.subscriber_number.clone() };
            match self.book.take(asked).await.map_err(trouble)? {
                Taken::New(made) => return Ok(allocation(made, false)),
                Taken::Earlier(found) => return self.adopt(ask, found),
                Taken::NoRoom => {}
                Taken::Refused(why) => return Err(IpamError::Refused(why)),
            }
        }
        let list: Vec<String> = targets.iter().map(|(_, _, id)| id.to_string()).collect();
        let len = ask.prefix_len.map_or("prefix".to_owned(), |len| format!("/{len}"));
        let plural = if list.len() == 1 { "pool" } else { "pools" };
        let words = format!(
            "no room for a {len} in {plural} {}: nothing was taken. Add a pool, release prefixes, or ask for a longer prefix",
            list.join(", ")
        );
        Err(IpamError::Exhausted(SafeText::new(&words)))
    }

    async fn find_by_operation(&self, operation: OperationId) -> Result<Option<Allocation>, IpamError> {
        Ok(self.book.by_operation(operation).await.map_err(trouble)?.map(|found| allocation(found, true)))
    }

    async fn find_by_prefix(&self, prefix: Ipv6Net, vrf: Option<i64>) -> Result<Option<Allocation>, IpamError> {
        Ok(self.book.by_prefix(prefix, vrf).await.map_err(trouble)?.map(|found| allocation(found, true)))
    }

    async fn set_status(&self, change: &StatusChange) -> Result<(), IpamError> {
        let changed = self.book.set_status(change.id, change.expect, change.status, change.hold_until).await.map_err(trouble)?;
        match changed {
            Changed::Done => Ok(()),
            Changed::Gone | Changed::InUse(_) => {
                Err(IpamError::Gone(SafeText::new(&format!("{} (id {}) is not in the IPAM any more", change.expect, change.id))))
            }
            Changed::Other(found) => {
                Err(IpamError::Gone(SafeText::new(&format!("id {} is {found}, not {}: it was not touched", change.id, change.expect))))
            }
        }
    }

    async fn delete(&self, id: i64, expect: Ipv6Net, operation: OperationId) -> Result<(), IpamError> {
        match self.book.release(id, expect, operation).await.map_err(trouble)? {
            Changed::Done | Changed::Gone => Ok(()),
            Changed::Other(found) => Err(refused(&format!("id {id} is {found}, not {expect}: it was not deleted"))),
            Changed::InUse(status) => Err(refused(&format!(
                "{expect} (id {id}) is {status} and was taken by another operation: only a deprecated prefix is deleted"
            ))),
        }
    }

    async fn pools(&self) -> Result<Vec<Pool>, IpamError> {
        let told = self.told().await?;
        let pools = self.pools.iter().zip(told).filter(|(_, told)| told.trouble.is_none()).map(|(pool, told)| {
            let lengths = told_lengths(told.prefix.prefix_len(), pool.policy.delegated_len, &pool.policy.lengths);
            Pool {
                id: told.id,
                prefix: told.prefix,
                vrf: pool.vrf,
                status: PrefixStatus::Container,
                description: pool.description.clone(),
                delegated_len: pool.policy.delegated_len,
                used: told.used,
                seen_at: chrono::Utc::now(),
                fits: free_fits(told.blocks, &lengths),
                history: Vec::new(),
                thresholds: Default::default(),
            }
        });
        Ok(pools.collect())
    }
}

fn allocation(found: BookPrefix, adopted: bool) -> Allocation {
    Allocation { id: found.id, prefix: found.prefix, vrf: found.vrf, status: found.status, adopted }
}

/// Share of the pool in which nothing of its own length fits any more.
fn used(pool: &BuiltInPool, told: &BookPool) -> f64 {
    let len = pool.policy.delegated_len;
    let whole = capacity(told.prefix.prefix_len(), len);
    let free = free_fits(told.blocks.iter().copied(), &[len]).first().map_or(0, |fit| fit.count);
    if whole == 0 { 1.0 } else { 1.0 - free as f64 / whole as f64 }
}

fn refused(words: &str) -> IpamError {
    IpamError::Refused(SafeText::new(words))
}

/// A book that fails may have taken it all the same (the centre's answer can be lost): the next try finds it by its operation.
fn trouble(error: AuthorityError) -> IpamError {
    let words = SafeText::new(&error.to_string());
    match error {
        AuthorityError::Store { .. } => IpamError::Unclear(words),
        _ => IpamError::Refused(words),
    }
}
