//! The shared vectors: each request judged as its `expect` says, by a NAS whose clock stands at the packet's time.

use super::*;
use serde_json::Value;

fn file() -> Value {
    let path = std::env::var_os("NOCTULE_RADIUS_VECTORS")
        .map(std::path::PathBuf::from)
        .unwrap_or_else(|| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/radius/vectors.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).expect("hex")).collect()
}

fn vectors(kind: &str) -> Vec<Value> {
    let all = file();
    let found: Vec<Value> = all["vectors"].as_array().expect("vectors").iter().filter(|v| v["kind"] == kind).cloned().collect();
    assert!(!found.is_empty(), "no vectors of kind {kind}");
    found
}

fn clock_of(vector: &Value) -> i64 {
    vector["clock_unix"].as_i64().unwrap_or(1_795_396_994)
}

async fn nas_of(vector: &Value) -> NasSim {
    let secret = Secret::new(vector["secret"].as_str().expect("secret"));
    let mut config = NasSimConfig::new(Preset::Strict, secret)
        .session(NasSession::new("s-1001", "anna@isp.example", at()))
        .session(NasSession::new("s-2002", "bert@isp.example", at()));
    config.clock = Arc::new(FixedClock(clock_of(vector)));
    config.identity.ipv4 = Some("127.0.0.1".parse().unwrap());
    NasSim::start(config).await.expect("starts")
}

#[tokio::test]
async fn every_request_vector_is_answered_or_ignored_as_it_expects() {
    for vector in vectors("request_at_nas") {
        let (name, expect) = (vector["name"].as_str().unwrap(), vector["expect"].as_str().unwrap());
        let secret = Secret::new(vector["secret"].as_str().unwrap());
        let nas = nas_of(&vector).await;
        let asker = Asker::new(&nas).await;
        let request = hex(vector["request_hex"].as_str().unwrap());
        asker.send(&request).await;
        assert!(nas.wait_until(LONG, |n| { n.counters().acks + n.counters().all_naks() + n.counters().all_dropped() > 0 }).await, "{name}");
        let answered = nas.counters().all_dropped() == 0;
        match expect {
            "answer" => {
                assert!(answered, "{name}: dropped {:?}", nas.counters().dropped);
                let (answer, _) = asker.datagram().await;
                assert!(is_authentic_answer(&answer, &request, &secret), "{name}: not an authentic answer");
            }
            "ignore" => assert!(!answered, "{name}: answered"),
            "either" => {}
            other => panic!("{name}: unknown expectation {other}"),
        }
        if expect != "answer" && !answered {
            assert_eq!(nas.changes_of("anna@isp.example"), 0, "{name}: ignored but carried out");
        }
        // Whatever it was, the NAS lives on.
        let acks = nas.counters().acks;
        let good = write_request(code::COA_REQUEST, 200, &[text(attr::ACCT_SESSION_ID, "s-2002")], false, &secret).unwrap();
        asker.send(&good).await;
        assert!(nas.wait_until(LONG, |n| n.counters().acks > acks).await, "{name}");
    }
}

#[tokio::test]
async fn every_request_that_a_real_server_answered_is_read_and_answered() {
    for vector in vectors("exchange") {
        let (name, Some(request)) = (vector["name"].as_str().unwrap(), vector["request_hex"].as_str()) else { continue };
        let request = hex(request);
        if !matches!(request.first(), Some(&code::COA_REQUEST | &code::DISCONNECT_REQUEST)) {
            continue;
        }
        let read = super::super::packet::read_request(&request, &Secret::new(vector["secret"].as_str().unwrap()), true, false);
        let good = vector["request_checks"]["request_authenticator_ok"].as_bool().unwrap_or(true)
            && vector["request_checks"]["message_authenticator_ok"].as_bool().unwrap_or(true);
        assert_eq!(read.is_ok(), good, "{name}: {read:?}");
        let Ok(packet) = read else { continue };
        assert_eq!(packet.encode().unwrap(), request, "{name}: read and written again");
        if let Some(answer) = vector["response_hex"].as_str().filter(|_| vector["expect"] == "accept") {
            let answer = hex(answer);
            let same = super::super::packet::write_answer(
                answer[0],
                answer[1],
                &packet.authenticator,
                &Packet::decode(&answer)
                    .unwrap()
                    .attributes
                    .into_iter()
                    .filter(|a| a.typ != attr::MESSAGE_AUTHENTICATOR)
                    .collect::<Vec<_>>(),
                Sign::No,
                &Secret::new(vector["secret"].as_str().unwrap()),
            );
            let signed = Packet::decode(&answer).unwrap().first(attr::MESSAGE_AUTHENTICATOR).is_some();
            assert!(signed || same.unwrap() == answer, "{name}: our answer differs from the recorded one");
        }
    }
}

