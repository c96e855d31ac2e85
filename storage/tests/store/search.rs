//! Filter, order and pages against a naive evaluation of the same filter over the same rows in memory.

use crate::support::*;
use chrono::Duration;
use ipnet::Ipv6Net;
use noctule_domain::filter::{DurationSecs, Filter, Matcher, Term};
use noctule_domain::lifecycle::{AssignmentMode, Enforcement, Ipv6State};
use noctule_domain::page::{From, Page, PageRequest, Sort, SortColumn, Total};
use noctule_domain::subscriber::{Subscriber, SubscriberRow, SubscriberStatus, Username};
use noctule_domain::{SafeText, SubscriberId};
use noctule_storage::{NewSession, NewSubscriber, Store};
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::HashMap;
use std::ops::ControlFlow;

const NAMES: &[&str] = &[
    "Anna Müller",
    "ANNA berg",
    "Ångström Åke",
    "Σίσυφος ΟΔΟΣ",
    "李小龍",
    "O'Brien",
    "50%_off \"x\"",
    "",
    "Zoë van den Berg",
    "İstanbul ŞAHİN",
];
const SITES: &[&str] = &["Porto", "porto", "Ærø"];

fn number() -> impl Strategy<Value = String> {
    "[a-cA-C@\\[_%é]{1,4}"
}

#[derive(Debug, Clone)]
struct Seed {
    number: String,
    username: String,
    name: String,
    status: SubscriberStatus,
    state: Ipv6State,
    mode: AssignmentMode,
    enforcement: Enforcement,
    nas: Option<&'static str>,
    site: Option<&'static str>,
    /// Which /56, and how far shortened.
    prefix: Option<(u16, u8)>,
    age_min: i64,
    session: bool,
    error: bool,
}

fn seed() -> impl Strategy<Value = Seed> {
    (
        (number(), number(), select(NAMES.to_vec()), select(SubscriberStatus::ALL.to_vec())),
        (select(Ipv6State::ALL.to_vec()), select(AssignmentMode::ALL.to_vec()), select(Enforcement::ALL.to_vec())),
        (proptest::option::of(select(vec!["bng-1", "BNG-2"])), proptest::option::of(select(SITES.to_vec()))),
        (proptest::option::of((0u16..12, 0u8..3)), 0i64..200, any::<bool>(), any::<bool>()),
    )
        .prop_map(|((number, username, name, status), (state, mode, enforcement), (nas, site), (prefix, age_min, session, error))| {
            Seed { number, username, name: name.to_owned(), status, state, mode, enforcement, nas, site, prefix, age_min, session, error }
        })
}

fn net(seed: (u16, u8)) -> Ipv6Net {
    Ipv6Net::new(format!("2001:db8:0:{:x}00::", seed.0).parse().unwrap(), 56 - seed.1).unwrap().trunc()
}

fn row(seed: &Seed, n: usize) -> NewSubscriber {
    let mut new = pending(n as u32);
    new.subscriber_number = seed.number.as_str().into();
    new.username = Username::new(&seed.username).unwrap();
    new.full_name = seed.name.as_str().into();
    new.status = seed.status;
    new.nas = seed.nas.map(SafeText::from);
    new.site = seed.site.map(SafeText::from);
    new.ipv6.state = seed.state;
    new.ipv6.mode = seed.mode;
    new.ipv6.enforcement = seed.enforcement;
    new.ipv6.prefix = seed.prefix.map(net);
    new.ipv6.since = start() - Duration::minutes(seed.age_min);
    new.ipv6.last_error = seed.error.then(|| "it failed".into());
    if seed.session && seed.nas.is_some() {
        new.session = Some(NewSession {
            nas: None,
            acct_session_id: "s".into(),
            framed_ipv4: None,
            delegated_prefix: None,
            started_at: start(),
            seen_at: start(),
        });
    }
    new
}

