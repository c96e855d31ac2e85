//! Writes what a login gets: one transaction a user, under a lock of that user. What is to change is computed by `plan`.

use super::error::{of_question, refused};
use super::freeradius::FreeRadius;
use super::plan::{As, Aside, Changes, Marks, Member, Pair, Rows, Winning, changes};
use crate::upstream::{AaaError, LoginWrite};
use noctule_domain::OperationId;
use noctule_domain::Timestamp;
use noctule_domain::aaa::{Login, SuspendLogin};
use serde_json::Value;
use tokio_postgres::types::Json;
use uuid::Uuid;

/// Held to the end of the transaction: two consoles never write one user at once. Not a row lock, because the user may have no row yet.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('noctule login ' || $1, 0))";

/// Everything about one user in one snapshot. `$2` is the group of the garden that is asked for.
const READ: &str = "SELECT jsonb_build_object(
    'check', (SELECT coalesce(jsonb_agg(jsonb_build_array(id, attribute, op, value) ORDER BY id), '[]') FROM radcheck WHERE username = $1),
    'reply', (SELECT coalesce(jsonb_agg(jsonb_build_array(id, attribute, op, value) ORDER BY id), '[]') FROM radreply WHERE username = $1),
    'groups', (SELECT coalesce(jsonb_agg(jsonb_build_array(id, groupname, priority) ORDER BY id), '[]') FROM radusergroup WHERE username = $1),
    'winning', (SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_array(r.groupname, r.attribute)), '[]') FROM radgroupreply AS r
        JOIN radusergroup AS u ON u.groupname = r.groupname WHERE u.username = $1 AND r.op = ':='),
    'group_has_reply', EXISTS (SELECT FROM radgroupreply WHERE groupname = $2)),
    l.operation, l.subscriber, l.version, l.writer, l.seq, l.written_at, l.marks
    FROM (SELECT) AS one LEFT JOIN noctule_login AS l ON l.username = $1";

/// All changes and the word of who made them, as one statement.
const APPLY: &str = "WITH
    drop_check AS (DELETE FROM radcheck WHERE username = $1 AND id = ANY ($2::bigint[])),
    drop_reply AS (DELETE FROM radreply WHERE username = $1 AND id = ANY ($3::bigint[])),
    drop_groups AS (DELETE FROM radusergroup WHERE username = $1 AND id = ANY ($4::bigint[])),
    new_check AS (INSERT INTO radcheck (username, attribute, op, value)
        SELECT $1, x->>'attribute', x->>'op', x->>'value' FROM jsonb_array_elements($5) AS x RETURNING id),
    new_plain AS (INSERT INTO radreply (username, attribute, op, value)
        SELECT $1, x->>'attribute', x->>'op', x->>'value' FROM jsonb_array_elements($6) AS x RETURNING id),
    new_framed AS (INSERT INTO radreply (username, attribute, op, value)
        SELECT $1, x->>'attribute', x->>'op', x->>'value' FROM jsonb_array_elements($7) AS x RETURNING id),
    new_mark AS (INSERT INTO radreply (username, attribute, op, value)
        SELECT $1, x->>'attribute', x->>'op', x->>'value' FROM jsonb_array_elements($8) AS x RETURNING id),
    new_group AS (INSERT INTO radusergroup (username, groupname, priority)
        SELECT $1, $9::text, $10::integer WHERE $9::text IS NOT NULL RETURNING id),
    made AS (SELECT $11::jsonb || jsonb_build_object(
        'check', $11::jsonb->'check' || (SELECT coalesce(jsonb_agg(id), '[]') FROM new_check),
        'framed', $11::jsonb->'framed' || (SELECT coalesce(jsonb_agg(id), '[]') FROM new_framed),
        'reply', $11::jsonb->'reply' || (SELECT coalesce(jsonb_agg(id), '[]') FROM new_mark),
        'groups', $11::jsonb->'groups' || (SELECT coalesce(jsonb_agg(id), '[]') FROM new_group)) AS marks)
    INSERT INTO noctule_login AS l (username, operation, subscriber, version, writer, seq, written_at, marks)
        SELECT $1, $12, $13, $14, $15, $16, clock_timestamp(), made.marks FROM made
    ON CONFLICT (username) DO UPDATE SET operation = excluded.operation, subscriber = excluded.subscriber, version = excluded.version,
        writer = excluded.writer, seq = excluded.seq, written_at = excluded.written_at, marks = excluded.marks";

/// Who wrote last.
struct Last {
    operation: OperationId,
    subscriber: Uuid,
    version: i64,
    writer: Uuid,
    seq: i64,
    written_at: Timestamp,
}

impl FreeRadius {
    pub(super) async fn write_login(&self, ask: &LoginWrite) -> Result<(), AaaError> {
        let stored = self.config.names.stored(&ask.username);
        let seq = self.writer.next();
        let line = self.writing.line().await?;
        let (lock, read, apply) = (line.prepared(LOCK).await?, line.prepared(READ).await?, line.prepared(APPLY).await?);
        let client = &line.client;
        line.ask(false, async {
            client.batch_execute("BEGIN").await?;
            client.query(&lock, &[&stored]).await.map(drop)
        })
        .await?;
        let garden = match &ask.login {
            Login::Suspended { how: SuspendLogin::Group, group, .. } => group.as_str(),
            _ => "",
        };
        let row = line.ask(false, client.query_one(&read, &[&stored, &garden])).await?;
        let (rows, marks, last) = rows(&row).inspect_err(|_| line.give_up())?;
        let wanted = match self.may(ask, seq, last.as_ref()).and_then(|()| changes(&rows, &marks, &ask.login)) {
            Ok(wanted) => wanted,
            Err(why) => {
                line.ask(false, client.batch_execute("ROLLBACK")).await?;
                return Err(refused(format!("{}: {why}", ask.username)));
            }
        };
        let known = last.as_ref().is_some_and(|last| last.operation == ask.operation && last.version == ask.version);
        if known && wanted.is_nothing() && wanted.keep == marks {
            return line.ask(false, client.batch_execute("COMMIT")).await;
        }
        self.apply(ask, seq, &stored, &wanted, &line, &apply).await
    }

