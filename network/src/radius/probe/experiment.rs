//! The experiments: each differs from what the profile sends in one thing. Sockets are connected, so that what routers and hosts say by ICMP is
//! heard. All run side by side, each with two sends and some seconds.

use crate::radius::attribute::{Attribute, kind};
use crate::radius::codec::{Asked, Outgoing, Reason, RequestKind, build, judge, status_server};
use noctule_domain::nas::{NasProfile, SignedAnswers};
use noctule_domain::radius::ErrorCause;
use noctule_domain::secret::Secret;
use noctule_domain::{SafeText, words};
use serde::Serialize;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout, timeout_at};

/// Longer than a host takes to say that a neighbour does not answer (three seconds for ARP and neighbour discovery).
const PATIENCE: Duration = Duration::from_millis(3_600);
const AGAIN_AFTER: Duration = Duration::from_millis(1_200);
/// A UDP port on which nobody listens, by the custom of traceroute.
const CLOSED_PORT: u16 = 33_434;
/// How far a timestamp is moved: out of the window of 300 s, and into that of a clock which is off by 5 to 15 minutes.
const MOVED: i64 = 600;

words!(
    Experiment {
        /// The request of the profile, once more.
        AsProfile = "as_profile",
        WithoutTimestamp = "without_timestamp",
        WithTimestamp = "with_timestamp",
        TimestampAhead = "timestamp_10_minutes_ahead",
        TimestampBehind = "timestamp_10_minutes_behind",
        Signed = "signed",
        Unsigned = "unsigned",
        WithoutNasName = "without_nas_identification",
        CoaRequest = "coa_request",
        /// RFC 5997: a RADIUS server says that it lives.
        StatusServer = "status_server",
        OtherPort = "other_port",
        /// From the address that the system chooses, where another is configured.
        SystemSource = "system_source",
        ClosedPort = "closed_udp_port",
        Tcp = "tcp",
    }
);

/// What an experiment showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// An authentic answer.
    Answered {
        ack: bool,
        causes: Vec<ErrorCause>,
    },
    /// The host itself answered on another port: it is up, and reached from here.
    HostAnswers,
    /// ICMP: nobody listens on this port.
    PortUnreachable,
    /// ICMP, or the last router: the host or the network is not reached, or the way there is prohibited.
    Unreachable,
    /// Nothing could be sent.
    NotSent,
    Silence,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tried {
    pub experiment: Experiment,
    pub to: SocketAddr,
    /// The address that it left from.
    pub from: Option<IpAddr>,
    pub found: Found,
    /// Datagrams that came from there and were no authentic answer.
    pub not_authentic: Vec<Reason>,
    /// The error of the system, if there was one.
    pub error: Option<SafeText>,
}

/// Whom to ask, and how the profile would.
pub struct Prober<'a> {
    pub address: SocketAddr,
    pub source: Option<IpAddr>,
    pub profile: &'a NasProfile,
    pub secret: &'a Secret,
    /// Attributes that name the NAS.
    pub nas_name: &'a [Attribute],
    /// Seconds by which our clock is taken to be ahead; 0 but in tests.
    pub clock_ahead: i64,
}

struct Shape {
    experiment: Experiment,
    kind: RequestKind,
    sign: bool,
    timestamp: Option<i64>,
    named: bool,
    port: u16,
    source: Option<IpAddr>,
}