#[tokio::test]
async fn every_duplicate_vector_is_handled_as_it_expects() {
    for vector in vectors("duplicate") {
        let name = vector["name"].as_str().unwrap();
        let requests: Vec<Vec<u8>> = vector["requests_hex"].as_array().unwrap().iter().map(|r| hex(r.as_str().unwrap())).collect();
        let secret = Secret::new(vector["secret"].as_str().unwrap());
        let nas = nas_of(&vector).await;
        let asker = Asker::new(&nas).await;
        match vector["expect"].as_str().unwrap() {
            "identical_answers" => {
                let mut answers = Vec::new();
                for request in &requests {
                    asker.send(request).await;
                    answers.push(asker.datagram().await.0);
                }
                assert!(answers.windows(2).all(|w| w[0] == w[1]), "{name}");
                assert!(is_authentic_answer(&answers[0], &requests[0], &secret), "{name}");
                assert_eq!(nas.changes_of("anna@isp.example"), 1, "{name}: changed exactly once");
                assert_eq!(nas.counters().answered_again, requests.len() as u64 - 1, "{name}");
            }
            "separate_answers" => {
                for request in &requests {
                    asker.send(request).await;
                    assert!(is_authentic_answer(&asker.datagram().await.0, request, &secret), "{name}");
                }
            }
            "undefined_never_do_this" => {
                nas.behave(|b| b.delay = Delay::Fixed(Duration::from_millis(50)));
                for request in &requests {
                    asker.send(request).await;
                }
                // Like the recorded server: the first is given up, the second answered.
                assert!(is_authentic_answer(&asker.datagram().await.0, requests.last().unwrap(), &secret), "{name}");
                assert_eq!(nas.counters().dropped.get(&Dropped::Superseded), Some(&1), "{name}");
            }
            other => panic!("{name}: unknown expectation {other}"),
        }
    }
}

#[test]
fn every_prefix_encoding_is_read_or_refused_as_it_says() {
    let all = file();
    for row in all["prefix_encodings"].as_array().expect("prefix_encodings") {
        let name = row["name"].as_str().unwrap();
        let value = hex(row["value_hex"].as_str().unwrap());
        let read = decode_prefix(&value);
        match row["decode"].as_str().unwrap() {
            "ok" => {
                let net: ipnet::Ipv6Net = row["text"].as_str().unwrap().parse().unwrap();
                assert_eq!(read, Some(net), "{name}");
                assert_eq!(decode_prefix(&encode_prefix(net)), Some(net), "{name}: written and read again");
                if name.ends_with("_full") {
                    assert_eq!(encode_prefix(net), value, "{name}: the long form");
                }
            }
            "reject" => assert_eq!(read, None, "{name}"),
            other => panic!("{name}: unknown {other}"),
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_datagram_makes_the_reader_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _ = Packet::decode(&bytes);
        let _ = super::super::packet::read_request(&bytes, &secret(), true, false);
        let _ = decode_prefix(&bytes);
    }

    #[test]
    fn every_length_of_prefix_is_read_as_written(address in proptest::num::u128::ANY, length in 0u8..=128) {
        let net = ipnet::Ipv6Net::new(address.into(), length).unwrap().trunc();
        proptest::prop_assert_eq!(decode_prefix(&encode_prefix(net)), Some(net));
    }
}
