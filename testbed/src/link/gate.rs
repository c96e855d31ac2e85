//! The listening side of a link: who may come in. One thread does all the work of a link, so an order and the connections never race.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use rustix::net::{Shutdown, listen, shutdown};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::carry::{Shared, carry};

const BACKLOG: i32 = 1024;
/// How long a connection to ourselves may take that fills the queue; it is made at once or not at all.
const FILL_LIMIT: Duration = Duration::from_millis(200);

#[derive(Debug, Clone, Copy)]
pub(super) enum Command {
    Pass,
    Blackhole,
    Refuse,
    Cut,
}

/// A command and the place to say that it has been carried out.
pub(super) type Order = (Command, SyncSender<()>);

pub(super) struct Gate {
    addr: SocketAddr,
    /// Always bound, so that nobody else can take the port; it listens unless the link refuses.
    socket: TcpListener,
    /// The same socket as the runtime knows it, only while connections are accepted: readiness that was true once would stay true.
    accepting: Option<tokio::net::TcpListener>,
    listening: bool,
    /// Our own connections that fill the queue in a black hole.
    fillers: Vec<TcpStream>,
    shared: Arc<Shared>,
    reset: CancellationToken,
    tasks: TaskTracker,
}

impl Gate {
    pub(super) fn open(addr: SocketAddr, shared: Arc<Shared>) -> io::Result<Self> {
        let socket = TcpListener::bind(addr)?;
        socket.set_nonblocking(true)?;
        listen(&socket, BACKLOG)?;
        let (reset, tasks) = (CancellationToken::new(), TaskTracker::new());
        Ok(Self { addr, socket, accepting: None, listening: true, fillers: Vec::new(), shared, reset, tasks })
    }

    /// Works until the handle is dropped.
    pub(super) async fn work(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        self.accept_again();
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some((command, done)) => {
                        self.obey(command).await;
                        let _ = done.send(());
                    }
                    None => break,
                },
                client = next(self.accepting.as_ref()) => if let Ok(client) = client {
                    self.admit(client);
                },
            }
        }
        self.cut().await;
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Pass => {
                self.shared.hold(false);
                // Also makes a socket listen that did not.
                let _ = listen(&self.socket, BACKLOG);
                self.listening = true;
                self.admit_waiting();
                self.fillers.clear();
                self.accept_again();
            }
            Command::Blackhole => {
                self.shared.hold(true);
                self.accepting = None;
                // Those whose handshake is done believe that they are connected; they stay so, and hear nothing.
                self.admit_waiting();
                // With a backlog of nothing one connection fills the queue, and Linux drops every further SYN.
                let _ = listen(&self.socket, 0);
                self.listening = true;
                // It fails when a client was quicker: then the queue is full as well.
                self.fillers.extend(TcpStream::connect_timeout(&self.addr, FILL_LIMIT));
            }
            Command::Refuse => {
                self.accepting = None;
                // A listening socket that is shut down stays bound: connections are refused, those in its queue reset.
                // Once: on a socket that does not listen any more it would be kept, and passed on to every connection accepted later, which then
                // reads the end of the stream at once.
                if std::mem::take(&mut self.listening) {
                    let _ = shutdown(self.socket.as_fd(), Shutdown::Read);
                }
                self.fillers.clear();
                self.cut().await;
                self.shared.hold(false);
            }
            Command::Cut => self.cut().await,
        }
    }

    /// Resets all connections and returns when they are gone.
    async fn cut(&mut self) {
        self.reset.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.reset = CancellationToken::new();
        self.tasks = TaskTracker::new();
    }

    fn accept_again(&mut self) {
        if self.accepting.is_none() {
            self.accepting = self.socket.try_clone().and_then(tokio::net::TcpListener::from_std).ok();
        }
    }

    /// Takes in all who wait in the queue, except our own fillers.
    fn admit_waiting(&mut self) {
        while let Ok((client, from)) = self.socket.accept() {
            let ours = self.fillers.iter().any(|filler| filler.local_addr().is_ok_and(|addr| addr == from));
            if !ours
                && client.set_nonblocking(true).is_ok()
                && let Ok(client) = tokio::net::TcpStream::from_std(client)
            {
                self.admit(client);
            }
        }
    }

    fn admit(&self, client: tokio::net::TcpStream) {
        self.tasks.spawn(carry(client, Arc::clone(&self.shared), self.reset.clone()));
    }
}

/// The next client; never, when nobody is accepted.
async fn next(accepting: Option<&tokio::net::TcpListener>) -> io::Result<tokio::net::TcpStream> {
    match accepting {
        Some(listener) => listener.accept().await.map(|(client, _)| client),
        None => std::future::pending().await,
    }
}
