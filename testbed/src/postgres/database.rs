//! Databases of a cluster, and the real `psql` as the way to ask: what psql sees is what an operator would see.

use std::process::Command;
use std::time::Duration;

use super::cluster::Postgres;
use crate::{TestbedError, process};

const LIMIT: Duration = Duration::from_secs(120);

/// A database of a test's own. It goes with its cluster.
#[derive(Debug, Clone)]
pub struct Database {
    name: String,
    dsn: String,
}

impl Database {
    /// Its name: plain ASCII letters, digits and `_`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How the superuser connects to it: a libpq URL with the password in it.
    pub fn dsn(&self) -> &str {
        &self.dsn
    }
}

/// What `psql` wrote and how it ended: 0, or 3 when a statement failed, or 2 when there was no connection; none when it was killed.
#[derive(Debug, Clone)]
pub struct PsqlOutput {
    pub stdout: String,
    pub stderr: String,
    pub code: Option<i32>,
}

impl PsqlOutput {
    /// Whether all statements were carried out.
    pub fn is_ok(&self) -> bool {
        self.code == Some(0)
    }
}

impl Postgres {
    /// How a user connects: a libpq URL over TCP with the password in it. For TLS append `?sslmode=verify-full&sslrootcert=...`.
    pub fn dsn(&self, user: &str, password: &str, database: &str) -> String {
        format!("postgres://{}:{}@{}:{}/{}", escape(user), escape(password), self.host(), self.port(), escape(database))
    }

    /// How the superuser connects to `database`: a libpq URL over TCP with the password in it.
    pub fn superuser_dsn(&self, database: &str) -> String {
        self.dsn(self.superuser(), self.superuser_password(), database)
    }

    /// Makes an empty database with a name of its own. Tests that share a cluster do not see each other's.
    pub fn create_database(&self) -> Result<Database, TestbedError> {
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        // Nobody is ever connected to template0, so nobody can be in the way.
        self.query(&self.superuser_dsn("postgres"), &format!("CREATE DATABASE {name} TEMPLATE template0"))?;
        let dsn = self.superuser_dsn(&name);
        Ok(Database { name, dsn })
    }

    /// Runs `sql` by the real psql (`-X -q -A -t -v ON_ERROR_STOP=1`, the statements as its input, each a transaction of its own). Rows come
    /// as lines with `|` between columns, without command tags. A statement that fails is not an error here: look at the code.
    pub fn psql(&self, dsn: &str, sql: &str) -> Result<PsqlOutput, TestbedError> {
        let mut command = Command::new(self.binaries().path("psql"));
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-", dsn]);
        without_settings(&mut command);
        let finished = process::run(command, sql, LIMIT)?;
        Ok(PsqlOutput { stdout: finished.stdout, stderr: finished.stderr, code: finished.status.code() })
    }

    /// As [`Self::psql`], for statements that must succeed: gives the rows without the last line end.
    pub fn query(&self, dsn: &str, sql: &str) -> Result<String, TestbedError> {
        let output = self.psql(dsn, sql)?;
        if output.is_ok() {
            return Ok(output.stdout.trim_end_matches('\n').to_owned());
        }
        let code = output.code.map_or_else(|| "killed".to_owned(), |code| format!("exit code {code}"));
        Err(TestbedError::Failed { program: "psql".to_owned(), code, stderr: output.stderr.trim().to_owned() })
    }
}

/// Takes the developer's own libpq settings away: a PGHOST or PGSSLMODE of his shell would change what a test does.
pub(crate) fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    // Also a password file or a client certificate that lies in the home folder.
    command.env("PGPASSFILE", "/dev/null").env("PGCONNECT_TIMEOUT", "10").env("PGSYSCONFDIR", "/nonexistent").env("LC_ALL", "C.UTF-8");
}

/// Percent signs for all that could mean something in a URL.
fn escape(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing into a String does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn whatever_means_something_in_a_url_is_escaped() {
        assert_eq!(escape("a-b_c.d~9"), "a-b_c.d~9");
        assert_eq!(escape("p@ss/w?rd%é"), "p%40ss%2Fw%3Frd%25%C3%A9");
    }
}
