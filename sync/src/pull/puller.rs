//! One connection that reads: greeting, whole copy, increments. It is used until the first error and then thrown away.

use super::hello::Hello;
use super::plan::{Plan, plan};
use super::poll::{self, Standing, bad};
use super::safe::SafePosition;
use super::{copy, increment, sql};
use crate::connect::{Access, CentreConfig, CentreError, Line};
use noctule_domain::Timestamp;
use noctule_domain::sync::{Increment, Phase, Position, Replica};
use std::time::{Duration, Instant};
use tokio_postgres::Statement;

/// Told what is being done, from whatever thread does it.
pub type Progress<'a> = dyn Fn(Phase) + Send + Sync + 'a;

/// More changes than this are streamed in a transaction of their own.
const SMALL: i64 = 500;
/// An empty poll makes the position durable only now and then: after a restart a little more is asked again.
const KEEP_EVERY: Duration = Duration::from_secs(30);
/// Between two looks at whether the server's log has reached its disk.
const LOG_WAIT: Duration = Duration::from_millis(50);

/// What a poll brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulled {
    /// Rows that changed or are gone.
    pub rows: u64,
    /// By how much the newest change was older than its arrival, by the centre's clock. `None` where it was made before this connection had
    /// caught up: that is how long the console was away, not how late the line is.
    pub lag_ms: Option<u64>,
    /// The centre's clock.
    pub now: Timestamp,
    /// The operator's rights have changed: say hello again and copy anew.
    pub rights_changed: bool,
}

/// A connection that reads for one replica.
#[derive(Debug)]
pub struct Puller {
    line: Line,
    config: CentreConfig,
    host: String,
    hello: Hello,
    poll: Statement,
    glance: Statement,
    /// Where the copy stands as far as this connection knows, and what of it may be kept.
    position: Option<Position>,
    safe: Option<SafePosition>,
    kept: Instant,
    /// Somebody waits until a read of this time or a later one is kept: when it was asked for, the server's log was not safe yet.
    owes: Option<Timestamp>,
    /// The first read of this connection that left nothing to catch up with.
    caught_up: Option<Timestamp>,
}

impl Puller {
    /// Connects and says hello. `host` is this machine's name, for the colleagues' list.
    pub async fn connect(config: &CentreConfig, host: &str) -> Result<Self, CentreError> {
        let line = Line::open(config, Access::Bulk).await?;
        let limit = config.call_timeout;
        let hello = Hello::say(&line, limit, config.console, host).await?;
        let poll = line.within(limit, "prepare", line.client.prepare(&sql::poll())).await?;
        let glance = line.within(limit, "prepare", line.client.prepare(&sql::glance())).await?;
        Ok(Self {
            line,
            config: config.clone(),
            host: host.to_owned(),
            hello,
            poll,
            glance,
            position: None,
            safe: None,
            kept: Instant::now(),
            owes: None,
            caught_up: None,
        })
    }

    pub fn line(&self) -> &Line {
        &self.line
    }

    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Asks again who we are to the centre.
    pub async fn greet(&mut self) -> Result<&Hello, CentreError> {
        self.hello = Hello::say(&self.line, self.config.call_timeout, self.config.console, &self.host).await?;
        Ok(&self.hello)
    }

    /// What must be done before increments make sense.
    pub async fn plan(&mut self, replica: &dyn Replica) -> Result<Plan, CentreError> {
        let kept = replica.position().await?;
        // While the connection stands, what was read on it since counts too.
        let same = |at: &Position, kept: &Position| {
            (&at.history, at.schema, at.epoch, &at.login) == (&kept.history, kept.schema, kept.epoch, &kept.login)
        };
        match (&self.position, &kept) {
            (Some(at), Some(kept)) if same(at, kept) && at.at >= kept.at => {}
            _ => {
                self.safe = kept.clone().map(SafePosition::new);
                self.position = kept;
            }
        }
        Ok(plan(self.position.as_ref(), &self.hello, self.config.tenant, &self.config.user))
    }

