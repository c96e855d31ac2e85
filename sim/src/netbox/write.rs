//! The writes on prefixes: available-prefixes, direct create, change, delete. Each runs whole under the one lock, so an answer and what
//! is stored always agree; what a client sees of it is the business of the faults.

use super::answer::{Answer, Request};
use super::auth::Action;
use super::config::{SimToken, Version};
use super::db::{Db, Prefix};
use super::input::{self, BadInput, PrefixRule};
use super::net::Net;
use super::render::{self, Place};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// One write: who, with which request.
pub struct Writer<'a> {
    pub db: &'a mut Db,
    pub user: &'a SimToken,
    pub request: &'a Request,
    pub id: Uuid,
}

impl Writer<'_> {
    fn refuse(&self, bad: BadInput) -> Answer {
        match bad {
            BadInput::Fields(map) => Answer::json(400, map.into()),
            BadInput::KeyError => Answer::server_error(self.db.version, "'data'", "KeyError"),
        }
    }

    pub fn visible(&self, id: i64) -> Option<Prefix> {
        self.db.prefixes.get(&id).filter(|p| self.user.covers(p)).cloned()
    }

    fn message(body: &Map<String, Value>) -> String {
        body.get("changelog_message").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    fn insert(&mut self, mut draft: Prefix, message: &str) -> Prefix {
        draft.id = self.db.take_id();
        draft.updated = self.db.now();
        self.db.store(draft.clone());
        let after = render::prefix_data(self.db, &draft);
        self.db.record(&self.user.user, self.id, "create", &draft, message, json!({}), after);
        draft
    }

    /// POST …/available-prefixes/: a single object or a list, all or nothing.
    pub fn allocate(&mut self, parent_id: i64, body: &Value) -> Answer {
        if !self.user.may(Action::Add) {
            return Answer::forbidden();
        }
        let Some(parent) = self.visible(parent_id) else { return Answer::not_found() };
        let single = !body.is_array();
        let asks: Vec<Value> = body.as_array().cloned().unwrap_or_else(|| vec![body.clone()]);
        let mut errors: Vec<Value> = Vec::new();
        let mut lens = Vec::new();
        for ask in &asks {
            match length(ask, parent.net) {
                Ok(len) => {
                    lens.push(len);
                    errors.push(json!({}));
                }
                Err(text) => errors.push(json!({ "prefix_length": text })),
            }
        }
        if lens.len() < asks.len() {
            return Answer::json(400, errors.into());
        }
        // Places first: held in the index by ids that no object has, and taken out again before anything else happens.
        let vrf = parent.vrf.unwrap_or(-1);
        let mut nets: Vec<Net> = Vec::new();
        let mut room = true;
        for len in lens {
            let found = u8::try_from(len).ok().filter(|l| *l > 0).and_then(|l| self.db.space.first_fit(vrf, parent.net, l));
            match found {
                Some(net) => {
                    self.db.space.insert(held(vrf, net));
                    nets.push(net);
                }
                None => {
                    room = false;
                    break;
                }
            }
        }
        for net in &nets {
            self.db.space.remove(held(vrf, *net));
        }
        if !room {
            return Answer::exhausted();
        }
        let mut drafts = Vec::new();
        let mut bad = false;
        let mut list: Vec<Value> = Vec::new();
        for (ask, net) in asks.iter().zip(nets) {
            let mut draft = self.db.draft(net, self.id);
            draft.vrf = parent.vrf;
            let empty = Map::new();
            let fields = ask.as_object().unwrap_or(&empty);
            let checked =
                input::read(self.db, self.user, fields, PrefixRule::Ignored, &mut draft).and_then(|()| input::clean(self.db, &draft, true));
            match checked {
                Ok(()) => list.push(json!({})),
                Err(error) if single => return self.refuse(error),
                Err(BadInput::Fields(map)) => {
                    bad = true;
                    list.push(map.into());
                }
                Err(error) => return self.refuse(error),
            }
            drafts.push((draft, Self::message(fields), fields.contains_key("tags")));
        }
        if bad {
            return Answer::json(400, list.into());
        }
        if drafts.iter().any(|(d, _, _)| !self.user.covers(d)) {
            // Stored, seen to be outside of the permission, rolled back: the ids are gone.
            for _ in &drafts {
                self.db.take_id();
            }
            return Answer::forbidden();
        }
        let mut out = Vec::new();
        for (draft, message, tagged) in drafts {
            let stored = self.insert(draft, &message);
            let place = if tagged { Place::Counted } else { Place::Stale };
            out.push(render::prefix(self.db, &self.request.host, &stored, place));
        }
        match (single, out.pop()) {
            (true, Some(only)) => Answer::json(201, only),
            (_, last) => {
                out.extend(last);
                Answer::json(201, out.into())
            }
        }
    }

    /// POST /prefixes/: chosen prefixes, single or list. NetBox checks every element before it stores any, so twins pass.
    pub fn create(&mut self, body: &Value) -> Answer {
        if !self.user.may(Action::Add) {
            return Answer::forbidden();
        }
        let single = !body.is_array();
        let asks: Vec<Value> = body.as_array().cloned().unwrap_or_else(|| vec![body.clone()]);
        let mut drafts = Vec::new();
        let mut list = Vec::new();
        let mut bad = false;
        let mut stale = false;
        for ask in &asks {
            let mut draft = self.db.draft(Net { family: 6, addr: 0, len: 128 }, self.id);
            let empty = Map::new();
            let fields = ask.as_object().unwrap_or(&empty);
            let checked = input::read(self.db, self.user, fields, PrefixRule::Required, &mut draft)
                .and_then(|()| input::clean(self.db, &draft, true));
            match checked {
                Ok(()) => list.push(json!({})),
                Err(BadInput::Fields(map)) if !single => {
                    bad = true;
                    list.push(map.into());
                }
                Err(error) => return self.refuse(error),
            }
            // 4.4 reads what it stored back only when it has tags; 4.6 always does.
            stale = self.db.version == Version::V4_4 && !fields.contains_key("tags");
            drafts.push((draft, Self::message(fields)));
        }
        if bad {
            return Answer::json(400, list.into());
        }
        if drafts.iter().any(|(d, _)| !self.user.covers(d)) {
            return Answer::forbidden();
        }
        let stored: Vec<Prefix> = drafts.into_iter().map(|(draft, message)| self.insert(draft, &message)).collect();
        let mut out: Vec<Value> = stored
            .iter()
            .map(|p| render::prefix(self.db, &self.request.host, p, if stale { Place::Stale } else { Place::Counted }))
            .collect();
        match (single, out.pop(), stored.first()) {
            (true, Some(only), Some(first)) => {
                let location = format!("http://{}/api/ipam/prefixes/{}/", self.request.host, first.id);
                self.tagged(Answer::json(201, only).with("Location", location), first)
            }
            (_, last, _) => {
                out.extend(last);
                Answer::json(201, out.into())
            }
        }
    }

    /// 4.6 answers a single object with its ETag.
    pub fn tagged(&self, answer: Answer, prefix: &Prefix) -> Answer {
        match self.db.version {
            Version::V4_6 => answer.with("ETag", render::etag(prefix.updated)),
            Version::V4_4 => answer,
        }
    }

    /// If-Match as 4.6 takes it; 4.4 does not look at it.
    fn matches(&self, prefix: &Prefix) -> Result<(), Answer> {
        let Some(wanted) = self.request.if_match.as_deref().filter(|_| self.db.version == Version::V4_6) else {
            return Ok(());
        };
        let present = render::etag(prefix.updated);
        if wanted.trim() == "*" || wanted.split(',').any(|tag| tag.trim() == present) {
            Ok(())
        } else {
            Err(Answer::precondition().with("ETag", present))
        }
    }

    /// PATCH or PUT of one prefix.
    pub fn change(&mut self, id: i64, body: &Value, rule: PrefixRule) -> Answer {
        if !self.user.may(Action::Change) {
            return Answer::forbidden();
        }
        let Some(present) = self.visible(id) else { return Answer::not_found() };
        if let Err(answer) = self.matches(&present) {
            return answer;
        }
        match self.edited(&present, body, rule) {
            Err(answer) => answer,
            Ok((draft, message)) => {
                let stored = self.replace(&present, draft, &message);
                let answer = Answer::json(200, render::prefix(self.db, &self.request.host, &stored, Place::Counted));
                self.tagged(answer, &stored)
            }
        }
    }

    fn edited(&self, present: &Prefix, body: &Value, rule: PrefixRule) -> Result<(Prefix, String), Answer> {
        let mut draft = present.clone();
        let empty = Map::new();
        let fields = body.as_object().unwrap_or(&empty);
        input::read(self.db, self.user, fields, rule, &mut draft)
            .and_then(|()| input::clean(self.db, &draft, draft.net != present.net || draft.vrf != present.vrf))
            .map_err(|bad| self.refuse(bad))?;
        if !self.user.covers(&draft) {
            return Err(Answer::forbidden());
        }
        Ok((draft, Self::message(fields)))
    }

    /// Every change moves `last_updated`; one that changes nothing leaves no change record.
    fn replace(&mut self, present: &Prefix, mut draft: Prefix, message: &str) -> Prefix {
        let changed = draft != *present;
        let before = render::prefix_data(self.db, present);
        draft.updated = self.db.now();
        self.db.take(present.id);
        self.db.store(draft.clone());
        if changed {
            let after = render::prefix_data(self.db, &draft);
            self.db.record(&self.user.user, self.id, "update", &draft, message, before, after);
        }
        draft
    }

    /// PATCH /prefixes/: all or nothing, unknown ids are skipped in silence, the answer is in prefix order.
    pub fn change_many(&mut self, body: &Value) -> Answer {
        if !self.user.may(Action::Change) {
            return Answer::forbidden();
        }
        let ids = match ids_of(body) {
            Ok(ids) => ids,
            Err(answer) => return answer,
        };
        let items = body.as_array().cloned().unwrap_or_default();
        let mut found: Vec<(Prefix, Value)> =
            ids.into_iter().zip(items).filter_map(|(id, item)| self.visible(id).map(|p| (p, item))).collect();
        found.sort_by_key(|(p, _)| p.key());
        let mut drafts = Vec::new();
        for (present, item) in found {
            // The one ETag is compared with every object of the list.
            if let Err(answer) = self.matches(&present) {
                return answer;
            }
            match self.edited(&present, &item, PrefixRule::Optional) {
                Ok((draft, message)) => drafts.push((present, draft, message)),
                Err(answer) => return answer,
            }
        }
        let stored: Vec<Prefix> = drafts.into_iter().map(|(present, draft, message)| self.replace(&present, draft, &message)).collect();
        Answer::json(200, stored.iter().map(|p| render::prefix(self.db, &self.request.host, p, Place::Counted)).collect())
    }

    pub fn delete(&mut self, id: i64, body: Option<&Value>) -> Answer {
        if !self.user.may(Action::Delete) {
            return Answer::forbidden();
        }
        let Some(present) = self.visible(id) else { return Answer::not_found() };
        if let Err(answer) = self.matches(&present) {
            return answer;
        }
        let message = body.and_then(Value::as_object).map(Self::message).unwrap_or_default();
        self.remove(&present, &message);
        Answer::empty(204)
    }

    pub fn delete_many(&mut self, body: Option<&Value>) -> Answer {
        if !self.user.may(Action::Delete) {
            return Answer::forbidden();
        }
        let ids = match ids_of(body.unwrap_or(&json!({}))) {
            Ok(ids) => ids,
            Err(answer) => return answer,
        };
        let found: Vec<Prefix> = ids.into_iter().filter_map(|id| self.visible(id)).collect();
        for present in &found {
            self.remove(present, "");
        }
        Answer::empty(204)
    }

    fn remove(&mut self, present: &Prefix, message: &str) {
        let before = render::prefix_data(self.db, present);
        self.db.take(present.id);
        self.db.record(&self.user.user, self.id, "delete", present, message, before, json!({}));
    }
}

