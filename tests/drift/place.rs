//! A made-up provider that runs, and hands that reach into its NetBox as other people's do.

use noctule::cli::{DemoArgs, GlobalArgs};
use noctule::compose::{Demo, Pace};
use noctule_domain::aaa::Login;
use noctule_domain::audit::AuditEntry;
use noctule_domain::drift::{DriftKind, Finding, Report};
use noctule_domain::filter::Filter;
use noctule_domain::lifecycle::{AssignmentMode, Ipv6State};
use noctule_domain::subscriber::{Ipv6Record, Subscriber, Username};
use noctule_sim::netbox::DEFAULT_TOKEN;
use noctule_storage::NewSubscriber;
use serde_json::{Value, json};
use std::ops::ControlFlow;

pub struct Place {
    pub demo: Demo,
    _folder: tempfile::TempDir,
    http: reqwest::Client,
}

/// What the made-up world has on purpose: work that was forgotten.
pub const FORGOTTEN: [DriftKind; 3] = [DriftKind::AllocatedTooLong, DriftKind::RevokingTooLong, DriftKind::RevokedTooLong];

impl Place {
    pub async fn new(subscribers: u32) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let args = DemoArgs { subscribers, seed: 7, ..DemoArgs::default() };
        let demo = Demo::start(&args, &GlobalArgs::default(), folder.path()).await.expect("the demo starts");
        Self { demo, _folder: folder, http: reqwest::Client::builder().no_proxy().build().expect("client") }
    }

    /// A check; what it found beside the forgotten work.
    pub async fn check(&self) -> Vec<Finding> {
        self.report().await.findings.into_iter().filter(|f| !FORGOTTEN.contains(&f.kind)).collect()
    }

    pub async fn report(&self) -> Report {
        let services = &self.demo.services;
        services.drift.check(services, Vec::new(), Pace::Quick).await.expect("a check")
    }

    /// Exactly this one.
    pub async fn finds(&self, kind: DriftKind) -> Finding {
        let found = self.check().await;
        let words: Vec<String> = found.iter().map(|f| format!("{}: {} / {}", f.key(), f.ours, f.theirs)).collect();
        assert!(found.len() == 1 && found[0].kind == kind, "{kind} was to be found, and nothing else: {words:#?}");
        found.into_iter().next().expect("one")
    }

    /// Subscribers of this state that hold a prefix, by number.
    pub async fn those(&self, state: Ipv6State) -> Vec<Subscriber> {
        let filter = Filter::states(&[state]);
        let mut out = Vec::new();
        let each = |s: Subscriber| {
            if s.ipv6.netbox_prefix_id.is_some() && s.running.is_none() {
                out.push(s);
            }
            ControlFlow::Continue(())
        };
        self.demo.services.store.for_each_subscriber(filter, each).await.expect("subscribers");
        out
    }

    pub async fn one(&self, state: Ipv6State) -> Subscriber {
        self.those(state).await.into_iter().next().expect("one of that state")
    }

    /// An active subscriber as an import brings it: no object of NetBox is named. Its login is as it should be.
    pub async fn import(&self, number: &str, prefix: &str) {
        let username = Username::new(&format!("{number}@isp.example")).expect("a name");
        let prefix = prefix.parse().expect("a prefix");
        let since = chrono::Utc::now() - chrono::Duration::days(30);
        let record = Ipv6Record { state: Ipv6State::Active, prefix: Some(prefix), ..Ipv6Record::pending(AssignmentMode::Pd, since) };
        let mut importer = self.demo.services.store.importer().await.expect("importer");
        let row = NewSubscriber::new(number.into(), username.clone(), "Imported".into(), record);
        assert!(importer.push_subscribers(vec![row]).await.expect("pushed").is_empty());
        let entry = AuditEntry {
            tenant: self.demo.services.store.tenant(),
            at: since,
            actor: "tests".into(),
            origin: "tests".into(),
            action: "import-subscribers".to_owned(),
            target: number.into(),
            operation: None,
            reason: None,
            before: Value::Null,
            after: Value::Null,
            answers: Value::Null,
        };
        importer.commit(entry).await.expect("stored");
        self.demo.aaa.seed([(username, Login::Normal { delegated: Some(prefix), framed: None })]);
    }

    async fn ask(&self, method: reqwest::Method, path: &str, body: Value) -> Value {
        let url = format!("{}/api/ipam/prefixes/{path}", self.demo.netbox.url());
        let request = self.http.request(method, url).header("Authorization", format!("Token {DEFAULT_TOKEN}"));
        let answer = request.json(&body).send().await.expect("NetBox answers");
        assert!(answer.status().is_success(), "{}: {:?}", answer.status(), answer.text().await);
        answer.json().await.unwrap_or(Value::Null)
    }

    /// As somebody in the web pages of NetBox.
    pub async fn patch(&self, id: i64, body: Value) {
        self.ask(reqwest::Method::PATCH, &format!("{id}/"), body).await;
    }

    pub async fn delete(&self, id: i64) {
        self.ask(reqwest::Method::DELETE, &format!("{id}/"), json!({})).await;
    }

    pub async fn post(&self, body: Value) -> i64 {
        self.ask(reqwest::Method::POST, "", body).await["id"].as_i64().expect("an id")
    }
}
