//! Recordings, the player that sends them, and the comparison.

use noctule_sim::netbox::{NetboxConfig, NetboxSim, Rights, SeedVrf, SimToken, Version};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::PathBuf;

const V1: &str = "0123456789abcdef0123456789abcdef01234567";
const KEY: &str = "AAAABBBBCCCC";
const SECRET: &str = "wwwwwwwwwwxxxxxxxxxxyyyyyyyyyyzzzzzzzzzz";

fn folder(version: Version) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/netbox").join(format!("v{}", version.full()))
}

/// Names of the recordings of a version.
pub fn recordings(version: Version) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder(version))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

pub fn recording(version: Version, name: &str) -> Option<Value> {
    let text = std::fs::read_to_string(folder(version).join(format!("{name}.json"))).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

fn limited() -> Rights {
    Rights::Prefixes {
        view: true,
        add: true,
        change: true,
        delete: false,
        within: Some("2001:db8:100::/40".to_owned()),
        statuses: vec!["container".to_owned(), "reserved".to_owned(), "active".to_owned()],
        view_fields: false,
    }
}

pub struct Player {
    pub sim: NetboxSim,
    version: Version,
    http: Client,
    /// Recorded ETag or request id -> the simulator's.
    twins: HashMap<String, String>,
    wrong: Vec<String>,
    played: usize,
}

/// What the tokens of the recordings were, and the objects that were made by hand.
pub fn setup(version: Version) -> NetboxConfig {
    let v2 = |key: &str| SimToken::v2(key, SECRET);
    NetboxConfig {
        version,
        fields: false,
        tags: Vec::new(),
        tokens: vec![
            SimToken::v1(V1),
            v2(KEY),
            v2("READONLYREAD").read_only(),
            SimToken { enabled: false, ..v2("DISABLEDDDDD") },
            SimToken { expired: true, ..v2("EXPIREDEXPIR") },
            v2("LIMITEDLIMIT").with_rights("allocator", limited()),
            SimToken::v1("fedcba9876543210fedcba9876543210fedcba98").with_rights("allocator", limited()),
        ],
        vrfs: vec![
            SeedVrf { name: "cust-a".into(), rd: "65000:1".into(), enforce_unique: true },
            SeedVrf { name: "cust-b".into(), rd: "65000:2".into(), enforce_unique: false },
        ],
        tenants: vec![("Subscriber 1001".into(), "sub-1001".into())],
        roles: vec![("Customer delegation".into(), "customer-delegation".into())],
        ..NetboxConfig::default()
    }
}

impl Player {
    pub async fn start(version: Version) -> Self {
        Self::with(setup(version)).await
    }

    pub async fn with(config: NetboxConfig) -> Self {
        let version = config.version;
        rustls::crypto::ring::default_provider().install_default().ok();
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        Self { sim: NetboxSim::start(config).await.unwrap(), version, http, twins: HashMap::new(), wrong: Vec::new(), played: 0 }
    }

    /// The token that the recording must have used: secrets were not recorded, but the names tell.
    fn token(&self, name: &str, scheme: &str) -> String {
        let second = |key: &str| format!("{scheme} nbt_{key}.{SECRET}");
        match name {
            "02-auth-bearer-with-v1-token" => format!("Bearer {V1}"),
            "02-auth-readonly-get" | "02-auth-readonly-post" => second("READONLYREAD"),
            "02-auth-unknown-scheme" => format!("Digest {V1}"),
            "02-auth-v1-bad-token" => format!("{scheme} 9999999999999999999999999999999999999999"),
            "02-auth-v1-good-token" => format!("{scheme} {V1}"),
            "02-auth-v1-malformed" => format!("{scheme} {V1} extra"),
            "02-auth-v2-bad-secret" => format!("{scheme} nbt_{KEY}.{}", SECRET.to_uppercase()),
            "02-auth-v2-disabled" => second("DISABLEDDDDD"),
            "02-auth-v2-expired" => second("EXPIREDEXPIR"),
            "02-auth-v2-no-dot" => format!("{scheme} nbt_{KEY}"),
            "02-auth-v2-unknown-key" | "03-authentication-check-bad" => second("ZZZZZZZZZZZZ"),
            _ if name.starts_with("25-lp-") && scheme == "Token" => "Token fedcba9876543210fedcba9876543210fedcba98".to_owned(),
            _ if name.starts_with("25-lp-") => second("LIMITEDLIMIT"),
            _ if scheme == "Token" => format!("Token {V1}"),
            _ => second(KEY),
        }
    }

    pub async fn play(&mut self, name: &str) {
        // Not every call was recorded on both versions.
        let Some(recorded) = recording(self.version, name) else { return };
        let (request, response) = (&recorded["request"], &recorded["response"]);
        let method: Method = request["method"].as_str().unwrap().parse().unwrap();
        let mut query = request["query"].as_str().unwrap_or_default().to_owned();
        for (recorded, ours) in &self.twins {
            query = query.replace(recorded, ours);
        }
        let mut url = format!("{}{}", self.sim.url(), request["path"].as_str().unwrap());
        if !query.is_empty() {
            url = format!("{url}?{query}");
        }
        let mut ask = self.http.request(method.clone(), url);
        for (header, value) in request["headers"].as_object().unwrap() {
            let value = value.as_str().unwrap();
            ask = ask.header(header, self.twins.get(value).map_or(value, String::as_str));
        }
        if let Some(scheme) = request["authorization"].as_str().and_then(|a| a.split_whitespace().next()) {
            ask = ask.header("Authorization", self.token(name, scheme));
        }
        ask = match &request["body"] {
            Value::Null => ask,
            Value::String(raw) => ask.body(raw.clone()),
            json => ask.body(json.to_string()),
        };
        let answer = ask.send().await.unwrap();
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let text = answer.text().await.unwrap();

        self.played += 1;
        let mut differ = |what: &str, theirs: String, ours: String| {
            if theirs != ours {
                self.wrong.push(format!("{name}: {what}\n  recorded  {theirs}\n  simulated {ours}"));
            }
        };
        let recorded_header = |name: &str| response["headers"][name].as_str().map(str::to_owned);
        differ("status", response["status"].to_string(), status.to_string());
        differ("content type", format!("{:?}", recorded_header("Content-Type")), format!("{:?}", header("content-type")));
        differ("API-Version", format!("{:?}", recorded_header("API-Version")), format!("{:?}", header("api-version")));
        differ("has an ETag", recorded_header("ETag").is_some().to_string(), header("etag").is_some().to_string());
        differ("Location", format!("{:?}", recorded_header("Location")), format!("{:?}", header("location")));
        let theirs = &response["body"];
        if response["body_is_json"] == json!(true) && !theirs.is_null() && method != Method::HEAD {
            let ours: Value = serde_json::from_str(&text).unwrap_or_else(|_| json!({ "not JSON": text }));
            differ("body", plain(theirs), plain(&ours));
        } else if let Some(page) = theirs.as_str().filter(|_| !crate::script::PAGES.contains(&name)) {
            differ("page", page.to_owned(), text);
        }
        for pair in ["ETag", "X-Request-ID"] {
            if let (Some(theirs), Some(ours)) = (recorded_header(pair), header(pair)) {
                self.twins.insert(theirs, ours);
            }
        }
    }

    pub async fn unrecorded(&mut self, method: &str, path: &str, body: &str) {
        let path = match (path.split_once('{'), path.split_once('}')) {
            (Some((before, _)), Some((ids, after))) => {
                let (later, earlier) = ids.rsplit_once('{').unwrap().1.split_once('|').unwrap();
                format!("{before}{}{after}", if self.version == Version::V4_6 { later } else { earlier })
            }
            _ => path.to_owned(),
        };
        let url = format!("{}/api/{path}", self.sim.url());
        let ask = self.http.request(method.parse().unwrap(), url).header("Authorization", format!("Token {V1}"));
        let answer = ask.header("Content-Type", "application/json").body(body.to_owned()).send().await.unwrap();
        assert!(answer.status().is_success(), "{method} {path}: {}", answer.text().await.unwrap());
    }

    pub fn verdict(self) {
        assert!(self.wrong.is_empty(), "{} of {} answers differ:\n{}", self.wrong.len(), self.played, self.wrong.join("\n"));
        assert!(self.played > 10);
    }
}

/// The body without what changes from run to run, as text with sorted keys, long lists kept whole.
fn plain(body: &Value) -> String {
    serde_json::to_string(&without_moments(body, "")).unwrap()
}

fn without_moments(value: &Value, key: &str) -> Value {
    match value {
        Value::Object(map) => {
            let changes = map.contains_key("changed_object_type");
            let journal = map.contains_key("assigned_object_type");
            let data = key == "prechange_data" || key == "postchange_data";
            map.iter()
                .filter(|(k, _)| !matches!(k.as_str(), "created" | "last_updated" | "hostname"))
                // Change records are numbered over all kinds of objects; journal entries show the minute.
                .filter(|(k, _)| !(changes && matches!(k.as_str(), "id" | "url" | "display_url" | "time" | "request_id")))
                .filter(|(k, _)| !(journal && k.as_str() == "display"))
                .map(|(k, v)| {
                    let mut inner = without_moments(v, k);
                    // Which empty custom fields a change record lists depends on when each field was made.
                    if let (true, "custom_fields", Some(fields)) = (data, k.as_str(), inner.as_object_mut()) {
                        fields.retain(|_, v| !v.is_null());
                    }
                    (k.clone(), inner)
                })
                .collect()
        }
        Value::Array(list) => list.iter().map(|v| without_moments(v, key)).collect(),
        other => other.clone(),
    }
}
