//! `noctule central …`: the owner's work on the centre. Nothing here uses an operator's login, and no password is ever an argument.

use super::out::cell;
use super::{Out, Table, confirm};
use crate::cli::{CentralCommand, GlobalArgs, NewPasswordArgs, OwnerArgs, UserCommand};
use crate::config::{Environment, Loaded, load};
use crate::exit::{Exit, Failure};
use crate::secrets::{Secrets, ask_on_terminal};
use noctule_domain::permission::Role;
use noctule_domain::secret::{Secret, SecretRef};
use noctule_domain::sentence::moment;
use noctule_domain::{SafeText, TechnicianId, TenantId};
use noctule_sync::connect::{Centre, CentreError};
use noctule_sync::schema::{self, Cleaned, NewUser, OwnerConfig, SchemaError};
use serde_json::json;
use std::time::Duration;

pub async fn run(flags: &GlobalArgs, what: &CentralCommand, out: &mut Out) -> Result<Exit, Failure> {
    let loaded = load(flags, &Environment::of_process())?;
    let reads = matches!(what, CentralCommand::Status { .. } | CentralCommand::User(UserCommand::List { .. }));
    if loaded.read_only && !reads {
        return Err(super::context::read_only("central"));
    }
    match what {
        CentralCommand::Init { owner, tenant_id, tenant_name, json } => {
            let owner = owner_of(&loaded, owner)?;
            let tenant = tenant_id.or(loaded.config.tenant.id).unwrap_or_else(|| TenantId::from_uuid(uuid::Uuid::now_v7()));
            let name = match tenant_name.as_deref().or(loaded.config.tenant.name.as_ref().map(SafeText::as_str)) {
                Some(name) => name.to_owned(),
                None => return Err(Failure::new(Exit::Usage, "the provider needs a name: give --tenant-name, or set tenant.name")),
            };
            let made = schema::init(&owner, Some((tenant, &name))).await?;
            if *json {
                out.json(
                    &json!({ "schema": made.schema, "applied": made.applied, "tenant": tenant, "new": made.tenant.is_some_and(|t| t.1) }),
                )?;
                return Ok(Exit::Ok);
            }
            applied(&made.applied, made.schema, out)?;
            out.line(format!(
                "tenant {tenant} ({}) is {}",
                SafeText::new(&name),
                if made.tenant.is_some_and(|t| t.1) { "made" } else { "there" }
            ))?;
            if loaded.config.tenant.id != Some(tenant) {
                out.line("Every console that is to share it needs this in its configuration:")?;
                out.line(format!("[tenant]\nid = \"{tenant}\""))?;
            }
            out.line("Next: `noctule central user add LOGIN --role ROLE`, and `noctule central load` for what a single machine has.")?;
            Ok(Exit::Ok)
        }
        CentralCommand::Upgrade { owner, json } => {
            let made = schema::upgrade(&owner_of(&loaded, owner)?).await?;
            if *json {
                out.json(&json!({ "schema": made.schema, "applied": made.applied }))?;
            } else {
                applied(&made.applied, made.schema, out)?;
            }
            Ok(Exit::Ok)
        }
        CentralCommand::Status { owner, json } => super::central_status::run(&owner_of(&loaded, owner)?, *json, out).await,
        CentralCommand::Cleanup { owner, older_than, json } => {
            let keep = Duration::from_secs(u64::from(*older_than) * 86_400);
            let cleaned = schema::cleanup(&owner_of(&loaded, owner)?, keep).await?;
            if *json {
                let Cleaned { tombstones, ops, presence, floor } = cleaned;
                out.json(&json!({ "tombstones": tombstones, "ops": ops, "presence": presence, "floor": floor }))?;
            } else {
                out.line(format!(
                    "removed {} tombstones, {} answered changes, {} consoles that are gone",
                    cleaned.tombstones, cleaned.ops, cleaned.presence
                ))?;
            }
            Ok(Exit::Ok)
        }
        CentralCommand::Aaa { switch, owner } => {
            let owner = owner_of(&loaded, owner)?;
            let tenant = tenant_of(&loaded, &owner).await?;
            let on = switch == "on";
            let new = schema::tenant_aaa(&owner, tenant, on).await?;
            let said = if new { "now" } else { "as before" };
            out.line(match on {
                true => {
                    format!("{said}: operations of {tenant} write what logins get in AAA; a console without [aaa] says so and does nothing")
                }
                false => format!("{said}: operations of {tenant} leave AAA alone"),
            })?;
            Ok(Exit::Ok)
        }
        CentralCommand::User(what) => user(&loaded, what, out).await,
        CentralCommand::Load { owner, dry_run, yes, json } => {
            super::central_load::run(flags, &loaded, &owner_of(&loaded, owner)?, *dry_run, *yes, *json, out).await
        }
    }
}

