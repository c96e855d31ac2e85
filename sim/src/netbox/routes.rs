//! From a request to an answer: the endpoints that a client of ours can meet, in the order in which Django REST framework checks
//! (accepted type, token, method, body). Pure: the same state and request give the same answer.

use super::answer::{Answer, Request};
use super::auth::{self, Action};
use super::config::{SimToken, Version};
use super::db::{Db, Journal};
use super::input::PrefixRule;
use super::write::Writer;
use super::{list, render};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Longest request line that gunicorn reads.
const MAX_LINE: usize = 4094;

pub fn answer(db: &mut Db, tokens: &[SimToken], request: &Request, id: Uuid) -> Answer {
    let line = request.method.len() + request.line.len() + " HTTP/1.1".len() + 1;
    if line > MAX_LINE {
        return Answer::html(
            400,
            format!(
                "<html>\n  <head>\n    <title>Bad Request</title>\n  </head>\n  <body>\n    <h1><p>Bad Request</p></h1>\n    Request Line is too large ({line} &gt; {MAX_LINE})\n  </body>\n</html>\n"
            ),
        )
        .with("Content-Type", "text/html");
    }
    let version = db.version;
    let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    if !request.path.ends_with('/') {
        return no_slash(version, request, &parts);
    }
    if !known(version, &parts) {
        return Answer::page_not_found(version);
    }
    if request.accept.as_deref().is_some_and(|a| !["application/json", "*/*", "application/*", "text/html"].iter().any(|t| a.contains(t))) {
        return Answer::detail(406, "Could not satisfy the request Accept header.").with("API-Version", version.api());
    }
    let user = match auth::authenticate(version, tokens, request.authorization.as_deref()) {
        Ok(user) => user,
        Err(answer) => return answer.with("API-Version", version.api()),
    };
    dispatch(db, user, request, id, &parts).with("API-Version", version.api()).with("X-Request-ID", id.to_string())
}

fn known(version: Version, parts: &[&str]) -> bool {
    let number = |text: &&str| text.parse::<i64>().is_ok();
    match parts {
        ["api"] | ["api", "status"] => true,
        ["api", "authentication-check"] => version == Version::V4_6,
        ["api", "ipam", "prefixes"] => true,
        ["api", "ipam", "prefixes", id] => number(id),
        ["api", "ipam", "prefixes", id, "available-prefixes"] => number(id),
        ["api", "extras", "custom-fields" | "tags"] => true,
        ["api", "extras", "custom-fields" | "tags", id] => number(id),
        ["api", "extras", "journal-entries"] => true,
        ["api", "core", "object-changes"] | ["api", "tenancy", "tenants"] => true,
        _ => false,
    }
}

/// GET is redirected; a POST is lost as 404 on 4.6 and redirected (and so turned into a GET) on 4.4.
fn no_slash(version: Version, request: &Request, parts: &[&str]) -> Answer {
    if known(version, parts) && (!request.writes() || version == Version::V4_4) {
        let query = request.line.split_once('?').map(|(_, q)| format!("?{q}")).unwrap_or_default();
        let mut moved = Answer::empty(301).with("Location", format!("{}/{query}", request.path));
        moved.headers.push(("Content-Type", "text/html; charset=utf-8".to_owned()));
        moved
    } else {
        Answer::page_not_found(version)
    }
}

fn not_allowed(request: &Request) -> Answer {
    Answer::detail(405, &format!("Method \"{}\" not allowed.", request.method))
}

fn dispatch(db: &mut Db, user: &SimToken, request: &Request, id: Uuid, parts: &[&str]) -> Answer {
    let method = if request.method == "HEAD" { "GET" } else { request.method.as_str() };
    match (method, parts) {
        ("GET", ["api"]) => Answer::json(200, json!({})),
        ("GET", ["api", "status"]) => Answer::json(200, status(db.version)),
        ("GET", ["api", "authentication-check"]) => Answer::json(200, json!({ "id": 1, "display": user.user, "username": user.user })),
        ("GET", ["api", "ipam", "prefixes"]) => view(user, || list::prefixes(db, user, request)),
        ("GET", ["api", "ipam", "prefixes", pk]) => view(user, || one(db, user, request, number(pk))),
        ("GET", ["api", "ipam", "prefixes", pk, _]) => view(user, || free(db, user, request, number(pk))),
        ("POST" | "PATCH" | "PUT" | "DELETE", ["api", "ipam", "prefixes", ..]) => write(db, user, request, id, method, parts),
        ("GET", ["api", "extras", kind]) if *kind != "journal-entries" => extras(db, user, request, kind, None),
        ("GET", ["api", "extras", kind, pk]) => extras(db, user, request, kind, Some(number(pk))),
        ("POST", ["api", "extras", "custom-fields"]) => with_body(request, |body| create_field(db, user, request, body)),
        ("POST", ["api", "extras", "tags"]) => with_body(request, |body| create_tag(db, user, request, body)),
        ("GET", ["api", "extras", "journal-entries"]) => journal_list(db, user, request),
        ("POST", ["api", "extras", "journal-entries"]) => with_body(request, |body| create_journal(db, user, request, body)),
        ("GET", ["api", "tenancy", "tenants"]) => tenants(db, user, request),
        ("GET", ["api", "core", "object-changes"]) => changes(db, user, request),
        _ => not_allowed(request),
    }
}

