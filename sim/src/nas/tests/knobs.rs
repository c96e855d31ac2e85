//! Each knob does what it says: refusals, silence, delays, repeats, noise, logins, reboot.

use super::*;
use std::sync::atomic::{AtomicU32, Ordering};

fn suspend() -> [Attribute; 2] {
    [session_id(), text(attr::FILTER_ID, "noctule-suspended")]
}

#[tokio::test]
async fn a_script_gives_each_refusal_in_turn_and_then_the_truth() {
    let nas = start(Preset::Strict, |_| {}).await;
    let mut asker = Asker::new(&nas).await;
    let causes: Vec<u32> = vec![401, 402, 403, 404, 405, 406, 407, 501, 502, 503, 504, 505, 506, 508, 599];
    nas.script("s-1", causes.iter().map(|c| Scripted::Nak(vec![*c])));
    for cause in &causes {
        assert_eq!(asker.coa(&suspend()).await, nak(*cause));
    }
    nas.script("anna@isp.example", [Scripted::Nak(vec![]), Scripted::Nak(vec![503, 599]), Scripted::NakRaw(vec![0, 1, 0xf7])]);
    assert_eq!(asker.coa(&suspend()).await, (code::COA_NAK, None), "by user name too");
    let two = asker.ask(code::COA_REQUEST, &suspend()).await;
    assert_eq!(two.all(attr::ERROR_CAUSE).filter_map(Attribute::as_u32).collect::<Vec<_>>(), [503, 599]);
    let odd = asker.ask(code::COA_REQUEST, &suspend()).await;
    assert_eq!(odd.first(attr::ERROR_CAUSE).unwrap().value, [0, 1, 0xf7]);
    assert!(nas.routes("anna@isp.example"), "refused: nothing happened");
    nas.script("s-1", [Scripted::LieAck, Scripted::AckWith(vec![201])]);
    assert_eq!(asker.coa(&suspend()).await, ACK);
    assert!(nas.routes("anna@isp.example"), "a lie");
    assert_eq!(asker.disconnect(&[session_id()]).await, (code::DISCONNECT_ACK, Some(201)));
    assert_eq!(nas.session_count(), 0);
}

#[tokio::test]
async fn scripted_silence_differs_in_what_was_done() {
    let nas = start(Preset::Strict, |_| {}).await;
    let mut asker = Asker::new(&nas).await;
    nas.script("s-1", [Scripted::Silence, Scripted::DoneInSilence]);
    let request = asker.request(code::COA_REQUEST, &suspend());
    asker.dropped(&nas, &request, Dropped::Scripted).await;
    assert!(nas.routes("anna@isp.example"));
    asker.send(&request).await;
    assert!(nas.wait_until(LONG, |n| n.counters().answers_lost == 1).await);
    assert!(!nas.routes("anna@isp.example"));
    asker.send(&request).await;
    assert_eq!(asker.answer(&request).await.code, code::COA_ACK, "the third copy gets the kept answer");
    assert_eq!(nas.changes_of("anna@isp.example"), 1);
}

#[tokio::test]
async fn lies_and_ignored_attributes_leave_the_session_as_it_was() {
    let nas = start(Preset::Strict, |b| b.lie_ack = true).await;
    let mut asker = Asker::new(&nas).await;
    assert_eq!(asker.coa(&suspend()).await, ACK);
    assert_eq!(asker.disconnect(&[session_id()]).await, GONE);
    assert!(nas.routes("anna@isp.example"));
    nas.behave(|b| {
        b.lie_ack = false;
        b.ignores.insert(AttrKey::standard(attr::FILTER_ID));
    });
    assert_eq!(asker.coa(&[session_id(), text(attr::FILTER_ID, "noctule-suspended"), prefix("2001:db8:100:4400::/56")]).await, ACK);
    let session = nas.session("s-1").unwrap();
    assert_eq!((session.filter, session.delegated_prefixes), (None, vec!["2001:db8:100:4400::/56".parse().unwrap()]));
}

