//! CoA throughput against one private FreeRADIUS: radclient with a file of different requests, and our engine with as many signed
//! requests and verified answers, round by round in turn. Compare the medians of one run only; figures of different runs differ by a quarter.

// The tests use more of it than this bench does.
#[allow(dead_code)]
#[path = "../tests/radius/server.rs"]
mod server;

use noctule_domain::SafeText;
use noctule_domain::nas::NasProfile;
use noctule_domain::secret::Secret;
use noctule_network::radius::attribute::{Attribute, kind};
use noctule_network::radius::{Engine, EngineConfig, Priority, Request, RequestKind, Target, profiles};
use noctule_network::upstream::NasOutcome;
use server::{SECRET, Server};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

const REQUESTS: u32 = 20_000;
const ROUNDS: usize = 3;
const WINDOW: u16 = 64;

fn main() {
    // `cargo test --benches` runs this too: then there is nothing to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("requests");
    std::fs::write(&file, requests_for_radclient()).expect("writes");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let (mut theirs, mut ours, mut resting) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        theirs.push(radclient(&server, &file));
        // radclient uses an identifier again at once; so do we in the first figure, and let it rest in the second.
        ours.push(runtime.block_on(engine(&server, 0)));
        resting.push(runtime.block_on(engine(&server, 30)));
        println!(
            "round {round}: radclient {:.0}/s, engine {:.0}/s, with identifiers at rest for 30 s {:.0}/s",
            theirs[round - 1],
            ours[round - 1],
            resting[round - 1]
        );
    }
    let (theirs, ours, resting) = (median(theirs), median(ours), median(resting));
    println!("medians of {ROUNDS}, {REQUESTS} requests, window {WINDOW}:");
    println!("  radclient -p 64                        {theirs:>8.0} requests/s");
    println!("  engine, signed and verified            {ours:>8.0} requests/s, {:.1} times radclient", ours / theirs);
    println!("  engine, identifiers at rest for 30 s   {resting:>8.0} requests/s, {:.1} times radclient", resting / theirs);
    for (name, value, more) in [
        ("coa_radclient_p64", theirs, ""),
        ("coa_engine", ours, "floor=coa_radclient_p64"),
        ("coa_engine_resting", resting, "floor=coa_radclient_p64"),
    ] {
        println!("BENCH {name} {value:.0} req/s {more} cmd=cargo bench -p noctule-network --bench coa");
    }
    assert!(ours >= theirs && resting >= theirs, "the budget is at least what radclient does");
}

fn session(n: u32) -> String {
    format!("s-{n}")
}

fn requests_for_radclient() -> String {
    let mut text = String::new();
    for n in 0..REQUESTS {
        let _ = writeln!(
            text,
            "Acct-Session-Id = \"{}\"\nUser-Name = \"u{n}@isp.example\"\nNAS-IP-Address = 127.0.0.1\nDelegated-IPv6-Prefix = 2001:db8:100:{:x}::/64\n",
            session(n),
            n
        );
    }
    text
}

fn radclient(server: &Server, file: &Path) -> f64 {
    let begun = Instant::now();
    let out = Command::new("radclient")
        .args(["-q", "-p", "64", "-f"])
        .arg(file)
        .args([&server.address.to_string(), "coa", SECRET])
        .stdin(Stdio::null())
        .output()
        .expect("radclient runs: install the package freeradius-utils");
    let took = begun.elapsed();
    assert!(out.status.success(), "radclient: {}", String::from_utf8_lossy(&out.stderr));
    f64::from(REQUESTS) / took.as_secs_f64()
}

async fn engine(server: &Server, rest_s: u32) -> f64 {
    let profile = NasProfile { window: WINDOW, identifier_rest_s: rest_s, ..(*profiles::get("freeradius").expect("built in")).clone() };
    let target = Arc::new(Target {
        name: SafeText::new("bng-demo"),
        address: server.address,
        secret: Arc::new(Secret::new(SECRET)),
        profile: Arc::new(profile),
        tls_name: server.address.ip().to_string(),
    });
    let engine = Engine::new(EngineConfig { max_sockets: 128, ..EngineConfig::default() }).expect("an engine");
    let next = Arc::new(AtomicU32::new(0));
    let begun = Instant::now();
    let workers = (0..WINDOW).map(|_| {
        let (engine, target, next) = (engine.clone(), Arc::clone(&target), Arc::clone(&next));
        tokio::spawn(async move {
            let mut acks = 0;
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= REQUESTS {
                    return acks;
                }
                let exchange = engine.exchange(&target, &request(n), Priority::Bulk).await;
                assert!(matches!(exchange.outcome, NasOutcome::Ack { .. }), "{:?}", exchange.outcome);
                acks += 1;
            }
        })
    });
    let acks: u32 = futures::future::join_all(workers.collect::<Vec<_>>()).await.into_iter().map(|acks| acks.expect("no panic")).sum();
    let took = begun.elapsed();
    assert_eq!(acks, REQUESTS);
    let repeats = engine.stats()[0].repeats;
    if repeats > 0 {
        println!("  ({repeats} repeats)");
    }
    f64::from(REQUESTS) / took.as_secs_f64()
}

fn request(n: u32) -> Request {
    let name = format!("u{n}@isp.example");
    let prefix = format!("2001:db8:100:{n:x}::/64").parse().expect("a prefix");
    let attributes = vec![
        Attribute::text(kind::ACCT_SESSION_ID, &session(n)).expect("short"),
        Attribute::text(kind::USER_NAME, &name).expect("short"),
        Attribute::address(kind::NAS_IP_ADDRESS, [127, 0, 0, 1].into()),
        Attribute::prefix(kind::DELEGATED_IPV6_PREFIX, prefix).expect("no host bits"),
    ];
    Request { kind: RequestKind::Coa, attributes, session_key: name }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
