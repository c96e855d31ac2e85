//! Real streaming standbys: made by `pg_basebackup`, promoted by the server itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::cluster::Postgres;
use super::database::without_settings;
use super::options::PostgresOptions;
use crate::{TestbedError, process};

const COPY_LIMIT: Duration = Duration::from_secs(120);

impl Postgres {
    /// A hot standby of this server on a port of its own, streaming when this returns. The primary's superuser and password are good for it.
    /// No slot is used: a standby that is thrown away leaves nothing behind on the primary, one that was away finds 64 MiB of log.
    pub fn standby(&self) -> Result<Self, TestbedError> {
        let options = PostgresOptions { port: None, folder: None, ..self.options().clone() };
        let standby = Self::build(options, |copy| {
            fs::create_dir(copy.data_dir()).map_err(TestbedError::file("the folder can not be made", copy.data_dir()))?;
            fs::set_permissions(copy.data_dir(), fs::Permissions::from_mode(0o700))
                .map_err(TestbedError::file("the folder's mode can not be set", copy.data_dir()))?;
            copy.account().own(copy.data_dir())?;
            let mut command = copy.account().command(self.binaries().path("pg_basebackup"));
            without_settings(&mut command);
            command
                .args(["--host", self.host(), "--port", &self.port().to_string(), "--username", self.superuser(), "--pgdata"])
                .arg(copy.data_dir())
                .args(["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync", "--no-password"])
                .env("PGPASSWORD", self.superuser_password())
                .env("PGAPPNAME", format!("standby_{}", copy.port()))
                .current_dir(copy.folder());
            process::must(command, "", COPY_LIMIT)?;
            copy.take_over_secrets(self)
        })?;
        self.wait_caught_up(&standby)?;
        Ok(standby)
    }

    /// Makes a standby a primary, and returns when it accepts writes.
    pub fn promote(&mut self) -> Result<(), TestbedError> {
        let answer = self.query(&self.superuser_dsn("postgres"), "SELECT pg_promote(true, 60)")?;
        if answer == "t" { Ok(()) } else { Err(self.trouble("was not promoted within 60 s".to_owned())) }
    }

    /// Whether this server is a standby.
    pub fn is_in_recovery(&self) -> Result<bool, TestbedError> {
        Ok(self.query(&self.superuser_dsn("postgres"), "SELECT pg_is_in_recovery()")? == "t")
    }

    /// Waits until `standby` shows all that this server has committed so far; an error after 60 seconds.
    pub fn wait_caught_up(&self, standby: &Self) -> Result<(), TestbedError> {
        // Only what is flushed is sent, and small records (of a finished base backup, say) may wait for a flush for many seconds: a commit
        // of something that is written to the log flushes all that stands before it.
        let position = self.query(
            &self.superuser_dsn("postgres"),
            "SET synchronous_commit = local; SELECT FROM pg_logical_emit_message(true, 'testbed', ''); SELECT pg_current_wal_flush_lsn()",
        )?;
        let position = position.trim();
        let waiting = format!(
            "DO $$ BEGIN
                FOR turn IN 1..6000 LOOP
                    IF pg_last_wal_replay_lsn() >= '{position}'::pg_lsn THEN RETURN; END IF;
                    PERFORM pg_sleep(0.01);
                END LOOP;
                RAISE 'only % of {position} has been replayed', pg_last_wal_replay_lsn();
            END $$;"
        );
        standby.query(&standby.superuser_dsn("postgres"), &waiting).map(drop)
    }
}
