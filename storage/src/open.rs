//! Opening: what the file is, whether it may be written, whether it is whole enough. Nothing here reads more than a few pages, so that
//! a store of a million rows opens in milliseconds. A damaged file is never deleted.

use crate::consoles::Alive;
use crate::error::OpenError;
use crate::{codec, migrate};
use chrono::{Duration, Utc};
use noctule_domain::lifecycle::Methods;
use noctule_domain::ports::Clock;
use noctule_domain::secret::Secret;
use noctule_domain::{ConsoleId, TenantId};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::fs::{DirBuilder, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Cache of the writing connection, in KiB.
pub(crate) const WRITER_CACHE_KIB: u32 = 16_000;

/// Pages of the log before it is brought into the file. A page that many transactions write comes into the file once: a bulk writes the same
/// ones again and again. 32 MiB, read once by the next start after a kill.
const CHECKPOINT_PAGES: u32 = 8_000;

/// The methods of a NAS profile, by its key. The store keeps only the key.
pub type MethodsOf = Arc<dyn Fn(&str) -> Option<Methods> + Send + Sync>;

/// How a store is opened.
#[derive(Clone)]
pub struct OpenOptions {
    /// This process; made anew at each start, never used by two processes.
    pub console: ConsoleId,
    pub read_only: bool,
    pub clock: Arc<dyn Clock>,
    pub tenant: TenantId,
    /// How long a released prefix rests before it is deleted.
    pub hold: Duration,
    pub lease_s: u32,
    pub methods: MethodsOf,
    /// An AAA system of ours decides what logins get. With a centre that is a fact of the tenant there, and this is not looked at.
    pub has_aaa: bool,
    /// Of a copy: the login at the centre. A cache of another one is not shown, and its unsent work is kept apart. `None`: whoever's it is.
    pub login: Option<String>,
    /// Of a copy, with the feature `sqlcipher`: 32 bytes with which cache and outbox are encrypted on the disk.
    pub key: Option<Secret>,
}

impl OpenOptions {
    /// Hold 24 h, lease 30 s, for writing, without AAA.
    pub fn new(console: ConsoleId, tenant: TenantId, clock: Arc<dyn Clock>, methods: MethodsOf) -> Self {
        Self {
            console,
            read_only: false,
            clock,
            tenant,
            hold: Duration::hours(24),
            lease_s: 30,
            methods,
            has_aaa: false,
            login: None,
            key: None,
        }
    }
}

impl std::fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenOptions")
            .field("console", &self.console)
            .field("tenant", &self.tenant)
            .field("read_only", &self.read_only)
            .finish()
    }
}

/// What opening gives: the connections, and what was learned.
pub(crate) struct Opened {
    pub(crate) writer: Option<Connection>,
    pub(crate) readers: Vec<Connection>,
    pub(crate) tenant_key: i64,
    pub(crate) alive: Option<Alive>,
    pub(crate) consoles: PathBuf,
    pub(crate) immutable: bool,
}

pub(crate) fn open(path: &Path, options: &OpenOptions) -> Result<Opened, OpenError> {
    let io = |source| OpenError::Io { path: path.to_owned(), source };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_owned);
    let mut read_only = options.read_only;
    if !read_only {
        private_folder(&folder).map_err(io)?;
        match private_file(path) {
            Ok(_) => {}
            Err(e) if matches!(e.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) && path.exists() => {
                read_only = true
            }
            Err(e) if e.kind() == io::ErrorKind::StorageFull => return Err(OpenError::Full { path: path.to_owned() }),
            Err(e) => return Err(io(e)),
        }
    }
    let size = std::fs::metadata(path).map_err(io)?.len();
    look_at_header(path, size)?;
    if read_only {
        return open_read_only(path, options, folder.join("consoles"));
    }
    let mut writer = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let sql = |e| OpenError::from_sql(path, e);
    let ready = migrate::check(&migrate::STORE, &writer, path)?;
    configure(&writer, WRITER_CACHE_KIB).map_err(sql)?;
    writer
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0))
        .and_then(|_| {
            writer.execute_batch(&format!(
                "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY; \
                 PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES};"
            ))
        })
        .map_err(sql)?;
    if !ready {
        migrate::upgrade(&migrate::STORE, &mut writer, path, codec::us(options.clock.now()))?;
    }
    let tenant_key = match tenant_key(&writer, options.tenant).map_err(sql)? {
        Some(key) => key,
        None => {
            writer.execute("INSERT INTO tenants (id) VALUES (?1) ON CONFLICT DO NOTHING", [codec::bytes(options.tenant.0)]).map_err(sql)?;
            tenant_key(&writer, options.tenant).map_err(sql)?.unwrap_or_default()
        }
    };
    let consoles = folder.join("consoles");
    let Some(alive) = Alive::announce(&consoles, options.console).map_err(io)? else {
        return Err(OpenError::Locked { path: path.to_owned() });
    };
    let readers = (0..2).map(|_| reader(path, false)).collect::<Result<_, _>>()?;
    Ok(Opened { writer: Some(writer), readers, tenant_key, alive: Some(alive), consoles, immutable: false })
}