fn matcher() -> impl Strategy<Value = Matcher> {
    let piece = select(vec![
        "a", "an", "ann", "MÜL", "σίσ", "δοσ", "李", "小龍", "ber", "van d", "%", "_", "@", "'b", "\"x", "zzz", "i̇s", "B", "é", "aB", "cc[",
    ]);
    prop_oneof![
        proptest::collection::vec(select(Ipv6State::ALL.to_vec()), 0..4).prop_map(Matcher::State),
        proptest::collection::vec(select(Enforcement::ALL.to_vec()), 0..3).prop_map(Matcher::Enforcement),
        proptest::collection::vec(select(AssignmentMode::ALL.to_vec()), 0..3).prop_map(Matcher::Mode),
        proptest::collection::vec(select(SubscriberStatus::ALL.to_vec()), 0..3).prop_map(Matcher::Status),
        proptest::collection::vec(select(vec!["bng-1", "Bng-2", "none"]).prop_map(str::to_owned), 0..3).prop_map(Matcher::Nas),
        proptest::collection::vec(select(vec!["PORTO", "ærø", "Ærø", "x"]).prop_map(str::to_owned), 0..3).prop_map(Matcher::Site),
        (0u16..14, 40u8..=128)
            .prop_map(|(n, len)| Matcher::Prefix(Ipv6Net::new(format!("2001:db8:0:{n:x}00::5").parse().unwrap(), len).unwrap().trunc())),
        (any::<bool>(), 0u64..12_000).prop_map(|(longer_than, s)| Matcher::Age { longer_than, than: DurationSecs(s) }),
        any::<bool>().prop_map(Matcher::Session),
        any::<bool>().prop_map(Matcher::Running),
        any::<bool>().prop_map(Matcher::Error),
        prop_oneof![number(), Just("@".to_owned())].prop_map(Matcher::User),
        number().prop_map(Matcher::Number),
        piece.clone().prop_map(|p| Matcher::Name(p.to_owned())),
        piece.prop_map(|p| Matcher::Text(p.to_owned())),
    ]
}

fn filter() -> impl Strategy<Value = Filter> {
    proptest::collection::vec((any::<bool>(), matcher()).prop_map(|(negate, matcher)| Term { negate, matcher }), 0..4)
        .prop_map(|terms| Filter { terms })
}

