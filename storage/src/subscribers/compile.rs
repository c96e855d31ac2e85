//! From a filter to SQL: each term becomes a condition on row `s`, and, where an index can list its rows, a driver. Values are always
//! parameters; the text of the SQL comes from here alone.

use noctule_domain::Timestamp;
use noctule_domain::filter::{Filter, Matcher};
use noctule_domain::lifecycle::{AssignmentMode, Enforcement};
use noctule_domain::subscriber::SubscriberStatus;
use rusqlite::types::Value;
use std::collections::BTreeSet;
use std::net::Ipv6Addr;

/// Lower case, character by character, so that a part of a text folds to a part of the folded text.
pub(crate) fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// SQL with its parameters, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sql {
    pub(crate) text: String,
    pub(crate) values: Vec<Value>,
}

impl Sql {
    fn new(text: impl Into<String>, values: Vec<Value>) -> Self {
        Self { text: text.into(), values }
    }

    pub(crate) fn push(&mut self, text: &str, values: impl IntoIterator<Item = Value>) {
        self.text.push_str(text);
        self.values.extend(values);
    }

    pub(crate) fn append(&mut self, other: &Sql) {
        self.push(&other.text, other.values.iter().cloned());
    }
}

/// What a filter becomes.
pub(crate) struct Compiled {
    /// All must hold.
    pub(crate) conditions: Vec<Sql>,
    /// Queries that list the `key`s of a term's rows; those that are likely to be short come first.
    pub(crate) drivers: Vec<Sql>,
    /// Drivers that may be dear: for when a walk has found too little in its time.
    pub(crate) late: Vec<Sql>,
    /// The values of the one term on states (or NASes) that is not turned round, for walks by branches.
    pub(crate) states: Option<Vec<Value>>,
    pub(crate) nas: Option<Vec<Value>>,
    /// The filter is nothing but that term on states.
    pub(crate) only_states: bool,
}

pub(crate) fn compile(filter: &Filter, tenant: i64, now: Timestamp) -> Compiled {
    let mut out = Compiled { conditions: Vec::new(), drivers: Vec::new(), late: Vec::new(), states: None, nas: None, only_states: false };
    let mut ranked: Vec<(u8, Sql)> = Vec::new();
    let mut others = 0;
    for term in &filter.terms {
        let Some(condition) = condition(&term.matcher, now) else { continue };
        if term.negate {
            others += 1;
            out.conditions.push(Sql::new(format!("({}) IS NOT TRUE", condition.text), condition.values));
            continue;
        }
        match &term.matcher {
            Matcher::State(states) if out.states.is_none() => {
                let distinct: BTreeSet<_> = states.iter().collect();
                out.states = Some(distinct.into_iter().map(|s| s.word().to_owned().into()).collect());
            }
            Matcher::Nas(names) if out.nas.is_none() => {
                let distinct: BTreeSet<String> = names.iter().map(|n| n.to_ascii_lowercase()).collect();
                out.nas = Some(distinct.into_iter().map(Value::from).collect());
                others += 1;
            }
            _ => others += 1,
        }
        ranked.extend(driver(&term.matcher, tenant, now));
        if let Matcher::Text(part) | Matcher::Name(part) = &term.matcher {
            out.late.extend(short_text(&fold(part)));
        }
        out.conditions.push(condition);
    }
    out.only_states = others == 0 && out.states.is_some();
    ranked.sort_by_key(|(rank, _)| *rank);
    out.drivers = ranked.into_iter().map(|(_, sql)| sql).collect();
    out
}

fn marks(n: usize) -> String {
    vec!["?"; n].join(", ")
}

fn text_values<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<Value> {
    values.into_iter().map(|v| Value::Text(v.to_owned())).collect()
}

fn one_of(column: &str, values: Vec<Value>) -> Option<Sql> {
    (!values.is_empty()).then(|| Sql::new(format!("{column} IN ({})", marks(values.len())), values))
}

fn blob(address: Ipv6Addr) -> Value {
    Value::Blob(address.octets().to_vec())
}

const HAS_SESSION: &str = "EXISTS (SELECT 1 FROM sessions AS x WHERE x.tenant = s.tenant AND x.subscriber = s.id)";
const IS_RUNNING: &str = "EXISTS (SELECT 1 FROM operations AS o WHERE o.tenant = s.tenant AND o.subscriber = s.id AND o.open = 1)";

