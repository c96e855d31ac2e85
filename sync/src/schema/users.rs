//! Operators: each is a login role of the cluster, a member of noctule_member, and a row in `members` of a tenant that says as what. A login
//! is revoked, never deleted: what it did stays signed.

use super::error::{SchemaError, code, words};
use super::init::pg;
use super::owner::OwnerConfig;
use super::password::{generate_password, verifier};
use super::work;
use noctule_domain::permission::Role;
use noctule_domain::secret::Secret;
use noctule_domain::{SafeText, TechnicianId, TenantId, Timestamp};
use serde_json::{Value, json};
use tokio_postgres::Transaction;
use tokio_postgres::error::SqlState;

/// A console holds two connections, and three for a moment: one for calls, one that listens, one for a copy. A person has a few consoles.
const CONNECTIONS: u32 = 20;
/// NAMEDATALEN - 1: what is longer PostgreSQL would cut, and then it is another name.
const LONGEST_LOGIN: usize = 63;

/// Who is to be added.
#[derive(Debug, Clone)]
pub struct NewUser<'a> {
    pub login: &'a str,
    pub role: Role,
    pub full_name: &'a str,
    /// Whose tasks are own; needed for the role technician.
    pub technician: Option<TechnicianId>,
    /// `None`: one is made, and given back once.
    pub password: Option<Secret>,
}

/// What was done.
#[derive(Debug)]
pub struct UserAdded {
    /// A password that was made; it is kept nowhere.
    pub password: Option<Secret>,
    /// The login was in the cluster already (another tenant's operator, or a revoked one).
    pub known: bool,
    /// What could not be done and is not needed by consoles, in words.
    pub note: Option<SafeText>,
}

/// An operator, as `noctule central user list` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub login: SafeText,
    pub role: Role,
    pub full_name: SafeText,
    pub technician: Option<TechnicianId>,
    pub added_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
    /// Connections of this login to the database now.
    pub sessions: i64,
}

/// A name for a login role: what PostgreSQL would cut, quote or keep for itself is refused rather than changed.
pub(super) fn check_login(login: &str) -> Result<(), SchemaError> {
    let lower = login.to_lowercase();
    let refuse =
        |why: &str| Err(SchemaError::refused(format!("{} can not be a login: {why}; nothing was changed", SafeText::bounded(login, 80))));
    if login.is_empty() || login.len() > LONGEST_LOGIN {
        return refuse("it has 1 to 63 bytes");
    }
    if !SafeText::is_clean(login) || login.trim() != login {
        return refuse("it has no control characters, and no blank at its ends");
    }
    if lower == "postgres" || lower == "public" || lower == "none" || lower.starts_with("pg_") || lower.starts_with("noctule_") {
        return refuse("postgres, public, none, pg_… and noctule_… are reserved");
    }
    Ok(())
}

/// Adds an operator, or gives one who was revoked (or works for another tenant) a place in this tenant. A login that is there keeps its password
/// unless one is given; a login that is not ours (no member of noctule_member) is left alone and refused.
pub async fn user_add(owner: &OwnerConfig, tenant: TenantId, user: NewUser<'_>) -> Result<UserAdded, SchemaError> {
    check_login(user.login)?;
    let full_name = SafeText::bounded(user.full_name, 200);
    let mut line = owner.open().await?;
    let transaction = work::begin(&mut line, Some(tenant)).await?;
    known_tenant(&transaction, tenant).await?;
    let technician = own_technician(&transaction, tenant, user.role, user.technician).await?;
    let live: bool = transaction
        .query_one(
            "SELECT EXISTS (SELECT FROM noctule.members WHERE tenant_id = $1 AND login = $2 AND revoked_at IS NULL)",
            &[&tenant.uuid(), &user.login],
        )
        .await
        .map_err(pg)?
        .get(0);
    if live {
        return Err(SchemaError::refused(format!(
            "{} is an operator of this tenant already: nothing was changed; its role is set with `noctule central user role`, its password with \
             `noctule central user passwd`",
            user.login
        )));
    }
    let role = login_role(&transaction, user.login).await?;
    if role.as_ref().is_some_and(|role| !role.ours) {
        return Err(SchemaError::refused(format!(
            "{} is a login of this cluster that is not an operator of ours: nothing was changed; choose another name, or GRANT noctule_member \
             TO it first",
            user.login
        )));
    }
    if role.as_ref().is_some_and(|role| role.mighty) {
        return Err(SchemaError::refused(format!("{} is a superuser or passes over row-level security: nothing was changed", user.login)));
    }
    // A revoked one is let in again with a new password: the old one may be why he was revoked.
    let fresh = role.as_ref().is_none_or(|role| !role.can_login);
    let made = (fresh && user.password.is_none()).then(generate_password);
    let password = user.password.as_ref().or(made.as_ref()).map(verifier).transpose()?;
    // Roles are made by the owner's login itself; noctule_owner has no such right.
    reset(&transaction).await?;
    let attributes = format!("LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION INHERIT CONNECTION LIMIT {CONNECTIONS}");
    let form = match (&role, &password) {
        (None, _) => format!("CREATE ROLE %I {attributes} PASSWORD %L IN ROLE noctule_member"),
        (Some(_), Some(_)) => format!("ALTER ROLE %I LOGIN CONNECTION LIMIT {CONNECTIONS} PASSWORD %L"),
        (Some(_), None) => "ALTER ROLE %I LOGIN".to_owned(),
    };
    run_made(&transaction, &form, user.login, password.as_deref(), owner.user()).await?;
    let note = remember_tenant(&transaction, user.login, tenant).await?;
    work::enter(&transaction).await?;
    transaction
        .execute(
            "INSERT INTO noctule.members (tenant_id, login, role, full_name, technician) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (tenant_id, login) DO UPDATE
             SET role = excluded.role, full_name = excluded.full_name, technician = excluded.technician, revoked_at = NULL, added_at = now()",
            &[&tenant.uuid(), &user.login, &user.role.word(), &full_name.as_str(), &technician.map(TechnicianId::uuid)],
        )
        .await
        .map_err(pg)?;
    let after = json!({ "role": user.role, "technician": technician });
    work::audit(&transaction, "user-add", user.login, Value::Null, after).await?;
    transaction.commit().await.map_err(pg)?;
    Ok(UserAdded { password: made, known: role.is_some(), note })
}

