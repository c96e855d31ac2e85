//! `noctule subscriber list|show|note`, and the lines that describe one subscriber.

use super::out::cell;
use super::{Context, Out, Table};
use crate::cli::{GlobalArgs, SubscriberCommand};
use crate::exit::{Exit, Failure};
use noctule_domain::filter::{Filter, parse};
use noctule_domain::page::{From, PageRequest, Sort};
use noctule_domain::sentence::moment;
use noctule_domain::subscriber::{Subscriber, SubscriberRow};
use noctule_domain::{SafeText, Timestamp};
use noctule_storage::Store;

const PAGE: u16 = 500;

pub async fn run(flags: &GlobalArgs, what: &SubscriberCommand, out: &mut Out) -> Result<Exit, Failure> {
    match what {
        SubscriberCommand::List { filter, limit, sort, json } => {
            let filter = filter_of(&filter.join(" "))?;
            let context = Context::to_read(flags, "subscriber list")?.copied().await?;
            list(&context.store, filter, *sort, *limit as usize, *json, out).await
        }
        SubscriberCommand::Show { subscriber, json } => {
            let context = Context::to_read(flags, "subscriber show")?.copied().await?;
            let found = context.subscriber(subscriber).await?;
            if *json {
                out.json(&found)?;
            } else {
                let nas = nas_name(&context.store, &found).await?;
                show(&found, nas, out)?;
            }
            Ok(Exit::Ok)
        }
        SubscriberCommand::Note { subscriber, text, replace } => {
            super::field::subscriber_note(flags, subscriber, text, *replace, out).await
        }
    }
}

/// A typed filter; a wrong one says where.
pub(super) fn filter_of(text: &str) -> Result<Filter, Failure> {
    parse(text).map_err(|error| Failure::new(Exit::Usage, format!("the filter is wrong at column {}: {error}", error.at.start + 1)))
}

async fn list(store: &Store, filter: Filter, sort: Sort, limit: usize, json: bool, out: &mut Out) -> Result<Exit, Failure> {
    let mut rows: Vec<SubscriberRow> = Vec::new();
    let mut from = From::First;
    let mut more = true;
    let mut shown = 0;
    if json {
        out.raw(b"[")?;
    }
    while more && shown < limit {
        let page = PAGE.min((limit - shown).try_into().unwrap_or(PAGE));
        let answer = store.subscriber_page(PageRequest { filter: filter.clone(), sort, from, limit: page }).await?;
        let Some(last) = answer.rows.last() else { break };
        from = From::After(last.id);
        more = answer.more_after;
        for row in answer.rows {
            if json {
                out.raw(if shown == 0 { b"\n" } else { b",\n" })?;
                out.json_row(&row)?;
            } else {
                rows.push(row);
            }
            shown += 1;
        }
    }
    if json {
        out.raw(b"\n]\n")?;
        return Ok(Exit::Ok);
    }
    if shown == 0 {
        out.line("no subscriber matches")?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["number", "user name", "name", "state", "enforcement", "prefix", "nas", "since"]);
    for row in rows {
        table.row(vec![
            row.subscriber_number.into_string(),
            row.username.to_string(),
            row.full_name.into_string(),
            row.state.to_string(),
            row.enforcement.to_string(),
            cell(row.prefix),
            cell(row.nas),
            moment(row.since),
        ]);
    }
    out.table(&table)?;
    if more {
        out.line(format!("({shown} shown, there are more: --limit)"))?;
    }
    Ok(Exit::Ok)
}

pub(super) async fn nas_name(store: &Store, subscriber: &Subscriber) -> Result<Option<SafeText>, Failure> {
    Ok(match subscriber.nas {
        Some(id) => store.nas(id).await?.map(|nas| nas.name),
        None => None,
    })
}

/// Everything about a subscriber; what is not known is left out.
pub(super) fn show(s: &Subscriber, nas: Option<SafeText>, out: &mut Out) -> Result<(), Failure> {
    let text = |t: &Option<SafeText>| t.as_ref().map(|t| t.to_string());
    let time = |t: Option<Timestamp>| t.map(moment);
    let ip = &s.ipv6;
    out.pairs(&[
        ("subscriber", Some(s.subscriber_number.to_string())),
        ("user name", Some(s.username.to_string())),
        ("name", Some(s.full_name.to_string())),
        ("status", Some(s.status.to_string())),
        ("IPv6 state", Some(format!("{} since {}", ip.state, moment(ip.since)))),
        (
            "enforcement",
            Some(match &ip.enforcement_note {
                Some(note) => format!("{}: {note}", ip.enforcement),
                None => ip.enforcement.to_string(),
            }),
        ),
        ("mode", Some(ip.mode.to_string())),
        ("prefix", ip.prefix.map(|p| p.to_string())),
        ("pd size", ip.pd_size.map(|n| format!("/{n}"))),
        ("NetBox prefix id", ip.netbox_prefix_id.map(|n| n.to_string())),
        ("VRF", ip.vrf.map(|n| n.to_string())),
        ("on hold until", time(ip.hold_until)),
        ("last error", text(&ip.last_error)),
        ("allocated", time(ip.allocated_at)),
        ("activated", time(ip.activated_at)),
        ("suspended", time(ip.suspended_at)),
        ("resumed", time(ip.resumed_at)),
        ("revoked", time(ip.revoked_at)),
        ("failed", time(ip.failed_at)),
        ("NAS", nas.map(|n| n.to_string())),
        (
            "session",
            s.session.as_ref().map(|session| {
                format!("{} since {}, seen {}", session.acct_session_id, moment(session.started_at), moment(session.seen_at))
            }),
        ),
        ("running operation", s.running.map(|id| id.to_string())),
        ("site", text(&s.site)),
        ("service", text(&s.service_type)),
        ("down/up kbps", s.download_kbps.map(|down| format!("{down}/{}", cell(s.upload_kbps)))),
        ("address", text(&s.service_address)),
        ("position", s.position.map(|p| format!("{:.6}, {:.6}", p.lat, p.lng))),
        ("VLAN", s.vlan.map(|n| n.to_string())),
        ("circuit id", text(&s.circuit_id)),
        ("remote id", text(&s.remote_id)),
        ("ONU serial", text(&s.onu_serial)),
        ("CPE MAC", text(&s.cpe_mac)),
        ("IPv4", s.static_ipv4.map(|ip| ip.to_string())),
        ("email", text(&s.email)),
        ("phone", text(&s.phone)),
        ("balance flag", s.balance_flag.then(|| text(&s.suspend_reason).unwrap_or_else(|| "set".into()))),
        ("notes", text(&s.notes)),
        ("id", Some(s.id.to_string())),
        ("version", Some(s.version.to_string())),
    ])
}
