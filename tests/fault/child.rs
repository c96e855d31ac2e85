//! The process that is killed: one operation, with wrappers that kill it at a point.

use super::dying::{Dying, Fuse};
use super::support::bench::Bench;
use super::support::plan::{Plan, Wrapped};
use noctule_domain::lifecycle::OperationKind;
use noctule_network::upstream::Aaa;
use serde::{Deserialize, Serialize};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

pub const VARIABLE: &str = "NOCTULE_FAULT_PLAN";

#[derive(Debug, Serialize, Deserialize)]
pub struct Child {
    plan: Plan,
    die_at: u32,
}

impl Child {
    pub fn from_environment() -> Option<Self> {
        let text = std::env::var(VARIABLE).ok()?;
        Some(serde_json::from_str(&text).expect("a plan"))
    }

    pub fn run(self) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
        runtime.block_on(async {
            let store = self.plan.open();
            let fuse = Fuse::new(self.die_at);
            let aaa = self.plan.aaa().map(|aaa| Arc::new(Dying { fuse: fuse.clone(), inner: Arc::new(aaa) }) as Arc<dyn Aaa>);
            let wrap = |(store, netbox, radius)| -> Wrapped {
                (
                    Arc::new(Dying { fuse: fuse.clone(), inner: Arc::new(store) }),
                    Arc::new(Dying { fuse: fuse.clone(), inner: Arc::new(netbox) }),
                    Arc::new(Dying { fuse, inner: Arc::new(radius) }),
                )
            };
            let executor = self.plan.executor_whole(&store, |_| {}, wrap, aaa);
            self.plan.carry_out(&executor).await;
        });
    }
}

/// Runs an operation in a process of its own that dies at a point; true when it was killed.
pub async fn spawn(bench: &Bench, kind: OperationKind, die_at: u32) -> bool {
    let child = Child { plan: bench.plan_for(kind), die_at };
    let status = tokio::process::Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "the_child_runs_one_operation_and_dies_where_it_is_told", "--nocapture"])
        .env(VARIABLE, serde_json::to_string(&child).expect("a plan"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status();
    let status = tokio::time::timeout(Duration::from_secs(60), status).await.expect("the child ends").expect("the child runs");
    match status.signal() {
        Some(9) => true,
        None => {
            assert!(status.success(), "the child failed without being killed: {status}");
            false
        }
        Some(other) => panic!("the child died of signal {other}"),
    }
}