/// A role of the cluster.
#[derive(Debug)]
pub(super) struct LoginRole {
    pub ours: bool,
    pub can_login: bool,
    pub mighty: bool,
}

pub(super) async fn login_role(transaction: &Transaction<'_>, login: &str) -> Result<Option<LoginRole>, SchemaError> {
    let row = transaction
        .query_opt(
            "SELECT pg_has_role(oid, 'noctule_member', 'MEMBER'), rolcanlogin, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = $1",
            &[&login],
        )
        .await
        .map_err(pg)?;
    Ok(row.map(|row| LoginRole { ours: row.get(0), can_login: row.get(1), mighty: row.get(2) }))
}

async fn known_tenant(transaction: &Transaction<'_>, tenant: TenantId) -> Result<(), SchemaError> {
    let there: bool = transaction
        .query_one("SELECT EXISTS (SELECT FROM noctule.tenants WHERE tenant_id = $1)", &[&tenant.uuid()])
        .await
        .map_err(pg)?
        .get(0);
    if there {
        return Ok(());
    }
    Err(SchemaError::refused(format!(
        "there is no tenant {tenant} in this centre: nothing was changed; `noctule central status` lists them"
    )))
}

/// A technician's login needs the technician whose work it sees, and he must be one of this tenant.
async fn own_technician(
    transaction: &Transaction<'_>,
    tenant: TenantId,
    role: Role,
    technician: Option<TechnicianId>,
) -> Result<Option<TechnicianId>, SchemaError> {
    let Some(id) = technician else {
        return if role == Role::Technician {
            Err(SchemaError::refused("a technician's login needs the technician whose tasks it sees: nothing was changed; name him"))
        } else {
            Ok(None)
        };
    };
    let there: bool = transaction
        .query_one("SELECT EXISTS (SELECT FROM noctule.technicians WHERE tenant_id = $1 AND id = $2)", &[&tenant.uuid(), &id.uuid()])
        .await
        .map_err(pg)?
        .get(0);
    if there {
        return Ok(Some(id));
    }
    Err(SchemaError::refused(format!("there is no technician {id} in this tenant: nothing was changed; import technicians first")))
}

pub(super) async fn reset(transaction: &Transaction<'_>) -> Result<(), SchemaError> {
    transaction.batch_execute("RESET ROLE").await.map_err(pg)
}

/// Runs a statement about a role, in which `%I` is its name and `%L` the verifier: DDL takes no parameters, and the server's own `format` quotes
/// as the server reads.
pub(super) async fn run_made(
    transaction: &Transaction<'_>,
    form: &str,
    login: &str,
    verifier: Option<&str>,
    owner: &str,
) -> Result<(), SchemaError> {
    let made = transaction.query_one("SELECT pg_catalog.format($1::text, $2::text, $3::text)", &[&form, &login, &verifier]).await;
    let statement: String = made.map_err(pg)?.get(0);
    transaction.batch_execute(&statement).await.map_err(|error| match code(&error) {
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => SchemaError::Rights {
            login: owner.into(),
            why: SafeText::bounded(&format!("{} needs a login that may manage roles: {}", login, words(&error)), 500),
        },
        Some(&SqlState::DUPLICATE_OBJECT | &SqlState::UNIQUE_VIOLATION) => SchemaError::refused(format!(
            "somebody else added {login} at this moment: nothing was changed; look with `noctule central user list`"
        )),
        _ => pg(error),
    })
}