impl Prober<'_> {
    fn shapes(&self) -> Vec<Shape> {
        let profile = self.profile;
        let plain = |experiment| Shape {
            experiment,
            kind: RequestKind::Disconnect,
            sign: profile.sign_requests,
            timestamp: profile.event_timestamp.then_some(0),
            named: true,
            port: self.address.port(),
            source: self.source,
        };
        let mut shapes = vec![plain(Experiment::AsProfile)];
        if profile.event_timestamp {
            shapes.push(Shape { timestamp: None, ..plain(Experiment::WithoutTimestamp) });
            shapes.push(Shape { timestamp: Some(MOVED), ..plain(Experiment::TimestampAhead) });
            shapes.push(Shape { timestamp: Some(-MOVED), ..plain(Experiment::TimestampBehind) });
        } else {
            shapes.push(Shape { timestamp: Some(0), ..plain(Experiment::WithTimestamp) });
        }
        let other = if profile.sign_requests { Experiment::Unsigned } else { Experiment::Signed };
        shapes.push(Shape { sign: !profile.sign_requests, ..plain(other) });
        if !self.nas_name.is_empty() {
            shapes.push(Shape { named: false, ..plain(Experiment::WithoutNasName) });
        }
        shapes.push(Shape { kind: RequestKind::Coa, ..plain(Experiment::CoaRequest) });
        for port in [3799, 1700].into_iter().filter(|port| *port != self.address.port()) {
            shapes.push(Shape { port, ..plain(Experiment::OtherPort) });
        }
        if self.source.is_some() {
            shapes.push(Shape { source: None, ..plain(Experiment::SystemSource) });
        }
        shapes
    }

    /// Runs them all; some seconds.
    pub async fn run(&self) -> Vec<Tried> {
        let asked = futures::future::join_all(self.shapes().into_iter().map(|shape| self.ask(shape)));
        let tcp = futures::future::join_all([self.address.port(), 22, 2083].map(|port| self.tcp(port)));
        let (mut all, status, closed, tcp) = tokio::join!(asked, self.status(), self.closed_port(), tcp);
        all.push(status);
        all.push(closed);
        all.extend(tcp);
        all
    }

    async fn ask(&self, shape: Shape) -> Tried {
        let to = SocketAddr::new(self.address.ip(), shape.port);
        let session = format!("noctule-probe-{}", uuid::Uuid::new_v4());
        let mut attributes: Vec<Attribute> = Attribute::text(kind::ACCT_SESSION_ID, &session).into_iter().collect();
        if shape.named {
            attributes.extend_from_slice(self.nas_name);
        }
        let stamp = shape.timestamp.map(|moved| chrono::Utc::now().timestamp() + self.clock_ahead + moved);
        let out = Outgoing {
            kind: shape.kind,
            identifier: rand::random(),
            attributes: &attributes,
            sign: shape.sign,
            event_timestamp: stamp.map(|at| u32::try_from(at).unwrap_or(0)),
        };
        match build(&out, self.secret) {
            Ok(bytes) => self.exchange(shape.experiment, to, shape.source, &bytes).await,
            Err(error) => not_sent(shape.experiment, to, None, error.to_string()),
        }
    }

    async fn status(&self) -> Tried {
        let bytes = status_server(rand::random(), &rand::random(), self.secret);
        self.exchange(Experiment::StatusServer, self.address, self.source, &bytes).await
    }

    async fn closed_port(&self) -> Tried {
        let to = SocketAddr::new(self.address.ip(), CLOSED_PORT);
        let mut tried = self.exchange(Experiment::ClosedPort, to, self.source, &[]).await;
        // "Nobody listens here" is what only the host itself says.
        if tried.found == Found::PortUnreachable {
            tried.found = Found::HostAnswers;
        }
        tried
    }

    async fn exchange(&self, experiment: Experiment, to: SocketAddr, source: Option<IpAddr>, bytes: &[u8]) -> Tried {
        let any = if to.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
        let open = async {
            let socket = UdpSocket::bind((source.unwrap_or(any), 0)).await?;
            socket.connect(to).await?;
            std::io::Result::Ok(socket)
        };
        let socket = match open.await {
            Ok(socket) => socket,
            Err(error) => return not_sent(experiment, to, source, error.to_string()),
        };
        let from = socket.local_addr().ok().map(|local| local.ip());
        let mut tried = Tried { experiment, to, from, found: Found::Silence, not_authentic: Vec::new(), error: None };
        let asked = Asked::of(bytes);
        let end = Instant::now() + PATIENCE;
        let mut again = Instant::now() + AGAIN_AFTER;
        let mut buffer = vec![0; crate::radius::codec::MAX_PACKET];
        if let Err(error) = socket.send(bytes).await {
            return not_sent(experiment, to, from, error.to_string());
        }
        while Instant::now() < end {
            match timeout_at(again.min(end), socket.recv(&mut buffer)).await {
                Err(_) => {
                    again = end;
                    // An error here is one that ICMP brought for the first send.
                    if let Err(error) = socket.send(bytes).await
                        && let Some(found) = told(error.kind())
                    {
                        return Tried { found, error: Some(SafeText::new(&error.to_string())), ..tried };
                    }
                }
                Ok(Ok(len)) => {
                    let Some(asked) = &asked else { continue };
                    match judge(&buffer[..len], asked, self.secret, SignedAnswers::IfPresent, chrono::Utc::now().timestamp()) {
                        Ok(answer) => return Tried { found: Found::Answered { ack: answer.ack, causes: answer.causes }, ..tried },
                        Err(reason) if !tried.not_authentic.contains(&reason) => tried.not_authentic.push(reason),
                        Err(_) => {}
                    }
                }
                Ok(Err(error)) => {
                    let found = told(error.kind());
                    tried.error = Some(SafeText::new(&error.to_string()));
                    if let Some(found) = found {
                        return Tried { found, ..tried };
                    }
                }
            }
        }
        tried
    }

    async fn tcp(&self, port: u16) -> Tried {
        let to = SocketAddr::new(self.address.ip(), port);
        let mut tried =
            Tried { experiment: Experiment::Tcp, to, from: None, found: Found::Silence, not_authentic: Vec::new(), error: None };
        match timeout(PATIENCE, TcpStream::connect(to)).await {
            Err(_) => {}
            // Taken or refused: the host said it.
            Ok(Ok(_)) => tried.found = Found::HostAnswers,
            Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => tried.found = Found::HostAnswers,
            Ok(Err(error)) => {
                tried.found = told(error.kind()).unwrap_or(Found::Silence);
                tried.error = Some(SafeText::new(&error.to_string()));
            }
        }
        tried
    }
}

fn not_sent(experiment: Experiment, to: SocketAddr, from: Option<IpAddr>, error: String) -> Tried {
    Tried { experiment, to, from, found: Found::NotSent, not_authentic: Vec::new(), error: Some(SafeText::from(error)) }
}

/// What Linux makes of the codes of ICMP (net/ipv4/icmp.c): a closed port is a refusal; an unreachable host or network and a prohibited way share
/// their errors and can not be told apart here.
fn told(error: ErrorKind) -> Option<Found> {
    match error {
        ErrorKind::ConnectionRefused => Some(Found::PortUnreachable),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::PermissionDenied => Some(Found::Unreachable),
        _ => None,
    }
}
