//! Imports into the centre: rows as JSON objects, upserted by their natural keys with the meaning of a local import. Each call is a transaction of
//! its own with its audit record; importing the same file again changes nothing, so that one that was cut off is simply begun again.
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
use crate::connect::{Centre, CentreError};
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

/// Imports `rows`, as many calls as it takes. An error ends it: the calls before it stand. `Refused`: the role may not.
pub async fn import_rows(centre: &Centre, kind: Kind, rows: &[Value], entry: &Entry) -> Result<Imported, CentreError> {
    let unwritable = |error: serde_json::Error| CentreError::Sql(format!("a row can not be written as JSON: {error}").into());
    let entry = serde_json::to_vec(entry).map_err(unwritable)?;
    let mut total = Imported::default();
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
        let value = centre.call("import_rows", &[&kind.word(), &RawJson(json), &RawJson(entry.clone())]).await?;
        let part: Imported = serde_json::from_value(value)
            .map_err(|error| CentreError::Sql(format!("its answer to an import is not understood: {error}").into()))?;
        total.new += part.new;
        total.changed += part.changed;
        total.unchanged += part.unchanged;
        total.errors.extend(part.errors.into_iter().map(|error| RowError { index: error.index + from as u64, ..error }));
        from = to;
    }
    Ok(total)
}
