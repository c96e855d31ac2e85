//! Webhooks: the recorded ones of a real NetBox, wrong ones, repeated ones, too many.

use super::support::{Looked, SECRET, hook, quick, start};
use noctule_domain::Retry;
use noctule_domain::secret::Secret;
use noctule_server::{HookConfig, signature};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// Body and signature as a real NetBox sent them.
fn recorded() -> Vec<(String, Vec<u8>, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/netbox");
    let mut found = Vec::new();
    for version in ["v4.4.10", "v4.6.8"] {
        for event in ["created", "updated", "deleted"] {
            let file = folder.join(version).join(format!("95-webhook-delivered-{event}.json"));
            let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let all: Value = serde_json::from_str(&text).expect("JSON");
            let sent = &all["delivered_request"];
            let field = |value: &Value| value.as_str().expect("a text").to_owned();
            found.push((format!("{version} {event}"), field(&sent["raw_body"]).into_bytes(), field(&sent["headers"]["X-Hook-Signature"])));
        }
    }
    found
}

#[tokio::test]
async fn what_a_real_netbox_sent_is_taken_and_looked_at_once() {
    let server = start(Some(SECRET), quick(), |_| ()).await;
    server.desk.until(|all| all == [Looked::All]).await;
    let mut ids = std::collections::BTreeSet::new();
    for (name, body, signature) in recorded() {
        assert_eq!(server.post(&body, Some(&signature)).await.0, 202, "{name}");
        let id = serde_json::from_slice::<Value>(&body).expect("JSON")["data"]["id"].as_i64().expect("an id");
        ids.insert(id);
        // One byte more, and it is somebody else's.
        let mut other = body.clone();
        other.push(b' ');
        assert_eq!(server.post(&other, Some(&signature)).await.0, 403, "{name}");
    }
    let seen = |all: &[Looked]| {
        let again = all.iter().flat_map(|one| if let Looked::Again(ids) = one { ids.clone() } else { vec![] });
        again.collect::<std::collections::BTreeSet<i64>>()
    };
    server.desk.until(|all| seen(all) == ids).await;
    // Behind a mark: when that was looked at, nothing of them waits any more.
    server.signed(&hook("first", 4710, "updated")).await;
    server.desk.until(|all| all.contains(&Looked::Again(vec![4710]))).await;
    // The same deliveries once more, as somebody might who has written them down.
    let before = server.desk.looked().len();
    for (name, body, signature) in recorded() {
        let (status, answer) = server.post(&body, Some(&signature)).await;
        assert_eq!((status, &answer["taken"]), (200, &Value::Bool(false)), "{name}");
    }
    // A new one behind them: when it was looked at, nothing else was.
    server.signed(&hook("last", 4711, "updated")).await;
    let all = server.desk.until(|all| all.contains(&Looked::Again(vec![4711]))).await;
    assert_eq!(all.len(), before + 1, "{all:?}");
    server.stop().await;
}

#[tokio::test]
async fn the_shape_of_4_7_is_known_again_too() {
    let server = start(Some(SECRET), quick(), |_| ()).await;
    let body = br#"{"event":"updated","timestamp":"x","object_type":"ipam.prefix","data":{"id":5},"request":{"id":"q-1","method":"PATCH","user":"admin"},"snapshots":{}}"#;
    assert_eq!(server.signed(body).await.0, 202);
    assert_eq!(server.signed(body).await.0, 200);
    server.stop().await;
}

#[tokio::test]
async fn nothing_unsigned_or_wrongly_signed_is_taken() {
    let server = start(Some(SECRET), quick(), |_| ()).await;
    server.desk.until(|all| all == [Looked::All]).await;
    let body = hook("r", 1, "updated");
    let good = signature::sign(&Secret::new(SECRET), &body);
    let other = signature::sign(&Secret::new("another"), &body);
    assert_eq!(server.post(&body, None).await.0, 401);
    for wrong in [other.as_str(), "", "zz", &good[..127], &format!("{good}0"), &"0".repeat(128), "sha512=abc"] {
        let (status, answer) = server.post(&body, Some(wrong)).await;
        assert_eq!(status, 403, "{wrong}");
        assert!(!answer.to_string().contains(SECRET));
    }
    // The signature of another body.
    assert_eq!(server.post(&hook("r", 2, "updated"), Some(&good)).await.0, 403);
    assert_eq!(server.post(&body, Some(&good)).await.0, 202);
    let all = server.desk.until(|all| all.len() == 2).await;
    assert_eq!(all[1], Looked::Again(vec![1]));
    server.stop().await;
}

