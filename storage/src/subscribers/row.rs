//! A subscriber between the table and the type: reading whole rows and board lines, writing the IPv6 side.

use crate::codec::{Take, bounds, bytes, opt_us, us};
use noctule_domain::subscriber::{Ipv6Record, Session, SessionAccounting, Subscriber, SubscriberRow};
use noctule_domain::{NasId, OperationId, SubscriberId, TenantId, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

/// The operation that is open for subscriber `s`.
macro_rules! running {
    () => {
        "(SELECT o.id FROM operations AS o WHERE o.tenant = s.tenant AND o.subscriber = s.id AND o.open = 1)"
    };
}

/// Everything of `s`, its session `x` (LEFT JOIN) and its open operation.
pub(crate) const WHOLE: &str = concat!(
    "s.id, s.number, s.username, s.full_name, s.email, s.phone, s.status, s.service_type, s.download_kbps, s.upload_kbps, ",
    "s.service_address, s.lat, s.lng, s.site, s.nas, s.vlan, s.circuit_id, s.remote_id, s.onu_serial, s.cpe_mac, s.static_ipv4, ",
    "s.balance_flag, s.suspend_reason, s.notes, s.state, s.mode, s.enforcement, s.enforcement_note, s.prefix, s.vrf, s.pd_size, ",
    "s.netbox_prefix_id, s.hold_until, s.last_error, s.allocated_at, s.activated_at, s.suspended_at, s.resumed_at, s.revoked_at, ",
    "s.failed_at, s.since, x.nas, x.acct_session_id, x.framed_ipv4, x.delegated_prefix, x.started_at, x.seen_at, ",
    "x.accounting_key, x.framed_prefix, x.input_octets, x.output_octets, ",
    running!(),
    ", s.version, s.created_at, s.updated_at"
);

pub(crate) const FROM_WHOLE: &str = "subscribers AS s LEFT JOIN sessions AS x ON x.tenant = s.tenant AND x.subscriber = s.id";

/// A line of the board.
pub(crate) const LINE: &str = concat!(
    "s.id, s.number, s.username, s.full_name, s.status, s.state, s.mode, s.enforcement, s.prefix, s.nas_name, ",
    "EXISTS (SELECT 1 FROM sessions AS x WHERE x.tenant = s.tenant AND x.subscriber = s.id), ",
    running!(),
    ", s.last_error, s.hold_until, s.since, s.version"
);

pub(crate) fn line(row: &Row<'_>) -> rusqlite::Result<SubscriberRow> {
    let mut take = Take::new(row);
    Ok(SubscriberRow {
        id: SubscriberId(take.uuid()?),
        subscriber_number: take.text()?,
        username: take.parsed_username()?,
        full_name: take.text()?,
        status: take.parsed()?,
        state: take.parsed()?,
        mode: take.parsed()?,
        enforcement: take.parsed()?,
        prefix: take.opt_parsed()?,
        nas: take.filled_text()?,
        has_session: take.get()?,
        running: take.opt_uuid()?.map(OperationId),
        queued: None,
        last_error: take.opt_text()?,
        hold_until: take.opt_time()?,
        since: take.time()?,
        version: take.get()?,
    })
}

pub(crate) fn whole(row: &Row<'_>, tenant: TenantId) -> rusqlite::Result<Subscriber> {
    let mut take = Take::new(row);
    Ok(Subscriber {
        id: SubscriberId(take.uuid()?),
        tenant,
        subscriber_number: take.text()?,
        username: take.parsed_username()?,
        full_name: take.text()?,
        email: take.opt_text()?,
        phone: take.opt_text()?,
        status: take.parsed()?,
        service_type: take.opt_text()?,
        download_kbps: take.get()?,
        upload_kbps: take.get()?,
        service_address: take.opt_text()?,
        position: take.position()?,
        site: take.opt_text()?,
        nas: take.opt_uuid()?.map(NasId),
        vlan: take.get()?,
        circuit_id: take.opt_text()?,
        remote_id: take.opt_text()?,
        onu_serial: take.opt_text()?,
        cpe_mac: take.opt_text()?,
        static_ipv4: take.opt_parsed()?,
        balance_flag: take.get()?,
        suspend_reason: take.opt_text()?,
        notes: take.opt_text()?,
        ipv6: Ipv6Record {
            state: take.parsed()?,
            mode: take.parsed()?,
            enforcement: take.parsed()?,
            enforcement_note: take.opt_text()?,
            prefix: take.opt_parsed()?,
            vrf: take.get::<i64>().map(|vrf| (vrf != 0).then_some(vrf))?,
            pd_size: take.get()?,
            netbox_prefix_id: take.get()?,
            hold_until: take.opt_time()?,
            last_error: take.opt_text()?,
            allocated_at: take.opt_time()?,
            activated_at: take.opt_time()?,
            suspended_at: take.opt_time()?,
            resumed_at: take.opt_time()?,
            revoked_at: take.opt_time()?,
            failed_at: take.opt_time()?,
            since: take.time()?,
        },
        session: session(&mut take)?,
        running: take.opt_uuid()?.map(OperationId),
        queued: None,
        version: take.get()?,
        created_at: take.time()?,
        updated_at: take.time()?,
    })
}

pub(crate) fn session(take: &mut Take<'_>) -> rusqlite::Result<Option<Session>> {
    let Some(nas) = take.opt_uuid()?.map(NasId) else {
        for _ in 0..9 {
            take.get::<rusqlite::types::Value>()?;
        }
        return Ok(None);
    };
    Ok(Some(Session {
        nas,
        acct_session_id: take.text()?,
        framed_ipv4: take.opt_parsed()?,
        delegated_prefix: take.opt_parsed()?,
        started_at: take.time()?,
        seen_at: take.time()?,
        accounting: accounting(take)?,
    }))
}

fn accounting(take: &mut Take<'_>) -> rusqlite::Result<Option<SessionAccounting>> {
    let key = take.opt_text()?;
    let framed_prefix = take.opt_parsed()?;
    let mut octets = || take.get::<Option<i64>>().map(|n| u64::try_from(n.unwrap_or(0)).unwrap_or(0));
    let (input_octets, output_octets) = (octets()?, octets()?);
    Ok(key.map(|key| SessionAccounting { key, framed_prefix, input_octets, output_octets }))
}

/// The whole subscriber, if there is one.
pub(crate) fn load(conn: &Connection, tenant_key: i64, tenant: TenantId, id: SubscriberId) -> rusqlite::Result<Option<Subscriber>> {
    conn.prepare_cached(&format!("SELECT {WHOLE} FROM {FROM_WHOLE} WHERE s.tenant = ?1 AND s.id = ?2"))?
        .query_row(params![tenant_key, bytes(id.0)], |row| whole(row, tenant))
        .optional()
}

/// Writes what differs on the IPv6 side of a row and raises its version. The constraints of the schema speak here.
/// `before` is what the row says, read in this transaction. A column that is not named costs no index and no trigger.
pub(crate) fn write_ipv6(
    conn: &Connection,
    tenant_key: i64,
    id: SubscriberId,
    before: &Ipv6Record,
    record: &Ipv6Record,
    now: Timestamp,
) -> rusqlite::Result<()> {
    // A new field has to be written below.
    let Ipv6Record {
        state: _,
        mode: _,
        enforcement: _,
        enforcement_note: _,
        prefix: _,
        vrf: _,
        pd_size: _,
        netbox_prefix_id: _,
        hold_until: _,
        last_error: _,
        allocated_at: _,
        activated_at: _,
        suspended_at: _,
        resumed_at: _,
        revoked_at: _,
        failed_at: _,
        since: _,
    } = record;
    let mut sql = String::from("UPDATE subscribers SET version = version + 1, updated_at = ?3");
    let mut values: Vec<Value> = vec![tenant_key.into(), Value::Blob(bytes(id.0).to_vec()), us(now).into()];
    let mut set = |column: &str, value: Value| {
        values.push(value);
        sql.push_str(&format!(", {column} = ?{}", values.len()));
    };
    let text = |text: Option<&str>| text.map_or(Value::Null, |text| Value::Text(text.to_owned()));
    if before.state != record.state {
        set("state", text(Some(record.state.word())));
    }
    if before.mode != record.mode {
        set("mode", text(Some(record.mode.word())));
    }
    if before.enforcement != record.enforcement {
        set("enforcement", text(Some(record.enforcement.word())));
    }
    if before.enforcement_note != record.enforcement_note {
        set("enforcement_note", text(record.enforcement_note.as_ref().map(|t| t.as_str())));
    }
    if before.prefix != record.prefix {
        let (start, end) = bounds(record.prefix);
        set("prefix", text(record.prefix.map(|p| p.to_string()).as_deref()));
        set("prefix_start", Value::Blob(start));
        set("prefix_end", Value::Blob(end));
    }
    if before.vrf != record.vrf {
        set("vrf", record.vrf.unwrap_or(0).into());
    }
    if before.last_error != record.last_error {
        set("last_error", text(record.last_error.as_ref().map(|t| t.as_str())));
    }
    let numbers: [(&str, Option<i64>, Option<i64>); 10] = [
        ("pd_size", before.pd_size.map(i64::from), record.pd_size.map(i64::from)),
        ("netbox_prefix_id", before.netbox_prefix_id, record.netbox_prefix_id),
        ("hold_until", opt_us(before.hold_until), opt_us(record.hold_until)),
        ("allocated_at", opt_us(before.allocated_at), opt_us(record.allocated_at)),
        ("activated_at", opt_us(before.activated_at), opt_us(record.activated_at)),
        ("suspended_at", opt_us(before.suspended_at), opt_us(record.suspended_at)),
        ("resumed_at", opt_us(before.resumed_at), opt_us(record.resumed_at)),
        ("revoked_at", opt_us(before.revoked_at), opt_us(record.revoked_at)),
        ("failed_at", opt_us(before.failed_at), opt_us(record.failed_at)),
        ("since", Some(us(before.since)), Some(us(record.since))),
    ];
    for (column, before, after) in numbers {
        if before != after {
            set(column, after.into());
        }
    }
    sql.push_str(" WHERE tenant = ?1 AND id = ?2");
    // No RETURNING: it makes a table of its own at each call.
    match conn.prepare_cached(&sql)?.execute(params_from_iter(values))? {
        0 => Err(rusqlite::Error::QueryReturnedNoRows),
        _ => Ok(()),
    }
}
