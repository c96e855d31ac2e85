//! What the observer in the database saw, and the log of ops, read for the replay.

use super::place::Place;
use serde_json::Value;
use std::collections::BTreeMap;

/// One change of one row.
#[derive(Debug, Clone)]
pub struct Entry {
    pub n: i64,
    pub xid: u64,
    pub tab: String,
    pub id: String,
    pub old: Value,
    pub new: Value,
}

/// One op of the centre's log.
#[derive(Debug, Clone)]
pub struct LoggedOp {
    pub n: i64,
    pub xid: u64,
    pub id: String,
    pub login: String,
    pub origin: String,
    pub seq: i64,
    pub verb: String,
    pub target: String,
    pub change: Value,
    pub reason: Option<String>,
    pub received_at: String,
    pub answer: Value,
}

impl LoggedOp {
    pub fn answered(&self) -> &str {
        self.answer["answer"].as_str().unwrap_or("nothing")
    }
}

#[derive(Debug, Default)]
pub struct Witness {
    /// In the order in which they were made: of one row that is the order of its locks.
    pub entries: Vec<Entry>,
    pub ops: Vec<LoggedOp>,
    /// Table and id to the row as it was before anything happened.
    pub beginning: BTreeMap<(String, String), Value>,
    /// As the rows are now.
    pub end: BTreeMap<(String, String), Value>,
}

pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Witness {
    pub fn hear(place: &Place) -> Self {
        let mut witness = Self::default();
        let all = place.json(&format!(
            "SELECT coalesce(json_agg(json_build_object('n', n, 'xid', xid::text, 'tab', tab, 'id', id, 'old', old, 'new', new) ORDER BY n), '[]')
             FROM observer.history WHERE tenant = '{}'",
            place.tenant
        ));
        for one in all.as_array().expect("a list") {
            let (n, xid) = (one["n"].as_i64().expect("a number"), text(&one["xid"]).parse().expect("a transaction"));
            let (tab, id, new) = (text(&one["tab"]), text(&one["id"]), one["new"].clone());
            if tab != "ops" {
                witness.entries.push(Entry { n, xid, tab, id, old: one["old"].clone(), new });
                continue;
            }
            assert!(one["old"].is_null(), "an op of the log was changed after it had been answered: {one}");
            witness.ops.push(LoggedOp {
                n,
                xid,
                id,
                login: text(&new["login"]),
                origin: text(&new["origin"]),
                seq: new["seq"].as_i64().expect("a place in the outbox"),
                verb: text(&new["verb"]),
                target: text(&new["target"]),
                change: new["change"].clone(),
                reason: new["reason"].as_str().map(str::to_owned),
                received_at: text(&new["received_at"]),
                answer: new["answer"].clone(),
            });
        }
        witness.beginning =
            rows(place, &format!("SELECT tab, id, row FROM observer.beginning WHERE row->>'tenant_id' = '{}'", place.tenant));
        let now: Vec<String> = ["tasks", "subscribers", "technicians", "time_entries"]
            .iter()
            .map(|tab| {
                format!("SELECT '{tab}' AS tab, id, to_jsonb(t) AS row FROM noctule.{tab} AS t WHERE tenant_id = '{}'", place.tenant)
            })
            .collect();
        witness.end = rows(place, &now.join(" UNION ALL "));
        witness
    }
}

fn rows(place: &Place, sql: &str) -> BTreeMap<(String, String), Value> {
    let all = place.json(&format!("SELECT coalesce(json_agg(x), '[]') FROM ({sql}) AS x"));
    all.as_array().expect("a list").iter().map(|one| ((text(&one["tab"]), text(&one["id"])), one["row"].clone())).collect()
}
