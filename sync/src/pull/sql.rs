//! The statements of the pull, made from the list of columns. What is put into their text is ours by type (ids, numbers, snapshots, names
//! of columns): COPY takes no parameters.

use noctule_domain::sync::{Cursor, Table};
use uuid::Uuid;

/// The columns as they travel, each of `alias`.
pub(crate) fn column_list(table: Table, alias: &str) -> String {
    table.columns().iter().map(|column| format!("{alias}.\"{}\"", column.name)).collect::<Vec<_>>().join(", ")
}

/// All rows of a table in the order of their ids, after `after`.
pub(crate) fn copy_table(table: Table, after: Option<Uuid>) -> String {
    let after = after.map(|id| format!(" AND w.id > '{id}'::uuid")).unwrap_or_default();
    format!(
        "COPY (SELECT {} FROM noctule.wire_{table} w WHERE w.tenant_id = (SELECT noctule.tenant()){after} ORDER BY w.tenant_id, w.id) \
         TO STDOUT (FORMAT binary)",
        column_list(table, "w")
    )
}

/// Rows of a range of ids: `from` included, `to` not.
pub(crate) fn copy_range(table: Table, from: Option<Uuid>, to: Option<Uuid>) -> String {
    let from = from.map(|id| format!(" AND w.id >= '{id}'::uuid")).unwrap_or_default();
    let to = to.map(|id| format!(" AND w.id < '{id}'::uuid")).unwrap_or_default();
    format!(
        "COPY (SELECT {} FROM noctule.wire_{table} w WHERE w.tenant_id = (SELECT noctule.tenant()){from}{to} ORDER BY w.tenant_id, w.id) \
         TO STDOUT (FORMAT binary)",
        column_list(table, "w")
    )
}

/// Rows of the feed that a read under `seen` did not see. `f` is the feed.
fn unseen(seen: &str) -> String {
    format!("f.tenant_id = (SELECT noctule.tenant()) AND f.xid >= pg_snapshot_xmin({seen}) AND NOT pg_visible_in_snapshot(f.xid, {seen})")
}

/// What changed in one table since `seen`: the feed's id first, then the row, whose id is null when it is gone.
pub(crate) fn copy_changes(table: Table, seen: &Cursor) -> String {
    format!(
        "COPY (SELECT f.id, {} FROM noctule.feed f LEFT JOIN noctule.wire_{table} w ON w.tenant_id = f.tenant_id AND w.id = f.id \
         WHERE f.tab = {} AND {}) TO STDOUT (FORMAT binary)",
        column_list(table, "w"),
        table.number(),
        unseen(&format!("'{seen}'::pg_snapshot"))
    )
}

/// Rows of the feed per table since `$1`, and the newest of them.
pub(crate) fn count_changes() -> String {
    format!("SELECT f.tab, count(*), max(f.changed_at) FROM noctule.feed f WHERE {} GROUP BY f.tab", unseen("$1::text::pg_snapshot"))
}

/// How far the log is written, and how far it is safe on the disk. A standby replays only what is safe.
pub(crate) const LOG: &str = "CASE WHEN pg_is_in_recovery() THEN 0 ELSE (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::int8 END, \
    CASE WHEN pg_is_in_recovery() THEN 0 ELSE (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::int8 END";

/// Snapshot, the centre's time, whether it is a standby, whether we are still let in, the number of our rights, and the state of the log.
const STANDING: &str = "s.now::text, clock_timestamp(), pg_is_in_recovery(), (SELECT noctule.tenant()) IS NOT NULL, \
    (SELECT m.epoch FROM noctule.members m WHERE m.tenant_id = (SELECT noctule.tenant()) AND m.login = (SELECT noctule.login()))";

/// One question for everything that changed since `$1`, up to `$2` rows: each row of the answer holds where we stand and one change with
/// its row in the binary form of a record; one row with an empty change when nothing did. A single statement sees one snapshot, so this
/// needs no transaction and one round trip.
pub(crate) fn poll() -> String {
    format!(
        "SELECT {STANDING}, {LOG}, f.tab, f.id, f.changed_at, noctule.wire_row(f.tab, f.id) \
         FROM (SELECT pg_current_snapshot() AS now) s LEFT JOIN (SELECT f.tenant_id, f.id, f.tab, f.changed_at FROM noctule.feed f \
         WHERE {} LIMIT $2) f ON true",
        unseen("$1::text::pg_snapshot")
    )
}

/// The cheap question of a timed poll: where we stand, and whether there is anything new.
pub(crate) fn glance() -> String {
    format!(
        "SELECT {STANDING}, {LOG}, EXISTS (SELECT FROM noctule.feed f WHERE {}) FROM (SELECT pg_current_snapshot() AS now) s",
        unseen("$1::text::pg_snapshot")
    )
}

/// The planner's estimate of the rows of a table that this login sees: a guess for a progress bar, without reading them.
pub(crate) fn estimate(table: Table) -> String {
    format!("EXPLAIN (FORMAT json) SELECT w.id FROM noctule.wire_{table} w WHERE w.tenant_id = (SELECT noctule.tenant())")
}
