//! Making the schema and bringing it up to date: all pending migrations in one transaction under one lock, so that it is there whole or not
//! at all, and two administrators at once do it once.

use super::error::{SchemaError, code, words};
use super::migrations::{MIGRATIONS, Migration, SCHEMA};
use super::owner::OwnerConfig;
use super::roles;
use super::{tenants, work};
use crate::connect::{CentreError, Line};
use noctule_domain::{SafeText, TenantId};
use tokio_postgres::Transaction;
use tokio_postgres::error::SqlState;

/// "noctule" as a number: one database, one migration at a time.
const LOCK: i64 = 0x6e6f_6374_756c_6500;
/// Older servers lack security_invoker views, on which the policies rest.
const OLDEST: i32 = 150_000;

/// What `init` or `upgrade` found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitReport {
    /// Names of the migrations that were applied now; none: it was up to date.
    pub applied: Vec<&'static str>,
    pub schema: i32,
    /// The tenant that was asked for, and whether it is new.
    pub tenant: Option<(TenantId, bool)>,
}

/// Makes roles, extension, schema and tables where they are missing, brings an older schema up to date, and makes the first tenant if one is
/// named. Harmless when all is there. The login of `owner` is a superuser, or may create roles and has CREATE on the database.
pub async fn init(owner: &OwnerConfig, tenant: Option<(TenantId, &str)>) -> Result<InitReport, SchemaError> {
    let mut line = owner.open().await?;
    let found = roles::version(&line).await?;
    if found < OLDEST {
        return Err(SchemaError::refused(format!(
            "this server is PostgreSQL {}, and Noctule needs 15 or later: nothing was changed",
            found / 10_000
        )));
    }
    roles::ensure(&line, owner.user()).await?;
    let applied = migrate(&mut line, owner, MIGRATIONS, true).await?;
    let tenant = match tenant {
        Some((id, name)) => Some((id, tenants::add(&mut line, id, name, None).await?)),
        None => None,
    };
    Ok(InitReport { applied, schema: SCHEMA, tenant })
}

/// Applies the migrations that are missing; the schema must be there.
pub async fn upgrade(owner: &OwnerConfig) -> Result<InitReport, SchemaError> {
    let mut line = owner.open().await?;
    let applied = migrate(&mut line, owner, MIGRATIONS, false).await?;
    Ok(InitReport { applied, schema: SCHEMA, tenant: None })
}

pub(super) async fn migrate(
    line: &mut Line,
    owner: &OwnerConfig,
    wanted: &[Migration],
    make: bool,
) -> Result<Vec<&'static str>, SchemaError> {
    let transaction = line.client.transaction().await.map_err(pg)?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(pg)?;
    if make {
        prepare(&transaction, owner).await?;
    }
    if !work::has_schema(&transaction).await? {
        return Err(SchemaError::NoSchema);
    }
    act_as_owner(&transaction, owner.user()).await?;
    let pending = pending(&applied(&transaction).await?, wanted)?;
    for migration in &pending {
        transaction.batch_execute(migration.sql).await.map_err(|error| failed(migration, &error))?;
        transaction
            .execute(
                "INSERT INTO noctule.migrations (version, name, checksum) VALUES ($1, $2, $3)",
                &[&migration.version, &migration.name, &migration.checksum()],
            )
            .await
            .map_err(pg)?;
    }
    transaction.commit().await.map_err(pg)?;
    Ok(pending.iter().map(|migration| migration.name).collect())
}

