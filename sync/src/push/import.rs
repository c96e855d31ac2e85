//! Imports into the centre: rows as JSON objects, upserted by their natural keys with the meaning of a local import. Several calls can be one
//! transaction (`Import`), each with its audit record; importing the same rows again changes nothing.
//!
//! A row has the column names of [`Table::columns`](noctule_domain::sync::Table::columns); what is missing is null, or what a new row has:
//!
//! | kind | key | told by name instead of id | kept of a row that is there |
//! |---|---|---|---|
//! | nas | `name` (any case) | | reach, counters, times of answers |
//! | technicians | `employee_id` | | status, a newer position |
//! | subscribers | `number` | `nas_name` | IPv6 state, prefix, enforcement and all their times |
//! | sessions | `subscriber_number` (or `id`) | `nas_name`; none: the subscriber's | nothing |
//! | tasks | `number` | `subscriber_number`, `technician_employee_id` | status, technician, blocked_reason, started_at, ended_at |
//!
//! `depends_on` of tasks is a JSON list of task *numbers*, `skills` a JSON list of texts (lists, not texts of lists); times are RFC 3339, prefixes
//! and addresses texts. For an existing row every column that an import may change is set, so a column left out becomes null.

use super::batch::RawJson;
use crate::connect::{Centre, CentreError, SessionGuard};
use noctule_domain::{SafeText, words};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Rows and bytes of one call; the centre takes 5,000 rows at most.
pub const MAX_ROWS: usize = 2_000;
const MAX_BYTES: usize = 8 << 20;

words!(
    /// What can be imported, in the order in which one refers to the other.
    Kind {
        Nas = "nas",
        Technicians = "technicians",
        Subscribers = "subscribers",
        Sessions = "sessions",
        Tasks = "tasks",
    }
);

/// What stands in the audit record of each call. Who acts is the login.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// Host and terminal or command.
    pub origin: SafeText,
    /// Such as the name of the file.
    pub target: SafeText,
    pub reason: Option<SafeText>,
    /// More facts: a JSON object, or null.
    pub after: Value,
    /// New rows bring their IPv6 state, prefix, versions and times with them. Only an owner of the centre's schema may.
    pub load: bool,
}

/// A row that was not taken, and why.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RowError {
    /// Place in `rows`, from 0.
    pub index: u64,
    pub words: SafeText,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Imported {
    pub new: u64,
    pub changed: u64,
    pub unchanged: u64,
    /// In the order of the rows.
    pub errors: Vec<RowError>,
}

/// An import in one transaction: nothing of it is there for anybody until `commit`, and nothing ever when it is dropped before.
pub struct Import {
    session: SessionGuard,
    /// Between BEGIN and COMMIT. An import that is dropped then leaves a connection that nobody may use again.
    open: bool,
}

impl Import {
    /// Holds the connection of `centre` until its end.
    pub async fn begin(centre: &Centre) -> Result<Self, CentreError> {
        let session = centre.session().await?;
        session.within("begin an import", session.batch_execute("BEGIN")).await?;
        Ok(Self { session, open: true })
    }

    /// Rows of one kind, as many calls as it takes. After an error nothing more can be done than to drop this.
    pub async fn rows(&mut self, kind: Kind, rows: &[Value], entry: &Entry) -> Result<Imported, CentreError> {
        let mut total = Imported::default();
        for part in parts(rows, entry)? {
            let (json, entry) = (RawJson(part.json), RawJson(part.entry));
            let statement = self.session.prepared("SELECT noctule.import_rows($1, $2, $3)").await?;
            let row = self.session.within("import_rows", self.session.query_one(&statement, &[&kind.word(), &json, &entry])).await?;
            total.add(row.try_get(0).map_err(|error| CentreError::Sql(format!("import_rows gave no JSON: {error}").into()))?, part.from)?;
        }
        Ok(total)
    }

    /// On `Lost` and `Timeout` the rows may be there; importing them again changes nothing then.
    pub async fn commit(mut self) -> Result<(), CentreError> {
        self.session.within("commit an import", self.session.batch_execute("COMMIT")).await?;
        self.open = false;
        Ok(())
    }

    /// Takes everything back.
    pub async fn rollback(mut self) -> Result<(), CentreError> {
        self.session.within("take an import back", self.session.batch_execute("ROLLBACK")).await?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Import {
    fn drop(&mut self) {
        if self.open {
            self.session.give_up();
        }
    }
}

/// Imports `rows`, as many calls as it takes, each a transaction. An error ends it: the calls before it stand. `Refused`: the role may not.
pub async fn import_rows(centre: &Centre, kind: Kind, rows: &[Value], entry: &Entry) -> Result<Imported, CentreError> {
    let mut total = Imported::default();
    for part in parts(rows, entry)? {
        total.add(centre.call("import_rows", &[&kind.word(), &RawJson(part.json), &RawJson(part.entry)]).await?, part.from)?;
    }
    Ok(total)
}

/// What goes in one call.
struct Part {
    from: usize,
    json: Vec<u8>,
    entry: Vec<u8>,
}

fn parts(rows: &[Value], entry: &Entry) -> Result<Vec<Part>, CentreError> {
    let unwritable = |error: serde_json::Error| CentreError::Sql(format!("a row can not be written as JSON: {error}").into());
    let entry = serde_json::to_vec(entry).map_err(unwritable)?;
    let mut parts = Vec::new();
    let mut from = 0;
    while from < rows.len() {
        let mut json = vec![b'['];
        let mut to = from;
        while to < rows.len() && to - from < MAX_ROWS {
            let row = serde_json::to_vec(&rows[to]).map_err(unwritable)?;
            if to > from && json.len() + row.len() > MAX_BYTES {
                break;
            }
            if to > from {
                json.push(b',');
            }
            json.extend_from_slice(&row);
            to += 1;
        }
        json.push(b']');
        parts.push(Part { from, json, entry: entry.clone() });
        from = to;
    }
    Ok(parts)
}

impl Imported {
    /// The answer for rows that began at `from`.
    fn add(&mut self, answer: Value, from: usize) -> Result<(), CentreError> {
        let part: Self = serde_json::from_value(answer)
            .map_err(|error| CentreError::Sql(format!("its answer to an import is not understood: {error}").into()))?;
        self.new += part.new;
        self.changed += part.changed;
        self.unchanged += part.unchanged;
        self.errors.extend(part.errors.into_iter().map(|error| RowError { index: error.index + from as u64, ..error }));
        Ok(())
    }
}
