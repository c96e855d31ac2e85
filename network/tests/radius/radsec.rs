//! RADIUS over TLS: against a real FreeRADIUS with a TLS listener for CoA, and against a peer in this process that breaks off, lies and stalls.

use crate::fake_nas::answer;
use crate::fixtures::{nas, profile, request, subscriber, target};
use crate::server::Server;
use crate::tls_peer::{Certificates, NAME, Peer};
use noctule_domain::SafeText;
use noctule_domain::nas::{NasProfile, NasReach, Retransmit, Transport};
use noctule_domain::radius::ErrorCause;
use noctule_network::radius::attribute::kind;
use noctule_network::radius::codec::attributes;
use noctule_network::radius::{
    Engine, EngineConfig, Exchange, Priority, Profiles, RadiusClient, RadsecFiles, RequestKind, Secrets, Target,
};
use noctule_network::upstream::{DynamicAuthorization, NasAsk, NasOutcome, Purpose};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;

fn over_tls() -> NasProfile {
    let retransmit = Retransmit { irt_s: 1.0, mrt_s: 2.0, mrc: 3, mrd_s: 10.0 };
    NasProfile { transport: Transport::Radsec, retransmit, window: 64, ..profile() }
}

fn engine(files: RadsecFiles) -> Engine {
    Engine::new(EngineConfig { radsec: files, ..EngineConfig::default() }).expect("an engine")
}

fn to(address: SocketAddr) -> Target {
    target(address, "is not looked at", over_tls())
}

async fn ask(engine: &Engine, to: &Target, kind: RequestKind, session: &str) -> Exchange {
    engine.exchange(to, &request(kind, session), Priority::Interactive).await
}

fn ack(request: &[u8]) -> Vec<u8> {
    answer(request, request[0] + 1, &[], "radsec")
}

fn free_port() -> u16 {
    let bound = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    bound.local_addr().expect("bound").port()
}

fn why(exchange: &Exchange) -> String {
    match &exchange.outcome {
        NasOutcome::NotSent(why) => why.as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_real_freeradius_answers_over_tls_and_its_certificate_is_checked() {
    let certificates = Certificates::make();
    let port = free_port();
    let server = Server::start_with_tls(port, certificates.path());
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let ours = engine(certificates.files());
    let nak = |causes: &[u32]| NasOutcome::Nak { causes: causes.iter().copied().map(ErrorCause).collect() };
    let acked = NasOutcome::Ack { causes: vec![] };
    for (kind, session, expected) in [
        (RequestKind::Coa, "s-1001", acked.clone()),
        (RequestKind::Disconnect, "s-1001", acked.clone()),
        (RequestKind::Disconnect, "residual-1", NasOutcome::Ack { causes: vec![ErrorCause(201)] }),
        (RequestKind::Coa, "badval-1", nak(&[407])),
        (RequestKind::Coa, "nocause-1", nak(&[])),
        (RequestKind::Disconnect, "nobody", nak(&[503])),
    ] {
        let exchange = ask(&ours, &to(address), kind, session).await;
        assert_eq!((exchange.outcome, exchange.sends), (expected, 1), "{kind} {session}\n{}", server.log());
    }
    // Many at once on one connection, answered in the order that suits the server.
    let all = (0..200).map(|n| {
        let (ours, session) = (ours.clone(), if n % 4 == 0 { format!("busy-{n}") } else { format!("s-{n}") });
        async move { (n, ask(&ours, &to(address), RequestKind::Coa, &session).await.outcome) }
    });
    for (n, outcome) in futures::future::join_all(all).await {
        assert_eq!(outcome, if n % 4 == 0 { nak(&[506]) } else { acked.clone() }, "{n}");
    }
    assert_eq!(ours.sockets(), 0, "no UDP port was opened");
    // By the name that stands in the certificate as well.
    let by_name = Target { tls_name: NAME.to_owned(), ..to(address) };
    assert_eq!(ask(&ours, &by_name, RequestKind::Coa, "s-1").await.outcome, acked);

    let wrong_name = Target { tls_name: "bng-other.isp.example".to_owned(), ..to(address) };
    let words = why(&ask(&ours, &wrong_name, RequestKind::Coa, "s-1").await);
    assert!(words.contains("certificate is for another name"), "{words}");
    let foreign = RadsecFiles { ca: Some(certificates.file("foreign.pem")), ..certificates.files() };
    let words = why(&ask(&engine(foreign), &to(address), RequestKind::Coa, "s-1").await);
    assert!(words.contains("not issued by the authority that we trust"), "{words}");
    let bare = RadsecFiles { client: None, ..certificates.files() };
    // FreeRADIUS breaks off after the handshake of TLS 1.3, often before its alert is heard: what was written is then not known to be lost.
    let exchange = ask(&engine(bare), &to(address), RequestKind::Coa, "s-1").await;
    match &exchange.outcome {
        NasOutcome::NotSent(words) | NasOutcome::Silence { note: Some(words), .. } => {
            assert!(words.as_str().contains("client certificate"), "{words}");
        }
        other => panic!("{other:?}"),
    }
    let nobody = to(SocketAddr::from(([127, 0, 0, 1], free_port())));
    let words = why(&ask(&ours, &nobody, RequestKind::Coa, "s-1").await);
    assert!(words.contains("not reached over TLS: no connection to"), "{words}");
}

#[tokio::test]
async fn the_client_asks_over_tls_by_the_profile_alone_and_says_how_the_nas_does() {
    let certificates = Certificates::make();
    let peer = Peer::start(&certificates, "server", |_, mut line, seen| async move {
        while let Some(request) = seen.request(&mut line).await {
            let _ = line.write_all(&ack(&request)).await;
        }
    })
    .await;
    let secrets: Secrets = Arc::new(|_| Err(SafeText::new("no secret is asked for over TLS")));
    let named = NasProfile { tls_name: "{nas_name}.isp.example".to_owned(), ..over_tls() };
    let client = RadiusClient::new(engine(certificates.files()), secrets, Arc::new(Profiles::built_in().with(named)));
    let nas = nas(peer.address);
    let revoke = NasAsk { purpose: Purpose::Revoke, disconnect: true, with_session_id: true };
    let answer = client.ask(&nas, &subscriber(&nas, Some("s-1")), revoke).await;
    assert_eq!(answer.outcome, NasOutcome::Ack { causes: vec![] });
    assert_eq!((answer.seen.reach, answer.seen.acks, answer.sends), (NasReach::Up, 1, 1));
    assert!(client.probe(&nas, |_| {}).await.words.as_str().contains("an ACK of this NAS proves nothing"));
}

#[tokio::test]
async fn an_expired_certificate_is_refused_in_words() {
    let certificates = Certificates::make();
    let peer = Peer::start(&certificates, "expired", |_, _, _| async {}).await;
    let words = why(&ask(&engine(certificates.files()), &to(peer.address), RequestKind::Coa, "s-1").await);
    assert!(words.contains("has expired"), "{words}");
    assert!(peer.seen().is_empty());
}

#[tokio::test]
async fn a_connection_cut_in_the_middle_of_an_answer_is_made_again_and_the_same_is_asked() {
    let certificates = Certificates::make();
    let peer = Peer::start(&certificates, "server", |number, mut line, seen| async move {
        while let Some(request) = seen.request(&mut line).await {
            let ack = ack(&request);
            if number < 2 {
                let _ = line.write_all(&ack[..7]).await;
                let _ = line.flush().await;
                return;
            }
            let _ = line.write_all(&ack).await;
        }
    })
    .await;
    let ours = engine(certificates.files());
    let exchange = ask(&ours, &to(peer.address), RequestKind::Coa, "s-1").await;
    assert_eq!((exchange.outcome, exchange.sends), (NasOutcome::Ack { causes: vec![] }, 3));
    // Same content: only identifier, authenticators and signature may differ; the timestamp is that of the first.
    let content = |packet: &Vec<u8>| {
        let all = attributes(packet).expect("our own request");
        all.into_iter().filter(|a| a.kind != kind::MESSAGE_AUTHENTICATOR).collect::<Vec<_>>()
    };
    let seen = peer.seen();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|packet| content(packet) == content(&seen[0])));
}