#[tokio::test]
async fn naks_by_chance_are_the_same_for_the_same_seed() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let nas = start(Preset::Strict, |b| b.nak_probability = 0.4).await;
        let mut asker = Asker::new(&nas).await;
        let mut answers = Vec::new();
        for _ in 0..40 {
            answers.push(asker.coa(&suspend()).await);
        }
        assert!(answers.contains(&ACK) && answers.contains(&nak(506)));
        runs.push(answers);
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn a_nas_that_is_down_says_nothing_until_it_is_up() {
    let nas = start(Preset::Strict, |b| b.down = true).await;
    let mut asker = Asker::new(&nas).await;
    let request = asker.request(code::COA_REQUEST, &suspend());
    asker.dropped(&nas, &request, Dropped::Down).await;
    nas.behave(|b| b.down = false);
    asker.send(&request).await;
    assert_eq!(asker.answer(&request).await.code, code::COA_ACK);
}

#[tokio::test]
async fn a_repeat_under_work_is_dropped_and_a_slow_answer_still_comes() {
    let nas = start(Preset::Strict, |b| b.delay = Delay::Fixed(Duration::from_millis(150))).await;
    let mut asker = Asker::new(&nas).await;
    let request = asker.request(code::COA_REQUEST, &suspend());
    asker.send(&request).await;
    asker.dropped(&nas, &request, Dropped::DuplicateUnderWork).await;
    assert!(nas.routes("anna@isp.example"), "not done yet");
    assert_eq!(asker.answer(&request).await.code, code::COA_ACK);
    assert_eq!(nas.changes_of("anna@isp.example"), 1);
}

#[tokio::test]
async fn a_late_answer_leaves_after_the_change() {
    let nas = start(Preset::Strict, |b| b.answer_delay = Delay::Fixed(Duration::from_millis(200))).await;
    let mut asker = Asker::new(&nas).await;
    let request = asker.request(code::COA_REQUEST, &suspend());
    asker.send(&request).await;
    assert!(nas.wait_until(LONG, |n| !n.routes("anna@isp.example")).await);
    assert_eq!(nas.counters().acks, 0, "done, and not answered yet");
    assert_eq!(asker.answer(&request).await.code, code::COA_ACK);
}

#[tokio::test]
async fn an_identifier_is_taken_once_within_a_strict_window() {
    let nas = start(Preset::Strict, |b| b.strict_window = true).await;
    let asker = Asker::new(&nas).await;
    let first = write_request(code::COA_REQUEST, 5, &[session_id()], true, &secret()).unwrap();
    let second = write_request(code::COA_REQUEST, 5, &suspend(), true, &secret()).unwrap();
    asker.send(&first).await;
    asker.answer(&first).await;
    asker.dropped(&nas, &second, Dropped::IdentifierReused).await;
    let other_port = Asker::new(&nas).await;
    other_port.send(&second).await;
    assert_eq!(other_port.answer(&second).await.code, code::COA_ACK, "another source port has its own 256");
    nas.behave(|b| b.dup_window = Duration::ZERO);
    assert!(
        nas.wait_until(LONG, |n| {
            asker.socket.try_send_to(&second, n.addr()).expect("sent");
            n.counters().acks == 3
        })
        .await,
        "after the window it may be used again"
    );
}

#[tokio::test]
async fn a_busy_session_drops_the_second_request() {
    let nas = start(Preset::Strict, |b| {
        b.one_per_session = true;
        b.delay = Delay::Fixed(Duration::from_millis(150));
    })
    .await;
    let mut asker = Asker::new(&nas).await;
    let first = asker.request(code::COA_REQUEST, &suspend());
    let second = asker.request(code::DISCONNECT_REQUEST, &[user()]);
    asker.send(&first).await;
    asker.dropped(&nas, &second, Dropped::SessionBusy).await;
    asker.answer(&first).await;
    asker.send(&second).await;
    assert_eq!(asker.answer(&second).await.code, code::DISCONNECT_ACK, "free again");
}

