//! Connections and bodies that are too many, too long, or never come; and the end of the server.

use super::support::{SECRET, hook, quick, start};
use noctule_server::ServerConfig;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_whether_it_says_its_length_or_not() {
    let server = start(Some(SECRET), quick(), |config| config.body = 10_000).await;
    let (status, _) = server.signed(&vec![b'x'; 10_001]).await;
    assert_eq!(status, 413);
    // In chunks, endless: the connection is given up, not the memory.
    let mut stream = TcpStream::connect(server.address).await.expect("connected");
    let head = "POST /hooks/netbox HTTP/1.1\r\nHost: x\r\nX-Hook-Signature: 00\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("written");
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    let mut written = 0usize;
    while written < 64 << 20 && stream.write_all(chunk.as_bytes()).await.is_ok() {
        written += chunk.len();
        let mut answer = [0; 64];
        if let Ok(n) = stream.try_read(&mut answer) {
            assert!(n == 0 || answer.starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&answer));
            break;
        }
    }
    assert!(written < 64 << 20, "it would have read for ever");
    assert_eq!(server.signed(&hook("r", 1, "updated")).await.0, 202);
    server.stop().await;
}

#[tokio::test]
async fn a_head_or_a_body_that_never_comes_gives_its_place_back() {
    let short = |config: &mut ServerConfig| {
        config.connections = 2;
        config.head = Duration::from_millis(300);
        config.whole = Duration::from_millis(300);
    };
    let server = start(Some(SECRET), quick(), short).await;
    let mut slow = TcpStream::connect(server.address).await.expect("connected");
    slow.write_all(b"POST /hooks/netbox HTTP/1.1\r\nHost: x\r\nContent-Le").await.expect("written");
    let mut silent = TcpStream::connect(server.address).await.expect("connected");
    silent.write_all(b"POST /hooks/netbox HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{").await.expect("written");
    // Both places are taken; the third one waits until they are free.
    let began = Instant::now();
    assert_eq!(server.signed(&hook("r", 1, "updated")).await.0, 202);
    assert!(began.elapsed() < Duration::from_secs(20));
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).await.expect("closed");
    server.stop().await;
}

#[tokio::test]
async fn an_answer_under_way_is_given_before_the_end_and_nothing_new_is_taken() {
    let server = start(Some(SECRET), quick(), |_| ()).await;
    server.desk.hold(true);
    let (client, url) = (server.client.clone(), server.url("/health"));
    let under_way = tokio::spawn(async move { client.get(url).send().await.expect("an answer").status().as_u16() });
    server.desk.asked().await;
    server.cancel.cancel();
    server.desk.hold(false);
    assert_eq!(under_way.await.expect("asked"), 200);
    let address = server.address;
    tokio::time::timeout(Duration::from_secs(20), server.ended).await.expect("it ends").expect("well");
    assert!(TcpStream::connect(address).await.is_err(), "the port is free again");
}
