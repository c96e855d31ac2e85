//! Against a real FreeRADIUS that plays a NAS.

use crate::fixtures::{nas, profile, request, subscriber, target};
use crate::server::{SECRET, Server};
use noctule_domain::SafeText;
use noctule_domain::nas::{NasProfile, NasReach, Retransmit};
use noctule_domain::radius::ErrorCause;
use noctule_domain::secret::Secret;
use noctule_network::radius::attribute::{Attribute, kind};
use noctule_network::radius::probe::{Cause, Conclusion, Evidence, Found, Prober, Tried, conclude};
use noctule_network::radius::{Engine, EngineConfig, Priority, Profiles, RadiusClient, RequestKind, Secrets};
use noctule_network::upstream::{DynamicAuthorization, NasAsk, NasOutcome, Purpose};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::net::UdpSocket;

/// One server for all tests of this process; it ends with the process, because its standard input closes then.
fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::start)
}

fn engine_from(source: &str) -> Engine {
    let source: IpAddr = source.parse().expect("an address");
    Engine::new(EngineConfig { source: Some(source), ..EngineConfig::default() }).expect("an engine")
}

async fn ask(engine: &Engine, secret: &str, kind: RequestKind, session: &str) -> noctule_network::radius::Exchange {
    engine.exchange(&target(server().address, secret, profile()), &request(kind, session), Priority::Interactive).await
}

#[tokio::test]
async fn acks_and_every_refusal_come_back_as_what_they_are() {
    let engine = engine_from("127.0.0.1");
    let ack = |causes: &[u32]| NasOutcome::Ack { causes: causes.iter().copied().map(ErrorCause).collect() };
    let nak = |causes: &[u32]| NasOutcome::Nak { causes: causes.iter().copied().map(ErrorCause).collect() };
    let (coa, disconnect) = (RequestKind::Coa, RequestKind::Disconnect);
    for (kind, session, expected) in [
        (coa, "s-1001", ack(&[])),
        (disconnect, "s-1001", ack(&[])),
        (coa, "fixed-1", ack(&[])),
        (disconnect, "fixed-1", nak(&[504])),
        (disconnect, "residual-1", ack(&[201])),
        (coa, "badval-1", nak(&[407])),
        (coa, "admin-1", nak(&[501])),
        (disconnect, "noroute-1", nak(&[502])),
        (coa, "busy-1", nak(&[506])),
        (coa, "multi-1", nak(&[508])),
        (coa, "nocause-1", nak(&[])),
        (disconnect, "nobody", nak(&[503])),
    ] {
        let exchange = ask(&engine, SECRET, kind, session).await;
        assert_eq!(exchange.outcome, expected, "{kind} {session}\n{}", server().log());
        assert_eq!(exchange.sends, 1, "{kind} {session}");
        assert!(exchange.round_trip.is_some());
    }
    let stats = &engine.stats()[0];
    assert_eq!((stats.acks, stats.naks, stats.timeouts, stats.repeats), (4, 8, 0, 0));
    assert_eq!(stats.naks_by_cause.get(&0), Some(&1));
}

#[tokio::test]
async fn every_kind_of_silence_looks_alike_and_ends_after_mrc_sends() {
    for (source, secret, session) in [("127.0.0.1", SECRET, "silent-1"), ("127.0.0.2", SECRET, "s-1"), ("127.0.0.4", SECRET, "s-1")] {
        let exchange = ask(&engine_from(source), secret, RequestKind::Coa, session).await;
        assert!(matches!(exchange.outcome, NasOutcome::Silence { .. }), "{source}: {:?}", exchange.outcome);
        assert!((2..=3).contains(&exchange.sends), "{source}: {} sends", exchange.sends);
        assert_eq!(exchange.round_trip, None);
    }
    // The same source with its own secret is heard.
    let exchange = ask(&engine_from("127.0.0.2"), "another-secret-9", RequestKind::Coa, "s-1").await;
    assert_eq!(exchange.outcome, NasOutcome::Ack { causes: vec![] });
}

#[tokio::test]
async fn a_nas_that_demands_signed_requests_drops_unsigned_ones() {
    let engine = engine_from("127.0.0.3");
    let unsigned = NasProfile { sign_requests: false, ..profile() };
    let to = target(server().address, SECRET, unsigned);
    let exchange = engine.exchange(&to, &request(RequestKind::Coa, "s-1"), Priority::Interactive).await;
    assert!(matches!(exchange.outcome, NasOutcome::Silence { .. }), "{:?}", exchange.outcome);
    let exchange = ask(&engine, SECRET, RequestKind::Coa, "s-1").await;
    assert_eq!(exchange.outcome, NasOutcome::Ack { causes: vec![] });
}