#[tokio::test]
async fn over_its_rate_a_nas_is_silent_or_says_506() {
    let limit = |over| Some(PpsLimit { per_second: 0, over });
    let nas = start(Preset::Strict, |b| b.pps = limit(Over::Nak506)).await;
    let mut asker = Asker::new(&nas).await;
    assert_eq!(asker.coa(&suspend()).await, nak(506));
    nas.behave(|b| b.pps = limit(Over::Silence));
    let request = asker.request(code::COA_REQUEST, &suspend());
    asker.dropped(&nas, &request, Dropped::RateLimit).await;
    nas.behave(|b| b.pps = Some(PpsLimit { per_second: 1000, over: Over::Silence }));
    asker.send(&request).await;
    assert_eq!(asker.answer(&request).await.code, code::COA_ACK);
}

#[tokio::test]
async fn one_at_a_time_takes_the_sum_of_the_delays_and_a_full_queue_drops() {
    let nas = start(Preset::Strict, |b| {
        b.serial = true;
        b.delay = Delay::Fixed(Duration::from_millis(40));
        b.queue = 3;
    })
    .await;
    let mut asker = Asker::new(&nas).await;
    let begun = std::time::Instant::now();
    let requests: Vec<_> = (0..4).map(|_| asker.request(code::COA_REQUEST, &[session_id()])).collect();
    for request in &requests {
        asker.send(request).await;
    }
    for request in &requests[..3] {
        asker.answer(request).await;
    }
    assert!(begun.elapsed() >= Duration::from_millis(120), "{:?}", begun.elapsed());
    assert_eq!(nas.counters().dropped.get(&Dropped::QueueFull), Some(&1));
}

#[tokio::test]
async fn an_answer_may_come_from_another_port() {
    let nas = start(Preset::Strict, |b| b.reply_from_other = true).await;
    let mut asker = Asker::new(&nas).await;
    let request = asker.request(code::COA_REQUEST, &suspend());
    asker.send(&request).await;
    let (answer, from) = asker.datagram().await;
    assert_eq!(from, nas.other_addr());
    assert_ne!(from, nas.addr());
    assert!(is_authentic_answer(&answer, &request, &secret()));
}

#[tokio::test]
async fn noise_around_an_answer_holds_exactly_one_that_is_authentic_and_of_the_right_kind() {
    let nas = start(Preset::Strict, |b| b.noise = Noise::all_around()).await;
    let mut asker = Asker::new(&nas).await;
    for round in 0..20 {
        let request = asker.request(code::COA_REQUEST, &suspend());
        asker.send(&request).await;
        let mut good = 0;
        for _ in 0..2 * NoiseKind::ALL.len() + 1 {
            let (bytes, _) = asker.datagram().await;
            let stale = |p: &Packet| p.first(attr::EVENT_TIMESTAMP).is_some();
            if is_authentic_answer(&bytes, &request, &secret()) {
                let packet = Packet::decode(&bytes).unwrap();
                good += usize::from(packet.code == code::COA_ACK && !stale(&packet));
            }
        }
        assert_eq!(good, 1, "round {round}");
    }
    assert_eq!(nas.counters().acks, 20);
}

#[tokio::test]
async fn noise_in_place_of_the_answer_is_never_acceptable() {
    for kind in NoiseKind::ALL {
        let nas = start(Preset::Strict, |b| b.noise.instead = Some(*kind)).await;
        let mut asker = Asker::new(&nas).await;
        let request = asker.request(code::COA_REQUEST, &suspend());
        asker.send(&request).await;
        let (bytes, _) = asker.datagram().await;
        let acceptable = is_authentic_answer(&bytes, &request, &secret())
            && Packet::decode(&bytes).is_ok_and(|p| matches!(p.code, 44 | 45) && p.first(attr::EVENT_TIMESTAMP).is_none());
        assert!(!acceptable, "{kind:?}");
    }
}

