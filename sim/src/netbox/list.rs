//! GET of prefix lists: filters, order, pages. Filters that NetBox does not know are ignored and everything comes back, exactly as there.

use super::answer::{Answer, Request};
use super::config::{SimToken, Version};
use super::db::{CustomField, Db, Prefix, STATUSES};
use super::net::{BadNet, Net};
use super::render::{self, Place};
use serde_json::{Value, json};

pub const MAX_PAGE: usize = 1000;

/// The last number wins and nonsense is ignored, as in NetBox.
fn number(request: &Request, name: &str) -> Option<i64> {
    request.one(name).and_then(|v| v.parse().ok())
}

/// The network of a filter; `None` when it is no network at all (then nothing matches).
fn net(text: &str) -> Option<Net> {
    match Net::parse(text) {
        Ok(net) | Err(BadNet::HostBits(net)) => Some(net),
        Err(BadNet::Garbage) => None,
    }
}

pub fn prefixes(db: &Db, user: &SimToken, request: &Request) -> Answer {
    if let Some(answer) = bad_choice(db, request) {
        return answer;
    }
    let cursor = if db.version == Version::V4_6 { number(request, "start") } else { None };
    if cursor.is_some() {
        if request.one("offset").is_some() {
            return Answer::json(400, json!(["'start' and 'offset' are mutually exclusive."]));
        }
        if request.one("ordering").is_some() {
            return Answer::json(400, json!(["Ordering cannot be specified in conjunction with cursor-based pagination."]));
        }
    }
    let limit = match number(request, "limit") {
        Some(0) => MAX_PAGE,
        Some(n) if n > 0 => usize::try_from(n).unwrap_or(MAX_PAGE).min(MAX_PAGE),
        _ => 50,
    };
    let filters = Filters::read(db, request);
    let keep = |p: &&Prefix| user.covers(p) && filters.keep(p);
    if let Some(start) = cursor {
        // A page in the order of ids: from the table itself, unless a few ids are all that can match.
        let mut page: Vec<&Prefix> = match filters.narrow(db, false) {
            Some(mut ids) => {
                ids.sort_unstable();
                ids.iter().filter(|id| **id >= start).filter_map(|id| db.prefixes.get(id)).filter(keep).take(limit + 1).collect()
            }
            None => db.prefixes.range(start..).map(|(_, p)| p).filter(keep).take(limit + 1).collect(),
        };
        let more = page.len() > limit;
        page.truncate(limit);
        let next = page.last().filter(|_| more).map(|p| url(request, &[("limit", Some(limit as i64)), ("start", Some(p.id + 1))]));
        let results: Vec<Value> = page.into_iter().map(|p| shape(db, request, p)).collect();
        return Answer::json(200, json!({ "count": null, "next": next, "previous": null, "results": results }));
    }
    let offset = number(request, "offset").and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let ids = filters.narrow(db, true);
    let ordering = request.one("ordering").filter(|o| matches!(o.trim_start_matches('-'), "id" | "last_updated" | "prefix"));
    let (count, page): (usize, Vec<&Prefix>) = match (ids, ordering) {
        (None, None) => {
            let all = || db.space.iter().filter_map(|k| db.prefixes.get(&k.id)).filter(keep);
            let count = if filters.is_empty() && user.sees_everything() { db.prefixes.len() } else { all().count() };
            (count, all().skip(offset).take(limit).collect())
        }
        (ids, ordering) => {
            let mut found: Vec<&Prefix> = match ids {
                Some(ids) => ids.iter().filter_map(|id| db.prefixes.get(id)).filter(keep).collect(),
                None => db.prefixes.values().filter(keep).collect(),
            };
            match ordering.map(|o| o.trim_start_matches('-')) {
                Some("id") => found.sort_by_key(|p| p.id),
                Some("last_updated") => found.sort_by_key(|p| p.updated),
                _ => found.sort_by_key(|p| p.key()),
            }
            if ordering.is_some_and(|o| o.starts_with('-')) {
                found.reverse();
            }
            (found.len(), found.into_iter().skip(offset).take(limit).collect())
        }
    };
    let next = (offset + limit < count).then(|| url(request, &[("limit", Some(limit as i64)), ("offset", Some((offset + limit) as i64))]));
    let previous = (offset > 0).then(|| {
        let back = offset.saturating_sub(limit);
        url(request, &[("limit", Some(limit as i64)), ("offset", (offset > limit).then_some(back as i64))])
    });
    let results: Vec<Value> = page.into_iter().map(|p| shape(db, request, p)).collect();
    Answer::json(200, json!({ "count": count, "next": next, "previous": previous, "results": results }))
}

