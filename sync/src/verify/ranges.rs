//! Sums of ranges: the centre's from one statement a page, ours from the store, compared pair by pair.

use super::heal;
use super::report::TableReport;
use crate::connect::CentreError;
use crate::pull::{Progress, Puller, bad, column_list, estimate};
use noctule_domain::sync::{Checksum, Phase, Replica, Table};
use std::time::Duration;
use uuid::Uuid;

/// Rows of a range: what one difference costs to fetch.
const RANGE: i64 = 2_000;
/// Rows of one statement: what the server works on before it answers.
const PAGE: i64 = 50_000;

/// A range of the centre's ids, from its first one to the next range's.
#[derive(Debug, Clone, Copy)]
struct Range {
    first: Uuid,
    last: Uuid,
    sum: Checksum,
}

pub(super) async fn one_table(
    puller: &Puller,
    replica: &dyn Replica,
    table: Table,
    heal: bool,
    progress: &Progress<'_>,
) -> Result<TableReport, CentreError> {
    progress(Phase::Verifying { table, percent: 0 });
    let of = estimate(puller.line(), puller.stall(), table).await?;
    let theirs = sums(puller, table, of, progress).await?;
    // The first range has no lower bound and the last no upper one: what lies outside the centre's ids is a difference too.
    let bounds: Vec<Uuid> = theirs.iter().skip(1).map(|range| range.first).collect();
    let ours = replica.sums(table, &bounds).await?;
    let mut report = TableReport {
        table,
        here: ours.iter().map(|sum| sum.rows).sum(),
        there: theirs.iter().map(|range| range.sum.rows).sum(),
        ranges: ours.len() as u64,
        differing: 0,
        fetched: 0,
        removed: 0,
    };
    if ours.len() != bounds.len() + 1 {
        return Err(CentreError::Local("the store gave another number of sums than asked for".into(), noctule_domain::Retry::Never));
    }
    for (at, ours) in ours.iter().enumerate() {
        let theirs = theirs.get(at).map_or_else(Checksum::default, |range| range.sum);
        if *ours == theirs {
            continue;
        }
        report.differing += 1;
        if heal {
            let from = at.checked_sub(1).and_then(|before| bounds.get(before)).copied();
            let (fetched, removed) = heal::range(puller, replica, table, from, bounds.get(at).copied()).await?;
            report.fetched += fetched;
            report.removed += removed;
        }
    }
    progress(Phase::Verifying { table, percent: 100 });
    Ok(report)
}

/// The centre's ranges in the order of ids. Empty for an empty table.
async fn sums(puller: &Puller, table: Table, of: u64, progress: &Progress<'_>) -> Result<Vec<Range>, CentreError> {
    // The sum is that of `noctule_domain::sync::row_sum`: the first eight bytes of SHA-256 over the record's binary form. Summed as signed
    // numbers without limit; only the remainder by 2^64 counts, and that is the same for signed and unsigned ones.
    let sql = format!(
        "SELECT (array_agg(y.id ORDER BY y.id))[1], (array_agg(y.id ORDER BY y.id DESC))[1], count(*), sum(y.h)::text \
         FROM (SELECT x.id, x.h, (row_number() OVER (ORDER BY x.id) - 1) / {RANGE} AS r \
           FROM (SELECT w.id, ('x' || encode(substr(sha256(record_send(ROW({}))), 1, 8), 'hex'))::bit(64)::bigint AS h \
             FROM noctule.wire_{table} w WHERE w.tenant_id = (SELECT noctule.tenant()) AND w.id >= $1 \
             ORDER BY w.tenant_id, w.id LIMIT {PAGE}) x) y \
         GROUP BY y.r ORDER BY y.r",
        column_list(table, "w")
    );
    // A page is a second or two of work for the server; a busy one may take its time.
    let limit = puller.stall().max(Duration::from_secs(30));
    let line = puller.line();
    let statement = line.within(limit, "prepare", line.client.prepare(&sql)).await?;
    let (mut found, mut from, mut rows) = (Vec::new(), Uuid::nil(), 0u64);
    loop {
        let page = line.within(limit, "sums", line.client.query(&statement, &[&from])).await?;
        let before = rows;
        for row in &page {
            let count: i64 = row.try_get(2).map_err(|error| bad(&error))?;
            let sum: &str = row.try_get(3).map_err(|error| bad(&error))?;
            let count = u64::try_from(count).unwrap_or(0);
            rows += count;
            found.push(Range {
                first: row.try_get(0).map_err(|error| bad(&error))?,
                last: row.try_get(1).map_err(|error| bad(&error))?,
                sum: Checksum { rows: count, sum: wrap(sum)? },
            });
        }
        let percent = rows.saturating_mul(100).checked_div(of.max(rows)).unwrap_or(100).min(99);
        progress(Phase::Verifying { table, percent: u8::try_from(percent).unwrap_or(99) });
        match found.last().and_then(|range: &Range| range.last.as_u128().checked_add(1)) {
            Some(next) if rows - before == PAGE as u64 => from = Uuid::from_u128(next),
            _ => return Ok(found),
        }
    }
}

/// The remainder by 2^64 of a decimal number.
fn wrap(sum: &str) -> Result<u64, CentreError> {
    let sum: i128 = sum.parse().map_err(|_| CentreError::Sql(format!("{sum} is not a sum").into()))?;
    Ok(sum as u64)
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn sums_wrap_as_ours_do() {
        let parts = [u64::MAX, u64::MAX - 5, 17, 1 << 63];
        let ours = parts.iter().fold(0u64, |sum, part| sum.wrapping_add(*part));
        let theirs: i128 = parts.iter().map(|part| i128::from(*part as i64)).sum();
        assert_eq!(wrap(&theirs.to_string()), Ok(ours));
        assert!(wrap("NaN").is_err());
    }
}
