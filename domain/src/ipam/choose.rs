//! Which pool an allocation comes from: every pool with the reason why it is a candidate or is not, in the order in which they are asked.
//! The order is a wish, not a promise: NetBox says "no room" and the next is asked, and a retried operation may find what an earlier try
//! got from another candidate.

use super::PrefixStatus;
use crate::{SafeText, words};
use ipnet::Ipv6Net;

/// Lengths that are delegated at all.
pub const LENGTHS: std::ops::RangeInclusive<u8> = 48..=64;

words!(
    /// In which order equally near pools are asked.
    PoolRule {
        /// As configured.
        InOrder = "in_order",
        /// The emptiest first: spreads.
        LeastUsed = "least_used",
        /// The fullest with room first: keeps the others whole.
        Fill = "fill",
    }
);

/// Whom a pool serves, with what: from the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolPolicy {
    /// Sites and NASes that it is for; both empty: everybody.
    pub sites: Vec<SafeText>,
    pub nas: Vec<SafeText>,
    /// Given when no length is asked.
    pub delegated_len: u8,
    /// The only lengths that it gives; empty: any that fits.
    pub lengths: Vec<u8>,
    /// Lower is asked earlier; equal ones as they are listed.
    pub order: i64,
}

impl PoolPolicy {
    /// For everybody, any length.
    pub fn open(delegated_len: u8) -> Self {
        Self { sites: Vec::new(), nas: Vec::new(), delegated_len, lengths: Vec::new(), order: 0 }
    }

    pub fn allows(&self, len: u8) -> bool {
        LENGTHS.contains(&len) && (self.lengths.is_empty() || self.lengths.contains(&len))
    }

    /// How near it is to this subscriber; `None` when it is for others.
    pub fn reach(&self, wanted: &Wanted<'_>) -> Option<Reach> {
        let named = |list: &[SafeText], who: Option<&str>| who.is_some_and(|who| list.iter().any(|n| same(n.as_str(), who)));
        if named(&self.nas, wanted.nas) {
            Some(Reach::Nas)
        } else if named(&self.sites, wanted.site) {
            Some(Reach::Site)
        } else {
            (self.sites.is_empty() && self.nas.is_empty()).then_some(Reach::Everybody)
        }
    }
}

/// Names are compared as the store does: ASCII letters without case.
fn same(a: &str, b: &str) -> bool {
    a.trim().eq_ignore_ascii_case(b.trim())
}

/// The nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// The operation names it.
    Named,
    Nas,
    Site,
    Everybody,
}

/// What is asked for, and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Wanted<'a> {
    pub site: Option<&'a str>,
    pub nas: Option<&'a str>,
    /// `None`: what the pool gives by itself.
    pub len: Option<u8>,
}

/// A pool as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    pub id: i64,
    pub prefix: Ipv6Net,
    pub vrf: Option<i64>,
    pub status: Option<PrefixStatus>,
    pub marked_full: bool,
    /// It lies in another VRF than the configuration says.
    pub wrong_vrf: bool,
    pub policy: PoolPolicy,
    /// 0 to 1; `None` when it was not counted.
    pub used: Option<f64>,
}

