//! Not a measurement: many requests at once come through, none is lost or answered twice.

use super::*;

#[tokio::test]
async fn two_thousand_requests_in_windows_are_each_answered_once() {
    let nas = start(Preset::Strict, |_| {}).await;
    let sessions = (0..2000).map(|i| NasSession::new(format!("s-{i}"), format!("u{i}@isp.example"), at())).collect();
    nas.set_sessions(sessions);
    let mut asker = Asker::new(&nas).await;
    for block in 0..40 {
        let requests: Vec<Vec<u8>> = (0..50)
            .map(|i| {
                let id = format!("s-{}", block * 50 + i);
                asker.request(code::COA_REQUEST, &[text(attr::ACCT_SESSION_ID, &id), text(attr::FILTER_ID, "walled-garden")])
            })
            .collect();
        for request in &requests {
            asker.send(request).await;
        }
        for _ in &requests {
            asker.datagram().await;
        }
    }
    assert_eq!((nas.counters().acks, nas.counters().sessions_changed), (2000, 2000));
    assert!((0..2000).all(|i| nas.changes_of(&format!("u{i}@isp.example")) == 1));
}
