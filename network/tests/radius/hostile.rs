//! Against a NAS, or somebody in its place, that forges, damages, delays and loses: only an authentic answer ends a wait.

use crate::fake_nas::{FakeNas, Reply, SECRET, ack, answer, nak, until};
use crate::fixtures::{profile, request, target};
use noctule_domain::nas::{NasProfile, Retransmit, SignedAnswers};
use noctule_domain::radius::ErrorCause;
use noctule_network::radius::codec::Reason;
use noctule_network::radius::{Engine, EngineConfig, Exchange, Priority, RequestKind};
use noctule_network::upstream::NasOutcome;
use proptest::prelude::*;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

fn engine() -> Engine {
    Engine::new(EngineConfig { grace: Duration::from_secs(2), ..EngineConfig::default() }).expect("an engine")
}

async fn ask(engine: &Engine, nas: &FakeNas, profile: NasProfile, kind: RequestKind) -> Exchange {
    engine.exchange(&target(nas.address, SECRET, profile), &request(kind, "s-1"), Priority::Interactive).await
}

/// What somebody without the secret can send who has seen the request, and even the real answer to another one.
fn forgeries(request: &[u8]) -> Vec<Vec<u8>> {
    let good = ack(request);
    let mut flipped = good.clone();
    flipped[9] ^= 0x10;
    let mut other_identifier = good.clone();
    other_identifier[1] = other_identifier[1].wrapping_add(1);
    let mut nak_made_ack = nak(request, 503);
    nak_made_ack[0] -= 1;
    let mut nothing_signed = good.clone();
    nothing_signed[4..20].fill(0);
    vec![
        vec![],
        vec![0; 19],
        vec![0xff; 4096],
        vec![0x2c; 5000],
        good[..19].to_vec(),
        flipped,
        other_identifier,
        nak_made_ack,
        nothing_signed,
        answer(request, request[0] + 1, &[], "another secret"),
        answer(request, 2, &[], SECRET),
        answer(request, if request[0] == 43 { 41 } else { 44 }, &[], SECRET),
        answer(request, request[0] + 1, &[80, 18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], SECRET),
        answer(request, request[0] + 1, &[55, 6, 0, 0, 0, 9], SECRET),
        answer(request, request[0] + 1, &[44, 9, b'x'], SECRET),
    ]
}

#[tokio::test]
async fn forgeries_before_the_real_answer_are_counted_and_do_not_end_the_wait() {
    for kind in [RequestKind::Coa, RequestKind::Disconnect] {
        let nas = FakeNas::start(|seen| {
            let mut replies: Vec<Reply> = forgeries(&seen.bytes).into_iter().map(Reply::from).collect();
            let mut padded = nak(&seen.bytes, 407);
            padded.extend_from_slice(b"padding that nobody signs");
            replies.push(padded.into());
            replies
        })
        .await;
        let engine = engine();
        let exchange = ask(&engine, &nas, profile(), kind).await;
        assert_eq!(exchange.outcome, NasOutcome::Nak { causes: vec![ErrorCause(407)] });
        assert_eq!(exchange.sends, 1);
        let dropped = &exchange.dropped.by_reason;
        // flipped, NAK made ACK, nothing signed, another secret
        assert_eq!(dropped.get(&Reason::BadResponseAuthenticator), Some(&4), "{dropped:?}");
        assert_eq!(dropped.get(&Reason::UnexpectedCode), Some(&2), "{dropped:?}");
        assert_eq!(dropped.get(&Reason::BadMessageAuthenticator), Some(&1), "{dropped:?}");
        assert_eq!(dropped.get(&Reason::StaleEventTimestamp), Some(&1), "{dropped:?}");
        assert_eq!(dropped.get(&Reason::AttrOverrun), Some(&1), "{dropped:?}");
        let stats = &engine.stats()[0];
        assert!(stats.unmatched >= 1, "{stats:?}");
        assert_eq!((stats.naks, stats.timeouts), (1, 0));
    }
}

