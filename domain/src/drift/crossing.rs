//! Prefixes of NetBox against each other: the same value twice, one inside another, one operation id on two. All of them are remembered
//! during a scan, in 48 bytes each, because NetBox gives them by id and not by address.

use super::{DriftKind, Finding, NetboxRow, Repair, Subject};
use crate::ipam::PrefixStatus;
use crate::{OperationId, SafeText};
use ipnet::Ipv6Net;
use std::net::Ipv6Addr;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    vrf: i64,
    start: u128,
    len: u8,
    /// A container divides the pool; what lies in it does not overlap it.
    container: bool,
    /// Carries an operation id, or a row names it.
    ours: bool,
    id: i64,
}

impl Place {
    fn prefix(&self) -> Option<Ipv6Net> {
        Ipv6Net::new(Ipv6Addr::from(self.start), self.len).ok()
    }

    fn end(&self) -> u128 {
        self.start | u128::MAX.checked_shr(u32::from(self.len)).unwrap_or(0)
    }
}

#[derive(Debug, Default)]
pub struct Crossings {
    places: Vec<Place>,
    operations: Vec<(u64, i64)>,
}

impl Crossings {
    /// `named`: a row names this object.
    pub fn add(&mut self, row: &NetboxRow, named: bool) {
        self.places.push(Place {
            vrf: row.vrf.unwrap_or(0),
            start: row.prefix.network().into(),
            len: row.prefix.prefix_len(),
            container: row.status == Some(PrefixStatus::Container),
            ours: named || row.operation.is_some(),
            id: row.id,
        });
        if let Some(id) = row.operation.as_ref().and_then(|text| text.as_str().parse::<OperationId>().ok()) {
            // The random half of the id; what looks alike is looked up whole before it is shown.
            self.operations.push((id.0.as_u128() as u64, row.id));
        }
    }

    /// All of them have been added.
    pub fn settle(&mut self) {
        self.places.sort_unstable();
        self.places.dedup_by_key(|place| (place.vrf, place.start, place.len, place.id));
        self.operations.sort_unstable();
        self.operations.dedup();
    }

    /// An object of this value is there. After `settle`.
    pub fn holds(&self, prefix: Ipv6Net, vrf: Option<i64>) -> bool {
        let wanted = (vrf.unwrap_or(0), u128::from(prefix.network()), prefix.prefix_len());
        let of = |place: &Place| (place.vrf, place.start, place.len);
        let at = self.places.partition_point(|place| of(place) < wanted);
        self.places.get(at).is_some_and(|place| of(place) == wanted)
    }

    /// Pairs of NetBox ids: the same value, the second inside the first, the same operation id. Where neither is ours it is not our business.
    /// After `settle`.
    pub fn pairs(&self) -> Vec<(DriftKind, i64, i64)> {
        let mut found = Vec::new();
        let mut open: Vec<Place> = Vec::new();
        for place in self.places.iter().copied() {
            open.retain(|outer| outer.vrf == place.vrf && outer.end() >= place.start);
            let around = open.iter().rev().find(|outer| !outer.container || outer.prefix() == place.prefix());
            if let Some(outer) = around.filter(|outer| outer.ours || place.ours) {
                let same = outer.prefix() == place.prefix();
                found.push((if same { DriftKind::PrefixTwice } else { DriftKind::PrefixOverlap }, outer.id, place.id));
            }
            open.push(place);
        }
        let twice = self.operations.windows(2).filter(|pair| pair[0].0 == pair[1].0);
        found.extend(twice.map(|pair| (DriftKind::OperationTwice, pair[0].1, pair[1].1)));
        found
    }

