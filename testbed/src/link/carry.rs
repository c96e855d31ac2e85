//! One connection through a link. Each direction has a reader that notes when a piece may arrive, a bounded queue, and a writer that
//! delivers it, asking before every write what the test has ordered.

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::net::Shutdown;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

const PIECE: usize = 16 * 1024;
const PIECES: usize = 256;
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// What tests have ordered, and what has been counted.
#[derive(Debug, Default)]
pub(super) struct Orders {
    pub(super) left_up: Option<u64>,
    pub(super) left_down: Option<u64>,
    pub(super) lose_after: Option<u64>,
    pub(super) delay: Duration,
    pub(super) bytes_up: u64,
    pub(super) bytes_down: u64,
}

/// What the handle and all connections of a link share.
#[derive(Debug)]
pub(super) struct Shared {
    target: SocketAddr,
    orders: Mutex<Orders>,
    held: watch::Sender<bool>,
}

impl Shared {
    pub(super) fn new(target: SocketAddr) -> Self {
        Self { target, orders: Mutex::default(), held: watch::Sender::new(false) }
    }

    /// Looks at the orders or changes them.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Orders) -> T) -> T {
        work(&mut self.orders.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Holds everything back, or lets it go.
    pub(super) fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    fn is_held(&self) -> bool {
        *self.held.borrow()
    }

    async fn released(&self) {
        // The sender lives as long as `self`, so waiting can not fail.
        let _ = self.held.subscribe().wait_for(|held| !held).await;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

/// What is under way.
enum Event {
    Bytes(Vec<u8>),
    End,
    Reset,
}

/// Why a connection has to end before both sides have ended it.
enum Stop {
    Reset,
    /// The limit of this direction is reached: its receiver is to read what was delivered and then the end.
    Limit(Direction),
}

/// Carries one connection until it ends or `reset` says so.
pub(super) async fn carry(client: TcpStream, shared: Arc<Shared>, reset: CancellationToken) {
    let server = tokio::select! {
        () = reset.cancelled() => None,
        server = connect(&shared) => server,
    };
    let Some(server) = server else {
        // Dropped with this, the socket sends RST.
        let _ = client.set_zero_linger();
        return;
    };
    for stream in [&client, &server] {
        // A link adds no delay that nobody has ordered.
        let _ = stream.set_nodelay(true);
    }
    let asked = Mutex::new(false);
    let both = async {
        tokio::try_join!(
            one_way(Direction::Up, &client, &server, &shared, &asked),
            one_way(Direction::Down, &server, &client, &shared, &asked)
        )
    };
    let stop = tokio::select! {
        () = reset.cancelled() => Stop::Reset,
        ended = both => match ended {
            Ok(_) => return,
            Err(stop) => stop,
        },
    };
    match stop {
        Stop::Reset => {
            let _ = client.set_zero_linger();
            let _ = server.set_zero_linger();
        }
        Stop::Limit(direction) => {
            let (sender, receiver) = match direction {
                Direction::Up => (client, server),
                Direction::Down => (server, client),
            };
            let _ = sender.set_zero_linger();
            drop(sender);
            // Not reset: a reset could overtake bytes that are to arrive. What the receiver still says is thrown away.
            let _ = rustix::net::shutdown(&receiver, Shutdown::Write);
            tokio::select! {
                () = reset.cancelled() => {}
                _ = timeout(DRAIN_LIMIT, drain(&receiver)) => {}
            }
            let _ = receiver.set_zero_linger();
        }
    }
}

async fn connect(shared: &Shared) -> Option<TcpStream> {
    shared.released().await;
    timeout(CONNECT_LIMIT, TcpStream::connect(shared.target)).await.ok()?.ok()
}

async fn drain(stream: &TcpStream) {
    let mut piece = vec![0; PIECE];
    while stream.readable().await.is_ok() {
        match stream.try_read(&mut piece) {
            Ok(0) => return,
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return,
            _ => {}
        }
    }
}

async fn one_way(direction: Direction, from: &TcpStream, to: &TcpStream, shared: &Shared, asked: &Mutex<bool>) -> Result<(), Stop> {
    let (sender, receiver) = mpsc::channel(PIECES);
    tokio::try_join!(read(from, shared, sender), write(direction, to, shared, asked, receiver)).map(drop)
}

/// Reads pieces and notes when each is to arrive.
async fn read(from: &TcpStream, shared: &Shared, queue: mpsc::Sender<(Instant, Event)>) -> Result<(), Stop> {
    loop {
        let event = match from.readable().await {
            Ok(()) => {
                let mut piece = vec![0; PIECE];
                match from.try_read(&mut piece) {
                    Ok(0) => Event::End,
                    Ok(length) => {
                        piece.truncate(length);
                        Event::Bytes(piece)
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                    Err(_) => Event::Reset,
                }
            }
            Err(_) => Event::Reset,
        };
        let last = !matches!(event, Event::Bytes(_));
        let due = Instant::now() + shared.with(|orders| orders.delay);
        // An error means that the writer has ended with an error of its own, which tells more.
        if queue.send((due, event)).await.is_err() || last {
            return Ok(());
        }
    }
}

/// Delivers pieces when they are due, as far as the orders of the test allow.
async fn write(
    direction: Direction,
    to: &TcpStream,
    shared: &Shared,
    asked: &Mutex<bool>,
    mut queue: mpsc::Receiver<(Instant, Event)>,
) -> Result<(), Stop> {
    while let Some((due, event)) = queue.recv().await {
        sleep_until(due).await;
        shared.released().await;
        match event {
            Event::Bytes(piece) => {
                if direction == Direction::Down && loses_answer(shared, asked) {
                    return Err(Stop::Reset);
                }
                deliver(direction, to, shared, asked, &piece).await?;
            }
            // The end of one direction is passed on; the other may go on.
            Event::End => rustix::net::shutdown(to, Shutdown::Write).map_err(|_| Stop::Reset)?,
            Event::Reset => return Err(Stop::Reset),
        }
    }
    Ok(())
}

/// Whether this is the beginning of the answer that is to be lost.
fn loses_answer(shared: &Shared, asked: &Mutex<bool>) -> bool {
    if !std::mem::take(&mut *asked.lock().unwrap_or_else(PoisonError::into_inner)) {
        return false;
    }
    shared.with(|orders| match orders.lose_after {
        Some(0) => {
            orders.lose_after = None;
            true
        }
        Some(more) => {
            orders.lose_after = Some(more - 1);
            false
        }
        None => false,
    })
}

async fn deliver(direction: Direction, to: &TcpStream, shared: &Shared, asked: &Mutex<bool>, piece: &[u8]) -> Result<(), Stop> {
    let mut rest = piece;
    while !rest.is_empty() {
        to.writable().await.map_err(|_| Stop::Reset)?;
        if shared.is_held() {
            shared.released().await;
            continue;
        }
        // Looking, writing and counting are one thing: an order that is given in between would come too late for these bytes.
        let (written, reached) = shared.with(|orders| {
            let (left, counted) = match direction {
                Direction::Up => (&mut orders.left_up, &mut orders.bytes_up),
                Direction::Down => (&mut orders.left_down, &mut orders.bytes_down),
            };
            let allowed = left.map_or(rest.len(), |left| usize::try_from(left).unwrap_or(usize::MAX).min(rest.len()));
            if allowed == 0 {
                *left = None;
                return Err(Stop::Limit(direction));
            }
            match to.try_write(&rest[..allowed]) {
                Ok(length) => {
                    let length64 = u64::try_from(length).unwrap_or(u64::MAX);
                    *counted += length64;
                    *left = left.map(|left| left.saturating_sub(length64));
                    Ok((length, left.take_if(|left| *left == 0).is_some()))
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok((0, false)),
                Err(_) => Err(Stop::Reset),
            }
        })?;
        if reached {
            return Err(Stop::Limit(direction));
        }
        rest = &rest[written..];
        if direction == Direction::Up && written > 0 {
            *asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
        }
    }
    Ok(())
}
