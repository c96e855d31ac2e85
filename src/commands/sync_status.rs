//! `noctule sync status`: this machine, the centre, and the difference, side by side. What can not be known is left out, never guessed.

use super::out::cell;
use super::{Context, Out, Progress, Table};
use crate::cli::GlobalArgs;
use crate::compose::{Memory, central_of, link_of};
use crate::exit::{Exit, Failure};
use noctule_domain::sentence::{age, moment};
use noctule_domain::sync::{CentreState, Link, Replica, Table as Rows};
use noctule_sync::run::centre_state;
use serde_json::json;

pub async fn run(flags: &GlobalArgs, as_json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let context = Context::to_read(flags, "sync status")?;
    let central = central_of(&context)?;
    let store = |error: noctule_domain::sync::ReplicaError| Failure::new(Exit::Store, error.to_string());
    let position = context.store.position().await.map_err(store)?;
    let outbox = context.store.outbox().await.map_err(store)?;
    let here = context.store.table_counts().await?;
    let memory = Memory::read(&context.loaded.central_folder()).get();
    let (there, link, note) = there(&context, &central).await?;
    let now = there.as_ref().map_or_else(chrono::Utc::now, |there| there.now);
    let difference = there.as_ref().map(|there| difference(&here, there)).unwrap_or_default();
    if as_json {
        out.json(&json!({
            "centre": central.words(),
            "link": link,
            "note": note,
            "login": central.login(),
            "role": memory.as_ref().map(|known| known.role),
            "position": position,
            "outbox": outbox,
            "here": here,
            "there": there,
            "differs": difference.iter().filter(|row| row.2.is_some_and(|n| n != row.1)).map(|row| row.0).collect::<Vec<_>>(),
        }))?;
        return Ok(Exit::Ok);
    }
    let at = position.as_ref().map(|position| (position.at, (now - position.at).num_seconds().max(0)));
    out.pairs(&[
        ("centre", Some(central.words().into_string())),
        ("link", Some(note.map_or_else(|| link.to_string(), |note| format!("{link}: {note}")))),
        ("login", Some(format!("{}{}", central.login(), memory.map(|known| format!(" ({})", known.role)).unwrap_or_default()))),
        (
            "copy as of",
            Some(
                at.map_or_else(|| "there is none yet: `noctule sync now`".into(), |(at, old)| format!("{}, {} old", moment(at), age(old))),
            ),
        ),
        ("schema here", position.as_ref().map(|position| position.schema.to_string())),
        ("schema there", there.as_ref().map(|there| there.schema.to_string())),
        (
            "same history",
            there.as_ref().zip(position.as_ref()).map(|(there, here)| {
                if there.history == here.history {
                    "yes".into()
                } else {
                    "NO: the centre was restored or replaced; the next sync copies anew".into()
                }
            }),
        ),
        ("server", there.as_ref().map(|there| format!("{}{}", there.server, if there.standby { ", a standby" } else { "" }))),
        ("clock difference", there.as_ref().map(|there| format!("{} s", (chrono::Utc::now() - there.now).num_seconds()))),
        ("consoles", there.as_ref().map(|there| there.consoles.len().to_string())),
        (
            "outbox",
            Some(match outbox.oldest {
                Some(oldest) => format!("{} unsent, the oldest of {}", outbox.unsent, moment(oldest)),
                None => format!("{} unsent", outbox.unsent),
            }),
        ),
        ("to decide", Some(outbox.conflicts.to_string())),
    ])?;
    let mut table = Table::new(&["table", "rows here", "rows there", "difference"]);
    for (name, here, there) in rows(&here, there.as_ref()) {
        let differs = there.map(|there| i128::from(here) - i128::from(there)).filter(|n| *n != 0);
        table.row(vec![name.to_string(), here.to_string(), cell(there), cell(differs.map(|n| format!("{n:+}")))]);
    }
    out.table(&table)?;
    if difference.iter().any(|row| row.2.is_some_and(|n| n != row.1)) && outbox.unsent == 0 {
        out.line("Counts that differ are changes under way, or `noctule sync verify` mends them.")?;
    }
    Ok(Exit::Ok)
}

/// What the centre says, or why it does not. Only what this machine itself lacks is an error.
async fn there(context: &Context, central: &crate::compose::Central) -> Result<(Option<CentreState>, Link, Option<String>), Failure> {
    if let Err(failure) = crate::compose::ask(context).await {
        return Ok((None, Link::Offline, Some(failure.sentence)));
    }
    let centre = match central.open().await {
        Ok(centre) => centre,
        Err(failure) if failure.exit == Exit::Config => return Ok((None, Link::Offline, Some(failure.sentence))),
        Err(failure) => return Err(failure),
    };
    let progress = Progress::new();
    progress.say("asking the centre");
    Ok(match centre_state(&centre).await {
        Ok(state) => (Some(state), Link::Live, None),
        Err(error) => (None, link_of(&error), Some(error.to_string())),
    })
}

type Row = (Rows, u64, Option<u64>);

fn rows(here: &[(Rows, u64)], there: Option<&CentreState>) -> Vec<Row> {
    let find = |table: Rows| there.and_then(|there| there.rows.iter().find(|(name, _)| *name == table)).map(|(_, n)| *n);
    here.iter().map(|(table, n)| (*table, *n, find(*table))).collect()
}

fn difference(here: &[(Rows, u64)], there: &CentreState) -> Vec<Row> {
    rows(here, Some(there)).into_iter().filter(|(_, here, there)| there.is_some_and(|n| n != *here)).collect()
}