    /// Where the copy stands as far as this connection knows.
    pub fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    /// Silence of the server that is still borne while it works on much at once.
    pub(crate) fn stall(&self) -> Duration {
        self.config.call_timeout.saturating_mul(3)
    }

    /// Begins a read of one snapshot and gives the position that a complete read of it has. End it with [`Self::commit`].
    pub(crate) async fn begin(&self) -> Result<Position, CentreError> {
        let line = &self.line;
        let sql = format!("SELECT pg_current_snapshot()::text, clock_timestamp(), pg_is_in_recovery(), {}", sql::LOG);
        let ask = async {
            line.client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?;
            line.client.query_one(&sql, &[]).await
        };
        let row = line.within(self.config.call_timeout, "begin", ask).await?;
        let snapshot: &str = row.try_get(0).map_err(|error| bad(&error))?;
        let (written, mut safe): (i64, i64) = (row.try_get(3).map_err(|error| bad(&error))?, row.try_get(4).map_err(|error| bad(&error))?);
        // The server writes its log out by itself, at the latest after some tenths of a second.
        let limit = Instant::now() + self.stall();
        let sql = format!("SELECT {}", sql::LOG);
        while safe < written {
            if Instant::now() > limit {
                return Err(CentreError::Busy("it does not write its log to the disk".into()));
            }
            tokio::time::sleep(LOG_WAIT).await;
            let row = line.within(self.config.call_timeout, "begin", line.client.query_one(&sql, &[])).await?;
            safe = row.try_get(1).map_err(|error| bad(&error))?;
        }
        Ok(Position {
            history: self.hello.history.clone(),
            schema: self.hello.schema,
            epoch: self.hello.epoch,
            tenant: self.config.tenant.uuid(),
            login: self.config.user.clone(),
            cursor: poll::cursor_of(snapshot, row.try_get(2).map_err(|error| bad(&error))?)?,
            at: row.try_get(1).map_err(|error| bad(&error))?,
        })
    }

    pub(crate) async fn commit(&self) -> Result<(), CentreError> {
        self.line.within(self.config.call_timeout, "commit", self.line.client.batch_execute("COMMIT")).await
    }

    pub(crate) fn stands_at(&mut self, position: Position) {
        self.kept = Instant::now();
        self.caught_up = None;
        self.safe = Some(SafePosition::new(position.clone()));
        self.position = Some(position);
    }

    /// The newest read, and what may be kept of it.
    fn reads(&mut self, position: Position, standing: &Standing) -> Position {
        let safe = self.safe.get_or_insert_with(|| SafePosition::new(position.clone()));
        let kept = safe.read(&position, standing.written, standing.safe).clone();
        self.position = Some(position);
        kept
    }

    /// A whole copy, or the rest of one that was cut. Increments from its beginning must follow.
    pub async fn copy(&mut self, replica: &dyn Replica, progress: &Progress<'_>) -> Result<(), CentreError> {
        let fresh = self.begin().await?;
        let began = copy::whole(&self.line, self.stall(), replica, fresh, self.hello.floor, progress).await?;
        self.stands_at(began);
        Ok(())
    }

