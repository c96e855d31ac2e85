//! Reads what stands there: one user, pages of users, the sessions of one.

use super::error::of_question;
use super::freeradius::FreeRadius;
use super::names::order_keys;
use super::plan::{DELEGATED, FRAMED, Pair, prefix_of};
use super::row::{COLUMNS, session};
use crate::upstream::AaaError;
use noctule_domain::OperationId;
use noctule_domain::aaa::{AaaUser, AccountingSession};
use noctule_domain::subscriber::Username;
use std::collections::HashMap;
use uuid::Uuid;

/// Sessions that ended are told for so long.
const LATELY: &str = "7 days";
/// At most so many of one user: a login that is tried every second must not fill a screen.
const SESSIONS: i64 = 50;

/// What is ours to compare of these users, one row each. The names come as they are stored. Each part is a question for one value: an
/// `EXISTS` would be answered by reading the whole table once, for every page anew.
const USERS: &str = "SELECT n.name,
    (SELECT array_agg(lower(r.attribute) || ' ' || r.value ORDER BY r.id) FROM radreply AS r
        WHERE r.username = n.name AND lower(r.attribute) IN ('delegated-ipv6-prefix', 'framed-ipv6-prefix')),
    coalesce((SELECT bool_or(true) FROM radcheck AS c WHERE c.username = n.name AND lower(c.attribute) = 'auth-type' AND lower(c.value) = 'reject'),
        false),
    (SELECT array_agg(g.groupname ORDER BY g.priority, g.id) FROM radusergroup AS g WHERE g.username = n.name),
    (SELECT l.operation FROM noctule_login AS l WHERE l.username = n.name),
    coalesce((SELECT true FROM radcheck AS c WHERE c.username = n.name LIMIT 1), (SELECT true FROM radreply AS r WHERE r.username = n.name LIMIT 1),
        (SELECT true FROM radusergroup AS g WHERE g.username = n.name LIMIT 1), (SELECT true FROM noctule_login AS l WHERE l.username = n.name), false)
    FROM unnest($1::text[]) AS n(name)";

/// The tables that a name may stand in.
/// More clients than that are not compared.
const MOST_CLIENTS: i64 = 10_000;

const TABLES: [&str; 4] = ["radcheck", "radreply", "radusergroup", "noctule_login"];

impl FreeRadius {
    pub(super) async fn read_user(&self, username: &Username) -> Result<Option<AaaUser>, AaaError> {
        let names = vec![self.config.names.stored(username)];
        Ok(self.users(&names).await?.into_iter().next())
    }