#[tokio::test]
async fn an_answer_that_is_signed_wrongly_is_dropped() {
    // This FreeRADIUS may be one before 3.2.4, which signs over sixteen zeros; a newer one signs rightly.
    let exchange = ask(&engine_from("127.0.0.1"), SECRET, RequestKind::Coa, "signed-1").await;
    match exchange.outcome {
        NasOutcome::Ack { .. } => assert_eq!(exchange.dropped.total(), 0),
        NasOutcome::Silence { note: Some(note), .. } => assert!(note.as_str().contains("bad_message_authenticator"), "{note}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn repeats_to_a_slow_nas_are_the_same_bytes_from_the_same_port_and_one_answer_ends_it() {
    let relay = UdpSocket::bind("127.0.0.1:0").await.expect("binds");
    let address = relay.local_addr().expect("bound");
    let seen: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let kept = Arc::clone(&seen);
    let to_nas = UdpSocket::bind("127.0.0.1:0").await.expect("binds");
    let task = tokio::spawn(async move {
        let (mut up, mut down) = (vec![0; 5000], vec![0; 5000]);
        let mut client = None;
        loop {
            tokio::select! {
                Ok((len, from)) = relay.recv_from(&mut up) => {
                    kept.lock().expect("lock").push(up[..len].to_vec());
                    client = Some(from);
                    let _ = to_nas.send_to(&up[..len], server().address).await;
                }
                Ok((len, _)) = to_nas.recv_from(&mut down) => {
                    if let Some(client) = client {
                        let _ = relay.send_to(&down[..len], client).await;
                    }
                }
            }
        }
    });
    let patient = NasProfile { retransmit: Retransmit { irt_s: 0.3, mrt_s: 2.0, mrc: 5, mrd_s: 8.0 }, ..profile() };
    let engine = engine_from("127.0.0.1");
    let exchange = engine.exchange(&target(address, SECRET, patient), &request(RequestKind::Coa, "slow1-1"), Priority::Interactive).await;
    task.abort();
    assert_eq!(exchange.outcome, NasOutcome::Ack { causes: vec![] });
    assert!(exchange.sends >= 2, "{} sends", exchange.sends);
    assert!(exchange.round_trip.is_some_and(|took| took >= Duration::from_millis(900)), "{:?}", exchange.round_trip);
    let seen = seen.lock().expect("lock");
    assert_eq!(seen.len(), exchange.sends as usize);
    assert!(seen.iter().all(|bytes| *bytes == seen[0]), "one identifier, one content");
}

#[tokio::test]
async fn prefixes_of_every_size_are_taken_by_a_strict_client() {
    let engine = engine_from("127.0.0.3");
    for prefix in ["2001:db8:142::/48", "2001:db8:100:42f0::/60", "2001:db8:100:42fe::/63", "2001:db8:100:4280::/57"] {
        let mut request = request(RequestKind::Coa, "s-60");
        request.attributes.push(Attribute::prefix(kind::DELEGATED_IPV6_PREFIX, prefix.parse().expect("a prefix")).expect("no host bits"));
        let exchange = engine.exchange(&target(server().address, SECRET, profile()), &request, Priority::Interactive).await;
        assert_eq!(exchange.outcome, NasOutcome::Ack { causes: vec![] }, "{prefix}");
    }
    // This one is found by its prefix alone: the NAS has read the same prefix that we wrote.
    let mut by_prefix = request(RequestKind::Coa, "by-prefix");
    by_prefix.attributes = vec![Attribute::prefix(123, "2001:db8:100:42f0::/60".parse().expect("a prefix")).expect("no host bits")];
    let exchange = engine.exchange(&target(server().address, SECRET, profile()), &by_prefix, Priority::Interactive).await;
    assert_eq!(exchange.outcome, NasOutcome::Ack { causes: vec![] });
    by_prefix.attributes = vec![Attribute::prefix(123, "2001:db8:200::/60".parse().expect("a prefix")).expect("no host bits")];
    let exchange = engine.exchange(&target(server().address, SECRET, profile()), &by_prefix, Priority::Interactive).await;
    assert_eq!(exchange.outcome, NasOutcome::Nak { causes: vec![ErrorCause(503)] });
}

#[tokio::test]
async fn ipv6_transport_works() {
    let v6 = format!("[::1]:{}", server().address.port()).parse().expect("an address");
    let engine = Engine::new(EngineConfig::default()).expect("an engine");
    let exchange = engine.exchange(&target(v6, SECRET, profile()), &request(RequestKind::Disconnect, "s-1"), Priority::Interactive).await;
    assert_eq!(exchange.outcome, NasOutcome::Ack { causes: vec![] });
}

fn client(secret: &'static str) -> RadiusClient {
    let secrets: Secrets = Arc::new(move |reference| match reference.to_string().as_str() {
        "env:NOCTULE_TEST_SECRET" => Ok(Secret::new(secret)),
        _ => Err(SafeText::new("no such variable")),
    });
    RadiusClient::new(engine_from("127.0.0.1"), secrets, Arc::new(Profiles::built_in().with(profile())))
}

#[tokio::test]
async fn the_executor_gets_answer_words_and_health() {
    let mut nas = nas(server().address);
    nas.nas_ip = Some("127.0.0.1".parse().expect("an address"));
    nas.nas_identifier = Some(SafeText::new("bng-demo-1"));
    let client = client(SECRET);
    let activate = NasAsk { purpose: Purpose::Activate, disconnect: false, with_session_id: true };
    let answer = client.ask(&nas, &subscriber(&nas, Some("s-1")), activate).await;
    assert_eq!(answer.outcome, NasOutcome::Ack { causes: vec![] });
    assert!(answer.request.as_str().contains("Delegated-IPv6-Prefix=2001:db8:100:42f0::/60"), "{}", answer.request);
    assert_eq!((answer.seen.reach, answer.seen.acks, answer.sends), (NasReach::Up, 1, 1));
    assert!(answer.seen.answered_at.is_some() && answer.seen.round_trip.is_some());

    nas.health = nas.health.after(&answer.seen);
    let revoke = NasAsk { purpose: Purpose::Revoke, disconnect: true, with_session_id: true };
    let answer = client.ask(&nas, &subscriber(&nas, Some("busy-1")), revoke).await;
    assert_eq!(answer.outcome, NasOutcome::Nak { causes: vec![ErrorCause(506)] });
    assert_eq!((answer.seen.reach, answer.seen.acks, answer.seen.naks), (NasReach::Busy, 0, 1));
    assert_eq!((nas.health.after(&answer.seen).acks, nas.health.after(&answer.seen).naks), (1, 1));

    // 503 by a stale session id, then by user name alone.
    let answer = client.ask(&nas, &subscriber(&nas, Some("stale")), revoke).await;
    assert_eq!(answer.outcome, NasOutcome::Nak { causes: vec![ErrorCause::SESSION_NOT_FOUND] });
    let answer = client.ask(&nas, &subscriber(&nas, Some("stale")), NasAsk { with_session_id: false, ..revoke }).await;
    assert_eq!(answer.outcome, NasOutcome::Ack { causes: vec![] });

    let answer = client.ask(&nas, &subscriber(&nas, Some("silent-1")), revoke).await;
    assert!(matches!(answer.outcome, NasOutcome::Silence { .. }));
    assert_eq!((answer.seen.reach, answer.seen.timeouts, answer.seen.answered_at), (NasReach::Silent, 1, None));

    nas.secret = "env:MISSING".parse().expect("a reference");
    let answer = client.ask(&nas, &subscriber(&nas, Some("s-1")), revoke).await;
    assert!(matches!(&answer.outcome, NasOutcome::NotSent(why) if why.as_str().contains("env:MISSING")), "{:?}", answer.outcome);
    assert!(answer.seen.is_nothing());
    nas.profile = "colour".into();
    let answer = client.ask(&nas, &subscriber(&nas, Some("s-1")), revoke).await;
    assert!(matches!(&answer.outcome, NasOutcome::NotSent(why) if why.as_str().contains("'colour'")), "{:?}", answer.outcome);
    nas.enabled = false;
    let answer = client.ask(&nas, &subscriber(&nas, Some("s-1")), revoke).await;
    assert!(matches!(&answer.outcome, NasOutcome::NotSent(why) if why.as_str().contains("disabled")), "{:?}", answer.outcome);
}

#[tokio::test]
async fn a_probe_tells_right_secret_from_wrong_and_wrong_name_from_right() {
    let mut nas = nas(server().address);
    let words = client(SECRET).probe(&nas, |_| {}).await.words;
    assert!(words.as_str().contains("the secret is right"), "{words}");
    nas.nas_identifier = Some(SafeText::new("another-bng"));
    let words = client(SECRET).probe(&nas, |_| {}).await.words;
    assert!(words.as_str().contains("the secret is right") && words.as_str().contains("403"), "{words}");
    let probe = client("not the secret").probe(&nas, |_| {}).await;
    let conclusion = probe.conclusion.expect("a silence is explained");
    assert_eq!(conclusion.cause, Cause::SecretAddressOrFilter, "{conclusion:?}");
    assert!(probe.words.as_str().contains("Check there: the secret; that 127.0.0.1 is allowed"), "{}", probe.words);
    assert!(conclusion.excluded.iter().any(|words| words.as_str().starts_with("down")), "{conclusion:?}");
}

/// The experiments alone, from a source with its own rules.
async fn tried(source: &str, secret: &str, profile: NasProfile, clock_ahead: i64) -> (Conclusion, Vec<Tried>) {
    let address = server().address;
    let source = Some(source.parse().expect("an address"));
    let secret = Secret::new(secret);
    let prober = Prober { address, source, profile: &profile, secret: &secret, nas_name: &[], clock_ahead };
    let tried = prober.run().await;
    (conclude(&Evidence { name: "bng-demo", address, tried: &tried, not_authentic: &[], answer_from: None }), tried)
}

#[tokio::test]
async fn a_silence_is_explained_by_what_was_tried_on_a_real_server() {
    // It wants signed requests from this address, and the profile does not sign.
    let unsigned = NasProfile { sign_requests: false, ..profile() };
    let (conclusion, all) = tried("127.0.0.3", SECRET, unsigned, 0).await;
    assert_eq!(conclusion.cause, Cause::Signature, "{all:?}");
    // Our clock is 10 minutes ahead of the server's: it drops what is stamped, and takes what is stamped 10 minutes earlier.
    let (conclusion, all) = tried("127.0.0.1", SECRET, profile(), 600).await;
    assert_eq!(conclusion.cause, Cause::Clock, "{all:?}");
    assert!(conclusion.words.as_str().contains("behind ours by 5 to 15 minutes"), "{}", conclusion.words);
    let (conclusion, _) = tried("127.0.0.1", SECRET, profile(), -600).await;
    assert!(conclusion.words.as_str().contains("ahead of ours by 5 to 15 minutes"), "{}", conclusion.words);
    let (conclusion, _) = tried("127.0.0.1", SECRET, profile(), 7200).await;
    assert!(conclusion.words.as_str().contains("by more than 15 minutes"), "{}", conclusion.words);
    // An address that it does not know, and the secret of another: from here they look alike, and the host is seen to be up.
    for (source, secret) in [("127.0.0.4", SECRET), ("127.0.0.2", SECRET)] {
        let (conclusion, all) = tried(source, secret, profile(), 0).await;
        // The system's own source is 127.0.0.1, which may ask.
        let (cause, words) = (Cause::Source, "from 127.0.0.1");
        assert_eq!(conclusion.cause, cause, "{source}: {all:?}");
        assert!(conclusion.words.as_str().contains(words), "{}", conclusion.words);
    }
    let (conclusion, all) = tried("127.0.0.4", "not the secret", profile(), 0).await;
    assert_eq!(conclusion.cause, Cause::SecretAddressOrFilter, "{all:?}");
    assert!(conclusion.words.as_str().contains("that 127.0.0.4 is allowed"), "{}", conclusion.words);
    // All of it harmless and few: every request named a session that can not exist.
    assert!(all.len() <= 16, "{}", all.len());
}

#[tokio::test]
async fn a_closed_port_and_no_host_are_told_apart() {
    // A port that was just closed.
    let closed = UdpSocket::bind("127.0.0.1:0").await.expect("binds").local_addr().expect("bound");
    let secret = Secret::new(SECRET);
    let of = |tried: &[Tried], address| conclude(&Evidence { name: "x", address, tried, not_authentic: &[], answer_from: None }).cause;
    let profile = profile();
    let prober = Prober { address: closed, source: None, profile: &profile, secret: &secret, nas_name: &[], clock_ahead: 0 };
    let tried = prober.run().await;
    assert_eq!(of(&tried, closed), Cause::PortClosed, "{tried:?}");
    // From an address that is not ours nothing leaves.
    let source = Some("192.0.2.77".parse().expect("an address"));
    let tried = Prober { source, ..prober }.run().await;
    assert!(tried.iter().any(|tried| tried.found == Found::NotSent), "{tried:?}");
}
