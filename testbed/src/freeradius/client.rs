//! radclient: the requests of a NAS, and what came back.

use std::process::Command;
use std::time::Duration;

use super::server::FreeRadius;
use crate::{TestbedError, process};

const LIMIT: Duration = Duration::from_secs(30);

/// What the server answered to an Access-Request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RadiusAnswer {
    pub accepted: bool,
    /// Attribute and value, as radclient prints them.
    pub attributes: Vec<(String, String)>,
}

impl RadiusAnswer {
    /// All values of one attribute.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.attributes.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str()).collect()
    }
}

/// An Accounting-Request.
#[derive(Debug, Clone)]
pub struct Accounting<'a> {
    /// `Start`, `Interim-Update`, `Stop`, `Accounting-On`.
    pub kind: &'a str,
    pub username: &'a str,
    pub session: &'a str,
    /// NAS-IP-Address.
    pub nas: &'a str,
    /// Further attributes, each a line of radclient: `Delegated-IPv6-Prefix = 2001:db8::/56`.
    pub more: &'a [&'a str],
}

impl FreeRadius {
    /// An Access-Request with a password; an error when there is no answer.
    pub fn login(&self, username: &str, password: &str) -> Result<RadiusAnswer, TestbedError> {
        let input = format!("User-Name = {}\nUser-Password = {}\nNAS-IP-Address = 127.0.0.1\n", quoted(username), quoted(password));
        let told = self.radclient("auth", self.authentication_port(), &input)?;
        let accepted = told.contains("Received Access-Accept");
        if !accepted && !told.contains("Received Access-Reject") {
            return Err(self.silent(told));
        }
        let answer = told.split("Received Access-").nth(1).unwrap_or_default();
        let attributes = answer
            .lines()
            .filter_map(|line| line.strip_prefix('\t'))
            .filter_map(|line| line.split_once(" = "))
            .map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
            .collect();
        Ok(RadiusAnswer { accepted, attributes })
    }

    /// An Accounting-Request; an error when it was not answered, which is how the server says that it could not store it.
    pub fn account(&self, accounting: &Accounting<'_>) -> Result<(), TestbedError> {
        let Accounting { kind, username, session, nas, more } = accounting;
        let mut input = format!(
            "User-Name = {}\nAcct-Session-Id = {}\nNAS-IP-Address = {nas}\nAcct-Status-Type = {kind}\nAcct-Authentic = RADIUS\n",
            quoted(username),
            quoted(session)
        );
        for line in *more {
            input.push_str(line);
            input.push('\n');
        }
        let told = self.radclient("acct", self.accounting_port(), &input)?;
        if told.contains("Received Accounting-Response") { Ok(()) } else { Err(self.silent(told)) }
    }

    fn radclient(&self, kind: &str, port: u16, input: &str) -> Result<String, TestbedError> {
        let mut command = Command::new("radclient");
        command.args(["-x", "-r", "3", "-t", "5", &format!("127.0.0.1:{port}"), kind, &self.secret]);
        let finished = process::run(command, input, LIMIT)?;
        Ok(finished.stdout + &finished.stderr)
    }

    fn silent(&self, told: String) -> TestbedError {
        let log = format!("{told}\n{}", self.log());
        TestbedError::Server { port: self.authentication_port(), what: "(FreeRADIUS) gave no answer that counts".to_owned(), log }
    }
}

/// A value as radclient reads it: a double-quoted text, where `\` and `%` mean something.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            _ => out.push(letter),
        }
    }
    out.push('"');
    out
}
