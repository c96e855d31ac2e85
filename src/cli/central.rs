//! Commands of the centre: made and looked after with an owner's login. The operators' side is in `sync`.

use super::words;
use clap::{Args, Subcommand};
use noctule_domain::TenantId;
use noctule_domain::permission::Role;
use std::path::PathBuf;

/// How the owner comes in.
#[derive(Debug, Clone, Default, Args)]
pub struct OwnerArgs {
    /// The centre with its owner: postgresql://OWNER@HOST[:PORT]/DATABASE. The password comes from PGPASSWORD, or is asked for
    #[arg(long, value_name = "URL", env = "NOCTULE_CENTRAL_OWNER_DSN", hide_env_values = true)]
    pub dsn: Option<String>,
    /// Certificates (PEM) of your own authority [default: central.ca_file]
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum CentralCommand {
    /// Make roles, schema and a tenant in a PostgreSQL database; again: bring them up to date
    Init {
        #[command(flatten)]
        owner: OwnerArgs,
        /// Id of the tenant [default: tenant.id, else a new one, which is printed]
        #[arg(long, value_name = "UUID")]
        tenant_id: Option<TenantId>,
        /// Name of the provider [default: tenant.name]
        #[arg(long, value_name = "NAME")]
        tenant_name: Option<String>,
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Bring the schema up to date. Consoles that are too old are told to upgrade and keep their unsent work
    Upgrade {
        #[command(flatten)]
        owner: OwnerArgs,
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// What is there: server, schema, tenants, consoles, sizes
    Status {
        #[command(flatten)]
        owner: OwnerArgs,
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Remove what is past its time: old tombstones, answered changes, consoles that are gone. Run it daily
    Cleanup {
        #[command(flatten)]
        owner: OwnerArgs,
        /// Keep what is younger than this. A console that was away longer copies anew
        #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
        older_than: u32,
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Operators: each is a PostgreSQL role of its own
    #[command(subcommand)]
    User(UserCommand),
    /// Say whether logins of the tenant are written in an AAA system (FreeRADIUS). It holds for every console from the next operation on
    Aaa {
        /// on or off
        #[arg(value_parser = ["on", "off"])]
        switch: String,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// Take the local single-machine store into an empty tenant of the centre
    Load {
        #[command(flatten)]
        owner: OwnerArgs,
        /// Count and check, take nothing
        #[arg(long)]
        dry_run: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// JSON instead of text
        #[arg(long)]
        json: bool,
    },
}

/// Where a new password comes from.
#[derive(Debug, Clone, Default, Args)]
pub struct NewPasswordArgs {
    /// Make a strong password and print it once
    #[arg(long, conflicts_with = "password_from")]
    pub generate: bool,
    /// Take it from env:NAME or command:PROGRAM ARGUMENTS instead of asking twice
    #[arg(long, value_name = "REFERENCE")]
    pub password_from: Option<String>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum UserCommand {
    /// Let an operator in
    Add {
        /// Name of the login: lower-case letters, digits, - and _
        login: String,
        /// What the operator may do
        #[arg(long, value_name = "ROLE", value_parser = words::role())]
        role: Role,
        /// Employee id: a technician sees and changes only own tasks, time and position
        #[arg(long, value_name = "EMPLOYEE_ID")]
        technician: Option<String>,
        #[command(flatten)]
        password: NewPasswordArgs,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// Give an operator a new password
    Passwd {
        /// Name of the login
        login: String,
        #[command(flatten)]
        password: NewPasswordArgs,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// Let an operator in no more: running sessions end, unsent work stays on that machine
    Revoke {
        /// Name of the login
        login: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// Change what an operator may do
    Role {
        /// Name of the login
        login: String,
        /// The new role
        #[arg(value_parser = words::role())]
        role: Role,
        /// Employee id of a technician
        #[arg(long, value_name = "EMPLOYEE_ID")]
        technician: Option<String>,
        #[command(flatten)]
        owner: OwnerArgs,
    },
    /// All operators
    List {
        #[command(flatten)]
        owner: OwnerArgs,
        /// JSON instead of a table
        #[arg(long)]
        json: bool,
    },
}

impl UserCommand {
    pub fn owner(&self) -> &OwnerArgs {
        match self {
            Self::Add { owner, .. }
            | Self::Passwd { owner, .. }
            | Self::Revoke { owner, .. }
            | Self::Role { owner, .. }
            | Self::List { owner, .. } => owner,
        }
    }
}
