//! One comparison from beginning to end: changes since the last read first, then table after table, all in one snapshot of the centre.

use super::{VerifyReport, ranges};
use crate::connect::{CentreConfig, CentreError};
use crate::pull::{Plan, Progress, Puller, changes_since};
use noctule_domain::sync::{Increment, Position, Replica, ReplicaError, TABLES};

/// Compares every table in ranges of ids and fetches what differs; rows that the centre does not have go. Changes since the last read are
/// applied first, in the same snapshot, so that only true differences are found. Needs a copy; opens a connection of its own.
pub async fn verify(
    config: &CentreConfig,
    host: &str,
    replica: &dyn Replica,
    progress: &Progress<'_>,
) -> Result<VerifyReport, CentreError> {
    let mut puller = Puller::connect(config, host).await?;
    let plan = puller.plan(replica).await?;
    with(&mut puller, plan, replica, true, progress).await
}

/// As [`verify`], and changes nothing that differs. Where another process syncs this cache, what is on its way counts as a difference.
pub async fn compare(
    config: &CentreConfig,
    host: &str,
    replica: &dyn Replica,
    progress: &Progress<'_>,
) -> Result<VerifyReport, CentreError> {
    let mut puller = Puller::connect(config, host).await?;
    let plan = puller.plan(replica).await?;
    with(&mut puller, plan, replica, false, progress).await
}

/// On a connection that stands, after its plan was made.
pub(crate) async fn with(
    puller: &mut Puller,
    plan: Plan,
    replica: &dyn Replica,
    heal: bool,
    progress: &Progress<'_>,
) -> Result<VerifyReport, CentreError> {
    let continues = match plan {
        Plan::Increments => true,
        // The cursor means nothing in the new history: differences are all that can be gone by.
        Plan::Heal => false,
        Plan::Copy(why) => return Err(CentreError::Refused(format!("there is nothing to compare, a whole copy is due: {why}").into())),
    };
    let position = puller.begin().await?;
    let mut changed = 0;
    let mut current = !continues;
    if let Some(seen) = puller.position().map(|at| at.cursor.clone()).filter(|_| continues) {
        match changes_since(puller.line(), puller.stall(), replica, &seen, progress).await {
            Ok((rows, _)) => (changed, current) = (rows, true),
            // Somebody else keeps this cache up to date; it may be compared all the same.
            Err(CentreError::Local(words, _)) if !heal && words.as_str() == ReplicaError::NotLeader.to_string() => {}
            Err(error) => return Err(error),
        }
    }
    let mut tables = Vec::with_capacity(TABLES.len());
    for table in TABLES {
        tables.push(ranges::one_table(puller, replica, *table, heal, progress).await?);
    }
    puller.commit().await?;
    if current && (heal || continues) {
        keep(puller, replica, position.clone()).await?;
    }
    Ok(VerifyReport { at: position.at, changed, healed: heal, tables })
}

async fn keep(puller: &mut Puller, replica: &dyn Replica, position: Position) -> Result<(), CentreError> {
    replica.apply(Increment { rows: Vec::new(), gone: Vec::new(), position: Some(position.clone()) }).await?;
    puller.stands_at(position);
    Ok(())
}
