//! Strict RFC 5176: what is answered, and what is true afterwards.

use super::*;

#[tokio::test]
async fn coa_sets_the_prefix_and_the_filter_and_says_ack() {
    let nas = start(Preset::Strict, |_| {}).await;
    let mut asker = Asker::new(&nas).await;
    assert!(nas.routes("anna@isp.example"));
    assert_eq!(asker.coa(&[user(), session_id(), prefix("2001:db8:100:4300::/56")]).await, ACK);
    assert_eq!(nas.session("s-1").unwrap().delegated_prefixes, vec!["2001:db8:100:4300::/56".parse().unwrap()]);
    assert_eq!(nas.holders_of("2001:db8:100:4310::/60".parse().unwrap()), vec!["anna@isp.example"]);
    assert_eq!(asker.coa(&[user(), session_id(), text(attr::FILTER_ID, "noctule-suspended")]).await, ACK);
    assert!(!nas.routes("anna@isp.example"), "a suspended session does not route");
    assert_eq!(asker.coa(&[user(), session_id(), text(attr::FILTER_ID, "normal")]).await, ACK);
    assert!(nas.routes("anna@isp.example"));
    assert_eq!(nas.changes_of("anna@isp.example"), 3);
}

#[tokio::test]
async fn disconnect_ends_the_session_and_the_next_one_finds_none() {
    let nas = start(Preset::Strict, |_| {}).await;
    let mut asker = Asker::new(&nas).await;
    assert_eq!(asker.disconnect(&[user(), session_id()]).await, GONE);
    assert!(!nas.routes("anna@isp.example") && nas.session_count() == 0);
    assert_eq!(asker.disconnect(&[user(), session_id()]).await, (code::DISCONNECT_NAK, Some(503)));
}

#[tokio::test]
async fn identification_is_joined_by_and() {
    let nas = start(Preset::Strict, |_| {}).await;
    let mut bert = NasSession::new("s-2", "bert@isp.example", at());
    bert.framed_ipv4 = Some("100.64.0.2".parse().unwrap());
    nas.insert_session(bert);
    let mut asker = Asker::new(&nas).await;
    assert_eq!(asker.coa(&[]).await, nak(402));
    assert_eq!(asker.coa(&[text(attr::ACCT_SESSION_ID, "s-9")]).await, nak(503));
    assert_eq!(asker.coa(&[text(attr::USER_NAME, "bert@isp.example"), session_id()]).await, nak(503), "each fits, not both");
    assert_eq!(asker.coa(&[Attribute::new(attr::FRAMED_IP_ADDRESS, [100, 64, 0, 2])]).await, ACK);
    assert_eq!(asker.coa(&[text(attr::CALLING_STATION_ID, "00-00-5e-00-53-01"), user()]).await, ACK);
    let mut again = anna();
    again.acct_session_id = "s-3".into();
    nas.insert_session(again);
    assert_eq!(asker.coa(&[user(), prefix("2001:db8:100:4300::/56")]).await, nak(508), "two sessions of one user");
    nas.behave(|b| b.several = Several::All);
    assert_eq!(asker.coa(&[user(), prefix("2001:db8:100:4300::/56")]).await, ACK);
    assert!(nas.sessions_of("anna@isp.example").iter().all(|s| s.delegated_prefixes == ["2001:db8:100:4300::/56".parse().unwrap()]));
}

#[tokio::test]
async fn a_request_that_can_not_be_done_as_a_whole_changes_nothing() {
    let nas = start(Preset::Strict, |_| {}).await;
    let mut asker = Asker::new(&nas).await;
    let pool = text(100, "pool-7");
    assert_eq!(asker.coa(&[session_id(), text(attr::FILTER_ID, "noctule-suspended"), pool]).await, nak(401));
    let bad = Attribute::new(attr::DELEGATED_IPV6_PREFIX, [0, 56, 0x20, 1]);
    assert_eq!(asker.coa(&[session_id(), text(attr::FILTER_ID, "noctule-suspended"), bad]).await, nak(407));
    assert_eq!(nas.session("s-1").unwrap(), anna());
    let with_prefix = [session_id(), prefix("2001:db8:100:4200::/56")];
    assert_eq!(asker.disconnect(&with_prefix).await, (code::DISCONNECT_NAK, Some(401)), "only identification in a Disconnect");
    assert_eq!(nas.session_count(), 1);
}