    /// A pair as it is now: still so?
    pub fn pair(kind: DriftKind, one: &NetboxRow, other: &NetboxRow) -> Option<Finding> {
        let so = match kind {
            DriftKind::PrefixTwice => one.prefix == other.prefix && one.vrf == other.vrf,
            DriftKind::PrefixOverlap => {
                one.prefix != other.prefix
                    && one.vrf == other.vrf
                    && one.prefix.contains(&other.prefix)
                    && one.status != Some(PrefixStatus::Container)
            }
            DriftKind::OperationTwice => one.operation.is_some() && one.operation == other.operation,
            _ => false,
        };
        let operation = one.operation.as_ref().and_then(|text| text.as_str().parse().ok());
        let subject = match (kind, operation) {
            (DriftKind::OperationTwice, Some(id)) => Subject::Operation(id),
            _ => Subject::Prefix(other.id),
        };
        so.then(|| Finding {
            kind,
            subject,
            who: None,
            netbox_id: Some(other.id),
            prefix: Some(other.prefix),
            ours: SafeText::new(&one.said()),
            theirs: SafeText::new(&other.said()),
            repair: Repair::ByHand,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(id: i64, prefix: &str, status: PrefixStatus, operation: Option<u128>) -> NetboxRow {
        NetboxRow {
            id,
            prefix: prefix.parse().expect("a prefix"),
            vrf: None,
            status: Some(status),
            status_word: status.word().into(),
            operation: operation.map(|n| SafeText::new(&uuid::Uuid::from_u128(n).to_string())),
            subscriber: None,
            hold_until: None,
            updated_at: None,
        }
    }

    fn pairs(rows: &[NetboxRow]) -> Vec<(DriftKind, i64, i64)> {
        let mut crossings = Crossings::default();
        rows.iter().for_each(|row| crossings.add(row, false));
        crossings.settle();
        for row in rows {
            assert!(crossings.holds(row.prefix, row.vrf) && !crossings.holds(row.prefix, Some(99)));
        }
        assert!(!crossings.holds("2001:db8:eeee::/56".parse().expect("a prefix"), None));
        crossings.pairs()
    }

    #[test]
    fn containers_divide_and_delegations_overlap() {
        use PrefixStatus::{Active, Container};
        let inside = row(3, "2001:db8:0:100::/60", Active, None);
        let ours = row(2, "2001:db8:0:100::/56", Active, Some(1));
        assert_eq!(pairs(&[row(1, "2001:db8::/40", Container, None), ours.clone()]), []);
        assert_eq!(pairs(&[row(1, "2001:db8::/40", Container, None), ours.clone(), inside.clone()]), [(DriftKind::PrefixOverlap, 2, 3)]);
        // Two of other people are not our business.
        assert_eq!(pairs(&[row(2, "2001:db8:0:100::/56", Active, None), inside]), []);
        let copy = row(9, "2001:db8:0:100::/56", Active, Some(1));
        assert_eq!(pairs(&[ours, copy]), [(DriftKind::PrefixTwice, 2, 9), (DriftKind::OperationTwice, 2, 9)]);
    }

    proptest! {
        /// Against every pair by hand, in whatever order NetBox gives them.
        #[test]
        fn an_object_crosses_when_another_of_ours_lies_around_it(cuts in proptest::collection::vec((0u16..6, 48u8..60), 1..12)) {
            let rows: Vec<NetboxRow> = cuts.iter().enumerate().map(|(at, (place, len))| {
                let net = Ipv6Net::new(format!("2001:db8:{place:x}::").parse().expect("an address"), *len).expect("a length").trunc();
                row(at as i64 + 1, &net.to_string(), PrefixStatus::Active, Some(at as u128 + 1))
            }).collect();
            let found: std::collections::BTreeSet<i64> = pairs(&rows).into_iter().flat_map(|(_, one, other)| [one, other]).collect();
            for (at, one) in rows.iter().enumerate() {
                let inside = rows.iter().enumerate().any(|(n, other)| n != at && other.prefix.contains(&one.prefix));
                prop_assert!(!inside || found.contains(&one.id), "{} lies in another", one.prefix);
            }
        }
    }
}
