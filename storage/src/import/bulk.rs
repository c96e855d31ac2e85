//! The first import into an empty store: indexes and triggers that no check of a row needs are taken away inside the import's own
//! transaction and made anew from all rows at its commit. A million rows one by one would rewrite the same index pages over and over.

use rusqlite::{Connection, Transaction};

/// What the checks of each row need: uniqueness, references, overlap.
const KEPT: [&str; 5] = ["subscribers_id", "subscribers_number", "subscribers_username", "subscribers_netbox", "subscribers_live"];

/// KiB of cache while an import runs. It runs in a process of its own, beside no screen.
const CACHE_KIB: u32 = 64_000;

/// What was taken away, as the statements that make it again: indexes, then triggers.
pub(super) struct Bulk {
    again: Vec<String>,
}

/// The cache of the writer; outside the transaction's control, so it is set back whatever becomes of that.
pub(super) fn set_cache(conn: &Connection, importing: bool) -> rusqlite::Result<()> {
    let kib = if importing { CACHE_KIB } else { crate::open::WRITER_CACHE_KIB };
    // Indexes of a million rows are sorted in files; savepoints of small changes are kept in memory.
    let temp = if importing { "DEFAULT" } else { "MEMORY" };
    conn.execute_batch(&format!("PRAGMA cache_size = -{kib}; PRAGMA temp_store = {temp}"))
}

impl Bulk {
    /// `None` when there are subscribers already, of any tenant.
    pub(super) fn begin(tx: &Transaction<'_>) -> rusqlite::Result<Option<Self>> {
        if tx.query_row("SELECT EXISTS (SELECT 1 FROM subscribers)", [], |row| row.get::<_, bool>(0))? {
            return Ok(None);
        }
        let mut statement = tx.prepare(
            "SELECT type, name, sql FROM sqlite_schema
             WHERE tbl_name = 'subscribers' AND type IN ('index', 'trigger') AND sql IS NOT NULL AND name NOT LIKE 'subscribers_overlap%'
             ORDER BY type, name",
        )?;
        let found: Vec<(String, String, String)> =
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect::<Result<_, _>>()?;
        let mut again = Vec::new();
        for (kind, name, sql) in found.into_iter().filter(|(_, name, _)| !KEPT.contains(&name.as_str())) {
            // Both come from the schema, not from outside.
            tx.execute_batch(&format!("DROP {kind} \"{name}\""))?;
            again.push(sql);
        }
        Ok(Some(Self { again }))
    }

    /// Makes everything again and fills what triggers would have kept.
    pub(super) fn end(self, tx: &Transaction<'_>) -> rusqlite::Result<()> {
        for sql in &self.again {
            tx.execute_batch(sql)?;
        }
        tx.execute_batch(
            "INSERT INTO subscribers_fts (rowid, search) SELECT key, search FROM subscribers ORDER BY key;
             DELETE FROM counters;
             INSERT INTO counters (tenant, state, delegating, n)
                SELECT tenant, state, mode IN ('pd', 'dual_stack') AS d, count(*) FROM subscribers GROUP BY tenant, state, d;
             UPDATE nas SET subscribers = (
                SELECT count(*) FROM subscribers AS s WHERE s.tenant = nas.tenant AND s.nas = nas.id AND s.nas IS NOT NULL);",
        )
    }
}
