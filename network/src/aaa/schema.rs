//! What the AAA database must have, what is missing, and the statements that mend it. Looking changes nothing; what is missing is made by
//! `init`, or by the owner of the database from the printed statements.

use super::config::Names;
use super::error::of_question;
use super::freeradius::FreeRadius;
use super::line::Line;
use crate::upstream::AaaError;
use noctule_domain::SafeText;
use serde::Serialize;

/// The table of ours: who wrote a login last, and which rows were put there for a suspension.
const LOGIN_TABLE: &str = "CREATE TABLE noctule_login (
    username   text PRIMARY KEY,
    operation  uuid NOT NULL,
    subscriber uuid NOT NULL,
    version    bigint NOT NULL,
    writer     uuid NOT NULL,
    seq        bigint NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    marks      jsonb NOT NULL DEFAULT '{}'
)";

/// Tables, the columns of them that we name, and the rights that we need.
const TABLES: &[(&str, &[&str], &[&str])] = &[
    ("radcheck", &["id", "username", "attribute", "op", "value"], &["SELECT", "INSERT", "DELETE"]),
    ("radreply", &["id", "username", "attribute", "op", "value"], &["SELECT", "INSERT", "DELETE"]),
    ("radusergroup", &["id", "username", "groupname", "priority"], &["SELECT", "INSERT", "DELETE"]),
    ("radgroupreply", &["groupname", "attribute", "op", "value"], &["SELECT"]),
    (
        "radacct",
        &[
            "radacctid",
            "acctuniqueid",
            "acctsessionid",
            "username",
            "nasipaddress",
            "framedipaddress",
            "framedipv6prefix",
            "delegatedipv6prefix",
            "acctstarttime",
            "acctupdatetime",
            "acctstoptime",
            "acctinputoctets",
            "acctoutputoctets",
            "acctterminatecause",
        ],
        &["SELECT"],
    ),
];

const RELOADS: (&str, &[&str]) = ("nasreload", &["SELECT"]);

const OURS: (&str, &[&str]) = ("noctule_login", &["SELECT", "INSERT", "UPDATE"]);

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AaaFinding {
    pub what: SafeText,
    pub fine: bool,
    /// Without it nothing works; otherwise it only works slowly.
    pub needed: bool,
    /// What is amiss, and what follows from it.
    pub words: SafeText,
    /// Statements that mend it; empty when a person has to.
    pub sql: Vec<String>,
}

/// The whole look.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AaaCheck {
    pub server: SafeText,
    pub login: SafeText,
    pub findings: Vec<AaaFinding>,
}

impl AaaCheck {
    pub fn is_fine(&self) -> bool {
        self.findings.iter().all(|finding| finding.fine)
    }

    /// All statements that mend what can be mended, in their order.
    pub fn sql(&self) -> Vec<String> {
        self.findings.iter().filter(|finding| !finding.fine).flat_map(|finding| finding.sql.iter().cloned()).collect()
    }
}

struct Facts {
    server: String,
    user: String,
    tables: Vec<String>,
    columns: Vec<(String, String)>,
    rights: Vec<(String, String)>,
    sequences: Vec<(String, bool)>,
    /// Name, table, first column (empty for an expression), whether only of open rows.
    indexes: Vec<(String, String, String, bool)>,
}

impl FreeRadius {
    /// Looks at the tables, our rights and the indexes. Changes nothing.
    pub async fn check(&self) -> Result<AaaCheck, AaaError> {
        let line = self.reading.line().await?;
        let facts = facts(&line).await?;
        drop(line);
        Ok(judge(&facts, self.config.names))
    }

    /// Carries the statements of a check out, one by one; an index is made without keeping accounting from writing, which takes as long as it
    /// takes. `told` hears of each before it begins.
    pub async fn init(&self, sql: &[String], told: &(dyn Fn(&str) + Sync)) -> Result<(), AaaError> {
        let line = Line::open(&self.config).await?;
        let run = async {
            line.client.batch_execute("SET statement_timeout = 0; SET lock_timeout = '10s'").await?;
            for statement in sql {
                told(statement);
                line.client.batch_execute(statement).await?;
            }
            Ok(())
        };
        run.await.map_err(|error: tokio_postgres::Error| of_question(&error, true))
    }
}

