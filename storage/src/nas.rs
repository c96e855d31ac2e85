//! The NAS registry.

use crate::codec::{Take, bytes};
use crate::error::StoreError;
use crate::store::{Shared, Store};
use noctule_domain::nas::{Nas, NasHealth, NasRow};
use noctule_domain::{NasId, TenantId};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::time::Duration;

const WHOLE: &str = "n.id, n.name, n.profile, n.address, n.nas_ip, n.nas_identifier, n.secret, n.lat, n.lng, n.site, n.enabled, n.reach, \
    n.round_trip_us, n.last_answer_at, n.last_asked_at, n.acks, n.naks, n.timeouts, n.subscribers, n.sessions";

fn whole(row: &Row<'_>, tenant: TenantId) -> rusqlite::Result<NasRow> {
    let mut take = Take::new(row);
    let nas = Nas {
        id: NasId(take.uuid()?),
        tenant,
        name: take.text()?,
        profile: take.get()?,
        address: take.parsed()?,
        nas_ip: take.opt_parsed()?,
        nas_identifier: take.opt_text()?,
        secret: take.parsed()?,
        position: take.position()?,
        site: take.opt_text()?,
        enabled: take.get()?,
        health: NasHealth {
            reach: take.parsed()?,
            round_trip: take.get::<Option<i64>>()?.map(|us| Duration::from_micros(us.max(0) as u64)),
            last_answer_at: take.opt_time()?,
            last_asked_at: take.opt_time()?,
            acks: take.count()?,
            naks: take.count()?,
            timeouts: take.count()?,
        },
    };
    Ok(NasRow { nas, subscribers: take.count()?, sessions: take.count()? })
}

pub(crate) fn load(conn: &Connection, shared: &Shared, id: NasId) -> rusqlite::Result<Option<Nas>> {
    conn.prepare_cached(&format!("SELECT {WHOLE} FROM nas AS n WHERE n.tenant = ?1 AND n.id = ?2"))?
        .query_row(params![shared.tenant_key, bytes(id.0)], |row| whole(row, shared.tenant))
        .optional()
        .map(|row| row.map(|row| row.nas))
}

/// Reads the row as the screens do.
pub(crate) fn probe(conn: &Connection, id: [u8; 16]) -> rusqlite::Result<Option<()>> {
    let sql = format!("SELECT {WHOLE} FROM nas AS n WHERE n.tenant = ?1 AND n.id = ?2");
    crate::replica::probe(conn, &sql, id, |row| whole(row, TenantId(uuid::Uuid::nil())))
}

impl Store {
    /// Every NAS with how many subscribers and sessions it has, by name.
    pub async fn nas_rows(&self) -> Result<Vec<NasRow>, StoreError> {
        self.read(|conn, shared| {
            let mut statement = conn
                .prepare_cached(&format!("SELECT {WHOLE} FROM nas AS n WHERE n.tenant = ?1 ORDER BY n.name COLLATE NOCASE LIMIT 10000"))?;
            Ok(statement.query_map([shared.tenant_key], |row| whole(row, shared.tenant))?.collect::<Result<_, _>>()?)
        })
        .await
    }

    pub async fn nas(&self, id: NasId) -> Result<Option<Nas>, StoreError> {
        self.read(move |conn, shared| Ok(load(conn, shared, id)?)).await
    }

    /// By its name, without regard to case.
    pub async fn nas_by_name(&self, name: &str) -> Result<Option<Nas>, StoreError> {
        let name = name.to_owned();
        self.read(move |conn, shared| {
            let found = conn
                .prepare_cached(&format!("SELECT {WHOLE} FROM nas AS n WHERE n.tenant = ?1 AND n.name COLLATE NOCASE = ?2"))?
                .query_row(params![shared.tenant_key, name], |row| whole(row, shared.tenant))
                .optional()?;
            Ok(found.map(|row| row.nas))
        })
        .await
    }
}
