//! Between rows as they travel and rows as the cache holds them: the same list of columns both ways, so that what is packed again is what
//! came, byte for byte. A row that the tables can not hold so is kept beside them, as it came (`odd_rows`).

use noctule_domain::lifecycle::{AssignmentMode, Enforcement, Ipv6State};
use noctule_domain::subscriber::{SubscriberStatus, Username};
use noctule_domain::sync::{BadRow, Kind, Row, RowsBuilder, Table};
use rusqlite::types::ValueRef;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// Microseconds from 1970 to 2000, where PostgreSQL counts from.
const EPOCH_US: i64 = 946_684_800_000_000;
/// Beyond this a time is none that a calendar has (some 250,000 years).
const FAR_US: i64 = 8_000_000_000_000_000_000;

/// What a column of the wire is called in the cache.
pub(crate) fn local_name(table: Table, column: &'static str) -> &'static str {
    match (table, column) {
        (Table::Pools, "id") => "uid",
        (Table::Pools, "netbox_id") => "id",
        (Table::Sessions, "id") => "subscriber",
        (_, same) => same,
    }
}

/// The column that holds the row's id.
pub(crate) fn id_column(table: Table) -> &'static str {
    local_name(table, "id")
}

/// The columns as the cache calls them, in the order of the wire.
pub(crate) fn names(table: Table) -> String {
    let names: Vec<&str> = table.columns().iter().map(|c| local_name(table, c.name)).collect();
    names.join(", ")
}

/// One value of a row that came, borrowed from it.
pub(crate) fn value<'a>(row: &Row<'a>, at: usize, kind: Kind) -> Result<ValueRef<'a>, BadRow> {
    let Some(raw) = row.raw(at) else { return Ok(ValueRef::Null) };
    Ok(match kind {
        Kind::Uuid => {
            row.uuid(at)?;
            ValueRef::Blob(raw)
        }
        Kind::Text => {
            row.text(at)?;
            ValueRef::Text(raw)
        }
        Kind::Int => row.int(at)?.map_or(ValueRef::Null, ValueRef::Integer),
        Kind::Real => row.real(at)?.map_or(ValueRef::Null, ValueRef::Real),
        Kind::Bool => row.bool(at)?.map_or(ValueRef::Null, |b| ValueRef::Integer(i64::from(b))),
        Kind::Time => row.time_us(at)?.map_or(ValueRef::Null, ValueRef::Integer),
    })
}

/// True when SQLite gives the value back as it came: it knows no minus zero and no NaN.
fn comes_back(raw: &[u8], kind: Kind) -> bool {
    let eight = || <[u8; 8]>::try_from(raw).unwrap_or_default();
    match kind {
        Kind::Real => {
            let real = f64::from_be_bytes(eight());
            !(real.is_nan() || (real == 0.0 && real.is_sign_negative()))
        }
        Kind::Bool => matches!(raw, [0 | 1]),
        Kind::Time => i64::from_be_bytes(eight()).checked_add(EPOCH_US).is_some(),
        Kind::Uuid | Kind::Text | Kind::Int => true,
    }
}

/// Checks the shape of every value. `Ok(false)`: sound, but SQLite would not give all of it back.
pub(crate) fn sound(row: &Row<'_>) -> Result<bool, BadRow> {
    let table = row.table();
    let mut same = true;
    for (at, column) in table.columns().iter().enumerate() {
        value(row, at, column.kind)?;
        same &= row.raw(at).is_none_or(|raw| comes_back(raw, column.kind));
    }
    row.id()?;
    Ok(same)
}