#[tokio::test]
async fn after_a_disconnect_the_subscriber_logs_in_again_with_what_radius_says() {
    let tries = Arc::new(AtomicU32::new(0));
    let seen = tries.clone();
    let login = move |username: &str| {
        seen.fetch_add(1, Ordering::SeqCst);
        (username == "anna@isp.example")
            .then(|| LoginProfile { delegated_prefixes: vec!["2001:db8:100:7700::/56".parse().unwrap()], ..LoginProfile::default() })
    };
    let nas = start(Preset::Strict, |b| b.relogin = Some(Delay::Fixed(Duration::from_millis(50)))).await;
    nas.set_login(Some(Arc::new(login)));
    let mut events = nas.subscribe();
    let mut asker = Asker::new(&nas).await;
    assert_eq!(asker.disconnect(&[user(), session_id()]).await, GONE);
    assert!(nas.wait_until(LONG, |n| n.session_count() == 1).await);
    let session = nas.sessions_of("anna@isp.example").remove(0);
    assert_ne!(session.acct_session_id, "s-1", "a new session");
    assert_eq!(session.delegated_prefixes, ["2001:db8:100:7700::/56".parse().unwrap()]);
    let mut kinds = Vec::new();
    while let Ok(event) = events.try_recv() {
        kinds.push(match event.what {
            What::SessionEnded { by: EndedBy::Disconnect, .. } => "ended",
            What::Answered { .. } => "answered",
            What::SessionStarted { .. } => "started",
            _ => "other",
        });
    }
    assert_eq!(kinds, ["ended", "answered", "started"]);
    nas.set_login(Some(Arc::new(|_: &str| None)));
    assert_eq!(asker.disconnect(&[user()]).await, GONE);
    assert!(nas.wait_until(LONG, |n| n.events().iter().any(|e| matches!(e.what, What::LoginRefused { .. }))).await);
    assert_eq!((nas.session_count(), tries.load(Ordering::SeqCst)), (0, 1));
}

#[tokio::test]
async fn a_reboot_ends_all_sessions_and_forgets_answers() {
    let nas = start(Preset::Strict, |_| {}).await;
    let mut asker = Asker::new(&nas).await;
    let request = asker.request(code::COA_REQUEST, &suspend());
    asker.send(&request).await;
    asker.answer(&request).await;
    nas.reboot();
    assert_eq!(nas.session_count(), 0);
    asker.send(&request).await;
    assert_eq!(outcome(&asker.answer(&request).await), nak(503), "the repeat is a new request to it");
    assert!(nas.events().iter().any(|e| e.what == What::Rebooted));
}

#[tokio::test]
async fn the_log_is_bounded_and_the_counters_are_not() {
    let nas = start(Preset::Strict, |_| {}).await;
    for _ in 0..KEPT_EVENTS + 10 {
        nas.insert_session(anna());
    }
    let events = nas.events();
    assert_eq!(events.len(), KEPT_EVENTS);
    assert_eq!(events.last().unwrap().number, KEPT_EVENTS as u64 + 9);
    assert_eq!(nas.counters().sessions_started, KEPT_EVENTS as u64 + 10);
    assert_eq!(nas.session_count(), 1, "the same session id is the same session");
}

#[tokio::test]
async fn the_last_handle_ends_the_nas() {
    let nas = start(Preset::Strict, |_| {}).await;
    let (addr, second) = (nas.addr(), nas.clone());
    drop(nas);
    let mut asker = Asker::new(&second).await;
    assert_eq!(asker.coa(&[session_id()]).await, ACK, "a clone keeps it alive");
    drop(second);
    let free = tokio::time::timeout(LONG, async {
        while UdpSocket::bind(addr).await.is_err() {
            tokio::task::yield_now().await;
        }
    });
    assert!(free.await.is_ok(), "the port is free again");
}