    /// Asks what changed and applies it. `expect`: something probably did (a wake-up), so the full question is asked at once; otherwise a
    /// cheap one first. `keep`: makes the position durable even when nothing changed (the outbox waits for it).
    pub async fn poll(&mut self, replica: &dyn Replica, expect: bool, keep: bool, progress: &Progress<'_>) -> Result<Pulled, CentreError> {
        let Some(mut position) = self.position.clone() else {
            return Err(CentreError::Sql("there is no copy to go on from".into()));
        };
        let limit = self.config.call_timeout;
        let seen = position.cursor.to_string();
        if !expect {
            let row = self.line.within(limit, "poll", self.line.client.query_one(&self.glance, &[&seen])).await?;
            let standing = self.check(Standing::of(&row)?)?;
            if self.moved(&standing) {
                return Ok(Pulled { rows: 0, lag_ms: None, now: standing.now, rights_changed: true });
            }
            if !row.try_get::<_, bool>(7).map_err(|error| bad(&error))? {
                return self.nothing(replica, position, standing, keep).await;
            }
        }
        let answer = self.line.within(limit, "poll", self.line.client.query(&self.poll, &[&seen, &(SMALL + 1)])).await?;
        let first = answer.first().ok_or_else(|| CentreError::Sql("the centre gave no answer to a poll".into()))?;
        let standing = self.check(Standing::of(first)?)?;
        if self.moved(&standing) {
            return Ok(Pulled { rows: 0, lag_ms: None, now: standing.now, rights_changed: true });
        }
        let (mut changes, newest, rows) = poll::changes(&answer)?;
        if answer.len() > SMALL as usize {
            return self.large(replica, progress).await;
        }
        if rows == 0 {
            return self.nothing(replica, position, standing, keep).await;
        }
        position.cursor = standing.cursor.clone();
        position.at = standing.now;
        // On an error the connection is given up, and the next one begins where the store stands.
        let kept = self.reads(position, &standing);
        if keep {
            self.owes = Some(standing.now);
        }
        self.owes = self.owes.filter(|owed| kept.at < *owed);
        changes.position = Some(kept);
        replica.apply(changes).await?;
        self.kept = Instant::now();
        Ok(Pulled { rows, lag_ms: self.lag(newest, standing.now), now: standing.now, rights_changed: false })
    }

    async fn nothing(
        &mut self,
        replica: &dyn Replica,
        mut position: Position,
        standing: Standing,
        keep: bool,
    ) -> Result<Pulled, CentreError> {
        position.cursor = standing.cursor.clone();
        position.at = standing.now;
        let kept = self.reads(position, &standing);
        self.caught_up.get_or_insert(standing.now);
        if keep {
            self.owes = Some(standing.now);
        }
        if self.owes.is_some() || self.kept.elapsed() >= KEEP_EVERY {
            self.owes = self.owes.filter(|owed| kept.at < *owed);
            replica.apply(Increment { rows: Vec::new(), gone: Vec::new(), position: Some(kept) }).await?;
            self.kept = Instant::now();
        }
        Ok(Pulled { rows: 0, lag_ms: None, now: standing.now, rights_changed: false })
    }

    /// True while somebody waits for a position that could not be kept yet: the next read should come soon.
    pub fn owes(&self) -> bool {
        self.owes.is_some()
    }

    async fn large(&mut self, replica: &dyn Replica, progress: &Progress<'_>) -> Result<Pulled, CentreError> {
        let Some(seen) = self.position.as_ref().map(|position| position.cursor.clone()) else {
            return Err(CentreError::Sql("there is no copy to go on from".into()));
        };
        let position = self.begin().await?;
        let (rows, newest) = increment::changes_since(&self.line, self.stall(), replica, &seen, progress).await?;
        self.commit().await?;
        let now = position.at;
        replica.apply(Increment { rows: Vec::new(), gone: Vec::new(), position: Some(position.clone()) }).await?;
        let caught_up = self.caught_up;
        self.stands_at(position);
        self.caught_up = caught_up;
        Ok(Pulled { rows, lag_ms: self.lag(newest, now), now, rights_changed: false })
    }

    /// Revoked while connected: the session stands, and sees nothing. Promoted while connected: another timeline has begun.
    fn check(&self, standing: Standing) -> Result<Standing, CentreError> {
        if !standing.member {
            return Err(CentreError::Denied("this login is not a member of the tenant (any more)".into()));
        }
        if standing.standby != self.hello.standby {
            return Err(CentreError::Lost("the server became the primary".into()));
        }
        Ok(standing)
    }

    fn moved(&self, standing: &Standing) -> bool {
        standing.epoch.is_some_and(|epoch| epoch != self.hello.epoch)
    }

    /// A read is through: how late its newest change was.
    fn lag(&mut self, newest: Option<Timestamp>, now: Timestamp) -> Option<u64> {
        let since = *self.caught_up.get_or_insert(now);
        // A standby may itself be late, and its clock does not say so.
        let standby = self.hello.standby;
        newest.filter(|newest| standby || *newest >= since).map(|newest| u64::try_from((now - newest).num_milliseconds()).unwrap_or(0))
    }
}
