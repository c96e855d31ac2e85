//! One cache file: the schema of the store, less what only an authority may insist on. The centre has checked what it sends; here two
//! subscribers may swap their names, or a prefix move, in any order, and rows may name others that this operator may not see. So unique
//! indexes become plain ones of the same name, the overlap triggers go, foreign keys and checks are not enforced on these connections.

use super::key::unlock;
use crate::error::{OpenError, StoreError};
use crate::{codec, migrate, open};
use noctule_domain::TenantId;
use noctule_domain::secret::Secret;
use noctule_domain::sync::Position;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::path::Path;

/// The tenant's key in every cache: there is only one.
pub(crate) const TENANT_KEY: i64 = 1;

/// Keeps what the row of a NAS must bring along when it comes after the rows that name it.
const TRIGGERS: &str = "
CREATE TRIGGER IF NOT EXISTS nas_came AFTER INSERT ON nas BEGIN
    UPDATE nas SET
        subscribers = (SELECT count(*) FROM subscribers AS s WHERE s.tenant = new.tenant AND s.nas = new.id AND s.nas IS NOT NULL),
        sessions = (SELECT count(*) FROM sessions AS x WHERE x.tenant = new.tenant AND x.nas = new.id)
        WHERE tenant = new.tenant AND id = new.id;
    UPDATE subscribers SET nas_name = new.name WHERE tenant = new.tenant AND nas = new.id AND nas IS NOT NULL AND nas_name <> new.name;
END;
CREATE TRIGGER IF NOT EXISTS nas_went AFTER DELETE ON nas BEGIN
    UPDATE subscribers SET nas_name = '' WHERE tenant = old.tenant AND nas = old.id AND nas IS NOT NULL;
END;";

/// An index or a trigger of the schema.
pub(crate) struct Object {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) sql: String,
}

/// Indexes and triggers as they stand in `conn`, those of `subscribers` last: they are the long ones.
pub(crate) fn objects(conn: &Connection) -> rusqlite::Result<Vec<Object>> {
    conn.prepare(
        "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('index', 'trigger') AND sql IS NOT NULL
         ORDER BY type, tbl_name = 'subscribers', name",
    )?
    .query_map([], |row| Ok(Object { kind: row.get(0)?, name: row.get(1)?, sql: row.get(2)? }))?
    .collect()
}

/// Takes from the schema what a copy can not hold to.
fn loosen(conn: &Connection) -> rusqlite::Result<()> {
    for object in objects(conn)? {
        let unique = object.sql.strip_prefix("CREATE UNIQUE INDEX ");
        // Names and statements come from the schema, not from outside.
        if object.kind == "trigger" && object.name.starts_with("subscribers_overlap") {
            conn.execute_batch(&format!("DROP TRIGGER \"{}\"", object.name))?;
        } else if let Some(rest) = unique {
            conn.execute_batch(&format!("DROP INDEX \"{}\"; CREATE INDEX {rest}", object.name))?;
        }
    }
    conn.execute_batch(TRIGGERS)
}

/// What a whole cache has: read from one made in memory.
pub(crate) fn full_schema() -> Result<Vec<Object>, OpenError> {
    let path = Path::new(":memory:");
    let mut conn = Connection::open_in_memory().map_err(|e| OpenError::from_sql(path, e))?;
    migrate::upgrade(&migrate::STORE, &mut conn, path, 0)?;
    loosen(&conn).and_then(|()| objects(&conn)).map_err(|e| OpenError::from_sql(path, e))
}

/// Settings of every connection that writes a cache.
pub(crate) fn configure(conn: &Connection, cache_kib: u32) -> rusqlite::Result<()> {
    conn.busy_timeout(std::time::Duration::from_secs(5))?;
    conn.set_prepared_statement_cache_capacity(128);
    conn.execute_batch(&format!(
        "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; PRAGMA cache_size = -{cache_kib}; PRAGMA mmap_size = 0;"
    ))
}

/// Connects to a file that is there.
pub(crate) fn connect(path: &Path, key: Option<&Secret>) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(|e| OpenError::from_sql(path, e))?;
    unlock(&conn, key).map_err(|e| OpenError::from_sql(path, e))?;
    Ok(conn)
}

