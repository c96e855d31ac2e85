//! A NetBox that answers what a check asks, as fast as it can write: pages by cursor, single objects, the version.

use crate::DIFFERS;
use crate::fill::{FIRST, prefix};
use std::fmt::Write;
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

pub async fn serve(rows: u64) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { return };
            tokio::spawn(async move {
                let (read, mut write) = stream.into_split();
                let mut lines = BufReader::new(read).lines();
                let mut first = String::new();
                while let Ok(Some(line)) = lines.next_line().await {
                    if first.is_empty() {
                        first = line;
                    } else if line.is_empty() {
                        let body = answer(first.split(' ').nth(1).unwrap_or_default(), rows);
                        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
                        if write.write_all(head.as_bytes()).await.is_err() || write.write_all(body.as_bytes()).await.is_err() {
                            return;
                        }
                        first.clear();
                    }
                }
            });
        }
    });
    address
}

fn answer(target: &str, rows: u64) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let all = |name: &str| {
        query.split('&').filter_map(|p| p.split_once('=')).filter(move |(k, _)| *k == name).map(|(_, v)| v.to_owned()).collect::<Vec<_>>()
    };
    let number = |name: &str| all(name).last().and_then(|v| v.parse::<u64>().ok());
    match path {
        "/api/status/" => r#"{"netbox-version":"4.6.8"}"#.to_owned(),
        "/api/ipam/prefixes/1/" => pool(),
        "/api/ipam/prefixes/" => {
            let ids: Vec<u64> = match (number("start"), all("id")) {
                (Some(start), _) => (start.max(FIRST)..(FIRST + rows)).take(number("limit").unwrap_or(50) as usize).collect(),
                (None, ids) if !ids.is_empty() => ids.iter().filter_map(|id| id.parse().ok()).collect(),
                (None, _) => vec![FIRST],
            };
            let mut out = String::with_capacity(ids.len() * 420 + 80);
            write!(out, r#"{{"count":{rows},"next":null,"previous":null,"results":["#).expect("memory");
            for (at, id) in ids.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                object(&mut out, *id);
            }
            out.push_str("]}");
            out
        }
        other => panic!("the check asked for {other}"),
    }
}

fn pool() -> String {
    r#"{"id":1,"prefix":"2001:db8::/32","vrf":null,"status":{"value":"container","label":"Container"},"description":"","mark_utilized":false,"custom_fields":{},"last_updated":"2026-11-01T00:00:00Z"}"#.to_owned()
}

fn object(out: &mut String, id: u64) {
    let n = id - FIRST;
    let status = if n.is_multiple_of(DIFFERS) { ("deprecated", "Deprecated") } else { ("active", "Active") };
    let operation = uuid::Uuid::from_u128((0x0190_0000_0000_7000_8000 << 48) | u128::from(n));
    write!(
        out,
        r#"{{"id":{id},"prefix":"{}","vrf":null,"status":{{"value":"{}","label":"{}"}},"description":"N-{n:08} user{n:08}@isp.example","mark_utilized":false,"custom_fields":{{"operation_id":"{operation}","subscriber_id":"N-{n:08}","hold_until":null}},"last_updated":"2026-11-01T00:00:00.000000Z"}}"#,
        prefix(n),
        status.0,
        status.1
    )
    .expect("memory");
}