    async fn apply(
        &self,
        ask: &LoginWrite,
        seq: i64,
        stored: &str,
        wanted: &Changes,
        line: &super::line::Line,
        apply: &tokio_postgres::Statement,
    ) -> Result<(), AaaError> {
        let of = |kind: As| Json(wanted.add_reply.iter().filter(|(found, _)| *found == kind).map(|(_, row)| row).collect::<Vec<&Aside>>());
        let (group, priority) = wanted.add_group.as_ref().map(|(group, priority)| (group.as_str(), *priority)).unzip();
        let (check, plain, framed, mark) = (Json(&wanted.add_check), of(As::Plain), of(As::Framed), of(As::Mark));
        let (operation, subscriber, keep) = (ask.operation.uuid(), ask.subscriber.0, Json(&wanted.keep));
        let client = &line.client;
        line.ask(
            false,
            client.execute(
                apply,
                &[
                    &stored,
                    &wanted.drop_check,
                    &wanted.drop_reply,
                    &wanted.drop_groups,
                    &check,
                    &plain,
                    &framed,
                    &mark,
                    &group,
                    &priority,
                    &keep,
                    &operation,
                    &subscriber,
                    &ask.version,
                    &self.writer.id,
                    &seq,
                ],
            ),
        )
        .await?;
        // Only from here on may it be stored without our knowing.
        line.ask(true, client.batch_execute("COMMIT")).await
    }

    /// An older operation never overwrites a newer one. Which is older is said by the version of the record, which only the authority raises;
    /// not by the ids alone, because the consoles that make them have clocks of their own. The id counts where the version can not be
    /// trusted: a store that was put back from a backup begins again with low versions, but its operations are new.
    fn may(&self, ask: &LoginWrite, seq: i64, last: Option<&Last>) -> Result<(), String> {
        let Some(last) = last else { return Ok(()) };
        if last.operation == ask.operation {
            // A statement of ours that hung somewhere and arrives after the next try of the same operation.
            let overtaken = last.writer == self.writer.id && seq < last.seq;
            return if overtaken { Err("a later try of the same operation was faster".to_owned()) } else { Ok(()) };
        }
        let older = (ask.version, ask.operation.uuid()) < (last.version, last.operation.uuid());
        let asked_at = asked_at(ask.operation);
        if last.subscriber == ask.subscriber.0 && older && asked_at.is_none_or(|at| at <= last.written_at) {
            return Err(format!(
                "a newer operation ({}) has written what this login gets at {}; this one is older and changes nothing any more",
                last.operation,
                last.written_at.format("%H:%M:%S UTC")
            ));
        }
        Ok(())
    }
}

/// When an operation was asked for, by the clock of its console: the time in a UUID v7.
fn asked_at(operation: OperationId) -> Option<Timestamp> {
    let (seconds, nanos) = operation.uuid().get_timestamp()?.to_unix();
    Timestamp::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}

type Told = (Rows, Marks, Option<Last>);

fn rows(row: &tokio_postgres::Row) -> Result<Told, AaaError> {
    type Columns = (Value, Option<Last>, Option<Json<Marks>>);
    let read = || -> Result<Columns, tokio_postgres::Error> {
        let operation: Option<Uuid> = row.try_get(1)?;
        let last = match operation {
            None => None,
            Some(operation) => Some(Last {
                operation: OperationId::from_uuid(operation),
                subscriber: row.try_get(2)?,
                version: row.try_get(3)?,
                writer: row.try_get(4)?,
                seq: row.try_get(5)?,
                written_at: row.try_get(6)?,
            }),
        };
        Ok((row.try_get(0)?, last, row.try_get(7)?))
    };
    let (all, last, marks) = read().map_err(|error| of_question(&error, false))?;
    let list = |name: &str| all[name].as_array().cloned().unwrap_or_default();
    let text = |value: &Value, at: usize| value[at].as_str().unwrap_or_default().to_owned();
    let id = |value: &Value| value[0].as_i64().unwrap_or_default();
    let pair = |value: &Value| Pair { id: id(value), attribute: text(value, 1), op: text(value, 2), value: text(value, 3) };
    let rows = Rows {
        check: list("check").iter().map(pair).collect(),
        reply: list("reply").iter().map(pair).collect(),
        groups: list("groups")
            .iter()
            .map(|value| Member {
                id: id(value),
                group: text(value, 1),
                priority: value[2].as_i64().and_then(|n| i32::try_from(n).ok()).unwrap_or(0),
            })
            .collect(),
        winning: list("winning").iter().map(|value| Winning { group: text(value, 0), attribute: text(value, 1) }).collect(),
        group_has_reply: all["group_has_reply"].as_bool().unwrap_or(false),
    };
    Ok((rows, marks.map(|Json(marks)| marks).unwrap_or_default(), last))
}
