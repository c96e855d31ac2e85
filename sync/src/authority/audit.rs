//! The audit log of the centre, read in pages of bounded size, and the proof that nothing in it was changed.

use crate::connect::{Centre, CentreError};
use noctule_domain::audit::{AuditEntry, AuditRecord, AuditVerdict, Chain, NOTHING};
use noctule_domain::{Retry, SafeText};
use serde::Deserialize;

/// Records asked for at once; the centre cuts a page at about 4 MiB.
const PAGE: i32 = 500;

/// seq, body, previous, hash.
type Raw = (i64, String, String, String);

#[derive(Deserialize)]
struct Page {
    records: Vec<Raw>,
    /// Number and hash of the last record written; `None`: nothing was ever written.
    head: Option<(i64, String)>,
}

async fn page(centre: &Centre, after: i64, limit: i32) -> Result<Page, CentreError> {
    let answer = centre.call("audit_page", &[&after, &limit]).await?;
    if answer.get("refused").is_some() {
        return Err(CentreError::Refused("this role may not read the audit log; ask an administrator".into()));
    }
    serde_json::from_value(answer).map_err(|error| unreadable(&error))
}

fn unreadable(error: &serde_json::Error) -> CentreError {
    CentreError::Local(SafeText::bounded(&format!("the audit log of the centre can not be read: {error}"), 300), Retry::AfterFix)
}

/// Records after `after`, oldest first, at most `limit` (and 2,000, and about 4 MiB, but one at least if there is one): ask on from the last.
pub async fn audit_page(centre: &Centre, after: i64, limit: u32) -> Result<Vec<AuditRecord>, CentreError> {
    #[derive(Deserialize)]
    struct Body {
        entry: AuditEntry,
    }
    let found = page(centre, after, i32::try_from(limit).unwrap_or(i32::MAX)).await?;
    found
        .records
        .into_iter()
        .map(|(seq, body, previous, hash)| {
            let Body { entry } = serde_json::from_str(&body).map_err(|error| unreadable(&error))?;
            Ok(AuditRecord { seq, entry, previous, hash })
        })
        .collect()
}

/// Reads the whole chain, page by page while others append to it, and says whether anything was changed, taken out, moved or cut off.
pub async fn audit_verify(centre: &Centre) -> Result<AuditVerdict, CentreError> {
    let mut chain = Chain::default();
    loop {
        let found = page(centre, chain.records(), PAGE).await?;
        if found.records.is_empty() {
            // The head was read in the same moment as the empty page behind the last record.
            let (seq, hash) = found.head.unwrap_or_else(|| (0, NOTHING.to_owned()));
            return Ok(chain.end(seq, &hash));
        }
        for (seq, body, previous, hash) in &found.records {
            if let Err(broken) = chain.take(*seq, body, previous, hash) {
                return Ok(broken);
            }
        }
    }
}