fn number(text: &str) -> i64 {
    text.parse().unwrap_or_default()
}

fn view(user: &SimToken, answer: impl FnOnce() -> Answer) -> Answer {
    if user.may(Action::View) { answer() } else { Answer::forbidden() }
}

fn status(version: Version) -> Value {
    let (django, apps) = match version {
        Version::V4_6 => (
            "6.0.8",
            json!({ "django_filters": "26.1", "django_prometheus": "2.4.0", "django_rq": "4.1.1", "django_tables2": "2.8.0",
                    "drf_spectacular": "0.30.0", "drf_spectacular_sidecar": "2026.8.1", "mptt": "0.18.0", "rest_framework": "3.17.1",
                    "social_django": "5.9.0", "taggit": "6.1.0", "timezone_field": "7.2.2" }),
        ),
        Version::V4_4 => (
            "5.2.9",
            json!({ "django_filters": "25.2", "django_prometheus": "2.4.1", "django_rq": "3.2.2", "django_tables2": "2.8.0",
                    "drf_spectacular": "0.29.0", "drf_spectacular_sidecar": "2026.1.1", "mptt": "0.17.0", "rest_framework": "3.16.1",
                    "social_django": "5.7.0", "taggit": "6.1.0", "timezone_field": "7.2.1" }),
        ),
    };
    json!({ "django-version": django, "hostname": "netbox-sim", "installed_apps": apps, "netbox-version": version.full(),
            "netbox-full-version": version.full(), "plugins": {}, "python-version": version.python(), "rq-workers-running": 1 })
}

/// Only what a look for one tenant needs: `id` and `slug` filter, everything else is ignored, as in NetBox.
fn tenants(db: &Db, user: &SimToken, request: &Request) -> Answer {
    if !user.sees_everything() {
        return Answer::forbidden();
    }
    let (ids, slugs): (Vec<&str>, Vec<&str>) = (request.all("id").collect(), request.all("slug").collect());
    let results: Vec<Value> = db
        .tenants
        .iter()
        .filter(|t| (ids.is_empty() || ids.contains(&t.id.to_string().as_str())) && (slugs.is_empty() || slugs.contains(&t.slug.as_str())))
        .map(|t| json!({ "id": t.id, "name": t.name, "slug": t.slug, "display": t.name }))
        .collect();
    Answer::json(200, json!({ "count": results.len(), "next": null, "previous": null, "results": results }))
}

fn one(db: &Db, user: &SimToken, request: &Request, id: i64) -> Answer {
    match db.prefixes.get(&id).filter(|p| user.covers(p)) {
        None => Answer::not_found(),
        Some(p) => {
            let answer = Answer::json(200, list::shape(db, request, p));
            if db.version == Version::V4_6 { answer.with("ETag", render::etag(p.updated)) } else { answer }
        }
    }
}

fn free(db: &Db, user: &SimToken, request: &Request, id: i64) -> Answer {
    let Some(parent) = db.prefixes.get(&id).filter(|p| user.covers(p)) else { return Answer::not_found() };
    let vrf = render::vrf(db, &request.host, parent.vrf);
    let blocks = db.space.free_blocks(parent.vrf.unwrap_or(-1), parent.net);
    Answer::json(200, blocks.iter().map(|b| json!({ "family": b.family, "prefix": b.to_string(), "vrf": vrf })).collect())
}

/// The JSON of a body, or what Django REST framework says of it.
fn body(request: &Request) -> Result<Option<Value>, Answer> {
    if request.body.is_empty() {
        return Ok(None);
    }
    if let Some(kind) = request.content_type.as_deref().filter(|t| !t.starts_with("application/json")) {
        return Err(Answer::detail(415, &format!("Unsupported media type \"{kind}\" in request.")));
    }
    serde_json::from_slice(&request.body).map(Some).map_err(|e| {
        // Python counts characters from 0, and says where it looked for a value.
        let at = request.body.len().min(e.column());
        Answer::detail(400, &format!("JSON parse error - Expecting value: line {} column {} (char {at})", e.line(), at + 1))
    })
}

