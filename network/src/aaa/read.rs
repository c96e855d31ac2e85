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

/// What is ours to compare of these users, one row each. The names come as they are stored.
const USERS: &str = "SELECT n.name,
    (SELECT array_agg(lower(r.attribute) || ' ' || r.value ORDER BY r.id) FROM radreply AS r
        WHERE r.username = n.name AND lower(r.attribute) IN ('delegated-ipv6-prefix', 'framed-ipv6-prefix')),
    EXISTS (SELECT FROM radcheck AS c WHERE c.username = n.name AND lower(c.attribute) = 'auth-type' AND lower(c.value) = 'reject'),
    (SELECT array_agg(g.groupname ORDER BY g.priority, g.id) FROM radusergroup AS g WHERE g.username = n.name),
    (SELECT l.operation FROM noctule_login AS l WHERE l.username = n.name),
    EXISTS (SELECT FROM radcheck AS c WHERE c.username = n.name) OR EXISTS (SELECT FROM radreply AS r WHERE r.username = n.name)
        OR EXISTS (SELECT FROM radusergroup AS g WHERE g.username = n.name) OR EXISTS (SELECT FROM noctule_login AS l WHERE l.username = n.name)
    FROM unnest($1::text[]) AS n(name)";

impl FreeRadius {
    pub(super) async fn read_user(&self, username: &Username) -> Result<Option<AaaUser>, AaaError> {
        let names = vec![self.config.names.stored(username)];
        Ok(self.users(&names).await?.into_iter().next())
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

    /// Stored names in the order of what they stand for. A name that FreeRADIUS would not find is still a place in the order.
    async fn names_after(&self, after: Option<&Username>, limit: u32) -> Result<Vec<(String, Username)>, AaaError> {
        let tables = ["radcheck", "radreply", "radusergroup", "noctule_login"];
        let (low, exact) = self.config.names.order("username");
        let parts: Vec<String> = tables
            .iter()
            .map(|table| {
                format!(
                    "(SELECT DISTINCT {low} AS low, {exact} AS exact, username FROM {table} WHERE username <> '' AND ($1::text IS NULL \
                     OR ({low}, {exact}) > ($1::text, $2::text)) ORDER BY 1, 2 LIMIT $3)"
                )
            })
            .collect();
        let sql = format!("SELECT DISTINCT low, exact, username FROM ({}) AS x ORDER BY low, exact LIMIT $3", parts.join(" UNION ALL "));
        let (low, exact) = after.map(order_keys).unzip();
        let line = self.reading.line().await?;
        let rows = line.query(&sql, &[&low, &exact, &i64::from(limit)]).await?;
        let read = || -> Result<Vec<(String, Username)>, tokio_postgres::Error> {
            let mut names = Vec::with_capacity(rows.len());
            for row in &rows {
                if let Ok(name) = Username::new(row.try_get::<_, &str>(1)?) {
                    names.push((row.try_get(2)?, name));
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
