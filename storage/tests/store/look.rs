//! Look-ups, the overview, counters, export.

use crate::support::*;
use chrono::Duration;
use noctule_domain::filter::Filter;
use noctule_domain::ipam::{Forecast, Pool, PrefixStatus};
use noctule_domain::lifecycle::{AssignmentMode, Ipv6State};
use noctule_domain::overview::Severity;
use noctule_domain::page::{From, PageRequest, Total};
use std::ops::ControlFlow;

#[tokio::test]
async fn a_subscriber_is_found_by_id_number_user_name_prefix_and_address() {
    let place = Place::new();
    let store = place.open();
    let mut fixed = holding(1, Ipv6State::Active, "2001:db8:1:100::/56");
    fixed.static_ipv4 = Some("192.0.2.77".parse().unwrap());
    fill(&store, vec![fixed, holding(2, Ipv6State::Active, "2001:db8:2::/48"), pending(3)]).await;
    let id = named(&store, "S00001").await.id;
    for text in [id.to_string().as_str(), "s00001", "USER1@example.net", "2001:db8:1:100::/56", " 2001:db8:1:1ff::5 ", "192.0.2.77"] {
        assert_eq!(named(&store, text).await.id, id, "{text}");
    }
    assert_eq!(named(&store, "2001:db8:2:3::/64").await.subscriber_number.as_str(), "S00002");
    for text in ["2001:db8:1:200::1", "user", "S0000", "", "192.0.2.7"] {
        assert_eq!(store.find_subscriber(text).await.unwrap(), [], "{text}");
    }
}

#[tokio::test]
async fn another_tenant_sees_nothing_and_may_hold_the_same_prefix() {
    let place = Place::new();
    let store = place.open();
    fill(&store, vec![holding(1, Ipv6State::Active, "2001:db8:1::/56")]).await;
    let id = named(&store, "S00001").await.id;
    let mut options = place.options();
    options.tenant = noctule_domain::TenantId(uuid::Uuid::from_u128(8));
    let other = place.try_open(options).unwrap();
    assert_eq!(other.subscriber(id).await.unwrap(), None);
    assert_eq!(other.find_subscriber("2001:db8:1::1").await.unwrap(), []);
    assert_eq!(other.overview(start()).await.unwrap().subscribers, 0);
    assert!(other.nas_rows().await.unwrap().is_empty());
    fill(&other, vec![holding(1, Ipv6State::Active, "2001:db8:1::/56")]).await;
    assert_eq!(other.overview(start()).await.unwrap().subscribers, 1);
}

#[tokio::test]
async fn the_overview_counts_and_warns() {
    let place = Place::new();
    let store = place.open();
    let mut rows = vec![
        holding(1, Ipv6State::Active, "2001:db8:1::/56"),
        holding(2, Ipv6State::Allocated, "2001:db8:2::/56"),
        holding(3, Ipv6State::Revoking, "2001:db8:3::/56"),
        pending(4),
        pending(5),
        pending(6),
    ];
    rows[1].ipv6.since = start() - Duration::hours(25);
    rows[2].ipv6.since = start() - Duration::minutes(61);
    rows[4].ipv6.mode = AssignmentMode::None;
    rows[5].ipv6.state = Ipv6State::Failed;
    fill(&store, rows).await;
    let pool = |id, used| Pool {
        id,
        prefix: format!("2001:db8:{id}::/48").parse().unwrap(),
        vrf: None,
        status: PrefixStatus::Container,
        description: "pool".into(),
        delegated_len: 56,
        used,
        seen_at: start(),
        fits: Vec::new(),
        history: Vec::new(),
        thresholds: Default::default(),
    };
    let pools = vec![pool(1, 100), pool(2, 170), pool(3, 250)];
    store.pools_replace(pools.clone()).await.unwrap();
    let mut seen = store.pools().await.unwrap();
    for pool in &mut seen {
        let history = std::mem::take(&mut pool.history);
        assert_eq!(history, [pool.sample()], "one look is one sample");
    }
    assert_eq!(seen, pools);
    let overview = store.overview(start()).await.unwrap();
    assert_eq!((overview.subscribers, overview.delegating), (6, 5));
    assert_eq!(overview.states.iter().map(|(_, n)| *n).collect::<Vec<_>>(), [1, 1, 1, 0, 1, 0, 1]);
    assert_eq!(overview.utilisation(), 60.0);
    let alerts: Vec<_> = overview.alerts.iter().map(|a| (a.severity, a.filter.clone().unwrap_or_default())).collect();
    assert_eq!(
        alerts,
        [
            (Severity::Critical, "prefix:2001:db8:3::/48".to_owned()),
            (Severity::Warning, "prefix:2001:db8:2::/48".to_owned()),
            (Severity::Warning, "state:revoking age:>1h".to_owned()),
            (Severity::Warning, "state:allocated age:>24h".to_owned()),
            (Severity::Warning, "state:failed".to_owned()),
        ]
    );
    for filter in alerts.iter().map(|(_, f)| noctule_domain::filter::parse(f)) {
        filter.unwrap();
    }
}

