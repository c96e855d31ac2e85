//! `noctule nas list|probe` and `noctule pools`; the profiles are in `nas_profiles`.

use super::out::cell;
use super::{Context, Out, Table};
use crate::cli::{GlobalArgs, NasCommand, ProfileCommand};
use crate::compose;
use crate::exit::{Exit, Failure};
use noctule_domain::SafeText;
use noctule_domain::ipam::Pool;
use noctule_domain::nas::{Nas, NasReach};
use noctule_domain::sentence::{self, moment};
use std::time::Duration;

pub async fn run(flags: &GlobalArgs, what: &NasCommand, out: &mut Out) -> Result<Exit, Failure> {
    match what {
        NasCommand::List { json } => list(flags, *json, out).await,
        NasCommand::Probe { names, json, .. } => probe(flags, names, *json, out).await,
        NasCommand::Profiles { name, json } => super::nas_profiles::profiles(flags, name.as_deref(), *json, out),
        NasCommand::Profile(ProfileCommand::Check { file }) => super::nas_profiles::check(file, out),
    }
}

fn milliseconds(time: Option<Duration>) -> String {
    cell(time.map(|t| format!("{:.1} ms", t.as_secs_f64() * 1000.0)))
}

async fn list(flags: &GlobalArgs, json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let context = Context::to_read(flags, "nas list")?.copied().await?;
    let rows = context.store.nas_rows().await?;
    if json {
        out.json(&rows)?;
        return Ok(Exit::Ok);
    }
    if rows.is_empty() {
        out.line("no NAS is registered: `noctule import nas FILE.csv`")?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["name", "address", "profile", "reach", "round trip", "last answer", "subscribers", "sessions", "site"]);
    for row in rows {
        let nas = row.nas;
        let reach = if nas.enabled { nas.health.reach.to_string() } else { "disabled".into() };
        table.row(vec![
            nas.name.to_string(),
            nas.address.to_string(),
            nas.profile,
            reach,
            milliseconds(nas.health.round_trip),
            cell(nas.health.last_answer_at.map(moment)),
            row.subscribers.to_string(),
            row.sessions.to_string(),
            cell(nas.site),
        ]);
    }
    out.table(&table)?;
    Ok(Exit::Ok)
}

async fn probe(flags: &GlobalArgs, names: &[String], json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let context = Context::to_note(flags, "nas probe")?.copied().await?;
    let mut known: Vec<Nas> = context.store.nas_rows().await?.into_iter().map(|row| row.nas).collect();
    if names.is_empty() {
        known.retain(|nas| nas.enabled);
    } else {
        let all: Vec<String> = known.iter().map(|nas| nas.name.to_string()).collect();
        if let Some(missing) = names.iter().find(|name| !all.iter().any(|known| known.eq_ignore_ascii_case(name))) {
            let hint = crate::near::hint(missing, all.iter().map(String::as_str));
            return Err(Failure::new(Exit::NotFound, format!("there is no NAS '{}'{hint}", SafeText::bounded(missing, 60))));
        }
        known.retain(|nas| names.iter().any(|name| nas.name.as_str().eq_ignore_ascii_case(name)));
    }
    let probed = compose::probe(&context, &known, |words| eprintln!("{words}")).await?;
    if json {
        out.json(&probed)?;
    } else {
        let mut table = Table::new(&["name", "reach", "round trip", "answer"]);
        for row in &probed {
            table.row(vec![row.nas.to_string(), row.reach.to_string(), milliseconds(row.round_trip), row.words.to_string()]);
        }
        out.table(&table)?;
        for row in &probed {
            explain(row, out)?;
        }
    }
    let silent = probed.iter().filter(|row| matches!(row.reach, NasReach::Silent | NasReach::Unknown)).count();
    Ok(match silent {
        0 => Exit::Ok,
        n if n == probed.len() => Exit::Unanswered,
        _ => Exit::Partly,
    })
}

/// What was tried after a silence, and what follows.
fn explain(row: &compose::Probed, out: &mut Out) -> Result<(), Failure> {
    let Some(conclusion) = &row.conclusion else { return Ok(()) };
    out.line("")?;
    let mut table = Table::new(&["tried", "to", "from", "result"]);
    for tried in &row.tried {
        table.row(vec![tried.what(), tried.to.to_string(), cell(tried.from), tried.result()]);
    }
    out.table(&table)?;
    for (label, all) in [("excluded", &conclusion.excluded), ("not to be told from here", &conclusion.open)] {
        for words in all {
            out.line(format!("{}: {label}: {words}", row.nas))?;
        }
    }
    Ok(())
}

pub async fn pools(flags: &GlobalArgs, json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let context = Context::to_note(flags, "pools")?.copied().await?;
    let pools = compose::pools(&context).await?;
    if json {
        out.json(&pools.iter().map(told).collect::<Vec<_>>())?;
        return Ok(Exit::Ok);
    }
    if pools.is_empty() {
        out.line("no pool is configured: [[netbox.pools]] in the configuration names them")?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["id", "prefix", "delegates", "used", "of", "utilisation", "level", "outlook", "still fit", "description"]);
    for pool in pools {
        table.row(vec![
            pool.id.to_string(),
            pool.prefix.to_string(),
            format!("/{}", pool.delegated_len),
            pool.taken().to_string(),
            pool.capacity().to_string(),
            format!("{:.1} %", pool.utilisation()),
            pool.level().to_string(),
            sentence::pool_forecast(&pool.forecast()),
            cell((!pool.fits.is_empty()).then(|| sentence::pool_fits(&pool.fits))),
            pool.description.to_string(),
        ]);
    }
    out.table(&table)?;
    Ok(Exit::Ok)
}

/// A pool with what is made of its numbers, so that a reader of the JSON need not know the rules.
fn told(pool: &Pool) -> serde_json::Value {
    let mut told = serde_json::to_value(pool).unwrap_or_default();
    told["taken"] = pool.taken().into();
    told["capacity"] = pool.capacity().into();
    told["utilisation"] = pool.utilisation().into();
    told["level"] = pool.level().word().into();
    told["forecast"] = serde_json::to_value(pool.forecast()).unwrap_or_default();
    told
}
