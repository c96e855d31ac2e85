//! A server of one answer: everything that the client asks on the way is answered well, the request under test with what was recorded.

use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub struct Canned {
    pub url: String,
    task: tokio::task::JoinHandle<()>,
    pub asked: Arc<Mutex<Vec<String>>>,
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What of a path tells requests apart.
pub fn kind(method: &str, target: &str) -> String {
    let path = target.split('?').next().unwrap_or_default();
    let path: Vec<&str> = path.trim_matches('/').split('/').map(|p| if p.parse::<i64>().is_ok() { "ID" } else { p }).collect();
    format!("{method} {}", path.join("/"))
}

impl Canned {
    /// Answers requests of this kind with this status, content type and body.
    pub async fn start(kind: String, status: u16, content_type: String, body: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answer = (kind.clone(), status, content_type.clone(), body.clone());
                tokio::spawn(serve(stream, answer, Arc::clone(&log)));
            }
        });
        Self { url, task, asked }
    }
}

async fn serve(mut stream: TcpStream, (wanted, status, content_type, body): (String, u16, String, String), log: Arc<Mutex<Vec<String>>>) {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).to_string();
    let length: usize =
        text.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length:").and_then(|v| v.trim().parse().ok())).unwrap_or(0);
    while bytes.len() < head + length {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let mut words = text.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let this = kind(&method, &target);
    log.lock().unwrap().push(this.clone());
    let (status, content_type, body) =
        if this == wanted { (status, content_type, body) } else { (200, "application/json".to_owned(), well(&this, &target).to_string()) };
    let answer = format!(
        "HTTP/1.1 {status} Recorded\r\nContent-Type: {content_type}\r\nLocation: /api/ipam/prefixes/\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.ok();
}

fn well(kind: &str, target: &str) -> Value {
    let field = |name: &str, unique: bool| json!({ "name": name, "type": { "value": "text" }, "unique": unique, "filter_logic": { "value": "exact" }, "object_types": ["ipam.prefix"] });
    match kind {
        "GET api/status" => json!({ "netbox-version": "4.6.8" }),
        "GET api/extras/custom-fields" => {
            json!({ "count": 3, "results": [field("operation_id", true), field("subscriber_id", false), field("hold_until", false)] })
        }
        "GET api/ipam/prefixes/ID" => {
            let parent = target.contains("/prefixes/1/");
            let (prefix, status, id) = if parent { ("2001:db8:100::/40", "container", 1) } else { ("2001:db8:100::/56", "reserved", 9) };
            json!({ "id": id, "prefix": prefix, "vrf": null, "status": { "value": status }, "custom_fields": { "operation_id": crate::sentences::OPERATION } })
        }
        _ => json!({ "count": 0, "next": null, "previous": null, "results": [] }),
    }
}