#[tokio::test]
async fn forgeries_alone_end_in_silence_after_at_most_mrc_sends_of_the_same_bytes() {
    let nas = FakeNas::start(|seen| forgeries(&seen.bytes).into_iter().map(Reply::from).collect()).await;
    let engine = engine();
    let exchange = ask(&engine, &nas, profile(), RequestKind::Coa).await;
    let NasOutcome::Silence { note: Some(note), .. } = &exchange.outcome else { panic!("{:?}", exchange.outcome) };
    assert!(note.as_str().contains("answers dropped: bad_response_authenticator (forged, or made with another secret)"), "{note}");
    let seen = nas.seen();
    assert!((2..=3).contains(&exchange.sends), "{}", exchange.sends);
    assert_eq!(seen.len(), exchange.sends as usize);
    assert!(seen.windows(2).all(|pair| pair[0].bytes == pair[1].bytes && pair[0].from == pair[1].from), "repeats are the same bytes");
}

#[tokio::test]
async fn an_answer_from_another_address_is_noted_and_not_taken() {
    let nas = FakeNas::start(|seen| vec![Reply { elsewhere: true, ..ack(&seen.bytes).into() }]).await;
    let engine = engine();
    let exchange = ask(&engine, &nas, profile(), RequestKind::Disconnect).await;
    let NasOutcome::Silence { note: Some(note), .. } = &exchange.outcome else { panic!("{:?}", exchange.outcome) };
    let from = exchange.dropped.answer_from.expect("noted");
    assert_ne!(from, nas.address);
    assert!(note.as_str().contains(&format!("answer came from {from}")), "{note}");
    assert!(engine.stats()[0].from_elsewhere >= 1);
}

#[tokio::test]
async fn an_answer_after_the_time_out_is_counted_as_late_and_shows_that_the_nas_lives() {
    let nas = FakeNas::start(|seen| vec![Reply { after: Duration::from_millis(600), ..ack(&seen.bytes).into() }]).await;
    let engine = engine();
    let short = NasProfile { retransmit: Retransmit { irt_s: 0.2, mrt_s: 1.0, mrc: 1, mrd_s: 0.3 }, ..profile() };
    let exchange = ask(&engine, &nas, short, RequestKind::Coa).await;
    assert!(matches!(exchange.outcome, NasOutcome::Silence { .. }));
    assert_eq!((exchange.sends, engine.stats()[0].silences), (1, 1));
    until("the late answer", || engine.stats()[0].late == 1).await;
    assert_eq!(engine.stats()[0].silences, 0);
}

#[tokio::test]
async fn a_profile_that_demands_signed_answers_takes_no_other() {
    let nas = FakeNas::start(|seen| vec![ack(&seen.bytes).into()]).await;
    let engine = engine();
    let strict = NasProfile { signed_answers: SignedAnswers::Required, ..profile() };
    let exchange = ask(&engine, &nas, strict, RequestKind::Coa).await;
    assert!(matches!(exchange.outcome, NasOutcome::Silence { .. }));
    assert!(exchange.dropped.by_reason.contains_key(&Reason::NoMessageAuthenticator));
}