fn lower(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Whether a term asks anything at all, and whether the row has it: written without a look at the SQL.
fn has(matcher: &Matcher, s: &Subscriber, nas: &HashMap<SubscriberId, String>) -> Option<bool> {
    fn one_of<T: PartialEq>(wanted: &[T], is: &T) -> Option<bool> {
        (!wanted.is_empty()).then(|| wanted.contains(is))
    }
    let among = |wanted: &[String], is: Option<&str>| {
        (!wanted.is_empty()).then(|| is.is_some_and(|is| wanted.iter().any(|w| w.eq_ignore_ascii_case(is))))
    };
    let begins = |text: &str, start: &str| text.to_ascii_lowercase().starts_with(&start.to_ascii_lowercase());
    match matcher {
        Matcher::State(v) => one_of(v, &s.ipv6.state),
        Matcher::Enforcement(v) => one_of(v, &s.ipv6.enforcement),
        Matcher::Mode(v) => one_of(v, &s.ipv6.mode),
        Matcher::Status(v) => one_of(v, &s.status),
        Matcher::Nas(v) => among(v, nas.get(&s.id).map(String::as_str)),
        Matcher::Site(v) => among(v, s.site.as_ref().map(SafeText::as_str)),
        Matcher::Prefix(net) => Some(s.ipv6.prefix.is_some_and(|p| net.contains(&p) || p.contains(net))),
        Matcher::Age { longer_than, than } => {
            let age = (start() - s.ipv6.since).num_seconds() as u64;
            Some(if *longer_than { age > than.0 } else { age < than.0 })
        }
        Matcher::Session(yes) => Some(s.session.is_some() == *yes),
        Matcher::Running(yes) => Some(s.running.is_some() == *yes),
        Matcher::Error(yes) => Some(s.ipv6.last_error.is_some() == *yes),
        Matcher::User(start) => Some(begins(s.username.as_str(), start)),
        Matcher::Number(start) => Some(begins(s.subscriber_number.as_str(), start)),
        Matcher::Name(part) => Some(lower(s.full_name.as_str()).contains(&lower(part))),
        Matcher::Text(part) => {
            Some([s.full_name.as_str(), s.subscriber_number.as_str(), s.username.as_str()].iter().any(|t| lower(t).contains(&lower(part))))
        }
    }
}

fn matches(filter: &Filter, s: &Subscriber, nas: &HashMap<SubscriberId, String>) -> bool {
    filter.terms.iter().all(|term| has(&term.matcher, s, nas).is_none_or(|has| has != term.negate))
}

/// The values that an order sorts by, without what makes it total.
fn sort_value(column: SortColumn, row: &SubscriberRow) -> String {
    let nocase = |t: &str| t.to_ascii_lowercase();
    match column {
        SortColumn::Number => nocase(row.subscriber_number.as_str()),
        SortColumn::Username => nocase(row.username.as_str()),
        SortColumn::Name => nocase(row.full_name.as_str()),
        SortColumn::State => row.state.word().to_owned(),
        SortColumn::Prefix => row.prefix.map_or_else(String::new, |p| format!("{:032x}", u128::from(p.network()))),
        SortColumn::Nas => nocase(row.nas.as_ref().map_or("", |n| n.as_str())),
        SortColumn::Since => format!("{:020}", row.since.timestamp_micros()),
    }
}

async fn everything(store: &Store) -> Vec<Subscriber> {
    let mut all = Vec::new();
    store
        .for_each_subscriber(Filter::default(), |s| {
            all.push(s);
            ControlFlow::Continue(())
        })
        .await
        .unwrap();
    all
}

async fn page(store: &Store, filter: &Filter, sort: Sort, from: From, limit: u16) -> Page<SubscriberRow> {
    store.subscriber_page(PageRequest { filter: filter.clone(), sort, from, limit }).await.unwrap()
}

async fn walk_all(store: &Store, filter: &Filter, sort: Sort, limit: u16) -> Vec<SubscriberRow> {
    let mut rows: Vec<SubscriberRow> = Vec::new();
    let mut from = From::First;
    loop {
        let page = page(store, filter, sort, from, limit).await;
        assert_eq!(page.more_before, !rows.is_empty(), "more_before at {from:?}");
        let Some(last) = page.rows.last().cloned() else {
            assert!(!page.more_after);
            break;
        };
        rows.extend(page.rows);
        if !page.more_after {
            break;
        }
        from = From::After(last.id);
    }
    rows
}

async fn check(seeds: Vec<Seed>, filters: Vec<(Filter, Sort, u16)>) -> Result<(), TestCaseError> {
    let place = Place::new();
    let store = place.open();
    let mut rows: Vec<NewSubscriber> = seeds.iter().enumerate().map(|(n, seed)| row(seed, n)).collect();
    let mut seen = (std::collections::HashSet::new(), std::collections::HashSet::new());
    rows.retain(|r| seen.0.insert(r.subscriber_number.clone()) && seen.1.insert(r.username.clone()));
    // Overlapping ones are refused, which is another test's matter.
    try_fill(&store, rows).await;
    for s in everything(&store).await.into_iter().filter(|s| s.ipv6.state == Ipv6State::Active && s.ipv6.prefix.is_some()).take(2) {
        use noctule_domain::lifecycle::OperationKind;
        use noctule_domain::ports::Authority;
        store.begin(ask(s.id, OperationKind::Suspend)).await.unwrap();
    }
    let all = everything(&store).await;
    let names: HashMap<_, _> = store.nas_rows().await.unwrap().into_iter().map(|r| (r.nas.id, r.nas.name.into_string())).collect();
    let nas: HashMap<_, _> = all.iter().filter_map(|s| Some((s.id, names[&s.nas?].clone()))).collect();
    for (filter, sort, limit) in filters {
        let mut expected: Vec<SubscriberId> = all.iter().filter(|s| matches(&filter, s, &nas)).map(|s| s.id).collect();
        let found = walk_all(&store, &filter, sort, limit).await;
        let mut ids: Vec<SubscriberId> = found.iter().map(|r| r.id).collect();
        let sorted: Vec<String> = found.iter().map(|r| sort_value(sort.column, r)).collect();
        let in_order = sorted.windows(2).all(|w| if sort.descending { w[0] >= w[1] } else { w[0] <= w[1] });
        prop_assert!(in_order, "{sort:?}: {sorted:?}");

        // Backwards from the end gives the same rows the other way round.
        let mut back: Vec<SubscriberId> = Vec::new();
        let mut from = From::Last;
        loop {
            let page = page(&store, &filter, sort, from, limit).await;
            prop_assert_eq!(page.more_after, !back.is_empty());
            let Some(first) = page.rows.first() else { break };
            from = From::Before(first.id);
            back.extend(page.rows.iter().rev().map(|r| r.id));
            if !page.more_before {
                break;
            }
        }
        back.reverse();
        prop_assert_eq!(&back, &ids, "backwards, {:?} {:?}", filter, sort);

        // From the middle.
        if let Some(middle) = ids.get(ids.len() / 2) {
            let at = page(&store, &filter, sort, From::At(*middle), limit).await;
            prop_assert_eq!(at.rows[0].id, *middle);
            prop_assert_eq!(at.more_before, ids.len() / 2 > 0);
        }
        match page(&store, &filter, sort, From::First, limit).await.total {
            Total::Exact(n) => prop_assert_eq!(n, expected.len() as u64),
            Total::AtLeast(n) => prop_assert!(n <= expected.len() as u64),
        }
        ids.sort();
        expected.sort();
        prop_assert_eq!(ids, expected, "{:?}", filter);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_filter_gives_exactly_the_rows_that_a_naive_reading_gives(
        seeds in proptest::collection::vec(seed(), 0..40),
        filters in proptest::collection::vec(
            (filter(), (select(SortColumn::ALL.to_vec()), any::<bool>()).prop_map(|(column, descending)| Sort { column, descending }), 1u16..9),
            12,
        ),
    ) {
        tokio::runtime::Runtime::new().unwrap().block_on(check(seeds, filters))?;
    }
}

/// More rows than a probe takes: the walk, its branches and the samples.
#[tokio::test]
async fn walks_and_short_lists_agree_on_many_rows() {
    let place = Place::new();
    let store = place.open();
    let rows = (0..9000u32).map(|n| {
        let mut new = pending(n);
        new.full_name = if n % 3 == 0 { format!("Müller {n}").into() } else { format!("Person {n}").into() };
        new.nas = Some(if n % 2 == 0 { "bng-1" } else { "bng-2" }.into());
        if n % 2 == 1 {
            new.ipv6.state = Ipv6State::Active;
            new.ipv6.prefix = Some(Ipv6Net::new(std::net::Ipv6Addr::from((0x2001_0db8_u128 << 96) + (u128::from(n) << 72)), 56).unwrap());
        }
        new
    });
    fill(&store, rows.collect()).await;
    let count = |filter: &'static str, sort: SortColumn| {
        let store = store.clone();
        async move {
            let filter = noctule_domain::filter::parse(filter).unwrap();
            let rows = walk_all(&store, &filter, Sort { column: sort, descending: false }, 1000).await;
            let total = page(&store, &filter, Sort::default(), From::First, 10).await.total;
            (rows.len(), total)
        }
    };
    for column in SortColumn::ALL {
        assert_eq!(count("", *column).await, (9000, Total::Exact(9000)));
        assert_eq!(count("state:active", *column).await, (4500, Total::Exact(4500)));
        assert_eq!(count("state:active,pending", *column).await, (9000, Total::Exact(9000)));
        assert_eq!(count("müller", *column).await, (3000, Total::Exact(3000)));
        assert_eq!(count("nas:BNG-1,bng-2 müller", *column).await.0, 3000);
        assert_eq!(count("person", *column).await, (6000, Total::AtLeast(1000)));
        assert_eq!(count("nas:bng-1 state:pending", *column).await.0, 4500);
        assert_eq!(count("nas:bng-1 state:active", *column).await.0, 0);
        assert_eq!(count("-state:active user:user1", *column).await.0, count("state:pending user:user1", *column).await.0);
        assert_eq!(count("2001:db8::/32", *column).await.0, 4500);
        assert_eq!(count("2001:db8:1:100::77", *column).await.0, 1);
    }
}

#[tokio::test]
async fn a_cursor_survives_an_edit_of_its_row_and_a_lost_row_means_the_first_page() {
    let place = Place::new();
    let store = place.open();
    fill(&store, (0..30).map(pending).collect()).await;
    let sort = Sort { column: SortColumn::Name, descending: false };
    let first = page(&store, &Filter::default(), sort, From::First, 10).await;
    let cursor = first.rows[9].id;
    let mut changed = pending(0);
    changed.subscriber_number = first.rows[9].subscriber_number.clone();
    changed.username = first.rows[9].username.clone();
    changed.full_name = "Person 00".into();
    fill(&store, vec![changed]).await;
    let after = page(&store, &Filter::default(), sort, From::After(cursor), 50).await;
    assert_eq!(after.rows.len(), 28, "all that stand behind its new name");
    let lost = page(&store, &Filter::default(), sort, From::After(SubscriberId(uuid::Uuid::nil())), 10).await;
    assert!(!lost.more_before && lost.rows.len() == 10);
    let empty = page(&store, &Filter::of(Matcher::Text("nobody".into())), sort, From::Before(cursor), 10).await;
    assert_eq!((empty.rows.len(), empty.total), (0, Total::Exact(0)));
}
