//! The two group roles of a cluster: noctule_owner, which owns the schema, and noctule_member, whose members read it. Roles belong to the
//! whole cluster, databases are many, and several may be set up at the same moment.

use super::error::{SchemaError, code, words};
use crate::connect::Line;
use noctule_domain::SafeText;
use std::time::Duration;
use tokio_postgres::error::SqlState;

/// Tries of a statement that collides with the same one in another database of the cluster: catalogue rows are then "concurrently updated".
const TRIES: u32 = 20;

/// Makes both roles if they are missing and lets the owner's login act as noctule_owner.
pub(super) async fn ensure(line: &Line, login: &str) -> Result<(), SchemaError> {
    for role in ["noctule_owner", "noctule_member"] {
        insist(
            line,
            login,
            "it may not create roles (CREATEROLE, or be a superuser)",
            || format!("CREATE ROLE {role} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"),
            &format!("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')"),
        )
        .await?;
    }
    let odd: Vec<String> = line
        .client
        .query(
            "SELECT rolname::text FROM pg_roles WHERE rolname IN ('noctule_owner', 'noctule_member')
             AND (rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)",
            &[],
        )
        .await
        .map_err(|error| SchemaError::Centre(crate::connect::CentreError::from_pg(&error)))?
        .iter()
        .map(|row| row.get(0))
        .collect();
    if !odd.is_empty() {
        return Err(SchemaError::refused(format!(
            "the role {} of this cluster can log in or has rights of its own, but it must be a plain group: ALTER ROLE … NOLOGIN NOSUPERUSER \
             NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION, then run this again",
            odd.join(", ")
        )));
    }
    // A superuser acts as anybody. From PostgreSQL 16 on, whoever created a role administers it and must allow himself to act as it.
    let options = version(line).await? >= 160_000;
    insist(
        line,
        login,
        "it may not make itself a member of noctule_owner; a superuser does: GRANT noctule_owner TO it",
        || format!("GRANT noctule_owner TO CURRENT_USER{}", if options { " WITH INHERIT TRUE, SET TRUE" } else { "" }),
        if options { "SELECT pg_has_role('noctule_owner', 'SET')" } else { "SELECT pg_has_role('noctule_owner', 'MEMBER')" },
    )
    .await
}

/// The server's version as a number: 150014.
pub(super) async fn version(line: &Line) -> Result<i32, SchemaError> {
    let text: String = scalar(line, "SELECT current_setting('server_version_num')").await?;
    text.parse().map_err(|_| SchemaError::refused(format!("the server says that its version is {text}: that is none")))
}

pub(super) async fn scalar<T>(line: &Line, sql: &str) -> Result<T, SchemaError>
where
    T: for<'a> tokio_postgres::types::FromSql<'a>,
{
    let row = line.client.query_one(sql, &[]).await.map_err(|error| SchemaError::Centre(crate::connect::CentreError::from_pg(&error)))?;
    row.try_get(0).map_err(|error| SchemaError::Centre(crate::connect::CentreError::from_pg(&error)))
}

/// Runs `statement` unless `there` says that it is done already, again when others do the same at this moment.
async fn insist(line: &Line, login: &str, lacks: &str, statement: impl Fn() -> String, there: &str) -> Result<(), SchemaError> {
    let mut tried = 0;
    loop {
        if scalar::<bool>(line, there).await? {
            return Ok(());
        }
        let Err(error) = line.client.batch_execute(&statement()).await else { return Ok(()) };
        tried += 1;
        match code(&error) {
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
                return Err(SchemaError::Rights {
                    login: login.into(),
                    why: SafeText::bounded(&format!("{lacks} ({})", words(&error)), 500),
                });
            }
            // "tuple concurrently updated" has no code of its own.
            Some(&SqlState::DUPLICATE_OBJECT | &SqlState::UNIQUE_VIOLATION | &SqlState::INTERNAL_ERROR) if tried < TRIES => {
                tokio::time::sleep(Duration::from_millis(5 * u64::from(tried))).await;
            }
            _ => return Err(SchemaError::Centre(crate::connect::CentreError::from_pg(&error))),
        }
    }
}
