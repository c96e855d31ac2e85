//! What `noctule init netbox` does: says what is missing, and creates it when told to. It never changes what is there already: a field of
//! the same name may be somebody else's.

use super::check::{FieldSeen, problems};
use super::client::Netbox;
use super::config::{HOLD_FIELD, OPERATION_FIELD, SUBSCRIBER_FIELD};
use super::error::{Doing, Garbage, NetboxError};
use super::http::Call;
use noctule_domain::SafeText;
use reqwest::Method;
use serde_json::{Value, json};

/// One thing to do. Its Display is what the operator is asked to confirm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InitStep {
    CreateField(&'static str),
    CreateTag(String),
    /// Only a person can decide this.
    ByHand(SafeText),
}

impl std::fmt::Display for InitStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CreateField(OPERATION_FIELD) => {
                write!(f, "create the custom field {OPERATION_FIELD} on ipam.prefix: text, unique, filter logic exact")
            }
            Self::CreateField(HOLD_FIELD) => write!(f, "create the custom field {HOLD_FIELD} on ipam.prefix: date and time"),
            Self::CreateField(name) => write!(f, "create the custom field {name} on ipam.prefix: text, filter logic exact"),
            Self::CreateTag(slug) => write!(f, "create the tag {slug}"),
            Self::ByHand(problem) => write!(f, "by hand: {problem}; change it in NetBox, or rename it when it belongs to something else"),
        }
    }
}

impl Netbox {
    /// What is missing; empty when NetBox is ready. Only reads.
    pub async fn plan_init(&self) -> Result<Vec<InitStep>, NetboxError> {
        self.version().await?;
        let fields = self.fields().await?;
        let mut steps: Vec<InitStep> = [OPERATION_FIELD, SUBSCRIBER_FIELD, HOLD_FIELD]
            .into_iter()
            .filter(|name| !fields.iter().any(|f| f.name == *name))
            .map(InitStep::CreateField)
            .collect();
        let present: Vec<FieldSeen> = fields;
        let created = |p: &SafeText| {
            steps
                .iter()
                .any(|s| matches!(s, InitStep::CreateField(name) if p.as_str().contains(name) && p.as_str().contains("does not exist")))
        };
        let by_hand: Vec<InitStep> = problems(&present).into_iter().filter(|p| !created(p)).map(InitStep::ByHand).collect();
        if let Some(tag) = &self.config.tag
            && !self.has_tag(tag).await?
        {
            steps.push(InitStep::CreateTag(tag.clone()));
        }
        steps.extend(by_hand);
        Ok(steps)
    }

    /// Does what `plan_init` said and the operator confirmed; steps by hand are left. What is there by now is skipped, so it can be
    /// repeated after any failure.
    pub async fn apply_init(&self, steps: &[InitStep]) -> Result<(), NetboxError> {
        for step in steps {
            match step {
                InitStep::CreateField(name) => {
                    if !self.fields().await?.iter().any(|f| f.name == *name) {
                        self.create("extras/custom-fields/", field(name)).await?;
                    }
                }
                InitStep::CreateTag(slug) => {
                    if !self.has_tag(slug).await? {
                        self.create(
                            "extras/tags/",
                            json!({ "name": slug, "slug": slug, "color": "3f51b5", "description": "Managed by Noctule" }),
                        )
                        .await?;
                    }
                }
                InitStep::ByHand(_) => {}
            }
        }
        self.known().ready_at = None;
        Ok(())
    }

    async fn create(&self, path: &str, body: Value) -> Result<(), NetboxError> {
        let doing = Doing::Init;
        let reply = self.http.send(Call::new(doing, Method::POST, path, self.config.timeouts.read).body(body)).await?.ok(doing)?;
        match reply.status {
            201 => Ok(()),
            status => Err(NetboxError::Garbage { doing, status, what: Garbage::Unexpected("not a 201") }),
        }
    }

    async fn has_tag(&self, slug: &str) -> Result<bool, NetboxError> {
        let doing = Doing::Tags;
        let query = [("slug", slug.to_owned()), ("limit", "10".to_owned())];
        let reply = self.http.send(self.get(doing, "extras/tags/").query(query)).await?.ok(doing)?;
        let odd = || NetboxError::Garbage { doing, status: 200, what: Garbage::Unexpected("no results") };
        let results = reply.json.get("results").and_then(Value::as_array).ok_or_else(odd)?;
        Ok(results.iter().any(|t| t.get("slug").and_then(Value::as_str) == Some(slug)))
    }
}

fn field(name: &str) -> Value {
    let (label, kind, description) = match name {
        OPERATION_FIELD => ("Operation id", "text", "Noctule operation that allocated this prefix; makes an allocation happen only once"),
        HOLD_FIELD => ("Hold until", "datetime", "A released prefix rests until then before Noctule deletes it"),
        _ => ("Subscriber id", "text", "Subscriber that this prefix is delegated to"),
    };
    json!({
        "object_types": ["ipam.prefix"], "type": kind, "name": name, "label": label, "description": description,
        "unique": name == OPERATION_FIELD, "filter_logic": "exact",
    })
}
