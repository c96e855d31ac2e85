//! One batch of ops on the wire: `noctule.push(console, ops)`, and its answers. Bounded in count and bytes; serialised once.

use crate::connect::{Centre, CentreError};
use bytes::{BufMut, BytesMut};
use noctule_domain::sync::{Answer, Answered, Op};
use noctule_domain::{OpId, SafeText, Timestamp};
use postgres_types::{IsNull, Json, ToSql, Type, to_sql_checked};
use serde::Deserialize;
use std::collections::HashSet;
use std::error::Error;

/// Ops in one call: some tens of milliseconds of the centre's time, so that nobody waits long for a row.
pub const MAX_BATCH_OPS: usize = 2_000;
/// Bytes of JSON in one call. A single op that is larger is refused here.
pub const MAX_BATCH_BYTES: usize = 1 << 20;

/// JSON that is written already.
#[derive(Debug)]
pub(super) struct RawJson(pub Vec<u8>);

impl ToSql for RawJson {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        // The version of the binary form of jsonb.
        out.put_u8(1);
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::JSONB
    }

    to_sql_checked!();
}

/// An op with its JSON.
#[derive(Debug)]
pub(super) struct Packed {
    pub id: OpId,
    pub json: Vec<u8>,
}

impl Packed {
    pub fn new(op: &Op) -> Result<Self, CentreError> {
        let json = serde_json::to_vec(op).map_err(|error| CentreError::Sql(format!("an op can not be written as JSON: {error}").into()))?;
        Ok(Self { id: op.id, json })
    }
}

/// How many of `ops` make the next batch: at least one.
pub(super) fn fit(ops: &[Packed]) -> usize {
    let mut bytes = 0;
    let fitting = ops.iter().take(MAX_BATCH_OPS).take_while(|op| {
        bytes += op.json.len() + 1;
        bytes <= MAX_BATCH_BYTES
    });
    fitting.count().max(1).min(ops.len())
}

#[derive(Debug, Deserialize)]
struct Wire {
    op: OpId,
    answer: Answer,
    xid: Option<String>,
    at: Timestamp,
}

/// Pushes one batch; an answer for each op, in any order. On `Lost` and `Timeout` it may have been applied: push it again.
pub(super) async fn push(centre: &Centre, ops: &[Packed]) -> Result<Vec<Answered>, CentreError> {
    let mut json = Vec::with_capacity(ops.iter().map(|op| op.json.len() + 1).sum::<usize>() + 2);
    json.push(b'[');
    for (at, op) in ops.iter().enumerate() {
        if at > 0 {
            json.push(b',');
        }
        json.extend_from_slice(&op.json);
    }
    json.push(b']');
    let mut session = centre.session().await?;
    let statement = session.prepared("SELECT noctule.push($1, $2)").await?;
    let row = session.within("push", session.query_one(&statement, &[&centre.config().console.0, &RawJson(json)])).await?;
    drop(session);
    // Straight into the answers: thousands of them need no tree of values in between.
    let Json(wire): Json<Vec<Wire>> = row.try_get(0).map_err(|error| {
        CentreError::Sql(format!("its answers to pushed changes are not understood: {error}; is it newer than this program?").into())
    })?;
    let asked: HashSet<OpId> = ops.iter().map(|op| op.id).collect();
    let answers: Vec<Answered> = wire
        .into_iter()
        .filter(|wire| asked.contains(&wire.op))
        .map(|wire| Answered { op: wire.op, answer: wire.answer, xid: wire.xid.and_then(|xid| xid.parse().ok()), at: wire.at })
        .collect();
    if answers.iter().map(|answer| answer.op).collect::<HashSet<_>>().len() != asked.len() {
        return Err(CentreError::Sql("it left changes that were pushed without an answer".into()));
    }
    Ok(answers)
}

/// True when the centre could not even read the request, or a value in it: then it is an op's fault, and halving finds which. Anything else
/// (a server in trouble, a schema that is too old) is nobody's op's fault.
pub(super) fn is_poison(error: &CentreError) -> bool {
    let CentreError::Sql(words) = error else { return false };
    let code = words.as_str().strip_suffix(')').and_then(|text| text.rsplit_once('(')).map_or("", |(_, code)| code);
    code.len() == 5 && ["22", "23", "54"].iter().any(|class| code.starts_with(class))
}

/// The answer to an op that never reaches the log of the centre.
pub(super) fn refused_here(op: OpId, why: &str, at: Timestamp) -> Answered {
    Answered { op, answer: Answer::Refused { why: SafeText::new(why) }, xid: None, at }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_batch_is_bounded_in_count_and_bytes_and_never_empty() {
        let op = |bytes: usize| Packed { id: OpId(Uuid::nil()), json: vec![b'x'; bytes] };
        assert_eq!(fit(&(0..3_000).map(|_| op(10)).collect::<Vec<_>>()), MAX_BATCH_OPS);
        assert_eq!(fit(&(0..10).map(|_| op(MAX_BATCH_BYTES / 3)).collect::<Vec<_>>()), 2);
        assert_eq!(fit(&[op(MAX_BATCH_BYTES * 2), op(1)]), 1);
        assert_eq!(fit(&[]), 0);
    }

    #[test]
    fn only_what_an_op_can_be_guilty_of_is_poison() {
        let sql = |words: &str| CentreError::Sql(words.into());
        assert!(is_poison(&sql("unsupported Unicode escape sequence (22P05)")) && is_poison(&sql("too long (54000)")));
        assert!(!is_poison(&sql("internal error (XX000)")) && !is_poison(&sql("no code")) && !is_poison(&CentreError::ReadOnly));
        assert!(!is_poison(&CentreError::Refused("no (22000)".into())));
    }
}
