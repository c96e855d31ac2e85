//! The handle of a link: what tests call. Every call has taken effect when it returns.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc as blocking;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::mpsc;

use super::carry::Shared;
use super::gate::{Command, Gate, Order};
use crate::TestbedError;
use crate::ports::Port;

/// A TCP proxy in front of a server, on a thread of its own. Bytes pass until it is told otherwise. Dropped: all its connections are reset
/// and its port refuses.
///
/// "Up" is from the client to the server, "down" from the server to the client. Clients must connect to [`Link::addr`].
#[derive(Debug)]
pub struct Link {
    addr: SocketAddr,
    shared: Arc<Shared>,
    orders: Option<mpsc::UnboundedSender<Order>>,
    thread: Option<JoinHandle<()>>,
    _port: Port,
}

impl Link {
    /// A link to `target`, which need not listen yet: a client that comes while it does not is reset.
    pub fn to(target: SocketAddr) -> Result<Self, TestbedError> {
        let failed = |what| move |source| TestbedError::Link { what, source };
        let port = Port::take()?;
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port.number()));
        let shared = Arc::new(Shared::new(target));
        let gate = Gate::open(addr, Arc::clone(&shared)).map_err(failed("its port can not be opened"))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed("its runtime can not be made"))?;
        // Orders come from tests, one at a time, each waiting for its answer: the queue never holds more than one a thread.
        let (orders, received) = mpsc::unbounded_channel();
        let thread = thread::Builder::new()
            .name("testbed-link".to_owned())
            .spawn(move || runtime.block_on(gate.work(received)))
            .map_err(failed("its thread can not be started"))?;
        Ok(Self { addr, shared, orders: Some(orders), thread: Some(thread), _port: port })
    }

    /// Where clients must connect: a port of 127.0.0.1.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Everything passes again: what a black hole has held is delivered (as TCP would, by sending again), new connections are accepted.
    /// Orders that wait for their moment (a cut, a lost answer) and the delay stay as they are.
    pub fn pass(&self) {
        self.order(Command::Pass);
    }

    /// The network swallows everything: open connections stay open and nothing is delivered in either direction, not even their end.
    /// A new connection's SYN is dropped, not refused (the queue of the listening socket is full), so connecting hangs until the caller's
    /// own time-out. One connection may be the last to be accepted, when it comes in this very moment; it is silent.
    ///
    /// The kernel of this machine goes on acknowledging what clients send (up to some MiB), so `TCP_USER_TIMEOUT` and keep-alives do not
    /// notice this; only a time-out of the application does.
    pub fn blackhole(&self) {
        self.order(Command::Blackhole);
    }

    /// The server's machine is up and nobody listens: open connections are reset, new ones refused.
    pub fn refuse(&self) {
        self.order(Command::Refuse);
    }

    /// All open connections are reset, in both directions; what was under way is lost. New ones pass (or not, as before).
    pub fn cut(&self) {
        self.order(Command::Cut);
    }

    /// Lets exactly so many more bytes through, counted from now over all connections, and cuts the connection that has carried the last of
    /// them: the receiver of that direction reads exactly these bytes and then the end of the stream, the sender is reset. Each limit works
    /// once and is then forgotten, so the next connection passes. `Some(0)` cuts whoever sends the next byte, which is not delivered;
    /// `None` sets no limit and removes one.
    pub fn cut_after_bytes(&self, up: Option<u64>, down: Option<u64>) {
        self.shared.with(|orders| {
            orders.left_up = up;
            orders.left_down = down;
        });
    }

    /// The next request reaches the server and is carried out; its answer is lost: the first bytes that the server sends after a client's
    /// are swallowed and that connection is reset. Works once. A notification that nobody has asked for is not an answer.
    ///
    /// PostgreSQL sends its answer when the whole of a short request has been carried out; the first bytes of a long result (over 8 KiB)
    /// may come before the end of its transaction.
    pub fn lose_answer_once(&self) {
        self.lose_answer_after(0);
    }

    /// As [`Self::lose_answer_once`], after `answers` more have passed: with 0, 1, 2 and so on a test walks through every exchange of a
    /// session (those of the login are counted too).
    pub fn lose_answer_after(&self, answers: u64) {
        self.shared.with(|orders| orders.lose_after = Some(answers));
    }

    /// Whether an order of [`Self::cut_after_bytes`] or [`Self::lose_answer_once`] still waits for its moment.
    pub fn is_armed(&self) -> bool {
        self.shared.with(|orders| orders.left_up.is_some() || orders.left_down.is_some() || orders.lose_after.is_some())
    }

    /// How long every byte is under way, in each direction: a round trip takes twice as long. The handshake of TCP itself is not delayed.
    /// Applies to what comes from now on. At most 4 MiB are under way in a direction; then the sender has to wait.
    pub fn delay(&self, one_way: Duration) {
        self.shared.with(|orders| orders.delay = one_way);
    }

    /// The bytes delivered so far over all connections: (up, down).
    pub fn bytes(&self) -> (u64, u64) {
        self.shared.with(|orders| (orders.bytes_up, orders.bytes_down))
    }

    /// Gives an order and waits until it has been carried out. The thread of the link waits for nobody, so this is short.
    fn order(&self, command: Command) {
        let (done, wait) = blocking::sync_channel(1);
        if let Some(orders) = &self.orders
            && orders.send((command, done)).is_ok()
        {
            // An error means that the thread has gone, and with it every connection; a test finds that out by its connections.
            let _ = wait.recv();
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
