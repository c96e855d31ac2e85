//! What the operator is told of every refusal and failure that was recorded, and of every way in which an answer can be broken. The
//! sentences are kept in `sentences.txt`; `NOCTULE_BLESS=1` writes it anew.

use crate::canned::{Canned, kind};
use crate::common::*;
use noctule_domain::ipam::PrefixStatus;
use noctule_domain::secret::Secret;
use noctule_network::netbox::{Netbox, NetboxConfig, PoolConfig};
use noctule_network::upstream::{Allocation, Ipam, IpamError};
use noctule_sim::netbox::{DEFAULT_TOKEN, Fault, On, Say, Version};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub const OPERATION: &str = "0190a5b2-0000-7000-8000-00000000abcd";

/// Which call of ours meets a request of this kind.
async fn call(netbox: &Netbox, kind: &str) -> Option<Result<(), IpamError>> {
    let op = OPERATION.parse().unwrap();
    let held = Allocation { id: 9, prefix: net("2001:db8:100::/56"), vrf: None, status: PrefixStatus::Reserved, adopted: false };
    Some(match kind {
        "GET api/status" => netbox.check().await.map(drop).map_err(IpamError::from),
        "GET api/extras/custom-fields" => netbox.plan_init().await.map(drop).map_err(IpamError::from),
        "POST api/extras/custom-fields" => {
            netbox.apply_init(&[noctule_network::netbox::InitStep::CreateField("hold_until_2")]).await.map_err(IpamError::from)
        }
        "GET api/ipam/prefixes" => netbox.find_by_operation(op).await.map(drop),
        "GET api/ipam/prefixes/ID" => netbox.set_status(&to(&held, PrefixStatus::Active, op)).await,
        "PATCH api/ipam/prefixes/ID" => netbox.set_status(&to(&held, PrefixStatus::Active, op)).await,
        "DELETE api/ipam/prefixes/ID" => netbox.delete(9, held.prefix, op).await,
        "POST api/ipam/prefixes/ID/available-prefixes" => netbox.allocate(&ask(op)).await.map(drop),
        _ => return None,
    })
}

fn class(error: &IpamError) -> &'static str {
    match error {
        IpamError::Refused(_) => "refused",
        IpamError::Exhausted(_) => "exhausted",
        IpamError::Gone(_) => "gone",
        IpamError::NotAsAsked(_) => "not as asked",
        IpamError::Unreachable(_) => "unreachable",
        IpamError::Unclear(_) => "unclear",
    }
}

fn line(result: &Result<(), IpamError>) -> String {
    match result {
        Ok(()) => "done".to_owned(),
        Err(error) => format!("{}: {error}", class(error)),
    }
}

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/netbox")
}

async fn of_recordings(out: &mut BTreeMap<String, String>) {
    for version in ["v4.4.10", "v4.6.8"] {
        for entry in std::fs::read_dir(fixtures().join(version)).unwrap() {
            let recorded: Value = serde_json::from_str(&std::fs::read_to_string(entry.unwrap().path()).unwrap()).unwrap();
            let (request, response) = (&recorded["request"], &recorded["response"]);
            let Some(status) = response["status"].as_u64().filter(|s| *s >= 300) else { continue };
            let path = request["path"].as_str().unwrap().trim_start_matches("/limited");
            let kind = kind(request["method"].as_str().unwrap(), path);
            let body = match &response["body"] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                json => json.to_string(),
            };
            let content_type = response["headers"]["Content-Type"].as_str().unwrap_or_default().to_owned();
            let server = Canned::start(kind.clone(), u16::try_from(status).unwrap(), content_type, body).await;
            let netbox =
                Netbox::new(NetboxConfig::new(server.url.as_str(), Secret::new(DEFAULT_TOKEN), vec![PoolConfig::id(1, None, 56)])).unwrap();
            let Some(result) = call(&netbox, &kind).await else { continue };
            assert!(server.asked.lock().unwrap().contains(&kind), "{}: the request was never sent", recorded["name"]);
            let name = format!("{version}/{}", recorded["name"].as_str().unwrap());
            out.insert(name, line(&result));
        }
    }
}

async fn of_broken_answers(out: &mut BTreeMap<String, String>) {
    let mut faults = vec![
        Fault::CloseBefore,
        Fault::CutBody,
        Fault::HalfJson,
        Fault::EmptyBody,
        Fault::HtmlOk,
        Fault::ListForObject,
        Fault::DelayBefore(Duration::from_millis(2500)),
    ];
    faults.extend(Say::ALL.map(Fault::Say));
    let sim = start(Version::V4_6).await;
    for fault in faults {
        for on in [On::Allocations, On::Changes, On::Deletes] {
            // Only the one that waits for nothing waits little: a busy machine must not change a sentence.
            let delayed = matches!(fault, Fault::DelayBefore(_));
            let netbox = if delayed { hasty(&sim, Duration::from_secs(2)) } else { client(&sim) };
            let op = operation();
            let made = netbox.allocate(&ask(op)).await.unwrap();
            sim.script(on, [fault]);
            let result = match on {
                On::Allocations => netbox.allocate(&ask(operation())).await.map(drop),
                On::Changes => netbox.set_status(&to(&made, PrefixStatus::Active, op)).await,
                _ => netbox.delete(made.id, made.prefix, op).await,
            };
            assert_eq!(sim.faults_left(), 0, "{fault:?} was not met");
            let text = line(&result).replace(&made.prefix.to_string(), "PREFIX").replace(&format!("id {}", made.id), "id ID");
            out.insert(format!("fault {on:?} {fault:?}"), text);
        }
    }
    sim.go_down().await;
    let result = hasty(&sim, Duration::from_secs(1)).find_by_operation(operation()).await.map(drop);
    out.insert("fault refused connection".to_owned(), line(&result).replace(&sim.addr().port().to_string(), "PORT"));
}

#[tokio::test]
async fn every_recorded_refusal_and_every_broken_answer_has_its_sentence() {
    let mut said = BTreeMap::new();
    of_recordings(&mut said).await;
    of_broken_answers(&mut said).await;
    for (name, text) in &said {
        assert!(!text.contains(DEFAULT_TOKEN), "{name} shows the token");
        assert!(text.chars().count() < 900, "{name} is too long: {text}");
        assert!(!text.contains('\n'), "{name} has several lines: {text}");
    }
    let now: String = said.iter().map(|(name, text)| format!("{name}\n    {text}\n")).collect();
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/netbox/sentences.txt");
    if std::env::var_os("NOCTULE_BLESS").is_some() {
        std::fs::write(&golden, &now).unwrap();
    }
    let kept = std::fs::read_to_string(&golden).unwrap_or_default();
    for (kept, now) in kept.lines().zip(now.lines()) {
        assert_eq!(kept, now, "sentences.txt is not what is said now; look, then run with NOCTULE_BLESS=1");
    }
    assert_eq!(kept.lines().count(), now.lines().count(), "sentences.txt has other entries; look, then run with NOCTULE_BLESS=1");
}