/// Why a pool is not asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Not {
    /// It is for other sites or NASes.
    ForOthers,
    /// Its list of lengths does not have this one.
    OtherLength(Vec<u8>),
    /// The parent is as long or longer.
    DoesNotFit,
    /// NetBox says that it is no place to allocate from.
    Closed(Option<PrefixStatus>),
    MarkedFull,
    /// It lies in a VRF that the configuration does not give it.
    OtherVrf(Option<i64>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    pub id: i64,
    pub prefix: Ipv6Net,
    pub len: u8,
    pub reach: Reach,
    pub used: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Passed {
    pub id: i64,
    pub prefix: Ipv6Net,
    pub why: Not,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Choice {
    /// In the order in which they are asked.
    pub candidates: Vec<Candidate>,
    pub passed: Vec<Passed>,
}

/// Ranks `offers`. Pools that name the NAS come before those that name the site, those before the ones for everybody; within that the rule
/// decides. A pool that was counted full comes last, and still comes: the count may be old.
pub fn choose(wanted: &Wanted<'_>, offers: &[Offer], rule: PoolRule) -> Choice {
    let mut ranked = Vec::new();
    let mut passed = Vec::new();
    for (place, offer) in offers.iter().enumerate() {
        let len = wanted.len.unwrap_or(offer.policy.delegated_len);
        match judge(offer, wanted, len) {
            Ok(reach) => {
                let candidate = Candidate { id: offer.id, prefix: offer.prefix, len, reach, used: offer.used };
                ranked.push((offer.policy.order, place, candidate));
            }
            Err(why) => passed.push(Passed { id: offer.id, prefix: offer.prefix, why }),
        }
    }
    ranked.sort_by(|(order_a, place_a, a), (order_b, place_b, b)| {
        let full = |c: &Candidate| c.used.is_some_and(|u| u >= 1.0);
        let by_rule = match rule {
            PoolRule::InOrder => std::cmp::Ordering::Equal,
            // One that was not counted stands in the middle of neither: after those that were.
            PoolRule::LeastUsed => a.used.unwrap_or(2.0).total_cmp(&b.used.unwrap_or(2.0)),
            PoolRule::Fill => b.used.unwrap_or(-1.0).total_cmp(&a.used.unwrap_or(-1.0)),
        };
        (full(a).cmp(&full(b))).then(a.reach.cmp(&b.reach)).then(by_rule).then(order_a.cmp(order_b)).then(place_a.cmp(place_b))
    });
    Choice { candidates: ranked.into_iter().map(|(_, _, c)| c).collect(), passed }
}

fn judge(offer: &Offer, wanted: &Wanted<'_>, len: u8) -> Result<Reach, Not> {
    let reach = offer.policy.reach(wanted).ok_or(Not::ForOthers)?;
    fits(offer, len)?;
    Ok(reach)
}

/// What holds for a pool that the operation names as well: the operator may leave the site aside, not what the pool is.
pub fn fits(offer: &Offer, len: u8) -> Result<(), Not> {
    if offer.wrong_vrf {
        return Err(Not::OtherVrf(offer.vrf));
    }
    if !offer.policy.allows(len) {
        return Err(Not::OtherLength(offer.policy.lengths.clone()));
    }
    // A length equal to the parent's would make a copy of the parent where duplicates are allowed.
    if len <= offer.prefix.prefix_len() {
        return Err(Not::DoesNotFit);
    }
    match offer.status {
        Some(PrefixStatus::Container | PrefixStatus::Active) | None => {}
        closed => return Err(Not::Closed(closed)),
    }
    if offer.marked_full {
        return Err(Not::MarkedFull);
    }
    Ok(())
}

/// May a pool that the operation names, but the configuration does not, be used? Only in a VRF that the tenant has pools in.
pub fn within_vrf(vrf: Option<i64>, configured: &[Offer]) -> bool {
    configured.is_empty() || configured.iter().any(|offer| offer.vrf == vrf)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn offer(id: i64, used: f64) -> Offer {
        let prefix = format!("2001:db8:{id:x}00::/40").parse().expect("a prefix");
        let status = Some(PrefixStatus::Container);
        Offer { id, prefix, vrf: None, status, marked_full: false, wrong_vrf: false, policy: PoolPolicy::open(56), used: Some(used) }
    }

    fn for_sites(mut offer: Offer, sites: &[&str]) -> Offer {
        offer.policy.sites = sites.iter().map(|s| SafeText::new(s)).collect();
        offer
    }

    fn for_nas(mut offer: Offer, nas: &[&str]) -> Offer {
        offer.policy.nas = nas.iter().map(|s| SafeText::new(s)).collect();
        offer
    }

    fn ids(choice: &Choice) -> Vec<i64> {
        choice.candidates.iter().map(|c| c.id).collect()
    }

    #[test]
    fn the_rule_orders_pools_that_serve_equally() {
        let offers = [offer(1, 0.5), offer(2, 0.1), offer(3, 0.9), offer(4, 1.0)];
        let wanted = Wanted { len: Some(56), ..Wanted::default() };
        assert_eq!(ids(&choose(&wanted, &offers, PoolRule::InOrder)), [1, 2, 3, 4]);
        assert_eq!(ids(&choose(&wanted, &offers, PoolRule::LeastUsed)), [2, 1, 3, 4]);
        assert_eq!(ids(&choose(&wanted, &offers, PoolRule::Fill)), [3, 1, 2, 4], "the full one is asked last");
    }

    #[test]
    fn an_order_of_its_own_goes_before_the_place_in_the_file() {
        let mut offers = [offer(1, 0.0), offer(2, 0.0), offer(3, 0.0)];
        offers[2].policy.order = -1;
        assert_eq!(ids(&choose(&Wanted::default(), &offers, PoolRule::InOrder)), [3, 1, 2]);
    }

    #[test]
    fn the_nearest_pool_comes_first_and_one_for_others_never() {
        let offers = [
            offer(1, 0.0),
            for_sites(offer(2, 0.0), &["turku", "Tampere"]),
            for_nas(offer(3, 0.0), &["bng-1"]),
            for_sites(offer(4, 0.0), &["oulu"]),
        ];
        let wanted = Wanted { site: Some("TAMPERE"), nas: Some("bng-1"), len: None };
        let choice = choose(&wanted, &offers, PoolRule::LeastUsed);
        assert_eq!(ids(&choice), [3, 2, 1]);
        assert_eq!(choice.passed.iter().map(|p| (p.id, p.why.clone())).collect::<Vec<_>>(), [(4, Not::ForOthers)]);
        let nobody = choose(&Wanted::default(), &offers[1..], PoolRule::InOrder);
        assert_eq!(ids(&nobody), [0i64; 0], "without a site and a NAS only pools for everybody serve");
    }

    #[test]
    fn lengths_are_those_of_the_pool() {
        let mut small = offer(1, 0.0);
        small.policy = PoolPolicy { delegated_len: 60, lengths: vec![60, 64], ..PoolPolicy::open(60) };
        let offers = [small, offer(2, 0.0)];
        let with = |len| ids(&choose(&Wanted { len, ..Wanted::default() }, &offers, PoolRule::InOrder));
        assert_eq!(with(Some(64)), [1, 2]);
        assert_eq!(with(Some(56)), [2]);
        assert_eq!(with(Some(40)), [0i64; 0]);
        let choice = choose(&Wanted::default(), &offers, PoolRule::InOrder);
        assert_eq!(choice.candidates.iter().map(|c| c.len).collect::<Vec<_>>(), [60, 56], "each gives its own when none is asked");
    }

    #[test]
    fn what_netbox_says_against_a_pool_is_heard() {
        let mut offers = [offer(1, 0.0), offer(2, 0.0), offer(3, 0.0), offer(4, 0.0)];
        offers[0].status = Some(PrefixStatus::Deprecated);
        offers[1].marked_full = true;
        offers[2].prefix = "2001:db8::/56".parse().expect("a prefix");
        offers[3].wrong_vrf = true;
        let choice = choose(&Wanted::default(), &offers, PoolRule::InOrder);
        let why: Vec<Not> = choice.passed.into_iter().map(|p| p.why).collect();
        assert_eq!(why, [Not::Closed(Some(PrefixStatus::Deprecated)), Not::MarkedFull, Not::DoesNotFit, Not::OtherVrf(None)]);
    }

    proptest! {
        #[test]
        fn every_pool_is_a_candidate_or_has_a_reason_and_the_order_is_steady(
            seen in proptest::collection::vec((0.0f64..1.2, any::<bool>(), 0u8..4, -2i64..3), 0..12),
            rule in 0usize..3,
            site in 0u8..4,
        ) {
            let offers: Vec<Offer> = seen.iter().enumerate().map(|(i, (used, counted, home, order))| {
                let mut one = offer(i as i64 + 1, *used);
                if !counted { one.used = None; }
                if *home > 0 { one = for_sites(one, &[&format!("s{home}")]); }
                one.policy.order = *order;
                one
            }).collect();
            let site = format!("s{site}");
            let wanted = Wanted { site: Some(&site), nas: None, len: Some(56) };
            let choice = choose(&wanted, &offers, PoolRule::ALL[rule]);
            prop_assert_eq!(choice.candidates.len() + choice.passed.len(), offers.len());
            prop_assert_eq!(&choice, &choose(&wanted, &offers, PoolRule::ALL[rule]));
            // The order does not hang on the way the pools were listed, except between equals.
            let full = |c: &Candidate| c.used.is_some_and(|u| u >= 1.0);
            for pair in choice.candidates.windows(2) {
                prop_assert!((full(&pair[0]), pair[0].reach) <= (full(&pair[1]), pair[1].reach));
            }
        }
    }
}
