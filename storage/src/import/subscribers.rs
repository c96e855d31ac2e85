//! Subscribers of an import: master data is upserted by number, the IPv6 side is written for new rows alone.

use super::{Bad, NewSubscriber, Put, RowError, Session, is_constraint};
use crate::codec::{Take, bounds, bytes, opt_us, us};
use crate::error::StoreError;
use crate::subscribers::fold;
use noctule_domain::{NasId, SafeText, SubscriberId, Timestamp};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, ToSql, params, params_from_iter};
use uuid::Uuid;

/// Columns that an import may change of an existing row.
const MASTER: [&str; 26] = [
    "number",
    "username",
    "full_name",
    "search",
    "email",
    "phone",
    "status",
    "service_type",
    "download_kbps",
    "upload_kbps",
    "service_address",
    "lat",
    "lng",
    "site",
    "nas",
    "nas_name",
    "vlan",
    "circuit_id",
    "remote_id",
    "onu_serial",
    "cpe_mac",
    "static_ipv4",
    "balance_flag",
    "suspend_reason",
    "notes",
    "mode",
];

/// Columns of a new row beside those and `pd_size`.
const INITIAL: [&str; 22] = [
    "tenant",
    "id",
    "state",
    "enforcement",
    "enforcement_note",
    "prefix",
    "prefix_start",
    "prefix_end",
    "vrf",
    "netbox_prefix_id",
    "hold_until",
    "last_error",
    "allocated_at",
    "activated_at",
    "suspended_at",
    "resumed_at",
    "revoked_at",
    "failed_at",
    "since",
    "version",
    "created_at",
    "updated_at",
];

fn text(value: &Option<SafeText>) -> Value {
    value.as_ref().map_or(Value::Null, |t| Value::Text(t.as_str().to_owned()))
}

fn number<T: Into<i64> + Copy>(value: Option<T>) -> Value {
    value.map_or(Value::Null, |v| Value::Integer(v.into()))
}

/// What a part of a text is looked for in: each field in lower case with a line feed after it, and one more at the end.
fn search_text(new: &NewSubscriber) -> String {
    format!("{}\n{}\n{}\n\n", fold(new.full_name.as_str()), fold(new.subscriber_number.as_str()), fold(new.username.as_str()))
}

fn master(new: &NewSubscriber, nas: Option<&(NasId, String)>) -> Vec<Value> {
    let own = |t: &str| Value::Text(t.to_owned());
    vec![
        own(new.subscriber_number.as_str()),
        own(new.username.as_str()),
        own(new.full_name.as_str()),
        Value::Text(search_text(new)),
        text(&new.email),
        text(&new.phone),
        own(new.status.word()),
        text(&new.service_type),
        number(new.download_kbps),
        number(new.upload_kbps),
        text(&new.service_address),
        new.position.map_or(Value::Null, |p| Value::Real(p.lat)),
        new.position.map_or(Value::Null, |p| Value::Real(p.lng)),
        text(&new.site),
        nas.map_or(Value::Null, |(id, _)| Value::Blob(bytes(id.0).to_vec())),
        Value::Text(nas.map_or_else(String::new, |(_, name)| name.clone())),
        number(new.vlan),
        text(&new.circuit_id),
        text(&new.remote_id),
        text(&new.onu_serial),
        text(&new.cpe_mac),
        new.static_ipv4.map_or(Value::Null, |a| Value::Text(a.to_string())),
        Value::Integer(i64::from(new.balance_flag)),
        text(&new.suspend_reason),
        text(&new.notes),
        own(new.ipv6.mode.word()),
        number(new.ipv6.pd_size),
    ]
}

fn initial(new: &NewSubscriber, tenant: i64, id: SubscriberId, now: Timestamp) -> Vec<Value> {
    let record = &new.ipv6;
    let (start, end) = bounds(record.prefix);
    let time = |at: Option<Timestamp>| number(opt_us(at));
    vec![
        Value::Integer(tenant),
        Value::Blob(bytes(id.0).to_vec()),
        Value::Text(record.state.word().to_owned()),
        Value::Text(record.enforcement.word().to_owned()),
        text(&record.enforcement_note),
        record.prefix.map_or(Value::Null, |p| Value::Text(p.trunc().to_string())),
        Value::Blob(start),
        Value::Blob(end),
        Value::Integer(record.vrf.unwrap_or(0)),
        number(record.netbox_prefix_id),
        time(record.hold_until),
        text(&record.last_error),
        time(record.allocated_at),
        time(record.activated_at),
        time(record.suspended_at),
        time(record.resumed_at),
        time(record.revoked_at),
        time(record.failed_at),
        Value::Integer(us(record.since)),
        Value::Integer(1),
        Value::Integer(us(now)),
        Value::Integer(us(now)),
    ]
}