    /// FreeRADIUS reads what is written for a user only where `radcheck` has a row of it.
    /// Who may ask this FreeRADIUS by its table `nas`: names alone, never the secrets. `None` where the table tells us nothing: empty (the
    /// clients stand in clients.conf), not there, not ours to read.
    pub async fn clients(&self) -> Result<Option<Vec<String>>, AaaError> {
        let line = self.reading.line().await?;
        let ask = async {
            let may = "SELECT coalesce((SELECT has_column_privilege(a.attrelid, a.attnum, 'SELECT') FROM pg_attribute AS a
                WHERE a.attrelid = to_regclass('nas') AND a.attname = 'nasname' AND NOT a.attisdropped), false)";
            if !line.client.query_one(may, &[]).await?.try_get::<_, bool>(0)? {
                return Ok(None);
            }
            let rows = line.client.query("SELECT nasname::text FROM nas WHERE nasname IS NOT NULL LIMIT $1", &[&MOST_CLIENTS]).await?;
            let names: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
            // A list that was cut says nothing of who is not in it.
            Ok(Some(names).filter(|names| !names.is_empty() && (names.len() as i64) < MOST_CLIENTS))
        };
        line.ask(false, ask).await
    }

    pub async fn in_radcheck(&self, username: &Username) -> Result<bool, AaaError> {
        let stored = self.config.names.stored(username);
        let line = self.reading.line().await?;
        let rows = line.query("SELECT EXISTS (SELECT FROM radcheck AS c WHERE c.username = $1)", &[&stored]).await?;
        drop(line);
        rows.first().map_or(Ok(false), |row| row.try_get(0)).map_err(|error| of_question(&error, false))
    }

    /// A page of names by the index on their order, then what belongs to them.
    pub(super) async fn read_users(&self, after: Option<&Username>, limit: u32) -> Result<Vec<AaaUser>, AaaError> {
        let mut after = after.cloned();
        loop {
            let names = self.names_after(after.as_ref(), limit).await?;
            let Some(last) = names.last() else { return Ok(Vec::new()) };
            let users = self.users(&names.iter().map(|(stored, _)| stored.clone()).collect::<Vec<_>>()).await?;
            if !users.is_empty() {
                return Ok(users);
            }
            // A whole page of rows that FreeRADIUS itself would never find: only an empty table is the end.
            after = Some(last.1.clone());
        }
    }

    /// Stored names in the order of what they stand for, each once; fewer than `limit` where a user has several rows. A name that FreeRADIUS
    /// would not find is still a place in the order. Each table gives its next rows by its index; a table that had more rows than were asked
    /// of it says nothing of what comes after them, so there the page ends.
    async fn names_after(&self, after: Option<&Username>, limit: u32) -> Result<Vec<(String, Username)>, AaaError> {
        let (low, exact) = self.config.names.order("username");
        let later = if after.is_some() {
            format!("({low}, {exact}) > ($1::text, $2::text)")
        } else {
            "$1::text IS NULL AND $2::text IS NULL".to_owned()
        };
        let part = |(at, table): (usize, &&str)| {
            format!(
                "(SELECT {at} AS part, {low} AS low, {exact} AS exact, username FROM {table} WHERE username <> '' AND {later} \
                 ORDER BY {low}, {exact} LIMIT $3)"
            )
        };
        let parts: Vec<String> = TABLES.iter().enumerate().map(part).collect();
        let sql = format!("SELECT part, low, exact, username FROM ({}) AS x ORDER BY low, exact, username", parts.join(" UNION ALL "));
        let (low, exact) = after.map(order_keys).unzip();
        let line = self.reading.line().await?;
        let rows = line.query(&sql, &[&low, &exact, &i64::from(limit)]).await?;
        let read = || -> Result<Vec<(String, Username)>, tokio_postgres::Error> {
            let mut of_part = [0u32; TABLES.len()];
            let mut names: Vec<(String, Username)> = Vec::with_capacity(limit as usize);
            let mut ended: Option<(String, String)> = None;
            for row in &rows {
                let key = (row.try_get::<_, String>(1)?, row.try_get::<_, String>(2)?);
                if ended.as_ref().is_some_and(|last| key > *last) {
                    break;
                }
                if let Some(read) = usize::try_from(row.try_get::<_, i32>(0)?).ok().and_then(|part| of_part.get_mut(part)) {
                    *read += 1;
                    if *read >= limit {
                        ended = Some(key.clone());
                    }
                }
                let stored: String = row.try_get(3)?;
                if names.last().is_none_or(|(last, _)| *last != stored)
                    && let Ok(name) = Username::new(&key.1)
                {
                    names.push((stored, name));
                }
            }
            Ok(names)
        };
        read().map_err(|error| of_question(&error, false))
    }

    async fn users(&self, stored: &[String]) -> Result<Vec<AaaUser>, AaaError> {
        let line = self.reading.line().await?;
        let rows = line.query(USERS, &[&stored]).await?;
        drop(line);
        let mut found: HashMap<String, AaaUser> = HashMap::with_capacity(rows.len());
        for row in &rows {
            let one = self.user_of(row).map_err(|error| of_question(&error, false))?;
            found.extend(one);
        }
        Ok(stored.iter().filter_map(|name| found.remove(name)).collect())
    }

    fn user_of(&self, row: &tokio_postgres::Row) -> Result<Option<(String, AaaUser)>, tokio_postgres::Error> {
        let stored: String = row.try_get(0)?;
        let known: bool = row.try_get(5)?;
        let Some(username) = self.config.names.name(&stored).filter(|_| known) else { return Ok(None) };
        let pairs: Vec<Pair> = row
            .try_get::<_, Option<Vec<String>>>(1)?
            .unwrap_or_default()
            .iter()
            .filter_map(|pair| pair.split_once(' '))
            .map(|(attribute, value)| Pair { id: 0, attribute: attribute.to_owned(), op: String::new(), value: value.to_owned() })
            .collect();
        let of = |name: &str| pairs.iter().filter(|pair| pair.attribute.eq_ignore_ascii_case(name)).filter_map(prefix_of).collect();
        let user = AaaUser {
            username,
            delegated: of(DELEGATED),
            framed: of(FRAMED),
            rejected: row.try_get(2)?,
            groups: row.try_get::<_, Option<Vec<String>>>(3)?.unwrap_or_default(),
            operation: row.try_get::<_, Option<Uuid>>(4)?.map(OperationId::from_uuid),
        };
        Ok(Some((stored, user)))
    }

    pub(super) async fn read_sessions(&self, username: &Username) -> Result<Vec<AccountingSession>, AaaError> {
        let stored = self.config.names.stored(username);
        let sql = format!(
            "SELECT {COLUMNS} FROM radacct AS a WHERE a.username = $1 AND (a.acctstoptime IS NULL OR a.acctstoptime > now() - interval '{LATELY}') \
             ORDER BY a.acctstarttime DESC NULLS LAST, a.radacctid DESC LIMIT {SESSIONS}"
        );
        let line = self.reading.line().await?;
        let rows = line.query(&sql, &[&stored]).await?;
        drop(line);
        let mut sessions = Vec::with_capacity(rows.len());
        for row in &rows {
            sessions.extend(session(row, self.config.names).map_err(|error| of_question(&error, false))?);
        }
        Ok(sessions)
    }
}
