//! The audit chain of the centre, whole.

use super::place::Place;
use noctule_domain::audit::{AuditVerdict, Chain, NOTHING};

pub async fn intact(place: &Place) -> Result<(), String> {
    let tenant = place.tenant;
    let records = place.json(&format!(
        "SELECT coalesce(json_agg(json_build_array(seq, body, previous, hash) ORDER BY seq), '[]') FROM noctule.audit WHERE tenant_id = '{tenant}'"
    ));
    let mut chain = Chain::default();
    for one in records.as_array().expect("a list") {
        let text = |at: usize| one[at].as_str().unwrap_or_default();
        if let Err(broken) = chain.take(one[0].as_i64().unwrap_or_default(), text(1), text(2), text(3)) {
            return Err(format!("the audit chain is broken: {broken:?}"));
        }
    }
    let head = place.json(&format!(
        "SELECT coalesce((SELECT json_build_array(seq, hash) FROM noctule.audit_heads WHERE tenant_id = '{tenant}'), json_build_array(0, '{NOTHING}'))"
    ));
    match chain.end(head[0].as_i64().unwrap_or_default(), head[1].as_str().unwrap_or_default()) {
        AuditVerdict::Intact { .. } => Ok(()),
        broken @ AuditVerdict::Broken { .. } => Err(format!("the audit chain is broken: {broken:?}")),
    }
}