#[tokio::test]
async fn what_is_not_proved_is_counted_as_its_filter_lists_it() {
    use noctule_domain::lifecycle::Enforcement;
    use noctule_domain::overview::unproved_filter;
    let place = Place::new();
    let store = place.open();
    fill(&store, (0..40).map(|n| holding(n, Ipv6State::Active, &format!("2001:db8:{n:x}::/56"))).collect()).await;
    let raw = place.raw();
    let set = |word: &str, from: u32, to: u32, hours: i64| {
        let since = (start() - Duration::hours(hours)).timestamp_micros();
        let sql =
            format!("UPDATE subscribers SET enforcement = '{word}', since = {since} WHERE number >= 'S{from:05}' AND number < 'S{to:05}'");
        raw.execute_batch(&sql).unwrap();
    };
    set("acknowledged", 0, 7, 23);
    set("acknowledged", 7, 12, 25);
    set("observed", 12, 20, 1);
    set("unanswered", 20, 23, 500);
    set("refused", 23, 24, 500);
    let unproved = store.overview(start()).await.unwrap().unproved;
    let wanted = [(Enforcement::Acknowledged, 7), (Enforcement::Unanswered, 3), (Enforcement::Refused, 1)];
    assert_eq!(unproved, wanted.map(|(enforcement, n)| (enforcement, Total::Exact(n))));
    for (enforcement, total) in unproved {
        let filter = noctule_domain::filter::parse(&unproved_filter(enforcement)).unwrap();
        let request = PageRequest { filter, sort: Default::default(), from: From::First, limit: 50 };
        assert_eq!(store.subscriber_page(request).await.unwrap().total, total, "{enforcement}");
    }
}