fn applied(names: &[&str], schema: i32, out: &mut Out) -> Result<(), Failure> {
    match names {
        [] => out.line(format!("the schema is up to date ({schema})")),
        names => out.line(format!("applied {}; the schema is {schema} now", names.join(", "))),
    }
}

/// The owner's login: the address from --dsn or its variable, the password from PGPASSWORD or the terminal.
fn owner_of(loaded: &Loaded, args: &OwnerArgs) -> Result<OwnerConfig, Failure> {
    let Some(dsn) = &args.dsn else {
        let sentence = "the owner's address is missing: give --dsn postgresql://OWNER@HOST/DATABASE or set NOCTULE_CENTRAL_OWNER_DSN";
        return Err(Failure::new(Exit::Usage, sentence));
    };
    let ca = args.ca_file.as_ref().or(loaded.config.central.ca_file.as_ref());
    let with_ca = match ca {
        Some(ca) if !dsn.contains("sslrootcert=") && !dsn.contains("sslmode=disable") => {
            let sign = if dsn.contains('?') { '&' } else { '?' };
            format!("{dsn}{sign}sslrootcert={}", escaped(&ca.to_string_lossy()))
        }
        _ => dsn.clone(),
    };
    let owner = OwnerConfig::from_url(&with_ca)?;
    if owner.has_password() {
        let sentence = "a password in the address is refused: others see it in the list of processes; set PGPASSWORD, or be asked";
        return Err(Failure::new(Exit::Usage, sentence));
    }
    if let Some(password) = std::env::var_os("PGPASSWORD").filter(|password| !password.is_empty()) {
        use std::os::unix::ffi::OsStringExt;
        return Ok(owner.with_password(Secret::new(password.into_vec())));
    }
    match ask_on_terminal(&format!("Password of {} (none: Enter): ", SafeText::new(owner.user()))) {
        Ok(password) => Ok(owner.with_password(password)),
        // A socket or a certificate may do without; if not, the server says so.
        Err(_) => Ok(owner),
    }
}