fn open_read_only(path: &Path, options: &OpenOptions, consoles: PathBuf) -> Result<Opened, OpenError> {
    // Where not even the helper file beside the store can be made, nobody writes: then it is read as it lies.
    let (first, immutable) =
        match reader(path, false).and_then(|conn| migrate::check(&migrate::STORE, &conn, path).map(|ready| (conn, ready))) {
            Err(OpenError::Sql { .. } | OpenError::ReadOnly { .. }) => {
                let conn = reader(path, true)?;
                let ready = migrate::check(&migrate::STORE, &conn, path)?;
                ((conn, ready), true)
            }
            other => (other?, false),
        };
    let (first, ready) = first;
    if !ready {
        return Err(OpenError::ReadOnly { path: path.to_owned() });
    }
    let tenant_key = tenant_key(&first, options.tenant).map_err(|e| OpenError::from_sql(path, e))?.unwrap_or(-1);
    let readers = vec![first, reader(path, immutable)?];
    Ok(Opened { writer: None, readers, tenant_key, alive: None, consoles, immutable })
}

fn tenant_key(conn: &Connection, tenant: TenantId) -> rusqlite::Result<Option<i64>> {
    conn.query_row("SELECT key FROM tenants WHERE id = ?1", [codec::bytes(tenant.0)], |row| row.get(0)).optional()
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, OpenError> {
    Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(|e| OpenError::from_sql(path, e))
}

/// A connection that can not write.
pub(crate) fn reader(path: &Path, immutable: bool) -> Result<Connection, OpenError> {
    reader_of(path, immutable, None)
}

/// The same of a file that may be encrypted.
pub(crate) fn reader_of(path: &Path, immutable: bool, key: Option<&Secret>) -> Result<Connection, OpenError> {
    let conn = if immutable {
        let mut uri = String::from("file:");
        for byte in path.as_os_str().as_encoded_bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
                other => uri.push_str(&format!("%{other:02X}")),
            }
        }
        uri.push_str("?immutable=1");
        connect(Path::new(&uri), OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI)?
    } else {
        connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?
    };
    crate::replica::unlock(&conn, key)
        .and_then(|()| configure(&conn, 8_000))
        .and_then(|()| conn.execute_batch("PRAGMA query_only = ON;"))
        .map_err(|e| OpenError::from_sql(path, e))?;
    Ok(conn)
}

/// A small file of its own beside the store: made for the owner alone, several processes may write it.
pub(crate) fn private_sqlite(path: &Path, key: Option<&Secret>) -> Result<Connection, OpenError> {
    let io = |source| OpenError::Io { path: path.to_owned(), source };
    let sql = |e| OpenError::from_sql(path, e);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        private_folder(folder).map_err(io)?;
    }
    match private_file(path) {
        Ok(_) => {}
        Err(e) if matches!(e.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => {
            return Err(OpenError::ReadOnly { path: path.to_owned() });
        }
        Err(e) if e.kind() == io::ErrorKind::StorageFull => return Err(OpenError::Full { path: path.to_owned() }),
        Err(e) => return Err(io(e)),
    }
    look_at_header(path, std::fs::metadata(path).map_err(io)?.len())?;
    let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    crate::replica::unlock(&conn, key).and_then(|()| configure(&conn, 4_000)).map_err(sql)?;
    conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0))
        .and_then(|_| conn.execute_batch("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 16777216;"))
        .map_err(sql)?;
    Ok(conn)
}

fn configure(conn: &Connection, cache_kib: u32) -> rusqlite::Result<()> {
    conn.busy_timeout(std::time::Duration::from_secs(5))?;
    conn.set_prepared_statement_cache_capacity(64);
    conn.execute_batch(&format!("PRAGMA foreign_keys = ON; PRAGMA cache_size = -{cache_kib}; PRAGMA mmap_size = 0;"))
}

/// The first hundred bytes tell most damage: not SQLite at all, or shorter than it says.
pub(crate) fn look_at_header(path: &Path, size: u64) -> Result<(), OpenError> {
    if size == 0 {
        return Ok(());
    }
    let mut header = [0u8; 100];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    match read {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(OpenError::NotADatabase { path: path.to_owned(), detail: "it is too short".into() });
        }
        Err(source) => return Err(OpenError::Io { path: path.to_owned(), source }),
    }
    if &header[..16] != b"SQLite format 3\0" {
        return Err(OpenError::NotADatabase { path: path.to_owned(), detail: "it does not begin like an SQLite file".into() });
    }
    let word = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let page = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        n => u64::from(n),
    };
    // With a write-ahead log beside it the file may rightly be shorter than the log will make it.
    let has_log = std::fs::metadata(beside(path, "-wal")).is_ok_and(|m| m.len() > 0);
    let stated = u64::from(word(28)) * page;
    if !has_log && word(24) == word(92) && size < stated {
        return Err(OpenError::Damaged {
            path: path.to_owned(),
            detail: format!("it has {size} bytes and says that it has {stated}: the end is missing").into(),
        });
    }
    Ok(())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Renames a damaged store, with its log, to `NAME.damaged-<UTC stamp>`; nothing is deleted. Gives the new name.
pub fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let stamp = Utc::now().format("%Y%m%dT%H%M%SZ");
    let mut target = beside(path, &format!(".damaged-{stamp}"));
    for again in 2..1000 {
        if !target.exists() {
            break;
        }
        target = beside(path, &format!(".damaged-{stamp}-{again}"));
    }
    if target.exists() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "no free name beside the damaged store"));
    }
    // The log first: a main file that has gone leaves no log behind that a new store could take for its own.
    for suffix in ["-wal", "-shm"] {
        match std::fs::rename(beside(path, suffix), beside(&target, suffix)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    std::fs::rename(path, &target)?;
    Ok(target)
}

/// Makes what is missing of a folder, for the owner alone.
pub(crate) fn private_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Opens a file for writing, made for the owner alone when it is new.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    let mut open = File::options();
    open.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    open.open(path)
}
