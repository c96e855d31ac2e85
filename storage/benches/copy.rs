//! A whole copy of N subscribers (`COPY_ROWS`, default 1,000,000) as they come off the wire, packed: rows per second, phases, peak memory.
//! Rows are made on another thread ahead of time, a batch at a time, as the network would bring them. Then reads and commits on the copy.
//! With `COPY_KEY` set, in a build with the feature `sqlcipher`, both files are encrypted: the same once without is the cost.

#![allow(clippy::unwrap_used, reason = "a bench")]

use chrono::Utc;
use noctule_domain::filter::parse;
use noctule_domain::lifecycle::Actor;
use noctule_domain::page::{From, PageRequest, Sort, SortColumn};
use noctule_domain::permission::Role;
use noctule_domain::ports::Clock;
use noctule_domain::secret::Secret;
use noctule_domain::sync::{Increment, Kind, Position, Replica, Rows, RowsBuilder, TABLES, Table};
use noctule_domain::{ConsoleId, SafeText, TenantId, Timestamp};
use noctule_storage::{OpenOptions, Store};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use uuid::Uuid;

struct Real;

impl Clock for Real {
    fn now(&self) -> Timestamp {
        Utc::now()
    }
}

const BATCH: u64 = 2000;
const NAS: u128 = 0x0192_0000_0000_7000_8000_0000_0000_0000;

fn time(us: i64) -> [u8; 8] {
    us.to_be_bytes()
}

fn nas() -> Rows {
    let mut out = RowsBuilder::new(Table::Nas, 64_000);
    for n in 0..200u128 {
        let id = Uuid::from_u128(NAS + n);
        for column in Table::Nas.columns() {
            let text = match column.name {
                "name" => format!("bng-{n:03}.example.net"),
                "profile" => "generic".into(),
                "address" => "192.0.2.1:3799".into(),
                "secret" => "env:SECRET".into(),
                "reach" => "up".into(),
                _ => String::new(),
            };
            match column.kind {
                Kind::Uuid => out.push_value(Some(id.as_bytes())),
                Kind::Text if text.is_empty() => out.push_value(None),
                Kind::Text => out.push_value(Some(text.as_bytes())),
                Kind::Int if column.name == "round_trip_us" => out.push_value(None),
                Kind::Int => out.push_value(Some(&0i64.to_be_bytes())),
                Kind::Bool => out.push_value(Some(&[1])),
                _ => out.push_value(None),
            }
        }
        out.end_row();
    }
    out.finish()
}

