//! The suite. What differs between them (words, ids, HTTP) is not looked at; what an operator and the executor rely on is.

use crate::place::{Make, ask, net, operation, pool};
use noctule_domain::SafeText;
use noctule_domain::ipam::{PoolPolicy, PoolRule, PrefixStatus};
use noctule_network::upstream::{AllocateAsk, Allocation, IpamError, StatusChange};
use std::collections::BTreeSet;

const POOL: &str = "2001:db8:100::/48";

fn to(made: &Allocation, status: PrefixStatus, ask: &AllocateAsk) -> StatusChange {
    let hold_until = (status == PrefixStatus::Deprecated).then(|| "2026-11-24T05:00:00Z".parse().unwrap());
    StatusChange { id: made.id, expect: made.prefix, status, hold_until, operation: ask.operation }
}

on_each!(a_prefix_lives_from_allocation_to_deletion);

async fn a_prefix_lives_from_allocation_to_deletion(make: Make) {
    let place = make(vec![pool(POOL, PoolPolicy::open(56))], PoolRule::InOrder).await;
    let ipam = &place.one;
    let (first, second) = (ask(), ask());
    let made = ipam.allocate(&first).await.unwrap();
    assert_eq!((made.prefix, made.status, made.adopted, made.vrf), (net("2001:db8:100::/56"), PrefixStatus::Reserved, false, None));
    assert_eq!(place.other.find_by_operation(first.operation).await.unwrap().map(|a| (a.id, a.prefix)), Some((made.id, made.prefix)));
    assert_eq!(ipam.find_by_prefix(made.prefix, None).await.unwrap().map(|a| a.id), Some(made.id));
    assert_eq!(ipam.find_by_prefix(made.prefix, Some(7)).await.unwrap(), None, "another VRF");
    assert_eq!(ipam.find_by_operation(operation()).await.unwrap(), None);

    ipam.set_status(&to(&made, PrefixStatus::Active, &first)).await.unwrap();
    ipam.set_status(&to(&made, PrefixStatus::Active, &first)).await.unwrap();
    // In use: another operation may not delete it, and an id that is another prefix's is not touched.
    assert!(matches!(ipam.delete(made.id, made.prefix, operation()).await, Err(IpamError::Refused(_))));
    let elsewhere = Allocation { prefix: net("2001:db8:100:ff00::/56"), ..made.clone() };
    assert!(matches!(ipam.set_status(&to(&elsewhere, PrefixStatus::Deprecated, &first)).await, Err(IpamError::Gone(_))));
    assert!(matches!(ipam.delete(elsewhere.id, elsewhere.prefix, first.operation).await, Err(IpamError::Refused(_))));

    // At rest it still blocks its place.
    ipam.set_status(&to(&made, PrefixStatus::Deprecated, &first)).await.unwrap();
    let beside = ipam.allocate(&second).await.unwrap();
    assert_eq!(beside.prefix, net("2001:db8:100:100::/56"));
    assert_eq!(ipam.find_by_operation(first.operation).await.unwrap().map(|a| a.status), Some(PrefixStatus::Deprecated));

    ipam.delete(made.id, made.prefix, operation()).await.unwrap();
    ipam.delete(made.id, made.prefix, operation()).await.unwrap();
    assert_eq!(ipam.find_by_operation(first.operation).await.unwrap(), None);
    assert!(matches!(ipam.set_status(&to(&made, PrefixStatus::Active, &first)).await, Err(IpamError::Gone(_))));
    // The lowest place is given again.
    assert_eq!(ipam.allocate(&ask()).await.unwrap().prefix, made.prefix);
}

on_each!(an_operation_has_one_prefix_however_often_it_asks);

async fn an_operation_has_one_prefix_however_often_it_asks(make: Make) {
    let place = make(vec![pool(POOL, PoolPolicy::open(56))], PoolRule::InOrder).await;
    let mut one = ask();
    let made = place.one.allocate(&one).await.unwrap();
    for maybe_earlier in [false, true] {
        one.maybe_earlier = maybe_earlier;
        let again = place.other.allocate(&one).await.unwrap();
        assert_eq!((again.id, again.prefix, again.adopted), (made.id, made.prefix, true));
    }
    // With other parameters it is no longer the same request: an alarm, and the first stays.
    one.prefix_len = Some(60);
    assert!(matches!(place.one.allocate(&one).await, Err(IpamError::NotAsAsked(_))));
    one.prefix_len = Some(56);
    place.one.set_status(&to(&made, PrefixStatus::Deprecated, &one)).await.unwrap();
    assert!(matches!(place.one.allocate(&one).await, Err(IpamError::NotAsAsked(_))), "released meanwhile");
    assert_eq!(place.one.pools().await.unwrap()[0].used, 1);
}

on_each!(two_consoles_at_once_never_share_and_never_take_twice);