fn escaped(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// The tenant of the configuration; without one, the only tenant that the centre has.
async fn tenant_of(loaded: &Loaded, owner: &OwnerConfig) -> Result<TenantId, Failure> {
    let missing = match loaded.config.tenant_id() {
        Ok(tenant) => return Ok(tenant),
        Err(missing) => missing,
    };
    match schema::status(owner).await?.tenants.as_slice() {
        [only] => Ok(only.id),
        _ => Err(missing.into()),
    }
}

async fn user(loaded: &Loaded, what: &UserCommand, out: &mut Out) -> Result<Exit, Failure> {
    let owner = owner_of(loaded, what.owner())?;
    let tenant = tenant_of(loaded, &owner).await?;
    match what {
        UserCommand::Add { login, role, technician, password, .. } => {
            let technician = technician_of(&owner, tenant, *role, technician.as_deref()).await?;
            let password = new_password(loaded, password)?;
            let new = NewUser { login, role: *role, full_name: login, technician, password };
            let added = schema::user_add(&owner, tenant, new).await?;
            let login = SafeText::new(login);
            out.line(format!("{login} may come in as {role}{}", if added.known { " (the login was there already)" } else { "" }))?;
            if let Some(note) = &added.note {
                out.line(note.as_str())?;
            }
            made(added.password.as_ref(), out)
        }
        UserCommand::Passwd { login, password, .. } => {
            let password = new_password(loaded, password)?;
            let given = schema::user_passwd(&owner, tenant, login, password).await?;
            out.line(format!("{} has a new password; running consoles ask for it at their next connection", SafeText::new(login)))?;
            made(given.as_ref(), out)
        }
        UserCommand::Revoke { login, yes, .. } => {
            let shown = SafeText::new(login);
            if !yes {
                confirm("a revocation", &format!("{shown} is let in no more, running sessions end."))?;
            }
            let done = schema::user_revoke(&owner, tenant, login).await?;
            out.line(format!(
                "{shown} is revoked: {} session(s) ended, {} operation(s) may be taken over by others{}",
                done.sessions,
                done.leases,
                if done.login_ended { "" } else { "; the login goes on working for another tenant" }
            ))?;
            if let Some(note) = &done.note {
                out.line(note.as_str())?;
            }
            out.line("Its copy lies on its machine until `noctule wipe` is run there.")?;
            Ok(Exit::Ok)
        }
        UserCommand::Role { login, role, technician, .. } => {
            let technician = technician_of(&owner, tenant, *role, technician.as_deref()).await?;
            schema::user_set_role(&owner, tenant, login, *role, technician).await?;
            out.line(format!("{} is {role} now; its consoles copy anew what they may see", SafeText::new(login)))?;
            Ok(Exit::Ok)
        }
        UserCommand::List { json, .. } => {
            let users = schema::user_list(&owner, tenant).await?;
            if *json {
                let rows: Vec<_> = users
                    .iter()
                    .map(|u| {
                        json!({ "login": u.login, "role": u.role, "full_name": u.full_name, "technician": u.technician,
                            "added_at": u.added_at, "revoked_at": u.revoked_at, "sessions": u.sessions })
                    })
                    .collect();
                out.json(&rows)?;
                return Ok(Exit::Ok);
            }
            let mut table = Table::new(&["login", "role", "technician", "added", "revoked", "connections"]);
            for user in users {
                table.row(vec![
                    user.login.to_string(),
                    user.role.to_string(),
                    cell(user.technician),
                    moment(user.added_at),
                    cell(user.revoked_at.map(moment)),
                    user.sessions.to_string(),
                ]);
            }
            if table.is_empty() {
                out.line("no operator yet: `noctule central user add`")?
            } else {
                out.table(&table)?
            }
            Ok(Exit::Ok)
        }
    }
}

/// A password that was made is shown once, on a line of its own.
fn made(password: Option<&Secret>, out: &mut Out) -> Result<Exit, Failure> {
    if let Some(password) = password {
        out.line("Its password, shown this once:")?;
        out.line(String::from_utf8_lossy(password.expose()))?;
    }
    Ok(Exit::Ok)
}

/// `None`: one is to be made.
fn new_password(loaded: &Loaded, args: &NewPasswordArgs) -> Result<Option<Secret>, Failure> {
    if args.generate {
        return Ok(None);
    }
    if let Some(reference) = &args.password_from {
        let reference: SecretRef = reference
            .parse()
            .map_err(|_| Failure::new(Exit::Usage, "--password-from takes env:NAME, command:PROGRAM ARGUMENTS or keyring:NAME"))?;
        let base = loaded.file.parent().map(std::path::Path::to_path_buf).unwrap_or_default();
        let found = Secrets::new(base).resolve(&reference).map_err(|error| Failure::new(Exit::Config, error.to_string()))?;
        return Ok(Some(found));
    }
    let ask = |words: &str| {
        ask_on_terminal(words).map_err(|error| {
            Failure::new(Exit::Usage, format!("{error}; --generate makes a password, --password-from takes it from elsewhere"))
        })
    };
    let (first, second) = (ask("New password: ")?, ask("The same again: ")?);
    if first != second {
        return Err(Failure::new(Exit::Usage, "the two are not the same: nothing was changed"));
    }
    Ok(Some(first))
}

/// The technician with this employee id, as the centre has it.
async fn technician_of(owner: &OwnerConfig, tenant: TenantId, role: Role, employee: Option<&str>) -> Result<Option<TechnicianId>, Failure> {
    let Some(employee) = employee else {
        if role == Role::Technician {
            let sentence = "a technician sees own tasks only: say whose with --technician EMPLOYEE_ID (`noctule import technicians` first)";
            return Err(Failure::new(Exit::Usage, sentence));
        }
        return Ok(None);
    };
    let centre = Centre::new(owner.centre(tenant));
    let session = centre.session().await?;
    const ASK: &str = "SELECT id FROM noctule.technicians WHERE tenant_id = $1 AND employee_id = $2";
    let row = session.within("technician", session.query_opt(ASK, &[&tenant.0, &employee])).await?;
    let shown = SafeText::bounded(employee, 60);
    let row = row.ok_or_else(|| {
        Failure::new(Exit::NotFound, format!("the centre has no technician with the employee id '{shown}': import technicians first"))
    })?;
    let id: uuid::Uuid = row.try_get(0).map_err(|error| Failure::from(CentreError::Sql(SafeText::new(&error.to_string()))))?;
    Ok(Some(TechnicianId::from_uuid(id)))
}

impl From<SchemaError> for Failure {
    fn from(error: SchemaError) -> Self {
        let exit = match &error {
            SchemaError::Centre(error) => Self::from(error.clone()).exit,
            SchemaError::BadAddress(_) => Exit::Usage,
            SchemaError::NoSchema | SchemaError::Older { .. } | SchemaError::Newer { .. } | SchemaError::Edited { .. } => Exit::Guard,
            SchemaError::Rights { .. } | SchemaError::Refused(_) => Exit::Guard,
            SchemaError::Failed { .. } => Exit::Refused,
        };
        Failure::new(exit, error.to_string())
    }
}