/// A key that holds a place while a list is being judged.
fn held(vrf: i64, net: Net) -> super::space::Key {
    super::space::Key { vrf, net, id: 0 }
}

fn length(ask: &Value, parent: Net) -> Result<i64, String> {
    match ask.get("prefix_length") {
        None => Err("this field can not be missing".to_owned()),
        Some(Value::Number(n)) if n.is_i64() || n.is_u64() => {
            let len = n.as_i64().unwrap_or(i64::MAX);
            if len > i64::from(parent.max_len()) { Err(format!("Invalid prefix length ({len}) for IPv{}", parent.family)) } else { Ok(len) }
        }
        Some(_) => Err("this field must be int type".to_owned()),
    }
}

fn ids_of(body: &Value) -> Result<Vec<i64>, Answer> {
    let Some(items) = body.as_array() else {
        return Err(Answer::bad("non_field_errors", "Expected a list of items but got type \"dict\"."));
    };
    let ids: Vec<Option<i64>> = items.iter().map(|i| i.get("id").and_then(Value::as_i64)).collect();
    if ids.iter().any(Option::is_none) {
        let list: Vec<Value> =
            ids.iter().map(|id| if id.is_some() { json!({}) } else { json!({ "id": ["This field is required."] }) }).collect();
        return Err(Answer::json(400, list.into()));
    }
    Ok(ids.into_iter().flatten().collect())
}