#[tokio::test]
async fn the_counters_are_what_counting_gives() {
    let place = Place::new();
    let store = place.open();
    fill(&store, (0..50).map(pending).chain((50..80).map(|n| holding(n, Ipv6State::Active, &format!("2001:db8:{n:x}::/56")))).collect())
        .await;
    let raw = place.raw();
    raw.execute_batch("PRAGMA foreign_keys = ON; UPDATE subscribers SET mode = 'slaac' WHERE number < 'S00010';").unwrap();
    raw.execute_batch("UPDATE subscribers SET state = 'failed' WHERE number < 'S00020'; DELETE FROM subscribers WHERE number > 'S00070'")
        .unwrap();
    let rows = |sql: &str| -> Vec<(String, i64, i64)> {
        let mut statement = raw.prepare(sql).unwrap();
        let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let counted = rows("SELECT state, mode IN ('pd', 'dual_stack') AS d, count(*) FROM subscribers GROUP BY 1, 2 ORDER BY 1, 2");
    assert_eq!(rows("SELECT state, delegating, n FROM counters WHERE n > 0 ORDER BY 1, 2"), counted);
    assert_eq!(counted.len(), 4);
}

#[tokio::test]
async fn an_export_hands_out_every_match_in_order_and_can_be_broken_off() {
    let place = Place::new();
    let store = place.open();
    fill(&store, (0..1000).rev().map(pending).collect()).await;
    let mut numbers = Vec::new();
    let filter = noctule_domain::filter::parse("number:S005").unwrap();
    let handed = store
        .for_each_subscriber(filter, |s| {
            numbers.push(s.subscriber_number.into_string());
            ControlFlow::Continue(())
        })
        .await
        .unwrap();
    assert_eq!((handed, numbers.first().unwrap().as_str(), numbers.last().unwrap().as_str()), (100, "S00500", "S00599"));
    let mut seen = 0;
    let stop = |_| {
        seen += 1;
        if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    assert_eq!(store.for_each_subscriber(Filter::default(), stop).await.unwrap(), 3);
}

#[tokio::test]
async fn a_renamed_nas_is_renamed_on_the_board() {
    let place = Place::new();
    let store = place.open();
    let mut new = pending(1);
    new.nas = Some("BNG-1".into());
    fill(&store, vec![new]).await;
    assert_eq!(named(&store, "S00001").await.nas.unwrap().as_str(), "bng-1", "as it is registered");
    let mut importer = store.importer().await.unwrap();
    assert_eq!(importer.push_nas(vec![nas("Bng-1")]).await.unwrap(), []);
    importer.commit(entry("import-nas")).await.unwrap();
    assert_eq!(named(&store, "S00001").await.nas.unwrap().as_str(), "Bng-1");
}

#[tokio::test]
async fn looks_at_a_pool_become_a_bounded_history_and_an_outlook() {
    let place = Place::new();
    let store = place.open();
    let pool = |hours: i64| Pool {
        id: 1,
        prefix: "2001:db8::/40".parse().unwrap(),
        vrf: None,
        status: PrefixStatus::Container,
        description: "pool".into(),
        delegated_len: 56,
        used: (10_000 + hours * 5) as u64,
        seen_at: start() + Duration::hours(hours),
        fits: Vec::new(),
        history: Vec::new(),
        thresholds: Default::default(),
    };
    for hours in 0..24 * 40 {
        store.pools_replace(vec![pool(hours)]).await.unwrap();
    }
    let seen = store.pools().await.unwrap().remove(0);
    // 14 days by the hour, and the days before them.
    assert!((14 * 24 + 20..14 * 24 + 50).contains(&seen.history.len()), "{}", seen.history.len());
    assert!(seen.history.windows(2).all(|w| w[0].at < w[1].at));
    let Forecast::Growing { per_day, days_left } = seen.forecast() else { panic!("{:?}", seen.forecast()) };
    assert!((per_day - 120.0).abs() < 1.0 && (days_left - 423.0).abs() < 8.0, "{per_day} {days_left}");
    assert!(store.overview(start()).await.unwrap().alerts.is_empty(), "more than a year is no alert");
    // An older look, from a clock that went back, changes nothing.
    let mut older = pool(24 * 40 - 1);
    older.used = 5;
    older.seen_at -= Duration::minutes(1);
    store.pools_replace(vec![older]).await.unwrap();
    assert_eq!(store.pools().await.unwrap()[0].history.last(), seen.history.last());
    // Soon full is an alert, however empty it seems.
    store.set_pool_thresholds(noctule_domain::ipam::PoolThresholds { warning_days: 500.0, ..Default::default() });
    let alerts = store.overview(start()).await.unwrap().alerts;
    assert!(alerts.len() == 1 && alerts[0].text.as_str().contains("full in 14 months (+120 a day)"), "{alerts:?}");
}
