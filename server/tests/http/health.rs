//! What `/health` says.

use super::support::{quick, start};
use noctule_server::{ServerConfig, State};
use serde_json::{Value, json};
use std::time::Duration;

async fn ask(server: &super::support::Running) -> (u16, Value) {
    let answer = server.client.get(server.url("/health")).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

#[tokio::test]
async fn an_upstream_that_is_away_is_said_and_only_a_store_that_is_gone_is_a_failure() {
    let server = start(None, quick(), |_| ()).await;
    let (status, body) = ask(&server).await;
    assert_eq!((status, &body["state"], &body["running"], &body["waiting"]), (200, &json!("ok"), &json!(1), &json!(2)));
    assert_eq!(body["upstreams"][0]["name"], "NetBox");
    server.desk.report.lock().expect("report").upstreams[0].state = State::Offline;
    let (status, body) = ask(&server).await;
    assert_eq!((status, &body["state"], &body["upstreams"][0]["state"]), (200, &json!("degraded"), &json!("offline")));
    server.desk.report.lock().expect("report").works = false;
    let (status, body) = ask(&server).await;
    assert_eq!((status, &body["state"]), (503, &json!("failed")));
    server.stop().await;
}

#[tokio::test]
async fn a_store_that_does_not_answer_does_not_hold_the_answer() {
    let short = |config: &mut ServerConfig| config.whole = Duration::from_secs(1);
    let server = start(None, quick(), short).await;
    server.desk.hold(true);
    let answer = server.client.get(server.url("/health")).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 408);
    server.desk.hold(false);
    assert_eq!(ask(&server).await.0, 200);
    server.stop().await;
}