/// One value of the cache as it travels, put into `out` (emptied first); `false` is none.
pub(crate) fn encode(kind: Kind, value: ValueRef<'_>, out: &mut Vec<u8>) -> bool {
    out.clear();
    match (kind, value) {
        (_, ValueRef::Null) => return false,
        (Kind::Time, ValueRef::Integer(us)) => out.extend_from_slice(&us.wrapping_sub(EPOCH_US).to_be_bytes()),
        (Kind::Bool, ValueRef::Integer(n)) => out.push(u8::from(n != 0)),
        (Kind::Real, ValueRef::Integer(n)) => out.extend_from_slice(&(n as f64).to_be_bytes()),
        (_, ValueRef::Integer(n)) => out.extend_from_slice(&n.to_be_bytes()),
        (_, ValueRef::Real(r)) => out.extend_from_slice(&r.to_be_bytes()),
        (_, ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => out.extend_from_slice(bytes),
    }
    true
}

/// A row of the cache (a SELECT of `names`), packed behind the others.
pub(crate) fn pack(row: &rusqlite::Row<'_>, table: Table, out: &mut RowsBuilder, scratch: &mut Vec<u8>) -> rusqlite::Result<()> {
    for (at, column) in table.columns().iter().enumerate() {
        let filled = encode(column.kind, row.get_ref(at)?, scratch);
        out.push_value(filled.then_some(scratch.as_slice()));
    }
    out.end_row();
    Ok(())
}

/// The packed form of one row as it came.
pub(crate) fn tuple(row: &Row<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    for at in 0..row.table().columns().len() {
        match row.raw(at) {
            None => out.extend_from_slice(&(-1i32).to_be_bytes()),
            Some(bytes) => {
                out.extend_from_slice(&i32::try_from(bytes.len()).unwrap_or(i32::MAX).to_be_bytes());
                out.extend_from_slice(bytes);
            }
        }
    }
    out
}

/// Where the columns of a subscriber stand that more than one place asks for.
pub(crate) struct SubscriberColumns {
    pub(crate) number: usize,
    pub(crate) username: usize,
    pub(crate) full_name: usize,
    pub(crate) nas: usize,
    pub(crate) prefix: usize,
}

pub(crate) const SUBSCRIBER: SubscriberColumns = SubscriberColumns { number: 1, username: 2, full_name: 3, nas: 14, prefix: 28 };

/// What the cache's readers would stumble over in a subscriber, in words. They parse every row of a page: one bad row must not take the
/// page with it.
pub(crate) fn subscriber_trouble(row: &Row<'_>) -> Result<Option<&'static str>, BadRow> {
    let needed = |at: usize| row.text(at).map(|t| t.unwrap_or(""));
    if needed(1)?.is_empty() {
        return Ok(Some("it has no number"));
    }
    let name = needed(2)?;
    let plain = !name.is_empty() && name.len() <= 253 && name.bytes().all(|b| (0x20..0x7f).contains(&b));
    if !plain && Username::new(name).is_err() {
        return Ok(Some("its user name is empty, too long or holds invisible characters"));
    }
    if row.raw(3).is_none() {
        return Ok(Some("it has no name"));
    }
    let words = [
        (6, SubscriberStatus::from_word(needed(6)?).is_some()),
        (24, Ipv6State::from_word(needed(24)?).is_some()),
        (25, AssignmentMode::from_word(needed(25)?).is_some()),
        (26, Enforcement::from_word(needed(26)?).is_some()),
    ];
    if words.iter().any(|(_, known)| !known) {
        return Ok(Some("a status, state, mode or enforcement that this program does not know"));
    }
    if let (Some(lat), Some(lng)) = (row.real(11)?, row.real(12)?)
        && noctule_domain::geo::LatLng::new(lat, lng).is_none()
    {
        return Ok(Some("a position out of range"));
    }
    let within = |at: usize, max: i64| row.int(at).map(|n| n.is_none_or(|n| (0..=max).contains(&n)));
    if !within(8, i64::from(u32::MAX))? || !within(9, i64::from(u32::MAX))? || !within(15, 65_535)? || !within(30, 128)? {
        return Ok(Some("a number out of range"));
    }
    if row.int(29)?.is_none_or(|vrf| vrf < 0) || row.int(41)?.is_none() || row.bool(21)?.is_none() {
        return Ok(Some("a value is missing or out of range"));
    }
    if row.text(20)?.is_some_and(|text| Ipv4Addr::from_str(text).is_err()) {
        return Ok(Some("its static IPv4 is none"));
    }
    for at in [32, 34, 35, 36, 37, 38, 39, 40, 42, 43] {
        let time = row.time_us(at)?;
        if time.is_some_and(|us| us.unsigned_abs() > FAR_US.unsigned_abs()) || (time.is_none() && matches!(at, 40 | 42 | 43)) {
            return Ok(Some("a time is missing or beyond any calendar"));
        }
    }
    Ok(None)
}

/// First and last address of a prefix's text; `None` when it is none.
pub(crate) fn prefix_bounds(text: &str) -> Option<([u8; 16], [u8; 16])> {
    let net = ipnet::Ipv6Net::from_str(text).ok()?;
    Some((net.network().octets(), net.broadcast().octets()))
}

/// Puts one field into a search text: in lower case, with a line feed after it.
pub(crate) fn search_field(raw: &str, out: &mut String) {
    if raw.bytes().all(|b| (0x20..0x7f).contains(&b)) && raw.len() <= noctule_domain::text::MAX_TEXT {
        let from = out.len();
        out.push_str(raw);
        out[from..].make_ascii_lowercase();
    } else {
        out.push_str(&crate::subscribers::fold(noctule_domain::SafeText::new(raw).as_str()));
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_named_by_number_are_those() {
        let at = |name: &str| Table::Subscribers.columns().iter().position(|c| c.name == name).expect("a column");
        let SubscriberColumns { number, username, full_name, nas, prefix } = SUBSCRIBER;
        assert_eq!([number, username, full_name, nas, prefix], [at("number"), at("username"), at("full_name"), at("nas"), at("prefix")]);
        let spoken_of = [
            (6, "status"),
            (8, "download_kbps"),
            (9, "upload_kbps"),
            (11, "lat"),
            (12, "lng"),
            (15, "vlan"),
            (20, "static_ipv4"),
            (21, "balance_flag"),
            (24, "state"),
            (25, "mode"),
            (26, "enforcement"),
            (29, "vrf"),
            (30, "pd_size"),
            (32, "hold_until"),
            (34, "allocated_at"),
            (39, "failed_at"),
            (40, "since"),
            (41, "version"),
            (42, "created_at"),
            (43, "updated_at"),
        ];
        for (number, name) in spoken_of {
            assert_eq!(at(name), number, "{name}");
        }
    }
}