#[tokio::test]
async fn a_nas_called_by_another_name_says_403() {
    let nas = start(Preset::Strict, |_| {}).await;
    let mut config = NasSimConfig::new(Preset::Strict, secret()).session(anna());
    config.identity = NasIdentity { ipv4: Some("192.0.2.11".parse().unwrap()), ipv6: None, identifier: Some("bng-1".into()) };
    let named = NasSim::start(config).await.unwrap();
    drop(nas);
    let mut asker = Asker::new(&named).await;
    let ip = |last| Attribute::new(attr::NAS_IP_ADDRESS, [192, 0, 2, last]);
    assert_eq!(asker.coa(&[session_id(), ip(11), text(attr::NAS_IDENTIFIER, "bng-1")]).await, ACK);
    assert_eq!(asker.coa(&[session_id(), ip(12)]).await, nak(403));
    assert_eq!(asker.coa(&[session_id(), ip(11), text(attr::NAS_IDENTIFIER, "bng-2")]).await, nak(403));
}

#[tokio::test]
async fn authorize_only_gets_507_with_service_type_and_state() {
    let nas = start(Preset::Strict, |_| {}).await;
    let mut asker = Asker::new(&nas).await;
    let authorize = Attribute::integer(attr::SERVICE_TYPE, 17);
    let state = text(attr::STATE, "xyz");
    let answer = asker.ask(code::COA_REQUEST, &[session_id(), authorize.clone(), state.clone()]).await;
    assert_eq!(outcome(&answer), nak(507));
    assert_eq!((answer.first(attr::SERVICE_TYPE), answer.first(attr::STATE)), (Some(&authorize), Some(&state)));
    assert_eq!(asker.coa(&[session_id(), authorize]).await, nak(402));
    assert_eq!(asker.coa(&[session_id(), Attribute::integer(attr::SERVICE_TYPE, 2)]).await, nak(405));
}

#[tokio::test]
async fn proxy_state_comes_back_in_order() {
    let nas = start(Preset::Strict, |_| {}).await;
    let mut asker = Asker::new(&nas).await;
    let sent = [text(attr::PROXY_STATE, "one"), text(attr::PROXY_STATE, "two")];
    let answer = asker.ask(code::COA_REQUEST, &[sent[0].clone(), session_id(), sent[1].clone()]).await;
    assert_eq!(answer.all(attr::PROXY_STATE).cloned().collect::<Vec<_>>(), sent);
}

#[tokio::test]
async fn strangers_wrong_secrets_old_stamps_and_unsigned_requests_meet_silence() {
    let nas = start(Preset::Strict, |_| {}).await;
    let mut asker = Asker::new(&nas).await;
    let wrong = write_request(code::COA_REQUEST, 1, &[session_id()], false, &Secret::new("not-the-secret")).unwrap();
    asker.dropped(&nas, &wrong, Dropped::BadAuthenticator).await;
    let now = at().timestamp();
    for (offset, timely) in [(-300, true), (300, true), (-301, false), (301, false)] {
        let stamp = Attribute::integer(attr::EVENT_TIMESTAMP, u32::try_from(now + offset).unwrap());
        if timely {
            assert_eq!(asker.coa(&[session_id(), stamp]).await, ACK, "{offset} s");
        } else {
            let request = asker.request(code::COA_REQUEST, &[session_id(), stamp]);
            asker.dropped(&nas, &request, Dropped::StaleTimestamp).await;
        }
    }
    nas.behave(|b| b.clock_offset_s = 1000);
    let request = asker.request(code::COA_REQUEST, &[session_id(), Attribute::integer(attr::EVENT_TIMESTAMP, now as u32)]);
    asker.dropped(&nas, &request, Dropped::StaleTimestamp).await;
    nas.behave(|b| b.require_message_authenticator = true);
    let unsigned = write_request(code::COA_REQUEST, 9, &[session_id()], false, &secret()).unwrap();
    asker.dropped(&nas, &unsigned, Dropped::Unsigned).await;
    nas.set_client("127.0.0.1".parse().unwrap(), None);
    let request = asker.request(code::COA_REQUEST, &[session_id()]);
    asker.dropped(&nas, &request, Dropped::UnknownClient).await;
}

#[tokio::test]
async fn a_lost_request_and_a_lost_answer_leave_different_truths() {
    let suspend = [session_id(), text(attr::FILTER_ID, "noctule-suspended")];
    let nas = start(Preset::Strict, |b| b.drop_in = 1.0).await;
    let mut asker = Asker::new(&nas).await;
    let request = asker.request(code::COA_REQUEST, &suspend);
    asker.dropped(&nas, &request, Dropped::LostOnTheWay).await;
    assert!(nas.routes("anna@isp.example"), "the request was lost: nothing happened");

    nas.behave(|b| {
        b.drop_in = 0.0;
        b.drop_out = 1.0;
    });
    asker.send(&request).await;
    assert!(nas.wait_until(LONG, |n| n.counters().answers_lost == 1).await);
    assert!(!nas.routes("anna@isp.example"), "the answer was lost: it happened");

    nas.behave(|b| b.drop_out = 0.0);
    asker.send(&request).await;
    assert_eq!(asker.answer(&request).await.code, code::COA_ACK, "a repeat brings the kept answer");
    assert_eq!(nas.changes_of("anna@isp.example"), 1, "and changes nothing again");
}