/// Extension, schema and the list of migrations.
async fn prepare(transaction: &Transaction<'_>, owner: &OwnerConfig) -> Result<(), SchemaError> {
    let lacks = |error: tokio_postgres::Error| match code(&error) {
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => SchemaError::Rights {
            login: owner.user().into(),
            why: SafeText::bounded(&format!("it needs CREATE on the database {} ({})", owner.database(), words(&error)), 500),
        },
        Some(&SqlState::UNDEFINED_FILE | &SqlState::FEATURE_NOT_SUPPORTED) => SchemaError::refused(format!(
            "the server lacks the extension btree_gist ({}): nothing was changed; install PostgreSQL's contrib package there",
            words(&error)
        )),
        _ => pg(error),
    };
    // In a schema of its own: nothing of it is needed by name, and nothing in `noctule` belongs to anybody else.
    for (there, statement) in [
        ("SELECT to_regnamespace('noctule') IS NOT NULL", "CREATE SCHEMA noctule AUTHORIZATION noctule_owner"),
        (
            "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'btree_gist') OR to_regnamespace('noctule_extensions') IS NOT NULL",
            "CREATE SCHEMA noctule_extensions AUTHORIZATION noctule_owner",
        ),
        ("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'btree_gist')", "CREATE EXTENSION btree_gist SCHEMA noctule_extensions"),
        (
            "SELECT has_database_privilege('noctule_member', current_database(), 'CONNECT')",
            "DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO noctule_member', current_database()); END $$",
        ),
    ] {
        if !transaction.query_one(there, &[]).await.map_err(pg)?.get::<_, bool>(0) {
            transaction.batch_execute(statement).await.map_err(lacks)?;
        }
    }
    let owner_of: String = transaction
        .query_one("SELECT pg_get_userbyid(nspowner)::text FROM pg_namespace WHERE nspname = 'noctule'", &[])
        .await
        .map_err(pg)?
        .get(0);
    if owner_of != "noctule_owner" {
        return Err(SchemaError::refused(format!(
            "this database has a schema noctule that belongs to {owner_of}: it is not ours, nothing was changed; use another database"
        )));
    }
    act_as_owner(transaction, owner.user()).await?;
    transaction
        .batch_execute(
            "CREATE TABLE IF NOT EXISTS noctule.migrations (
                 version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
             RESET ROLE",
        )
        .await
        .map_err(pg)
}

/// What is made from here on to the end of the transaction belongs to noctule_owner. Nothing is looked up by an unqualified name.
async fn act_as_owner(transaction: &Transaction<'_>, login: &str) -> Result<(), SchemaError> {
    transaction.batch_execute("SET LOCAL ROLE noctule_owner; SET LOCAL search_path = ''").await.map_err(|error| match code(&error) {
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => SchemaError::Rights {
            login: login.into(),
            why: "it is no member of noctule_owner; a superuser, or whoever made that role, does: GRANT noctule_owner TO it".into(),
        },
        _ => pg(error),
    })
}

/// Version, name and checksum of what was applied, in order.
pub(super) async fn applied(client: &impl tokio_postgres::GenericClient) -> Result<Vec<(i32, String, String)>, SchemaError> {
    let rows = client.query("SELECT version, name, checksum FROM noctule.migrations ORDER BY version", &[]).await.map_err(pg)?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
}

/// What of `wanted` is missing; an error when what is there is not a beginning of it.
pub(super) fn pending<'m>(applied: &[(i32, String, String)], wanted: &'m [Migration]) -> Result<Vec<&'m Migration>, SchemaError> {
    let known = wanted.last().map_or(0, |migration| migration.version);
    for (version, name, checksum) in applied {
        match wanted.iter().find(|migration| migration.version == *version) {
            None => return Err(SchemaError::Newer { found: *version, known }),
            Some(migration) if migration.checksum() != *checksum => {
                return Err(SchemaError::Edited { version: *version, name: SafeText::bounded(name, 100) });
            }
            Some(_) => {}
        }
    }
    let last = applied.last().map_or(0, |(version, ..)| *version);
    Ok(wanted.iter().filter(|migration| migration.version > last).collect())
}

fn failed(migration: &Migration, error: &tokio_postgres::Error) -> SchemaError {
    match error.as_db_error() {
        Some(db) => {
            let line = match db.position() {
                Some(tokio_postgres::error::ErrorPosition::Original(at)) => {
                    let before = migration.sql.chars().take(usize::try_from(*at).unwrap_or(0));
                    format!(", line {}", before.filter(|c| *c == '\n').count() + 1)
                }
                _ => String::new(),
            };
            SchemaError::Failed {
                version: migration.version,
                name: migration.name.into(),
                why: SafeText::bounded(&format!("{}{line}", words(error)), 500),
            }
        }
        None => SchemaError::Centre(CentreError::from_pg(error)),
    }
}

pub(super) fn pg(error: tokio_postgres::Error) -> SchemaError {
    SchemaError::Centre(CentreError::from_pg(&error))
}