/// Rows `from..to`: 44 columns, about 430 bytes, as a provider's base has them.
fn subscribers(from: u64, to: u64, version: i64) -> Rows {
    const FIRST: [&str; 12] = ["Aino", "Väinö", "Eero", "Helmi", "Onni", "Olivia", "Leo", "Sofia", "Emil", "Lilja", "Noel", "Ada"];
    const LAST: [&str; 11] =
        ["Korhonen", "Virtanen", "Mäkinen", "Nieminen", "Mäkelä", "Hämäläinen", "Laine", "Heikkinen", "Koskinen", "Järvinen", "Lehtonen"];
    let mut out = RowsBuilder::new(Table::Subscribers, 1_000_000);
    for n in from..to {
        // Spread like v7 identifiers of years: ascending, no neighbours.
        let id = Uuid::from_u128((u128::from(n) << 80) | 0x7000_8000_0000_0000_0000 | u128::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let nas = Uuid::from_u128(NAS + u128::from(mixed % 200));
        let active = !mixed.is_multiple_of(10);
        for column in Table::Subscribers.columns() {
            let text = |out: &mut RowsBuilder, text: &str| out.push_value(Some(text.as_bytes()));
            let at = time(700_000_000_000_000 + (mixed % 100_000_000_000) as i64);
            match column.name {
                "id" => out.push_value(Some(id.as_bytes())),
                "nas" => out.push_value(Some(nas.as_bytes())),
                "number" => text(&mut out, &format!("S{:09}", mixed % 1_000_000_000)),
                "username" => text(&mut out, &format!("user{n}@isp.example.net")),
                "full_name" => {
                    text(&mut out, &format!("{} {} {}", FIRST[(mixed % 12) as usize], LAST[(mixed / 12 % 11) as usize], n % 1000))
                }
                "email" => text(&mut out, &format!("customer{n}@mail.example.com")),
                "phone" => text(&mut out, &format!("+358 40 {:07}", mixed % 10_000_000)),
                "status" => text(&mut out, if mixed.is_multiple_of(50) { "suspended" } else { "active" }),
                "service_type" => text(&mut out, "ftth"),
                "service_address" => text(&mut out, &format!("Hämeentie {} A {}, 00500 Helsinki", mixed % 300, mixed % 60)),
                "site" => text(&mut out, &format!("site-{:04}", mixed % 2000)),
                "circuit_id" => text(&mut out, &format!("olt-{}/1/{}", mixed % 300, mixed % 64)),
                "onu_serial" => text(&mut out, &format!("HWTC{:08X}", mixed % 0xffff_ffff)),
                "cpe_mac" => {
                    text(&mut out, &format!("02:00:{:02x}:{:02x}:{:02x}:{:02x}", n >> 24 & 255, n >> 16 & 255, n >> 8 & 255, n & 255))
                }
                "state" => text(&mut out, if active { "active" } else { "pending" }),
                "mode" => text(&mut out, "pd"),
                "enforcement" => text(&mut out, if active { "acknowledged" } else { "none" }),
                "prefix" if active => text(&mut out, &format!("2001:db8:{:x}:{:x}00::/56", n >> 8 & 0xffff, n & 255)),
                "suspend_reason" | "enforcement_note" | "last_error" | "remote_id" | "static_ipv4" | "notes" | "prefix" => {
                    out.push_value(None)
                }
                "hold_until" | "suspended_at" | "resumed_at" | "revoked_at" | "failed_at" => out.push_value(None),
                "allocated_at" | "activated_at" if !active => out.push_value(None),
                "netbox_prefix_id" if active => out.push_value(Some(&(n as i64 + 1).to_be_bytes())),
                "netbox_prefix_id" => out.push_value(None),
                "download_kbps" | "upload_kbps" => out.push_value(Some(&500_000i64.to_be_bytes())),
                "vlan" => out.push_value(Some(&((mixed % 4000) as i64).to_be_bytes())),
                "vrf" => out.push_value(Some(&0i64.to_be_bytes())),
                "pd_size" => out.push_value(Some(&56i64.to_be_bytes())),
                "version" => out.push_value(Some(&version.to_be_bytes())),
                "lat" => out.push_value(Some(&(60.0 + (mixed % 100_000) as f64 / 100_000.0).to_be_bytes())),
                "lng" => out.push_value(Some(&(24.0 + (mixed % 70_000) as f64 / 100_000.0).to_be_bytes())),
                "balance_flag" => out.push_value(Some(&[u8::from(mixed.is_multiple_of(30))])),
                _ => {
                    assert_eq!(column.kind, Kind::Time, "{}", column.name);
                    out.push_value(Some(&at));
                }
            }
        }
        out.end_row();
    }
    out.finish()
}

/// The middle of a hundred, in milliseconds.
async fn middle(what: &str, mut one: impl AsyncFnMut(u64)) {
    let mut took = Vec::new();
    for round in 0..100 {
        let start = Instant::now();
        one(round).await;
        took.push(start.elapsed());
    }
    took.sort();
    println!("  {what}: p50 {:.3} ms, p95 {:.3} ms", took[50].as_secs_f64() * 1e3, took[95].as_secs_f64() * 1e3);
}

async fn reads(store: &Store) {
    for (what, filter) in [("first page", ""), ("page of a state", "state:active"), ("part of a name", "wick")] {
        let page = |from| PageRequest {
            filter: parse(filter).unwrap(),
            sort: Sort { column: SortColumn::Number, descending: false },
            from,
            limit: 50,
        };
        middle(what, async |_| drop(store.subscriber_page(page(From::First)).await.unwrap())).await;
    }
    middle("counts of a pane", async |_| drop(store.overview(Utc::now()).await.unwrap())).await;
}

/// One change each, as an operator makes it: durable in the outbox, shown over the copy.
async fn commits(store: &Store) {
    let first = PageRequest {
        filter: parse("").unwrap(),
        sort: Sort { column: SortColumn::Number, descending: false },
        from: From::First,
        limit: 50,
    };
    let id = store.subscriber_page(first).await.unwrap().rows[0].id;
    let actor = Actor { name: "bench".into(), role: Role::Admin, origin: "bench".into() };
    middle("one change", async |round| {
        let text = Some(SafeText::new(&format!("note {round}")));
        drop(store.subscriber_set_notes(id, None, text, actor.clone()).await.unwrap());
    })
    .await;
}

fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn main() {
    let count: u64 = std::env::var("COPY_ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let tenant = TenantId(Uuid::from_u128(7));
    let mut options = OpenOptions::new(ConsoleId(Uuid::now_v7()), tenant, Arc::new(Real), Arc::new(|_| None));
    options.key = std::env::var_os("COPY_KEY").map(|_| Secret::new([0x5a; 32]));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open_replica(folder.path(), options.clone()).unwrap();
        assert!(store.lead());
        let began = Position {
            history: "bench".into(),
            schema: 6,
            epoch: 1,
            tenant: tenant.0,
            login: "bench".into(),
            cursor: "10:10:".parse().unwrap(),
            at: Utc::now(),
        };
        let (sender, mut made) = tokio::sync::mpsc::channel(4);
        let maker = std::thread::spawn(move || {
            let began = Instant::now();
            for from in (0..count).step_by(BATCH as usize) {
                sender.blocking_send(subscribers(from, (from + BATCH).min(count), 3)).unwrap();
            }
            began.elapsed()
        });
        let start = Instant::now();
        let mut copy = store.copy(&began).await.unwrap();
        for table in TABLES {
            if *table == Table::Nas {
                copy.rows(nas()).await.unwrap();
            } else if *table == Table::Subscribers {
                while let Some(rows) = made.recv().await {
                    copy.rows(rows).await.unwrap();
                }
            }
            copy.table_done(*table).await.unwrap();
        }
        let loaded = start.elapsed();
        maker.join().unwrap();
        let steps = Mutex::new(Vec::new());
        copy.finish(&|percent| steps.lock().unwrap().push((percent, start.elapsed()))).await.unwrap();
        let whole = start.elapsed();
        let rate = |n: u64, d: std::time::Duration| n as f64 / d.as_secs_f64();
        println!("copied {count} subscribers of {} columns", Table::Subscribers.columns().len());
        println!("  loaded   {:7.2} s  {:9.0} rows/s", loaded.as_secs_f64(), rate(count, loaded));
        println!("  indexed  {:7.2} s", (whole - loaded).as_secs_f64());
        println!("  whole    {:7.2} s  {:9.0} rows/s", whole.as_secs_f64(), rate(count, whole));
        println!("  peak memory {:.0} MB", peak_mb());
        if std::env::var_os("COPY_STEPS").is_some() {
            for (percent, at) in steps.lock().unwrap().iter() {
                println!("    {percent:3} % {:7.2} s", at.as_secs_f64());
            }
        }
        let rows = store.table_counts().await.unwrap();
        assert_eq!(rows.iter().find(|(t, _)| *t == Table::Subscribers).map(|(_, n)| *n), Some(count));
        for (what, version) in [("changed in one column", 4), ("as they are already", 4)] {
            let many = 100_000.min(count);
            let batches: Vec<Rows> = (0..many).step_by(1000).map(|from| subscribers(from, (from + 1000).min(many), version)).collect();
            let start = Instant::now();
            for rows in batches {
                store.apply(Increment { rows: vec![rows], gone: vec![], position: None }).await.unwrap();
            }
            println!("  increments: {:.0} rows/s, {what}", rate(many, start.elapsed()));
        }
        let size: u64 = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
        println!("  files {:.0} MB", size as f64 / 1e6);
        let start = Instant::now();
        let sums = store.sums(Table::Subscribers, &[]).await.unwrap();
        println!("  sums over all of them {:.2} s ({} rows)", start.elapsed().as_secs_f64(), sums[0].rows);
        drop(store);
        let start = Instant::now();
        let store = Store::open_replica(folder.path(), options).unwrap();
        println!("  opened in {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
        reads(&store).await;
        commits(&store).await;
    });
}