async fn two_consoles_at_once_never_share_and_never_take_twice(make: Make) {
    let pools = vec![pool(POOL, PoolPolicy::open(56)), pool("2001:db8:200::/48", PoolPolicy::open(56))];
    let place = make(pools, PoolRule::LeastUsed).await;
    let asks: Vec<AllocateAsk> = (0..24).map(|_| ask()).collect();
    let both = asks.iter().map(|a| async { tokio::join!(place.one.allocate(a), place.other.allocate(a)) });
    let told = futures::future::join_all(both).await;
    let mut prefixes = BTreeSet::new();
    for (mine, theirs) in told {
        let (mine, theirs) = (mine.unwrap(), theirs.unwrap());
        assert_eq!((mine.id, mine.prefix), (theirs.id, theirs.prefix));
        assert!(mine.adopted || theirs.adopted);
        prefixes.insert(mine.prefix);
    }
    assert_eq!(prefixes.len(), 24);
    let used: u64 = place.one.pools().await.unwrap().iter().map(|p| p.used).sum();
    assert_eq!(used, 24, "one each, and none without an owner");
}

on_each!(a_full_pool_is_followed_by_the_next_and_then_by_a_clear_no);

async fn a_full_pool_is_followed_by_the_next_and_then_by_a_clear_no(make: Make) {
    let pools = vec![pool("2001:db8:1::/54", PoolPolicy::open(56)), pool("2001:db8:2::/55", PoolPolicy::open(56))];
    let place = make(pools, PoolRule::InOrder).await;
    let mut given = Vec::new();
    for _ in 0..6 {
        given.push(place.one.allocate(&ask()).await.unwrap().prefix);
    }
    let expected =
        ["2001:db8:1::/56", "2001:db8:1:100::/56", "2001:db8:1:200::/56", "2001:db8:1:300::/56", "2001:db8:2::/56", "2001:db8:2:100::/56"];
    assert_eq!(given, expected.map(net));
    let full = ask();
    assert!(matches!(place.one.allocate(&full).await, Err(IpamError::Exhausted(_))));
    assert_eq!(place.one.find_by_operation(full.operation).await.unwrap(), None);
    for pool in place.one.pools().await.unwrap() {
        assert_eq!((pool.utilisation(), pool.free()), (100.0, 0), "{}", pool.prefix);
    }
    // What comes back is given again, to the same operation if it asks.
    let last = place.one.find_by_prefix(net("2001:db8:1:200::/56"), None).await.unwrap().unwrap();
    place.one.set_status(&to(&last, PrefixStatus::Deprecated, &full)).await.unwrap();
    place.one.delete(last.id, last.prefix, full.operation).await.unwrap();
    assert_eq!(place.one.allocate(&full).await.unwrap().prefix, last.prefix);
}

on_each!(several_lengths_share_a_pool_and_small_ones_fill_the_holes);

async fn several_lengths_share_a_pool_and_small_ones_fill_the_holes(make: Make) {
    let lengths = PoolPolicy { lengths: vec![56, 60], ..PoolPolicy::open(56) };
    let place = make(vec![pool("2001:db8:300::/52", lengths)], PoolRule::InOrder).await;
    let with = |len| AllocateAsk { prefix_len: len, ..ask() };
    let mut got = Vec::new();
    for len in [Some(60), None, Some(60), Some(56)] {
        got.push(place.one.allocate(&with(len)).await.unwrap().prefix);
    }
    let expected = ["2001:db8:300::/60", "2001:db8:300:100::/56", "2001:db8:300:10::/60", "2001:db8:300:200::/56"];
    assert_eq!(got, expected.map(net));
    let pool = place.one.pools().await.unwrap().remove(0);
    assert_eq!(pool.fits.iter().map(|f| (f.len, f.count)).collect::<Vec<_>>(), [(56, 13), (60, 13 * 16 + 14)]);
    assert_eq!((pool.used, pool.taken(), pool.free()), (4, 3, 13));
    let said = place.one.allocate(&with(Some(64))).await.unwrap_err();
    assert!(matches!(&said, IpamError::Refused(w) if w.as_str().contains("gives /56, /60 only")), "{said:?}");
}

on_each!(the_pool_of_the_site_serves_and_none_is_said_in_words);

async fn the_pool_of_the_site_serves_and_none_is_said_in_words(make: Make) {
    let of = |sites: &[&str]| PoolPolicy { sites: sites.iter().map(|s| SafeText::new(s)).collect(), ..PoolPolicy::open(56) };
    let place = make(vec![pool("2001:db8:a00::/48", of(&["turku"])), pool("2001:db8:b00::/48", of(&["oulu"]))], PoolRule::InOrder).await;
    let at = |site: &str| AllocateAsk { site: Some(SafeText::new(site)), ..ask() };
    assert!(net("2001:db8:b00::/48").contains(&place.one.allocate(&at("Oulu")).await.unwrap().prefix));
    let said = place.one.allocate(&at("vaasa")).await.unwrap_err();
    let IpamError::Refused(words) = &said else { panic!("{said:?}") };
    assert!(words.as_str().starts_with("no pool serves site vaasa with /56: 2001:db8:a00::/48 is for other sites or NASes;"), "{words}");
    // Named by the operation it serves all the same.
    let id = place.one.pools().await.unwrap()[0].id;
    let named = AllocateAsk { pools: vec![id], ..at("vaasa") };
    assert!(net("2001:db8:a00::/48").contains(&place.one.allocate(&named).await.unwrap().prefix));
}