async fn facts(line: &Line) -> Result<Facts, AaaError> {
    let names: Vec<&str> = TABLES.iter().map(|(name, ..)| *name).chain([OURS.0, RELOADS.0]).collect();
    let ask = async {
        let client = &line.client;
        let who = client.query_one("SELECT split_part(version(), ' on ', 1), current_user::text", &[]).await?;
        let tables = client.query("SELECT n FROM unnest($1::text[]) AS n WHERE to_regclass(quote_ident(n)) IS NOT NULL", &[&names]).await?;
        let columns = client
            .query(
                "SELECT n, a.attname::text FROM unnest($1::text[]) AS n JOIN pg_attribute AS a ON a.attrelid = to_regclass(quote_ident(n))
                 WHERE a.attnum > 0 AND NOT a.attisdropped",
                &[&names],
            )
            .await?;
        let rights = client
            .query(
                "SELECT n, r FROM unnest($1::text[]) AS n, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS r
                 WHERE to_regclass(quote_ident(n)) IS NOT NULL AND has_table_privilege(to_regclass(quote_ident(n)), r)",
                &[&names],
            )
            .await?;
        let sequences = client
            .query(
                "SELECT s, has_sequence_privilege(s, 'USAGE') FROM (SELECT pg_get_serial_sequence(quote_ident(n), 'id') AS s
                 FROM unnest(ARRAY['radcheck', 'radreply', 'radusergroup']) AS n WHERE to_regclass(quote_ident(n)) IS NOT NULL) AS x
                 WHERE s IS NOT NULL",
                &[],
            )
            .await?;
        let indexes = client
            .query(
                "SELECT i.relname::text, t.relname::text, coalesce(a.attname::text, ''), x.indpred IS NOT NULL
                 FROM unnest($1::text[]) AS n JOIN pg_index AS x ON x.indrelid = to_regclass(quote_ident(n))
                 JOIN pg_class AS i ON i.oid = x.indexrelid JOIN pg_class AS t ON t.oid = x.indrelid
                 LEFT JOIN pg_attribute AS a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0] AND x.indkey[0] > 0
                 WHERE x.indisvalid AND (x.indpred IS NULL OR pg_get_expr(x.indpred, x.indrelid) ILIKE '%acctstoptime IS NULL%')",
                &[&names],
            )
            .await?;
        Ok::<Facts, tokio_postgres::Error>(Facts {
            server: who.try_get(0)?,
            user: who.try_get(1)?,
            tables: tables.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?,
            columns: pairs(&columns)?,
            rights: pairs(&rights)?,
            sequences: sequences.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, tokio_postgres::Error>>()?,
            indexes: indexes
                .iter()
                .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?)))
                .collect::<Result<_, tokio_postgres::Error>>()?,
        })
    };
    line.ask(false, ask).await
}

