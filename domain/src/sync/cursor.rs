//! Where in the centre's history a copy stands: the snapshot of the last read. A later read takes what is visible then and was not
//! visible in this one, so that no transaction is missed, however late it commits.

use crate::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// A `pg_snapshot`: transactions below `xmin` have ended, those from `xmax` on had not begun, those in `running` were under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cursor {
    pub xmin: u64,
    pub xmax: u64,
    /// Ascending.
    pub running: Vec<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a snapshot of PostgreSQL")]
pub struct BadCursor;

impl Cursor {
    /// True when a read under this snapshot saw what transaction `xid` did.
    pub fn sees(&self, xid: u64) -> bool {
        xid < self.xmin || (xid < self.xmax && self.running.binary_search(&xid).is_err())
    }

    /// What may be kept of a snapshot that was taken on a standby: it leaves out transactions that are still under way on the primary, so
    /// only what lies below `xmin` is certain. Rows may then come twice; none is lost.
    pub fn certain(&self) -> Self {
        Self { xmin: self.xmin, xmax: self.xmin, running: Vec::new() }
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, ':');
        let mut number = || parts.next().and_then(|part| part.parse::<u64>().ok()).ok_or(BadCursor);
        let (xmin, xmax) = (number()?, number()?);
        let running = match parts.next().ok_or(BadCursor)? {
            "" => Vec::new(),
            list => list.split(',').map(str::parse).collect::<Result<Vec<u64>, _>>().map_err(|_| BadCursor)?,
        };
        if xmin > xmax || !running.is_sorted() {
            return Err(BadCursor);
        }
        Ok(Self { xmin, xmax, running })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list: Vec<String> = self.running.iter().map(u64::to_string).collect();
        write!(f, "{}:{}:{}", self.xmin, self.xmax, list.join(","))
    }
}

impl TryFrom<String> for Cursor {
    type Error = BadCursor;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.to_string()
    }
}

/// Everything a copy must know to go on from where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Names the history that the cursor belongs to: cluster, timeline, database and its generation. Another one: compare and heal, or copy anew.
    pub history: String,
    /// The centre's schema version when this was read.
    pub schema: i32,
    /// Rises when the operator's rights change: what may be seen has changed in ways that no row tells.
    pub epoch: i64,
    /// Tenant of the copy and login it was made for: another operator's copy is never shown.
    pub tenant: Uuid,
    pub login: String,
    pub cursor: Cursor,
    /// The centre's clock at the read.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_as_postgresql_does() {
        let cursor: Cursor = "10:20:10,14".parse().expect("a snapshot");
        for (xid, seen) in [(9, true), (10, false), (11, true), (14, false), (19, true), (20, false), (99, false)] {
            assert_eq!(cursor.sees(xid), seen, "{xid}");
        }
        assert_eq!(cursor.to_string(), "10:20:10,14");
        assert!(!cursor.certain().sees(11) && cursor.certain().sees(9));
        for bad in ["", "1:2", "2:1:", "a:b:", "1:9:5,3"] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad}");
        }
    }
}
