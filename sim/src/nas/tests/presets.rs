//! What tells one kind of NAS from another.

use super::*;

const NEW: &str = "2001:db8:100:4300::/56";

/// The answer to a CoA with a new prefix, and whether the session has it then.
async fn asked_for_a_prefix(preset: Preset) -> ((u8, Option<u32>), bool) {
    let nas = start(preset, |_| {}).await;
    let mut asker = Asker::new(&nas).await;
    let answer = asker.coa(&[user(), session_id(), prefix(NEW)]).await;
    (answer, nas.session("s-1").unwrap().delegated_prefixes == [NEW.parse().unwrap()])
}

#[tokio::test]
async fn a_prefix_by_coa_is_applied_refused_ignored_or_taken_for_a_key() {
    assert_eq!(asked_for_a_prefix(Preset::Strict).await, (ACK, true));
    assert_eq!(asked_for_a_prefix(Preset::FreeRadius321).await, (ACK, true));
    assert_eq!(asked_for_a_prefix(Preset::Mikrotik).await, (nak(401), false), "not possible that way");
    assert_eq!(asked_for_a_prefix(Preset::Juniper).await, (nak(401), false));
    assert_eq!(asked_for_a_prefix(Preset::AccelPpp).await, (ACK, false), "an ACK that is no proof");
    assert_eq!(asked_for_a_prefix(Preset::Nokia).await, (nak(503), false), "a key that fits no session");
}

#[tokio::test]
async fn every_kind_suspends_and_resumes_by_what_its_profile_sends() {
    let filter = |name| text(attr::FILTER_ID, name);
    let cases = [
        (Preset::Strict, filter("noctule-suspended"), filter("noctule-normal")),
        (Preset::FreeRadius321, filter("noctule-suspended"), filter("noctule-normal")),
        (Preset::Mikrotik, filter("noctule-suspended"), filter("noctule-normal")),
        (
            Preset::Juniper,
            vsa(vendor::JUNIPER, vendor::JUNIPER_ACTIVATE, b"\x01noctule-suspended"),
            vsa(vendor::JUNIPER, vendor::JUNIPER_DEACTIVATE, b"noctule-suspended"),
        ),
        (Preset::Nokia, vsa(vendor::NOKIA, 13, b"noctule-suspended"), vsa(vendor::NOKIA, 13, b"noctule-normal")),
    ];
    for (preset, suspend, resume) in cases {
        let nas = start(preset, |_| {}).await;
        let mut asker = Asker::new(&nas).await;
        assert!(nas.routes("anna@isp.example"));
        assert_eq!(asker.coa(&[user(), session_id(), suspend]).await, ACK, "{preset:?}");
        assert!(!nas.routes("anna@isp.example"), "{preset:?} suspends");
        assert_eq!(asker.coa(&[user(), session_id(), resume]).await, ACK, "{preset:?}");
        assert!(nas.routes("anna@isp.example"), "{preset:?} resumes");
    }
}

#[tokio::test]
async fn junos_deactivates_before_it_activates() {
    let nas = start(Preset::Juniper, |_| {}).await;
    let mut asker = Asker::new(&nas).await;
    let on = vsa(vendor::JUNIPER, vendor::JUNIPER_ACTIVATE, b"\x01gold(1000)");
    let off = vsa(vendor::JUNIPER, vendor::JUNIPER_DEACTIVATE, b"gold(1000)");
    assert_eq!(asker.coa(&[user(), session_id(), on, off]).await, ACK);
    assert!(nas.session("s-1").unwrap().services.contains("gold(1000)"), "whatever the order in the packet");
}

#[tokio::test]
async fn nokia_takes_the_prefix_as_a_key_and_ignores_what_it_does_not_know() {
    let nas = start(Preset::Nokia, |_| {}).await;
    let mut asker = Asker::new(&nas).await;
    let unknown = vsa(vendor::MIKROTIK, vendor::MIKROTIK_RATE_LIMIT, b"1M/1M");
    assert_eq!(asker.coa(&[session_id(), unknown]).await, ACK);
    assert_eq!(nas.session("s-1").unwrap(), anna(), "acknowledged, and nothing changed");
    for i in 0..32 {
        nas.insert_session(NasSession::new(format!("m-{i}"), "anna@isp.example", at()));
    }
    assert_eq!(asker.coa(&[user(), text(attr::FILTER_ID, "x")]).await, nak(501), "more than 32 hosts");
    assert_eq!(asker.disconnect(&[user(), prefix("2001:db8:100:4200::/56")]).await, GONE, "named by prefix");
    assert!(nas.session("s-1").is_none() && nas.session_count() == 32);
}