fn pairs(rows: &[tokio_postgres::Row]) -> Result<Vec<(String, String)>, tokio_postgres::Error> {
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

fn judge(facts: &Facts, names: Names) -> AaaCheck {
    let mut findings = Vec::new();
    let role = format!("\"{}\"", facts.user.replace('"', "\"\""));
    for (table, columns, rights) in TABLES {
        let there = facts.tables.iter().any(|name| name == table);
        let absent: Vec<&str> =
            columns.iter().filter(|column| !facts.columns.iter().any(|(t, c)| t == table && c == *column)).copied().collect();
        let words = match (there, absent.is_empty()) {
            (true, true) => String::new(),
            (false, _) => {
                "it is not there: load the schema of FreeRADIUS (mods-config/sql/main/postgresql/schema.sql), or set aaa.schema".into()
            }
            (true, false) => format!("it lacks the column(s) {}: bring it up to the schema of FreeRADIUS 3.2", absent.join(", ")),
        };
        findings.push(finding(format!("table {table}"), words, true, Vec::new()));
        if there {
            findings.push(rights_of(facts, table, rights, &role));
        }
    }
    for (sequence, usable) in &facts.sequences {
        let words = if *usable { String::new() } else { "numbers for new rows can not be taken from it".to_owned() };
        findings.push(finding(format!("sequence {sequence}"), words, true, vec![format!("GRANT USAGE ON SEQUENCE {sequence} TO {role}")]));
    }
    let ours = facts.tables.iter().any(|name| name == OURS.0);
    let words = if ours { String::new() } else { "it is not there: logins can not be written safely without it".to_owned() };
    let grant = format!("GRANT {} ON {} TO {role}", OURS.1.join(", "), OURS.0);
    findings.push(finding(format!("table {} (ours)", OURS.0), words, true, vec![LOGIN_TABLE.to_owned(), grant]));
    if ours {
        findings.push(rights_of(facts, OURS.0, OURS.1, &role));
    }
    // A schema without it has no accounting that only notes when a NAS came up; where it is there, the reader asks it.
    if facts.tables.iter().any(|name| name == RELOADS.0) {
        findings.push(rights_of(facts, RELOADS.0, RELOADS.1, &role));
    }
    if facts.tables.iter().any(|name| name == "radacct") {
        let has = |first: &str, open: bool| {
            facts.indexes.iter().any(|(_, table, column, partial)| table == "radacct" && column == first && (!partial || open))
        };
        let partial = |name: &str| facts.indexes.iter().any(|(index, ..)| index == name);
        findings.push(index(
            has("acctupdatetime", false),
            "radacct by its last change",
            "without it changed sessions are only found by the slow look at all open ones",
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS noctule_radacct_changed ON radacct (acctupdatetime)".into(),
        ));
        findings.push(index(
            partial("noctule_radacct_open"),
            "open rows of radacct",
            "without it the look at all open sessions reads the closed ones too",
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS noctule_radacct_open ON radacct (radacctid) WHERE acctstoptime IS NULL".into(),
        ));
        findings.push(index(
            has("username", false),
            "radacct by user",
            "without it each question for a user's sessions reads the whole table",
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS noctule_radacct_user ON radacct (username, acctstarttime)".into(),
        ));
    }
    for table in ["radcheck", "radreply", "radusergroup", OURS.0] {
        let name = order_index(table, names);
        if facts.tables.iter().any(|known| known == table) || table == OURS.0 {
            let (low, exact) = names.order("username");
            findings.push(index(
                facts.indexes.iter().any(|(index, ..)| *index == name),
                &format!("{table} in the order of names"),
                "without it a comparison of all users sorts the table for each page",
                format!("CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {table} (({low}), ({exact}))"),
            ));
        }
    }
    AaaCheck { server: SafeText::bounded(&facts.server, 100), login: SafeText::bounded(&facts.user, 100), findings }
}

fn order_index(table: &str, names: Names) -> String {
    let how = match names {
        Names::Escaped => "escaped",
        Names::Plain => "plain",
    };
    format!("noctule_{table}_{how}")
}

fn rights_of(facts: &Facts, table: &str, wanted: &[&str], role: &str) -> AaaFinding {
    let absent: Vec<&str> = wanted.iter().filter(|right| !facts.rights.iter().any(|(t, r)| t == table && r == *right)).copied().collect();
    let words = if absent.is_empty() { String::new() } else { format!("{} is not granted to {}", absent.join(", "), facts.user) };
    finding(format!("rights on {table}"), words, true, vec![format!("GRANT {} ON {table} TO {role}", wanted.join(", "))])
}

fn index(there: bool, what: &str, without: &str, sql: String) -> AaaFinding {
    let words = if there { String::new() } else { without.to_owned() };
    finding(format!("index: {what}"), words, false, vec![sql])
}

fn finding(what: String, words: String, needed: bool, sql: Vec<String>) -> AaaFinding {
    let fine = words.is_empty();
    let sql = if fine { Vec::new() } else { sql };
    AaaFinding { what: SafeText::new(&what), fine, needed, words: SafeText::new(&words), sql }
}