/// Makes a file with the whole schema and no rows; its journal is that of a plain database.
pub(crate) fn make(path: &Path, key: Option<&Secret>, tenant: TenantId, now_us: i64) -> Result<Connection, OpenError> {
    let sql = |e| OpenError::from_sql(path, e);
    open::private_file(path).map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
    let mut conn = connect(path, key)?;
    configure(&conn, open::WRITER_CACHE_KIB).map_err(sql)?;
    conn.execute_batch("PRAGMA synchronous = OFF;").map_err(sql)?;
    migrate::upgrade(&migrate::STORE, &mut conn, path, now_us)?;
    loosen(&conn).map_err(sql)?;
    conn.execute("INSERT INTO tenants (key, id) VALUES (?1, ?2) ON CONFLICT DO NOTHING", params![TENANT_KEY, codec::bytes(tenant.0)])
        .map_err(sql)?;
    Ok(conn)
}

/// Makes a cache without rows, ready to be pointed at.
pub(crate) fn make_empty(path: &Path, key: Option<&Secret>, tenant: TenantId, now_us: i64) -> Result<(), OpenError> {
    let conn = make(path, key, tenant, now_us)?;
    conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)).map_err(|e| OpenError::from_sql(path, e))?;
    Ok(())
}

/// The connection that writes the current cache.
pub(crate) fn writer(path: &Path, key: Option<&Secret>) -> Result<Connection, OpenError> {
    let conn = connect(path, key)?;
    configure(&conn, open::WRITER_CACHE_KIB)
        .and_then(|()| conn.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864;"))
        .map_err(|e| OpenError::from_sql(path, e))?;
    Ok(conn)
}

/// Looks whether the file is a cache of this program, of this tenant and login; brings an older one up to date. `Ok(false)`: sound, but
/// somebody else's.
pub(crate) fn fits(
    path: &Path,
    key: Option<&Secret>,
    tenant: TenantId,
    login: &str,
    now_us: i64,
    may_write: bool,
) -> Result<bool, OpenError> {
    let sql = |e| OpenError::from_sql(path, e);
    let size = std::fs::metadata(path).map_err(|source| OpenError::Io { path: path.to_owned(), source })?.len();
    if key.is_none() {
        open::look_at_header(path, size)?;
    }
    let mut conn = if may_write { writer(path, key)? } else { open::reader_of(path, false, key)? };
    if !migrate::check(&migrate::STORE, &conn, path)? {
        if !may_write {
            return Err(OpenError::ReadOnly { path: path.to_owned() });
        }
        migrate::upgrade(&migrate::STORE, &mut conn, path, now_us)?;
        loosen(&conn).map_err(sql)?;
    }
    let key: Option<i64> =
        conn.query_row("SELECT key FROM tenants WHERE id = ?1", [codec::bytes(tenant.0)], |row| row.get(0)).optional().map_err(sql)?;
    let whose = position(&conn).map_err(|_| OpenError::Damaged { path: path.to_owned(), detail: "its position can not be read".into() })?;
    Ok(key == Some(TENANT_KEY) && whose.is_none_or(|p| login.is_empty() || p.login == login))
}

/// Where this cache stands in the centre's history.
pub(crate) fn position(conn: &Connection) -> Result<Option<Position>, StoreError> {
    let text: Option<String> =
        conn.prepare_cached("SELECT value FROM meta WHERE name = 'position'")?.query_row([], |row| row.get(0)).optional()?;
    text.map(|text| {
        serde_json::from_str(&text).map_err(|_| StoreError::Damaged { detail: "the position of the copy can not be read".into() })
    })
    .transpose()
}

pub(crate) fn set_position(conn: &Connection, position: &Position) -> rusqlite::Result<()> {
    conn.prepare_cached("INSERT INTO meta (name, value) VALUES ('position', ?1) ON CONFLICT (name) DO UPDATE SET value = ?1")?
        .execute([codec::json(position)?])?;
    Ok(())
}