#[tokio::test]
async fn accel_ppp_says_503_without_a_name_gives_no_other_cause_and_takes_the_first_match() {
    let nas = start(Preset::AccelPpp, |_| {}).await;
    let mut asker = Asker::new(&nas).await;
    assert_eq!(asker.coa(&[]).await, nak(503));
    let bad = [session_id(), Attribute::integer(attr::SERVICE_TYPE, 2)];
    assert_eq!(asker.coa(&bad).await, (code::COA_NAK, None), "a NAK without a cause");
    let mut again = anna();
    again.acct_session_id = "s-2".into();
    nas.insert_session(again);
    assert_eq!(asker.coa(&[user(), text(attr::FILTER_ID, "noctule-suspended")]).await, ACK);
    assert_eq!((nas.session("s-1").unwrap().filter.is_some(), nas.session("s-2").unwrap().filter.is_some()), (true, false));
    let wrong_signature = {
        let mut attributes = vec![Attribute::new(attr::MESSAGE_AUTHENTICATOR, [7; 16])];
        attributes.push(session_id());
        write_request(code::COA_REQUEST, 77, &attributes, false, &secret()).unwrap()
    };
    asker.send(&wrong_signature).await;
    assert_eq!(asker.answer(&wrong_signature).await.code, code::COA_ACK, "Message-Authenticator is not looked at");
}

#[tokio::test]
async fn accel_ppp_does_a_repeat_again_and_says_ack_before_the_session_ends() {
    let nas = start(Preset::AccelPpp, |b| b.teardown_delay = Duration::from_millis(300)).await;
    let mut asker = Asker::new(&nas).await;
    let request = asker.request(code::COA_REQUEST, &[session_id(), text(attr::FILTER_ID, "a")]);
    for _ in 0..2 {
        asker.send(&request).await;
        asker.answer(&request).await;
    }
    assert_eq!(nas.changes_of("anna@isp.example"), 2, "no kept answer: done twice");
    assert_eq!(asker.disconnect(&[session_id()]).await, GONE);
    assert_eq!(nas.session_count(), 1, "the ACK came first");
    assert!(nas.wait_until(LONG, |n| n.session_count() == 0).await);
}

#[tokio::test]
async fn mikrotik_changes_its_rate_limit_and_does_a_repeat_again() {
    let nas = start(Preset::Mikrotik, |_| {}).await;
    let mut asker = Asker::new(&nas).await;
    let request = asker.request(code::COA_REQUEST, &[user(), session_id(), vsa(vendor::MIKROTIK, vendor::MIKROTIK_RATE_LIMIT, b"10M/50M")]);
    for _ in 0..2 {
        asker.send(&request).await;
        assert_eq!(asker.answer(&request).await.code, code::COA_ACK);
    }
    assert_eq!(nas.session("s-1").unwrap().rate.as_deref(), Some("10M/50M"));
    assert_eq!(nas.changes_of("anna@isp.example"), 2);
}

#[tokio::test]
async fn freeradius_refuses_a_pool_and_signs_no_answer_or_signs_wrongly() {
    let nas = start(Preset::FreeRadius321, |_| {}).await;
    let mut asker = Asker::new(&nas).await;
    assert_eq!(asker.coa(&[session_id(), text(attr::FRAMED_POOL, "p")]).await, nak(401));
    assert!(asker.ask(code::COA_REQUEST, &[session_id()]).await.first(attr::MESSAGE_AUTHENTICATOR).is_none());
    nas.behave(|b| b.sign = Sign::Zero);
    let request = asker.request(code::COA_REQUEST, &[session_id()]);
    asker.send(&request).await;
    let (answer, _) = asker.datagram().await;
    assert!(Packet::decode(&answer).unwrap().first(attr::MESSAGE_AUTHENTICATOR).is_some());
    assert!(!is_authentic_answer(&answer, &request, &secret()), "signed over zeros: to be dropped by the standard");
    nas.behave(|b| b.sign = Sign::Rfc);
    let answer = asker.ask(code::COA_REQUEST, &[session_id()]).await;
    assert!(answer.first(attr::MESSAGE_AUTHENTICATOR).is_some(), "and this one is signed rightly");
}

#[test]
fn every_preset_has_a_profile_key_of_its_own() {
    let keys: std::collections::HashSet<_> = Preset::ALL.iter().map(|p| p.profile_key()).collect();
    assert_eq!(keys.len(), Preset::ALL.len());
    assert!(Preset::ALL.iter().all(|p| Preset::of_profile(p.profile_key()) == Some(*p)));
    assert_eq!(Preset::of_profile("huawei"), None);
}