#[tokio::test]
async fn answers_in_any_order_find_their_request_and_forged_ones_end_no_wait() {
    let certificates = Certificates::make();
    let peer = Peer::start(&certificates, "server", |_, mut line, seen| async move {
        let mut requests = Vec::new();
        for _ in 0..3 {
            requests.push(seen.request(&mut line).await.expect("a request"));
        }
        for request in requests.iter().rev() {
            let session = crate::fake_nas::session_of(request);
            // Made with another secret; then an answer to nothing that was asked.
            let _ = line.write_all(&answer(request, 45, &[], "another secret")).await;
            let mut stranger = request.clone();
            stranger[1] = stranger[1].wrapping_add(100);
            let _ = line.write_all(&ack(&stranger)).await;
            let real = if session == "b" { answer(request, 45, &[101, 6, 0, 0, 1, 0xf5], "radsec") } else { ack(request) };
            let _ = line.write_all(&real).await;
        }
        seen.request(&mut line).await;
    })
    .await;
    let ours = engine(certificates.files());
    let to = to(peer.address);
    let (a, b, c) = tokio::join!(
        ask(&ours, &to, RequestKind::Coa, "a"),
        ask(&ours, &to, RequestKind::Coa, "b"),
        ask(&ours, &to, RequestKind::Coa, "c")
    );
    let acked = NasOutcome::Ack { causes: vec![] };
    assert_eq!((a.outcome, c.outcome), (acked.clone(), acked));
    assert_eq!(b.outcome, NasOutcome::Nak { causes: vec![ErrorCause(501)] });
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_left_by_the_watchdog_and_one_that_stays_so_ends_in_silence() {
    let certificates = Certificates::make();
    // The first connection is dead: it reads and says nothing. The next ones answer, but for one session.
    let peer = Peer::start(&certificates, "server", |number, mut line, seen| async move {
        while let Some(request) = seen.request(&mut line).await {
            if number > 0 && request[0] != 12 && crate::fake_nas::session_of(&request) != "mute" {
                let _ = line.write_all(&ack(&request)).await;
            }
        }
    })
    .await;
    let ours = engine(certificates.files());
    let quick = NasProfile { retransmit: Retransmit { irt_s: 0.1, mrt_s: 1.0, mrc: 3, mrd_s: 4.0 }, ..over_tls() };
    let to = target(peer.address, "x", quick);
    let exchange = ask(&ours, &to, RequestKind::Coa, "s-1").await;
    assert_eq!((exchange.outcome, exchange.sends), (NasOutcome::Ack { causes: vec![] }, 2));
    assert!(peer.seen().iter().any(|request| request[0] == 12), "the watchdog asked by Status-Server");
    let exchange = ask(&ours, &to, RequestKind::Coa, "mute").await;
    assert!(matches!(exchange.outcome, NasOutcome::Silence { .. }) && exchange.sends >= 1, "{exchange:?}");
    // Dropping the engine closes its connections.
    drop(ours);
}