#[tokio::test]
async fn what_cannot_be_sent_says_so_and_takes_nothing() {
    let engine = engine();
    let nowhere: SocketAddr = "127.0.0.1:3799".parse().expect("an address");
    let mut huge = request(RequestKind::Coa, "s-1");
    huge.attributes = vec![huge.attributes[0].clone(); 600];
    huge.attributes.iter_mut().for_each(|a| a.value = vec![b'x'; 200]);
    let exchange = engine.exchange(&target(nowhere, SECRET, profile()), &huge, Priority::Bulk).await;
    let NasOutcome::NotSent(why) = exchange.outcome else { panic!("sent") };
    assert!(why.as_str().contains("4096"), "{why}");
    assert_eq!(engine.stats()[0].in_flight, 0);

    let v6: SocketAddr = "[::1]:3799".parse().expect("an address");
    let bound = Engine::new(EngineConfig { source: Some("127.0.0.1".parse().expect("v4")), ..EngineConfig::default() }).expect("ours");
    let exchange = bound.exchange(&target(v6, SECRET, profile()), &request(RequestKind::Coa, "s-1"), Priority::Bulk).await;
    assert!(matches!(&exchange.outcome, NasOutcome::NotSent(why) if why.as_str().contains("other family")), "{:?}", exchange.outcome);
    assert!(Engine::new(EngineConfig { source: Some("192.0.2.77".parse().expect("v4")), ..EngineConfig::default() }).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn identifiers_are_never_reused_in_flight_nor_before_they_rested() {
    // Answers come after 0 to 40 ms, some only to the repeat, some never.
    let mut count = 0u64;
    let mut first: HashMap<Vec<u8>, ()> = HashMap::new();
    let nas = FakeNas::start(move |seen| {
        count += 1;
        let is_first = first.insert(seen.bytes.clone(), ()).is_none();
        match count % 11 {
            0 if is_first => vec![],
            1 => vec![],
            n => vec![Reply { after: Duration::from_millis(n * 4), ..ack(&seen.bytes).into() }],
        }
    })
    .await;
    let engine = engine();
    let wide = NasProfile { window: 200, identifier_rest_s: 1, ..profile() };
    let to = target(nas.address, SECRET, wide);
    let asks = (0..1500).map(|n| {
        let (engine, to) = (engine.clone(), to.clone());
        tokio::spawn(async move { engine.exchange(&to, &request(RequestKind::Coa, &format!("s-{n}")), Priority::Bulk).await })
    });
    let outcomes = futures::future::join_all(asks.collect::<Vec<_>>()).await;
    let acked = outcomes.iter().filter(|o| matches!(o.as_ref().expect("no panic").outcome, NasOutcome::Ack { .. })).count();
    assert!(acked > 1200, "{acked} of 1500 acknowledged");
    // Per port and identifier: another content only after the last of the one before had rested a second.
    let mut last: HashMap<(SocketAddr, u8), (Vec<u8>, tokio::time::Instant)> = HashMap::new();
    for seen in nas.seen() {
        if let Some((bytes, at)) = last.get(&(seen.from, seen.bytes[1]))
            && *bytes != seen.bytes
        {
            // A millisecond for the time between our receiving and the fake NAS having stamped the datagram.
            assert!(
                seen.at.duration_since(*at) >= Duration::from_millis(999),
                "identifier {} of {} came again early",
                seen.bytes[1],
                seen.from
            );
        }
        last.insert((seen.from, seen.bytes[1]), (seen.bytes.clone(), seen.at));
    }
    assert!(engine.sockets() >= 5, "1500 requests in a second need six ports of 256 identifiers, {} were opened", engine.sockets());
    let stats = &engine.stats()[0];
    assert_eq!((stats.in_flight, stats.queued), (0, 0));
}

#[derive(Debug, Clone)]
enum Noise {
    Bytes(Vec<u8>),
    Flip(usize),
    Code(u8),
    OtherSecret(u8, Vec<u8>),
    Cut(usize),
}

fn noise() -> impl Strategy<Value = Noise> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..80).prop_map(Noise::Bytes),
        (0usize..26 * 8).prop_map(Noise::Flip),
        any::<u8>().prop_map(Noise::Code),
        (40u8..46, proptest::collection::vec(any::<u8>(), 0..40)).prop_map(|(code, rest)| Noise::OtherSecret(code, rest)),
        (0usize..26).prop_map(Noise::Cut),
    ]
}

fn made(noise: &Noise, request: &[u8]) -> Vec<u8> {
    let mut good = nak(request, 503);
    match noise {
        Noise::Bytes(bytes) => bytes.clone(),
        Noise::Flip(bit) => {
            good[bit / 8] ^= 1 << (bit % 8);
            good
        }
        Noise::Code(code) => {
            good[0] = if *code == good[0] { code.wrapping_add(1) } else { *code };
            good
        }
        Noise::OtherSecret(code, rest) => answer(request, *code, rest, "not the secret"),
        Noise::Cut(len) => good[..*len].to_vec(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn no_interleaving_of_noise_without_the_secret_is_ever_accepted(list in proptest::collection::vec(noise(), 1..40), real in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let nas = FakeNas::start(move |seen| {
                let mut replies: Vec<Reply> = list.iter().map(|one| made(one, &seen.bytes).into()).collect();
                if real {
                    replies.push(ack(&seen.bytes).into());
                }
                replies
            }).await;
            let quick = NasProfile { retransmit: Retransmit { irt_s: 0.05, mrt_s: 0.1, mrc: 2, mrd_s: 0.12 }, ..profile() };
            let exchange = ask(&engine(), &nas, quick, RequestKind::Coa).await;
            match exchange.outcome {
                NasOutcome::Ack { .. } if real => {}
                NasOutcome::Silence { .. } if !real => assert!(exchange.sends <= 2),
                other => panic!("real answer: {real}, outcome: {other:?}"),
            }
        });
    }
}