impl Session<'_> {
    pub(super) fn subscribers(&mut self, rows: Vec<NewSubscriber>) -> Result<Vec<RowError>, StoreError> {
        let now = self.shared.now();
        let mut errors = Vec::new();
        for (index, new) in rows.iter().enumerate() {
            // A statement that a constraint refuses undoes itself, and the session comes after it: no savepoint is needed.
            let result = self.subscriber(new, now).or_else(|bad| match bad {
                Bad::Store(StoreError::Sql(error)) if is_constraint(&error) => Err(Bad::Row(self.words(new, &error)?)),
                other => Err(other),
            });
            self.note(index, result, &mut errors)?;
        }
        Ok(errors)
    }

    fn subscriber(&mut self, new: &NewSubscriber, now: Timestamp) -> Result<Put, Bad> {
        if new.subscriber_number.is_empty() {
            return Err(Bad::Row("the subscriber number is empty".into()));
        }
        if new.ipv6.state.holds_prefix() && new.ipv6.prefix.is_none() {
            return Err(Bad::Row(format!("a subscriber that is {} needs its prefix", new.ipv6.state)));
        }
        if new.ipv6.vrf.is_some_and(|vrf| vrf < 1) {
            return Err(Bad::Row("a VRF is a NetBox id, from 1".into()));
        }
        let mut named = |name: &Option<SafeText>| match name {
            Some(name) => self
                .nas_named(name.as_str())?
                .map(Some)
                .ok_or_else(|| Bad::Row(format!("there is no NAS named '{name}': import the NASes first"))),
            None => Ok(None),
        };
        let nas = named(&new.nas)?;
        let session_nas = match &new.session {
            Some(session) => match named(&session.nas)?.or_else(|| nas.clone()) {
                Some((id, _)) => Some(id),
                None => return Err(Bad::Row("a session needs the name of its NAS".into())),
            },
            None => None,
        };
        let tenant = self.shared.tenant_key;
        let existing = self
            .tx
            .prepare_cached(
                "SELECT key, id, username, live FROM subscribers WHERE tenant = ?1 AND number COLLATE NOCASE = ?2 AND number = ?2",
            )?
            .query_row(params![tenant, new.subscriber_number.as_str()], |row| {
                let (name, live) = (row.get::<_, String>(2)?, row.get::<_, bool>(3)?);
                Ok((row.get::<_, i64>(0)?, Take::new_at(row, 1).uuid()?, name, live))
            })
            .optional()?;
        // A Disconnect would go to the new name, its "no such session" would be believed, and a prefix released that still routes.
        if let Some((_, _, name, true)) = &existing
            && name != new.username.as_str()
        {
            return Err(Bad::Row(format!(
                "the user name can not become {} while the subscriber holds a prefix: its session is known as {}; revoke first",
                new.username,
                SafeText::new(name)
            )));
        }
        let mut values = master(new, nas.as_ref());
        let (id, put) = match existing {
            Some((key, id, ..)) => {
                let columns = format!("{}, pd_size", MASTER.join(", "));
                let n = values.len();
                let marks: Vec<String> = (1..=n).map(|i| format!("?{i}")).collect();
                let marks = marks.join(", ");
                let sql = format!(
                    "UPDATE subscribers SET ({columns}) = ({marks}), version = version + 1, updated_at = ?{} WHERE key = ?{} AND ({columns}) IS NOT ({marks})",
                    n + 1,
                    n + 2
                );
                values.push(Value::Integer(us(now)));
                values.push(Value::Integer(key));
                let changed = self.tx.prepare_cached(&sql)?.execute(params_from_iter(values))?;
                (id, if changed > 0 { Put::Changed } else { Put::Same })
            }
            None => {
                let id = new.id.unwrap_or_else(|| SubscriberId(Uuid::now_v7()));
                values.extend(initial(new, tenant, id, now));
                let sql = format!(
                    "INSERT INTO subscribers ({}, pd_size, {}) VALUES ({})",
                    MASTER.join(", "),
                    INITIAL.join(", "),
                    vec!["?"; values.len()].join(", ")
                );
                self.tx.prepare_cached(&sql)?.execute(params_from_iter(values))?;
                (id.0, Put::New)
            }
        };
        if let (Some(session), Some(nas)) = (&new.session, session_nas) {
            let session = noctule_domain::subscriber::Session {
                nas,
                acct_session_id: session.acct_session_id.clone(),
                framed_ipv4: session.framed_ipv4,
                delegated_prefix: session.delegated_prefix,
                started_at: session.started_at,
                seen_at: session.seen_at,
                accounting: None,
            };
            crate::sessions::put(&self.tx, tenant, SubscriberId(id), &session)?;
        }
        Ok(put)
    }

    /// A refusal of the schema in words that help to mend the row.
    fn words(&self, new: &NewSubscriber, error: &rusqlite::Error) -> Result<String, Bad> {
        let tenant = self.shared.tenant_key;
        let owner = |condition: &str, values: &[&dyn ToSql]| -> Result<String, Bad> {
            let sql = format!("SELECT number FROM subscribers WHERE {condition} LIMIT 1");
            let found = self.tx.query_row(&sql, values, |row| Take::new(row).text()).optional()?;
            Ok(found.map_or_else(|| "another".to_owned(), |number| format!("subscriber {number}")))
        };
        let said = error.to_string();
        if said.contains("overlap") {
            let (start, end) = bounds(new.ipv6.prefix);
            let holder = owner(
                "tenant = ?1 AND vrf = ?2 AND live = 1 AND prefix_start <= ?4 AND prefix_end >= ?3 AND number <> ?5",
                params![tenant, new.ipv6.vrf.unwrap_or(0), start, end, new.subscriber_number.as_str()],
            )?;
            let prefix = new.ipv6.prefix.map(|p| p.to_string()).unwrap_or_default();
            return Ok(format!("the prefix {prefix} overlaps that of {holder}"));
        }
        if said.contains("subscribers.username") {
            let holder = owner("tenant = ?1 AND username COLLATE NOCASE = ?2 AND username = ?2", params![tenant, new.username.as_str()])?;
            return Ok(format!("the user name {} is that of {holder} already", new.username));
        }
        if said.contains("netbox_prefix_id") {
            let holder = owner("tenant = ?1 AND netbox_prefix_id = ?2", params![tenant, new.ipv6.netbox_prefix_id])?;
            return Ok(format!("the NetBox prefix {} is that of {holder} already", new.ipv6.netbox_prefix_id.unwrap_or_default()));
        }
        if said.contains("subscribers.id") {
            return Ok("its id is that of another subscriber".to_owned());
        }
        Ok(format!("the store does not take it: {said}"))
    }
}