/// One object trimmed by `brief`, `fields` and `omit`.
pub fn shape(db: &Db, request: &Request, p: &Prefix) -> Value {
    if request.one("brief").is_some_and(|b| matches!(b, "1" | "true" | "True")) {
        return render::prefix_brief(db, &request.host, p);
    }
    let fields: Option<Vec<&str>> = request.one("fields").filter(|f| !f.is_empty()).map(|f| f.split(',').collect());
    // Counting children and depth is most of the work: only for those who ask for it.
    let counted = fields.as_ref().is_none_or(|f| f.contains(&"children") || f.contains(&"_depth"));
    let mut full = render::prefix(db, &request.host, p, if counted { Place::Counted } else { Place::Stale });
    if let Some(map) = full.as_object_mut() {
        if let Some(wanted) = fields {
            map.retain(|name, _| wanted.contains(&name.as_str()));
        } else if let Some(omit) = request.one("omit").filter(|_| db.version == Version::V4_6) {
            let unwanted: Vec<&str> = omit.split(',').collect();
            map.retain(|name, _| !unwanted.contains(&name.as_str()));
        }
    }
    full
}

/// The request's own URL with some parameters set or taken out, sorted by name as Django REST framework does.
pub fn url(request: &Request, set: &[(&str, Option<i64>)]) -> String {
    let mut query: Vec<(String, String)> = request.query.iter().filter(|(k, _)| !set.iter().any(|(name, _)| name == k)).cloned().collect();
    query.extend(set.iter().filter_map(|(k, v)| v.map(|v| ((*k).to_owned(), v.to_string()))));
    query.sort();
    let text: Vec<String> = query.iter().map(|(k, v)| format!("{}={}", quote(k), quote(v))).collect();
    format!("http://{}{}?{}", request.host, request.path, text.join("&"))
}