fn with_body(request: &Request, then: impl FnOnce(&Map<String, Value>) -> Answer) -> Answer {
    match body(request) {
        Err(answer) => answer,
        Ok(Some(Value::Object(map))) => then(&map),
        Ok(_) => then(&Map::new()),
    }
}

fn write(db: &mut Db, user: &SimToken, request: &Request, id: Uuid, method: &str, parts: &[&str]) -> Answer {
    if !matches!((method, parts.len()), ("POST", 3 | 5) | ("PATCH" | "DELETE", 3 | 4) | ("PUT", 4)) {
        return not_allowed(request);
    }
    // The permission for the method comes before the body is read.
    let action = match method {
        "POST" => Action::Add,
        "DELETE" => Action::Delete,
        _ => Action::Change,
    };
    if !user.may(action) {
        return Answer::forbidden();
    }
    let body = match body(request) {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let given = body.clone().unwrap_or_else(|| json!({}));
    let mut writer = Writer { db, user, request, id };
    match (method, parts) {
        ("POST", [_, _, _]) => writer.create(&given),
        ("POST", [_, _, _, pk, _]) => writer.allocate(number(pk), &given),
        ("PATCH", [_, _, _]) => writer.change_many(&given),
        ("PATCH", [_, _, _, pk]) => writer.change(number(pk), &given, PrefixRule::Optional),
        ("PUT", [_, _, _, pk]) => writer.change(number(pk), &given, PrefixRule::Required),
        ("DELETE", [_, _, _]) => writer.delete_many(body.as_ref()),
        ("DELETE", [_, _, _, pk]) => writer.delete(number(pk), body.as_ref()),
        _ => not_allowed(request),
    }
}

/// A page of small lists; these never need a cursor.
fn page(request: &Request, all: Vec<Value>) -> Answer {
    let get = |name: &str| request.one(name).and_then(|v| v.parse::<usize>().ok());
    let limit = get("limit").filter(|l| *l > 0).unwrap_or(50).min(list::MAX_PAGE);
    let offset = get("offset").unwrap_or(0);
    let count = all.len();
    let next =
        (offset + limit < count).then(|| list::url(request, &[("limit", Some(limit as i64)), ("offset", Some((offset + limit) as i64))]));
    let results: Vec<Value> = all.into_iter().skip(offset).take(limit).collect();
    Answer::json(200, json!({ "count": count, "next": next, "previous": null, "results": results }))
}

fn extras(db: &Db, user: &SimToken, request: &Request, kind: &str, id: Option<i64>) -> Answer {
    if !user.sees_fields() {
        return Answer::forbidden();
    }
    if kind == "tags" {
        let slugs: Vec<&str> = request.all("slug").collect();
        let mut tags: Vec<_> = db.tags.iter().filter(|t| slugs.is_empty() || slugs.contains(&t.slug.as_str())).collect();
        tags.sort_by(|a, b| a.name.cmp(&b.name));
        return match id {
            None => page(request, tags.into_iter().map(|t| render::tag(db, &request.host, t)).collect()),
            Some(id) => match db.tags.iter().find(|t| t.id == id) {
                Some(tag) => Answer::json(200, render::tag(db, &request.host, tag)),
                None => Answer::detail(404, "No Tag matches the given query."),
            },
        };
    }
    let wanted: Vec<&str> = request.all("object_type").collect();
    let names: Vec<&str> = request.all("name").collect();
    let mut fields: Vec<_> = db
        .fields
        .iter()
        .filter(|f| id.is_none_or(|id| f.id == id))
        .filter(|f| wanted.is_empty() || f.object_types.iter().any(|t| wanted.contains(&t.as_str())))
        .filter(|f| names.is_empty() || names.contains(&f.name.as_str()))
        .collect();
    fields.sort_by(|a, b| a.name.cmp(&b.name));
    match (id, fields.first()) {
        (Some(_), None) => Answer::detail(404, "No CustomField matches the given query."),
        (Some(_), Some(field)) => Answer::json(200, render::field(db, &request.host, field)),
        (None, _) => page(request, fields.into_iter().map(|f| render::field(db, &request.host, f)).collect()),
    }
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str)
}

fn located(db: &Db, answer: Answer, request: &Request, id: i64, at: chrono::DateTime<chrono::Utc>) -> Answer {
    let answer = answer.with("Location", format!("http://{}{}{id}/", request.host, request.path));
    if db.version == Version::V4_6 { answer.with("ETag", render::etag(at)) } else { answer }
}