/// For psql: consoles say the tenant themselves. Only a superuser may set it (or one who was granted SET on the parameter).
async fn remember_tenant(transaction: &Transaction<'_>, login: &str, tenant: TenantId) -> Result<Option<SafeText>, SchemaError> {
    let statement: String = transaction
        .query_one(
            "SELECT pg_catalog.format('ALTER ROLE %I IN DATABASE %I SET noctule.tenant = %L', $1::text, current_database(), $2::text)",
            &[&login, &tenant.uuid().to_string()],
        )
        .await
        .map_err(pg)?
        .get(0);
    transaction.batch_execute("SAVEPOINT remember").await.map_err(pg)?;
    match transaction.batch_execute(&statement).await {
        Ok(()) => Ok(None),
        Err(error) if code(&error) == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            transaction.batch_execute("ROLLBACK TO SAVEPOINT remember").await.map_err(pg)?;
            Ok(Some(
                "this login may not set noctule.tenant for others (only a superuser may): consoles do without; in psql say SET noctule.tenant first"
                    .into(),
            ))
        }
        Err(error) => Err(pg(error)),
    }
}

/// Gives an operator a new password (one is made, and given back once, when `password` is `None`). Sessions that are open go on.
pub async fn user_passwd(
    owner: &OwnerConfig,
    tenant: TenantId,
    login: &str,
    password: Option<Secret>,
) -> Result<Option<Secret>, SchemaError> {
    check_login(login)?;
    let mut line = owner.open().await?;
    let transaction = work::begin(&mut line, Some(tenant)).await?;
    live_member(&transaction, tenant, login).await?;
    let made = password.is_none().then(generate_password);
    let verifier = password.as_ref().or(made.as_ref()).map(verifier).transpose()?.unwrap_or_default();
    work::audit(&transaction, "user-passwd", login, Value::Null, Value::Null).await?;
    reset(&transaction).await?;
    run_made(&transaction, "ALTER ROLE %I PASSWORD %L", login, Some(&verifier), owner.user()).await?;
    transaction.commit().await.map_err(pg)?;
    Ok(made)
}

/// Gives an operator another role. Consoles notice by the epoch and copy anew.
pub async fn user_set_role(
    owner: &OwnerConfig,
    tenant: TenantId,
    login: &str,
    role: Role,
    technician: Option<TechnicianId>,
) -> Result<(), SchemaError> {
    check_login(login)?;
    let mut line = owner.open().await?;
    let transaction = work::begin(&mut line, Some(tenant)).await?;
    let before = live_member(&transaction, tenant, login).await?;
    let technician = own_technician(&transaction, tenant, role, technician).await?;
    transaction
        .execute(
            "UPDATE noctule.members SET role = $3, technician = $4 WHERE tenant_id = $1 AND login = $2",
            &[&tenant.uuid(), &login, &role.word(), &technician.map(TechnicianId::uuid)],
        )
        .await
        .map_err(pg)?;
    work::audit(&transaction, "user-role", login, before, json!({ "role": role, "technician": technician })).await?;
    transaction.commit().await.map_err(pg)
}

/// The member's role and technician as they are, for the audit; an error in words when he is none.
pub(super) async fn live_member(transaction: &Transaction<'_>, tenant: TenantId, login: &str) -> Result<Value, SchemaError> {
    let row = transaction
        .query_opt(
            "SELECT jsonb_build_object('role', role, 'technician', technician), revoked_at IS NULL FROM noctule.members
             WHERE tenant_id = $1 AND login = $2 FOR UPDATE",
            &[&tenant.uuid(), &login],
        )
        .await
        .map_err(pg)?;
    let login = SafeText::bounded(login, 80);
    match row {
        Some(row) if row.get(1) => Ok(row.get(0)),
        Some(_) => {
            Err(SchemaError::refused(format!("{login} was revoked: nothing was changed; `noctule central user add` lets it in again")))
        }
        None => Err(SchemaError::refused(format!(
            "{login} is no operator of this tenant: nothing was changed; `noctule central user list` shows who is"
        ))),
    }
}

/// All operators of a tenant, also the revoked ones, by name.
pub async fn user_list(owner: &OwnerConfig, tenant: TenantId) -> Result<Vec<User>, SchemaError> {
    let mut line = owner.open_any().await?;
    let transaction = work::begin(&mut line, Some(tenant)).await?;
    known_tenant(&transaction, tenant).await?;
    let rows = transaction
        .query(
            "SELECT m.login, m.role, m.full_name, m.technician, m.added_at, m.revoked_at,
                 (SELECT count(*) FROM pg_stat_activity AS a WHERE a.usename = m.login AND a.datname = current_database())
             FROM noctule.members AS m WHERE m.tenant_id = $1 ORDER BY m.login",
            &[&tenant.uuid()],
        )
        .await
        .map_err(pg)?;
    rows.iter()
        .map(|row| {
            let word: String = row.get(1);
            Ok(User {
                login: SafeText::new(row.get(0)),
                role: word.parse().map_err(|error| SchemaError::refused(format!("a role in the centre is unknown here: {error}")))?,
                full_name: SafeText::new(row.get(2)),
                technician: row.get::<_, Option<uuid::Uuid>>(3).map(TechnicianId),
                added_at: row.get(4),
                revoked_at: row.get(5),
                sessions: row.get(6),
            })
        })
        .collect()
}