fn quote(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(b).to_string(),
            b' ' => "+".to_owned(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// Choice filters refuse what they do not know; the others do not.
fn bad_choice(db: &Db, request: &Request) -> Option<Answer> {
    type Known<'a> = &'a dyn Fn(&str) -> bool;
    let checks: [(&str, Known<'_>); 4] = [
        ("status", &|v| STATUSES.contains(&v)),
        ("tag", &|v| db.tags.iter().any(|t| t.slug == v)),
        ("tenant", &|v| db.tenants.iter().any(|t| t.slug == v)),
        ("role", &|v| db.roles.iter().any(|t| t.slug == v)),
    ];
    checks.iter().find_map(|(name, known)| {
        let bad = request.all(name).find(|v| !v.is_empty() && !known(v))?;
        Some(Answer::bad(name, &format!("Select a valid choice. {bad} is not one of the available choices.")))
    })
}

enum Filter {
    Ids(Vec<i64>),
    IdFrom(i64),
    Exactly(Vec<Net>),
    Within(Net),
    WithinInclude(Net),
    Contains(Net),
    Vrf(Vec<Option<i64>>),
    Status(Vec<String>),
    Tag(Vec<i64>),
    Tenant(Vec<i64>),
    Role(Vec<i64>),
    MaskLength(Vec<u8>),
    Description(String),
    Free(String),
    UpdatedFrom(chrono::DateTime<chrono::Utc>),
    CreatedBy(uuid::Uuid),
    FieldIs(String, Vec<String>),
    FieldHas(String, String),
    FieldStarts(String, String),
    FieldEmpty(String, bool),
    Nothing,
}

struct Filters(Vec<Filter>);

impl Filters {
    fn read(db: &Db, request: &Request) -> Self {
        let mut out = Vec::new();
        if db.unfiltered {
            return Self(out);
        }
        let mut names: Vec<&str> = request.query.iter().map(|(k, _)| k.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let values: Vec<&str> = request.all(name).filter(|v| !v.is_empty()).collect();
            let Some(last) = values.last().copied() else { continue };
            let one_net = |make: fn(Net) -> Filter| net(last).map_or(Filter::Nothing, make);
            let slugs = |objects: &[super::db::Named]| objects.iter().filter(|o| values.contains(&o.slug.as_str())).map(|o| o.id).collect();
            out.push(match name {
                "id" => Filter::Ids(values.iter().filter_map(|v| v.parse().ok()).collect()),
                "id__gte" => last.parse().map_or(Filter::Nothing, Filter::IdFrom),
                "prefix" => Filter::Exactly(values.iter().filter_map(|v| net(v)).collect()),
                "within" => one_net(Filter::Within),
                "within_include" => one_net(Filter::WithinInclude),
                "contains" => one_net(Filter::Contains),
                "vrf_id" => Filter::Vrf(values.iter().map(|v| v.parse().ok()).collect()),
                "status" => Filter::Status(values.iter().map(|v| (*v).to_owned()).collect()),
                "tag" => Filter::Tag(slugs(&db.tags)),
                "tenant" => Filter::Tenant(slugs(&db.tenants)),
                "role" => Filter::Role(slugs(&db.roles)),
                "mask_length" => Filter::MaskLength(values.iter().filter_map(|v| v.parse().ok()).collect()),
                "description__ic" => Filter::Description(last.to_lowercase()),
                "q" => Filter::Free(last.to_owned()),
                "last_updated__gte" => {
                    chrono::DateTime::parse_from_rfc3339(last).map_or(Filter::Nothing, |t| Filter::UpdatedFrom(t.into()))
                }
                "created_by_request" => last.parse().map_or(Filter::Nothing, Filter::CreatedBy),
                other => match other.strip_prefix("cf_").and_then(|cf| Self::field(db, cf, &values)) {
                    Some(filter) => filter,
                    None => continue,
                },
            });
        }
        Self(out)
    }

    fn field(db: &Db, name: &str, values: &[&str]) -> Option<Filter> {
        let last = (*values.last()?).to_owned();
        let known = |name: &str| -> Option<CustomField> { db.field(name).cloned() };
        match name.rsplit_once("__") {
            Some((field, "isw")) => known(field).map(|f| Filter::FieldStarts(f.name, last)),
            Some((field, "ic")) => known(field).map(|f| Filter::FieldHas(f.name, last.to_lowercase())),
            Some((field, "empty")) => known(field).map(|f| Filter::FieldEmpty(f.name, last == "true")),
            _ => known(name).map(|f| {
                if f.filter_logic == "exact" {
                    Filter::FieldIs(f.name, values.iter().map(|v| (*v).to_owned()).collect())
                } else {
                    Filter::FieldHas(f.name, last.to_lowercase())
                }
            }),
        }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Candidates from an index, so that a look-up among millions stays quick; with `ranges` also those of address ranges, which may be
    /// many. `None` is everything.
    fn narrow(&self, db: &Db, ranges: bool) -> Option<Vec<i64>> {
        let vrfs = || -> Vec<i64> {
            match self.0.iter().find_map(|f| if let Filter::Vrf(v) = f { Some(v) } else { None }) {
                Some(wanted) => wanted.iter().map(|v| v.unwrap_or(-1)).collect(),
                None => std::iter::once(-1).chain(db.vrfs.iter().map(|v| v.id)).collect(),
            }
        };
        if self.0.iter().any(|f| matches!(f, Filter::Nothing)) {
            return Some(Vec::new());
        }
        self.0.iter().find_map(|filter| match filter {
            Filter::Ids(ids) => Some(ids.clone()),
            Filter::FieldIs(name, values) => Some(values.iter().flat_map(|v| db.holding(name, v).iter().copied()).collect()),
            Filter::Exactly(nets) => Some(
                nets.iter()
                    .flat_map(|n| vrfs().into_iter().flat_map(|v| db.space.exactly(v, *n).map(|k| k.id).collect::<Vec<_>>()))
                    .collect(),
            ),
            Filter::Within(n) | Filter::WithinInclude(n) if ranges => {
                Some(vrfs().into_iter().flat_map(|v| db.space.inside(v, *n).map(|k| k.id).collect::<Vec<_>>()).collect())
            }
            Filter::Contains(n) => {
                Some(vrfs().into_iter().flat_map(|v| db.space.around(v, *n).map(|k| k.id).collect::<Vec<_>>()).collect())
            }
            _ => None,
        })
    }

    fn keep(&self, p: &Prefix) -> bool {
        self.0.iter().all(|filter| match filter {
            Filter::Nothing => false,
            Filter::Ids(ids) => ids.contains(&p.id),
            Filter::IdFrom(id) => p.id >= *id,
            Filter::Exactly(nets) => nets.contains(&p.net),
            Filter::Within(n) => n.covers(p.net) && p.net.len > n.len,
            Filter::WithinInclude(n) => n.covers(p.net),
            Filter::Contains(n) => p.net.covers(*n),
            Filter::Vrf(wanted) => wanted.contains(&p.vrf),
            Filter::Status(words) => words.iter().any(|w| w == p.status),
            Filter::Tag(ids) => p.tags.iter().any(|t| ids.contains(t)),
            Filter::Tenant(ids) => p.tenant.is_some_and(|t| ids.contains(&t)),
            Filter::Role(ids) => p.role.is_some_and(|r| ids.contains(&r)),
            Filter::MaskLength(lens) => lens.contains(&p.net.len),
            Filter::Description(text) => p.description.to_lowercase().contains(text),
            Filter::Free(text) => {
                p.description.to_lowercase().contains(&text.to_lowercase())
                    || p.net.to_string().contains(text.as_str())
                    || net(text).is_some_and(|n| p.net.covers(n))
            }
            Filter::UpdatedFrom(at) => p.updated >= *at,
            Filter::CreatedBy(id) => p.created_by == *id,
            Filter::FieldIs(name, values) => p.text(name).is_some_and(|v| values.iter().any(|w| w == v)),
            Filter::FieldHas(name, text) => p.text(name).is_some_and(|v| v.to_lowercase().contains(text)),
            Filter::FieldStarts(name, text) => p.text(name).is_some_and(|v| v.starts_with(text.as_str())),
            Filter::FieldEmpty(name, empty) => p.custom.contains_key(name) != *empty,
        })
    }
}