fn create_field(db: &mut Db, user: &SimToken, request: &Request, body: &Map<String, Value>) -> Answer {
    if !user.sees_everything() || !user.may(Action::Add) {
        return Answer::forbidden();
    }
    let mut errors = Map::new();
    for required in ["object_types", "type", "name"] {
        if !body.contains_key(required) {
            errors.insert(required.to_owned(), json!(["This field is required."]));
        }
    }
    let name = text(body, "name").unwrap_or_default();
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        errors.insert("name".to_owned(), json!(["Only alphanumeric characters and underscores are allowed."]));
    } else if db.fields.iter().any(|f| f.name == name) {
        errors.insert("name".to_owned(), json!(["custom field with this name already exists."]));
    }
    let kind = text(body, "type").unwrap_or("text");
    if !["text", "longtext", "integer", "decimal", "boolean", "date", "datetime", "url", "json"].contains(&kind) {
        errors.insert("type".to_owned(), json!([format!("{kind} is not a valid choice.")]));
    }
    if !errors.is_empty() {
        return Answer::json(400, errors.into());
    }
    let types: Vec<&str> = body.get("object_types").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let unique = body.get("unique").and_then(Value::as_bool).unwrap_or(false);
    let label = text(body, "label").unwrap_or_default();
    let logic = text(body, "filter_logic").unwrap_or("loose");
    let field = db.add_field(name, label, kind, &types, unique, logic, text(body, "description").unwrap_or_default());
    located(db, Answer::json(201, render::field(db, &request.host, &field)), request, field.id, field.created)
}

fn create_tag(db: &mut Db, user: &SimToken, request: &Request, body: &Map<String, Value>) -> Answer {
    if !user.sees_everything() || !user.may(Action::Add) {
        return Answer::forbidden();
    }
    let (name, slug) = (text(body, "name").unwrap_or_default(), text(body, "slug").unwrap_or_default());
    let mut errors = Map::new();
    for (field, value, taken) in
        [("name", name, db.tags.iter().any(|t| t.name == name)), ("slug", slug, db.tags.iter().any(|t| t.slug == slug))]
    {
        if value.is_empty() {
            errors.insert(field.to_owned(), json!(["This field is required."]));
        } else if taken {
            errors.insert(field.to_owned(), json!([format!("tag with this {field} already exists.")]));
        }
    }
    if !errors.is_empty() {
        return Answer::json(400, errors.into());
    }
    let color = text(body, "color").unwrap_or("9e9e9e");
    let tag = db.add_tag(name, slug, color, text(body, "description").unwrap_or_default());
    located(db, Answer::json(201, render::tag(db, &request.host, &tag)), request, tag.id, tag.created)
}

fn create_journal(db: &mut Db, user: &SimToken, request: &Request, body: &Map<String, Value>) -> Answer {
    if !user.sees_everything() || !user.may(Action::Add) {
        return Answer::forbidden();
    }
    let kind = text(body, "kind").unwrap_or("info");
    if !["info", "success", "warning", "danger"].contains(&kind) {
        return Answer::bad("kind", &format!("{kind} is not a valid choice."));
    }
    let prefix = body.get("assigned_object_id").and_then(Value::as_i64).unwrap_or_default();
    if !db.prefixes.contains_key(&prefix) {
        return Answer::bad("non_field_errors", &format!("Invalid assigned_object: IPAM > Prefix ID {prefix}"));
    }
    let created = db.now();
    let comments = text(body, "comments").unwrap_or_default().to_owned();
    let entry = Journal { id: db.journal.len() as i64 + 1, prefix, kind: kind.to_owned(), comments, created };
    db.journal.push(entry.clone());
    located(db, Answer::json(201, render::journal(db, &request.host, &entry)), request, entry.id, created)
}

fn journal_list(db: &Db, user: &SimToken, request: &Request) -> Answer {
    if !user.sees_everything() {
        return Answer::forbidden();
    }
    let wanted = request.one("assigned_object_id").and_then(|v| v.parse::<i64>().ok());
    let entries = db.journal.iter().filter(|j| wanted.is_none_or(|w| j.prefix == w));
    page(request, entries.map(|j| render::journal(db, &request.host, j)).collect())
}

fn changes(db: &Db, user: &SimToken, request: &Request) -> Answer {
    if !user.sees_everything() {
        return Answer::forbidden();
    }
    let object = request.one("changed_object_id").and_then(|v| v.parse::<i64>().ok());
    let by = request.one("request_id").and_then(|v| v.parse::<Uuid>().ok());
    let action = request.one("action");
    let mut found: Vec<_> = db
        .changes
        .iter()
        .filter(|c| object.is_none_or(|o| c.object == o) && by.is_none_or(|b| c.request == b) && action.is_none_or(|a| c.action == a))
        .collect();
    if request.one("ordering") != Some("id") {
        found.reverse();
    }
    page(request, found.into_iter().map(|c| render::change(db, &request.host, c)).collect())
}