/// The test of one row; `None` for a term that asks nothing (an empty list, an empty text).
fn condition(matcher: &Matcher, now: Timestamp) -> Option<Sql> {
    let yes_no = |yes: bool, sql: &str| Some(Sql::new(if yes { sql.to_owned() } else { format!("NOT {sql}") }, vec![]));
    match matcher {
        Matcher::State(v) => one_of("s.state", text_values(v.iter().map(|v| v.word()))),
        Matcher::Enforcement(v) => one_of("s.enforcement", text_values(v.iter().map(|v| v.word()))),
        Matcher::Mode(v) => one_of("s.mode", text_values(v.iter().map(|v| v.word()))),
        Matcher::Status(v) => one_of("s.status", text_values(v.iter().map(|v| v.word()))),
        Matcher::Nas(v) => one_of("s.nas_name COLLATE NOCASE", text_values(v.iter().map(String::as_str))),
        Matcher::Site(v) => one_of("s.site COLLATE NOCASE", text_values(v.iter().map(String::as_str))),
        Matcher::Prefix(net) => {
            let (first, last) = (net.network(), net.broadcast());
            Some(Sql::new(
                "(s.prefix_start BETWEEN ? AND ? OR (s.prefix_start <= ? AND s.prefix_end >= ?))",
                vec![blob(first), blob(last), blob(first), blob(last)],
            ))
        }
        Matcher::Age { longer_than, than } => {
            Some(Sql::new(if *longer_than { "s.since < ?" } else { "s.since > ?" }, vec![Value::Integer(cutoff(now, than.0))]))
        }
        Matcher::Session(yes) => yes_no(*yes, HAS_SESSION),
        Matcher::Running(yes) => yes_no(*yes, IS_RUNNING),
        Matcher::Error(yes) => Some(Sql::new(if *yes { "s.last_error IS NOT NULL" } else { "s.last_error IS NULL" }, vec![])),
        Matcher::User(start) => beginning("s.username", start),
        Matcher::Number(start) => beginning("s.number", start),
        Matcher::Name(part) => needle(part, "instr(s.search, ?) BETWEEN 1 AND instr(s.search, char(10))"),
        Matcher::Text(part) => needle(part, "instr(s.search, ?) > 0"),
    }
}

fn cutoff(now: Timestamp, seconds: u64) -> i64 {
    let micros = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    now.timestamp_micros().saturating_sub(micros)
}

fn needle(part: &str, test: &str) -> Option<Sql> {
    let part = fold(part);
    match part.as_str() {
        "" => None,
        // Line feeds part the fields of `search`; no field holds one.
        p if p.contains('\n') => Some(Sql::new("0", vec![])),
        _ => Some(Sql::new(test, vec![Value::Text(part)])),
    }
}

/// A beginning, without regard to case, as a range of an index.
fn beginning(column: &str, start: &str) -> Option<Sql> {
    if start.is_empty() {
        return None;
    }
    let start = start.to_ascii_lowercase();
    let mut sql = Sql::new(format!("{column} COLLATE NOCASE >= ?"), vec![Value::Text(start.clone())]);
    if let Some(end) = successor(&start) {
        sql.push(&format!(" AND {column} COLLATE NOCASE < ?"), [Value::Text(end)]);
    }
    Some(Sql::new(format!("({})", sql.text), sql.values))
}