#[tokio::test]
async fn without_a_secret_no_hook_is_taken() {
    let server = start(None, quick(), |_| ()).await;
    let body = hook("r", 1, "updated");
    for signed in [signature::sign(&Secret::new(SECRET), &body), signature::sign(&Secret::new(""), &body)] {
        let (status, answer) = server.post(&body, Some(&signed)).await;
        assert_eq!(status, 503);
        assert!(answer["detail"].as_str().is_some_and(|why| why.contains("server.netbox_secret")), "{answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_signed_and_no_hook_of_a_prefix_is_answered_in_words() {
    let server = start(Some(SECRET), quick(), |_| ()).await;
    let (status, answer) = server.signed(br#"{"event":"updated","object_type":"dcim.site","data":{"id":1},"request_id":"r"}"#).await;
    assert_eq!((status, &answer["taken"]), (200, &Value::Bool(false)));
    for bad in [&b"not json"[..], b"", b"[]", b"{\"event\":1}", b"\xff\xfe"] {
        assert_eq!(server.signed(bad).await.0, 422, "{bad:?}");
    }
    let get = server.client.get(server.url("/hooks/netbox")).send().await.expect("an answer");
    assert_eq!(get.status().as_u16(), 405);
    assert_eq!(server.client.get(server.url("/nothing")).send().await.expect("an answer").status().as_u16(), 404);
    server.stop().await;
}

#[tokio::test]
async fn a_netbox_that_is_away_is_tried_again_and_what_came_meanwhile_is_merged() {
    let server = start(Some(SECRET), quick(), |_| ()).await;
    server.desk.until(|all| all == [Looked::All]).await;
    server.desk.fail(&[Retry::Later, Retry::Later]);
    server.signed(&hook("a", 1, "updated")).await;
    server.desk.until(|all| all.len() >= 2).await;
    server.signed(&hook("b", 2, "updated")).await;
    let all = server.desk.until(|all| all.iter().any(|one| matches!(one, Looked::Again(ids) if ids.contains(&2))) && all.len() >= 4).await;
    let tries = all.iter().filter(|one| matches!(one, Looked::Again(ids) if ids.contains(&1))).count();
    assert_eq!(tries, 3, "two that failed and one that did not: {all:?}");
    // A look that can never work is not repeated.
    server.desk.fail(&[Retry::Never]);
    server.signed(&hook("c", 3, "updated")).await;
    server.desk.until(|all| all.contains(&Looked::Again(vec![3]))).await;
    server.signed(&hook("d", 4, "updated")).await;
    let all = server.desk.until(|all| all.contains(&Looked::Again(vec![4]))).await;
    assert_eq!(all.iter().filter(|one| **one == Looked::Again(vec![3])).count(), 1);
    server.stop().await;
}

/// While NetBox answers nothing, ten thousand changes come. Each is answered at once, and they end as one look at everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_ten_thousand_is_answered_at_once_and_stays_small() {
    let server = std::sync::Arc::new(start(Some(SECRET), HookConfig { queue: 1000, remembered: 2000, ..quick() }, |_| ()).await);
    server.desk.until(|all| all == [Looked::All]).await;
    server.desk.hold(true);
    let before = resident();
    let mut senders = Vec::new();
    for sender in 0..8i64 {
        let server = server.clone();
        senders.push(tokio::spawn(async move {
            let mut slowest = Duration::ZERO;
            for at in 0..1250 {
                let id = sender * 1250 + at + 1;
                let mut body = hook(&format!("r{id}"), id, "updated");
                // As long as a real one with a comment.
                body.splice(1..1, format!("\"filler\":\"{}\",", "x".repeat(3000)).into_bytes());
                let began = Instant::now();
                assert_eq!(server.signed(&body).await.0, 202);
                slowest = slowest.max(began.elapsed());
            }
            slowest
        }));
    }
    for sender in senders {
        let slowest = sender.await.expect("sent");
        assert!(slowest < Duration::from_secs(10), "{slowest:?}");
    }
    // 30 MB came in.
    let grown = resident().saturating_sub(before);
    assert!(grown < 20 << 20, "grew by {grown} bytes");
    server.desk.hold(false);
    let all = server.desk.until(|all| all.iter().filter(|one| **one == Looked::All).count() == 2).await;
    assert!(all.len() <= 3, "{} looks", all.len());
    std::sync::Arc::into_inner(server).expect("nobody else").stop().await;
}

/// Bytes of this process in memory.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").expect("a Linux");
    status.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok()).expect("pages") * 4096
}
