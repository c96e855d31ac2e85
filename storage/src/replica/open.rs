//! Opening the folder of a copy. The outbox is opened as the precious thing that it is; a cache that can not be used is replaced by an
//! empty one, because the centre gives it again.

use super::desk::{self, Desk};
use super::files::Files;
use super::side::{Parts, Side};
use super::{cache, key};
use crate::codec;
use crate::consoles::Alive;
use crate::error::OpenError;
use crate::open::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

pub(crate) struct Opened {
    pub(crate) side: Arc<Side>,
    pub(crate) desk: Desk,
    pub(crate) alive: Option<Alive>,
}

pub(crate) fn open(folder: &Path, options: &OpenOptions, changes: watch::Sender<u64>) -> Result<Opened, OpenError> {
    let io = |source: io::Error| match source.kind() {
        io::ErrorKind::StorageFull => OpenError::Full { path: folder.to_owned() },
        io::ErrorKind::WouldBlock => OpenError::Locked { path: folder.to_owned() },
        _ => OpenError::Io { path: folder.to_owned(), source },
    };
    let files = if options.read_only { Files::at(folder) } else { Files::new(folder).map_err(io)? };
    let files = files.locked_by(options.key.clone());
    if let Some(why) = key::trouble(files.key()) {
        return Err(OpenError::Key { path: folder.to_owned(), why });
    }
    let now = codec::cut(options.clock.now());
    let login = options.login.clone().unwrap_or_default();
    let consoles = folder.join("consoles");
    let (conn, generation, alive) = if options.read_only {
        let conn = desk::connect(&files.outbox(), files.key(), true, now)?;
        let none = || OpenError::ReadOnly { path: folder.to_owned() };
        let number = files.current().map_err(io)?.ok_or_else(none)?;
        if !cache::fits(&files.cache(number), files.key(), options.tenant, &login, codec::us(now), false)? {
            return Err(none());
        }
        (conn, number, None)
    } else {
        let _held = files.hold().map_err(io)?;
        let conn = desk::connect(&files.outbox(), files.key(), false, now)?;
        let number = usable_cache(&files, options, &login, codec::us(now))?;
        let Some(alive) = Alive::announce(&consoles, options.console).map_err(io)? else {
            return Err(OpenError::Locked { path: folder.to_owned() });
        };
        (conn, number, Some(alive))
    };
    let side = Arc::new(Side::new(Parts {
        files,
        tenant: options.tenant,
        login,
        console: options.console,
        clock: options.clock.clone(),
        consoles,
        generation,
        changes,
    }));
    let outbox = side.files.outbox();
    if !options.read_only
        && let Err(error) = tidy(&conn, &side, now)
    {
        // A full disk above all: nothing of it is needed for work.
        tracing::warn!(%error, "the outbox could not be tidied");
    }
    let desk = Desk::new(conn, options.read_only, &side).map_err(|e| match e {
        crate::StoreError::Damaged { detail } => OpenError::Damaged { path: outbox.clone(), detail },
        crate::StoreError::Sql(source) => OpenError::from_sql(&outbox, source),
        other => OpenError::Damaged { path: outbox.clone(), detail: other.sentence() },
    })?;
    Ok(Opened { side, desk, alive })
}

/// The number of a cache that can be shown: the current one, or a new one without rows.
fn usable_cache(files: &Files, options: &OpenOptions, login: &str, now_us: i64) -> Result<u64, OpenError> {
    let io = |source| OpenError::Io { path: files.folder().to_owned(), source };
    if let Some(number) = files.current().map_err(io)? {
        let path = files.cache(number);
        match cache::fits(&path, files.key(), options.tenant, login, now_us, true) {
            Ok(true) => return Ok(number),
            Ok(false) => tracing::info!(cache = number, "the cache is that of another login: it is not shown, a new one is begun"),
            Err(error @ (OpenError::Newer { .. } | OpenError::Locked { .. } | OpenError::Full { .. })) => return Err(error),
            Err(error) => tracing::warn!(%error, "the cache can not be used: a new one is begun, the centre gives it again"),
        }
    }
    let number = files.next().map_err(io)?;
    cache::make_empty(&files.cache(number), files.key(), options.tenant, now_us)?;
    files.point_at(number).map_err(io)?;
    Ok(number)
}

/// What a process that died left undone: answered ops that the cache has seen; and history that is too old.
fn tidy(conn: &rusqlite::Connection, side: &Side, now: noctule_domain::Timestamp) -> Result<(), crate::StoreError> {
    let (_, cache) = side.reader()?;
    if let Some(position) = cache::position(&cache)? {
        desk::settle(conn, &position)?;
    }
    desk::prune(conn, now)?;
    Ok(())
}
