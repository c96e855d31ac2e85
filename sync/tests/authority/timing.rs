//! What the calls of an operation cost, printed: `cargo test -p noctule-sync --release --test authority timing -- --nocapture`. The limit is
//! wide, for a busy machine: it is there to notice a plan that reads a whole table.

use super::place::{Place, begun, request};
use noctule_domain::lifecycle::*;
use noctule_domain::ports::{Authority, StepEnd, StepStart};
use std::time::{Duration, Instant};

async fn timed<T>(into: &mut Vec<Duration>, work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let value = work.await;
    into.push(began.elapsed());
    value
}

#[tokio::test]
async fn the_calls_of_an_operation_are_quick_among_many_rows() {
    let place = Place::new().await;
    let nas = place.nas();
    place.sql(&format!(
        "SET session_replication_role = replica;
         INSERT INTO noctule.subscribers (tenant_id, id, number, username, full_name, status, state, mode, nas, prefix, netbox_prefix_id)
            SELECT '{tenant}', gen_random_uuid(), 'M-' || n, 'm-' || n, 'Many', 'active', 'allocated', 'pd', '{nas}',
                set_masklen(('2001:db9:' || to_hex(n / 256) || ':' || to_hex(n % 256) || '00::')::inet, 56)::cidr, n + 1000000
            FROM generate_series(0, 19999) AS n;
         SET session_replication_role = origin; ANALYZE noctule.subscribers",
        tenant = place.tenant
    ));
    let console = place.noc();
    let (mut begin, mut context, mut start, mut end, mut finish) = (vec![], vec![], vec![], vec![], vec![]);
    for number in 0..200u32 {
        let subscriber = place.subscriber(&[("nas", &format!("'{nas}'"))]);
        let operation = timed(&mut begin, begun(&console, request(subscriber, OperationKind::Allocate))).await;
        timed(&mut context, console.context(operation.id)).await.expect("a context");
        let mut progress = Progress { attempts: 1, ..Progress::default() };
        let step = StepKind::NetboxAllocate;
        let (upstream, words) = ("NetBox".into(), "next free".into());
        let started = StepStart { operation: operation.id, step, attempt: 1, upstream, request: words, progress: progress.clone() };
        timed(&mut start, console.step_started(started)).await.expect("started");
        let prefix = format!("2001:dba:{number:x}::/56").parse().expect("a prefix");
        let answer = StepAnswer::Allocated { prefix, netbox_prefix_id: i64::from(number) + 1, vrf: None };
        let Next::End(ended) = advance(operation.kind, &operation.plan, &mut progress, false, answer) else { panic!("one step") };
        let (status, answer) = (StepStatus::Done, "201".into());
        let stop = StepEnd { operation: operation.id, step, attempt: 1, status, answer, progress: progress.clone(), wait: None };
        timed(&mut end, console.step_ended(stop)).await.expect("ended");
        timed(&mut finish, console.finish(operation.id, progress, *ended)).await.expect("finished");
    }
    for (name, mut times) in [("begin", begin), ("context", context), ("step_started", start), ("step_ended", end), ("finish", finish)] {
        times.sort();
        let (p50, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
        println!("{name:<13} p50 {:>6.2} ms   p99 {:>6.2} ms", p50.as_secs_f64() * 1e3, p99.as_secs_f64() * 1e3);
        assert!(p50 < Duration::from_millis(250), "{name}: {p50:?}");
    }
}
