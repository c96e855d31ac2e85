//! The handle of a running simulated NetBox: where it is, what it holds, what it was asked, and what shall go wrong next.

use super::config::{NetboxConfig, SeedPrefix, SimToken};
use super::db::Prefix;
use super::fault::{Fault, On};
use super::server::{self, Event, Port, Shared, lock};
use ipnet::Ipv6Net;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::task::JoinHandle;

#[derive(Debug, thiserror::Error)]
pub enum NetboxSimError {
    #[error("the simulated NetBox can not start with this set-up: {0}")]
    Setup(String),
    #[error("the simulated NetBox can not listen on {addr}")]
    Listen { addr: SocketAddr, source: std::io::Error },
}

/// A simulated NetBox on a port of its own. Dropping it ends it.
pub struct NetboxSim {
    addr: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// A stored prefix, for tests and the demo. IPv4 prefixes are left out of these views.
#[derive(Debug, Clone, PartialEq)]
pub struct SimPrefix {
    pub id: i64,
    pub prefix: Ipv6Net,
    pub vrf: Option<i64>,
    pub tenant: Option<i64>,
    pub status: &'static str,
    pub operation_id: Option<String>,
    pub subscriber_id: Option<String>,
    pub hold_until: Option<String>,
    pub description: String,
}

fn view(p: &Prefix) -> Option<SimPrefix> {
    let text = |name: &str| p.text(name).map(str::to_owned);
    Some(SimPrefix {
        id: p.id,
        prefix: p.net.v6()?,
        vrf: p.vrf,
        tenant: p.tenant,
        status: p.status,
        operation_id: text("operation_id"),
        subscriber_id: text("subscriber_id"),
        hold_until: text("hold_until"),
        description: p.description.clone(),
    })
}

impl NetboxSim {
    pub async fn start(config: NetboxConfig) -> Result<Self, NetboxSimError> {
        let shared = Arc::new(Shared::new(&config).map_err(NetboxSimError::Setup)?);
        let port = Port::bind(Arc::clone(&shared), config.listen)
            .await
            .map_err(|source| NetboxSimError::Listen { addr: config.listen, source })?;
        let addr = port.addr();
        let task = tokio::spawn(server::run(port));
        Ok(Self { addr, shared, task })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    // ---- what it holds

    /// Every IPv6 prefix, in the order of ids.
    pub fn prefixes(&self) -> Vec<SimPrefix> {
        lock(&self.shared.db).prefixes.values().filter_map(view).collect()
    }

    pub fn prefix(&self, id: i64) -> Option<SimPrefix> {
        lock(&self.shared.db).prefixes.get(&id).and_then(view)
    }

    /// Every prefix whose `operation_id` is this one. More than one is what must never be.
    pub fn with_operation(&self, operation: &str) -> Vec<SimPrefix> {
        let db = lock(&self.shared.db);
        db.holding("operation_id", operation).iter().filter_map(|id| db.prefixes.get(id)).filter_map(view).collect()
    }

    pub fn count(&self) -> usize {
        lock(&self.shared.db).prefixes.len()
    }

    /// Changelog messages of one prefix, oldest first: action and message. Kept after the prefix is gone.
    pub fn changelog(&self, id: i64) -> Vec<(&'static str, String)> {
        lock(&self.shared.db).changes.iter().filter(|c| c.object == id).map(|c| (c.action, c.message.clone())).collect()
    }

    /// The last requests, oldest first.
    pub fn events(&self) -> Vec<Event> {
        lock(&self.shared.events).iter().cloned().collect()
    }

    // ---- what others do in it

    /// Puts a prefix there behind the back of every client; returns its id.
    pub fn add_prefix(&self, seed: &SeedPrefix) -> Result<i64, NetboxSimError> {
        lock(&self.shared.db).seed(seed).map_err(NetboxSimError::Setup)
    }

    /// Fills a parent with `count` active delegations of `len`, first fit, and returns their ids. For demos and benches.
    pub fn fill(&self, parent: i64, len: u8, count: usize) -> Result<Vec<i64>, NetboxSimError> {
        lock(&self.shared.db).fill(parent, len, count).map_err(NetboxSimError::Setup)
    }

    /// Deletes a prefix behind the back of every client.
    pub fn remove_prefix(&self, id: i64) -> bool {
        lock(&self.shared.db).take(id).is_some()
    }

    /// Takes a custom field away, as an operator of NetBox may.
    pub fn remove_field(&self, name: &str) {
        lock(&self.shared.db).fields.retain(|f| f.name != name);
    }

    /// From now on no filter of prefixes is known: everything comes back, whatever is asked for.
    pub fn ignore_filters(&self, ignore: bool) {
        lock(&self.shared.db).unfiltered = ignore;
    }

    /// The next prefix gets at least this id.
    pub fn skip_ids_to(&self, next: i64) {
        lock(&self.shared.db).skip_ids_to(next);
    }

    pub fn set_tokens(&self, tokens: Vec<SimToken>) {
        *lock(&self.shared.tokens) = tokens;
    }

    // ---- what goes wrong

    /// These faults, one for each of the next requests of that kind, in this order.
    pub fn script(&self, on: On, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.shared.plan).script(on, faults);
    }

    /// One of these faults with this probability, the same sequence for the same seed.
    pub fn random_faults(&self, on: On, probability: f64, seed: u64, faults: Vec<Fault>) {
        lock(&self.shared.plan).random(on, probability, seed, faults);
    }

    /// No more faults. What is under way (`Later`, delays) still comes.
    pub fn clear_faults(&self) {
        lock(&self.shared.plan).clear();
    }

    /// Scripted faults that no request has met yet.
    pub fn faults_left(&self) -> usize {
        lock(&self.shared.plan).left()
    }

    /// Closes the port and every connection: connections are refused until `go_up`.
    pub async fn go_down(&self) {
        self.shared.down.send_replace(true);
        self.until(false).await;
    }

    pub async fn go_up(&self) {
        self.shared.down.send_replace(false);
        self.until(true).await;
    }

    /// Requests at work right after the next change of that number.
    pub async fn busy_changed(&self) -> usize {
        let mut busy = self.shared.busy.subscribe();
        busy.changed().await.ok();
        *busy.borrow()
    }

    /// Waits until no request is at work: delayed ones, those whose client has left, and late effects are all done.
    pub async fn settled(&self) {
        let mut busy = self.shared.busy.subscribe();
        // The sender lives in `shared`, so this can not fail.
        busy.wait_for(|n| *n == 0).await.ok();
    }

    async fn until(&self, open: bool) {
        let mut state = self.shared.open.subscribe();
        // The sender lives in `shared`, so this can not fail.
        state.wait_for(|now| *now == open).await.ok();
    }
}

impl Drop for NetboxSim {
    fn drop(&mut self) {
        lock(&self.shared.live).cancel();
        self.task.abort();
    }
}