/// The first text, in NOCASE order, after all that begin with `start`.
fn successor(start: &str) -> Option<String> {
    let mut chars: Vec<char> = start.chars().collect();
    while let Some(last) = chars.pop() {
        let next = match last {
            // NOCASE takes capitals for small letters, which stand further up.
            '@' => Some('['),
            '\u{d7ff}' => Some('\u{e000}'),
            c => char::from_u32(c as u32 + 1),
        };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// A query for the keys of the rows that a term matches (or a few more), by an index; the number orders drivers by likely shortness.
fn driver(matcher: &Matcher, tenant: i64, now: Timestamp) -> Option<(u8, Sql)> {
    let of = |rank: u8, index: &str, extra: &str, condition: Sql| {
        let mut sql =
            Sql::new(format!("SELECT s.key FROM subscribers AS s INDEXED BY {index} WHERE s.tenant = ? AND "), vec![tenant.into()]);
        sql.append(&condition);
        sql.push(extra, []);
        Some((rank, sql))
    };
    let same = || condition(matcher, now);
    match matcher {
        Matcher::Prefix(net) => {
            let (first, last) = (net.network(), net.broadcast());
            let mut sql = Sql::new(
                "SELECT s.key FROM subscribers AS s INDEXED BY subscribers_prefix WHERE s.tenant = ? AND s.prefix_start BETWEEN ? AND ?",
                vec![tenant.into(), blob(first), blob(last)],
            );
            // What contains it begins where one of the shorter prefixes around it begins.
            let around: BTreeSet<Ipv6Addr> = (0..net.prefix_len())
                .filter_map(|len| ipnet::Ipv6Net::new(first, len).ok())
                .map(|shorter| shorter.network())
                .filter(|start| *start != first)
                .collect();
            if !around.is_empty() {
                sql.push(
                    &format!(
                        " UNION ALL SELECT s.key FROM subscribers AS s INDEXED BY subscribers_prefix WHERE s.tenant = ? AND s.prefix_start IN ({}) AND s.prefix_end >= ?",
                        marks(around.len())
                    ),
                    std::iter::once(Value::Integer(tenant)).chain(around.into_iter().map(blob)).chain([blob(last)]),
                );
            }
            Some((0, sql))
        }
        Matcher::User(_) => of(1, "subscribers_username", "", same()?),
        Matcher::Number(_) => of(1, "subscribers_number", "", same()?),
        Matcher::Running(true) => Some((
            2,
            Sql::new(
                "SELECT s.key FROM operations AS o INDEXED BY operations_open CROSS JOIN subscribers AS s ON s.tenant = o.tenant AND s.id = o.subscriber WHERE o.tenant = ? AND o.open = 1",
                vec![tenant.into()],
            ),
        )),
        Matcher::Error(true) => of(3, "subscribers_error", "", same()?),
        Matcher::Enforcement(v)
            if v.iter().all(|v| !matches!(v, Enforcement::None | Enforcement::Acknowledged | Enforcement::Observed)) =>
        {
            of(
                3,
                "subscribers_enforcement",
                " AND s.enforcement <> 'none' AND s.enforcement <> 'acknowledged' AND s.enforcement <> 'observed'",
                same()?,
            )
        }
        Matcher::Status(v) if !v.contains(&SubscriberStatus::Active) => of(4, "subscribers_status", " AND s.status <> 'active'", same()?),
        Matcher::Mode(v) if v.iter().all(|v| !matches!(v, AssignmentMode::Pd | AssignmentMode::DualStack)) => {
            of(4, "subscribers_mode", " AND s.mode <> 'pd' AND s.mode <> 'dual_stack'", same()?)
        }
        Matcher::Site(_) => of(5, "subscribers_site", " AND s.site IS NOT NULL", same()?),
        Matcher::Nas(_) => of(6, "subscribers_nas", "", same()?),
        Matcher::State(_) => of(6, "subscribers_state", "", same()?),
        Matcher::Text(part) | Matcher::Name(part) => {
            let query = trigrams(&fold(part))?;
            Some((7, Sql::new("SELECT rowid FROM subscribers_fts WHERE subscribers_fts MATCH ?", vec![Value::Text(query)])))
        }
        Matcher::Age { .. } => of(8, "subscribers_since", "", same()?),
        Matcher::Session(true) => Some((
            8,
            Sql::new(
                "SELECT s.key FROM sessions AS x CROSS JOIN subscribers AS s ON s.tenant = x.tenant AND s.id = x.subscriber WHERE x.tenant = ?",
                vec![tenant.into()],
            ),
        )),
        _ => None,
    }
}

/// Most trigrams that are asked for: more do not narrow it down by enough to pay.
const MAX_TRIGRAMS: usize = 12;

/// All must occur: `"ann" AND "nna"`.
fn trigrams(part: &str) -> Option<String> {
    let chars: Vec<char> = part.chars().collect();
    if part.contains(['\n', '\0']) || chars.len() < 3 {
        return None;
    }
    let distinct: BTreeSet<String> = chars.windows(3).take(MAX_TRIGRAMS).map(|w| w.iter().collect()).collect();
    Some(distinct.into_iter().map(|t| format!("\"{}\"", t.replace('"', "\"\""))).collect::<Vec<_>>().join(" AND "))
}

/// One or two characters: the trigrams that begin with them (`search` ends in line feeds, so its last characters begin one too). Dear
/// when they are common, so it is asked only after a walk has found too little.
fn short_text(part: &str) -> Option<Sql> {
    let length = part.chars().count();
    if part.contains(['\n', '\0']) || !(1..3).contains(&length) {
        return None;
    }
    let end = format!("{part}\u{10ffff}\u{10ffff}\u{10ffff}");
    Some(Sql::new(
        "SELECT rowid FROM subscribers_fts WHERE subscribers_fts MATCH (
            SELECT group_concat('\"' || replace(term, '\"', '\"\"') || '\"', ' OR ') FROM subscribers_terms WHERE term >= ? AND term < ?)",
        vec![Value::Text(part.to_owned()), Value::Text(end)],
    ))
}
