//! What can go wrong between a client and NetBox, settable at run time: scripted for the next requests, or at random with a seed.
//! Every fault says whether the effect happens; that is what makes an answer worthless or not.

use super::answer::{Answer, Body, Request};
use super::config::Version;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::Duration;

/// Which requests a fault is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    Any,
    Reads,
    Writes,
    /// POST to available-prefixes.
    Allocations,
    /// PATCH, PUT.
    Changes,
    Deletes,
}

impl On {
    fn takes(self, request: &Request) -> bool {
        match self {
            Self::Any => true,
            Self::Reads => !request.writes(),
            Self::Writes => request.writes(),
            Self::Allocations => request.allocates(),
            Self::Changes => matches!(request.method.as_str(), "PATCH" | "PUT"),
            Self::Deletes => request.method == "DELETE",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection closes without an answer and nothing happens.
    CloseBefore,
    /// It happens, then the connection closes without an answer.
    CloseAfter,
    /// Waits, then does it and answers; a client that has left does not stop it.
    DelayBefore(Duration),
    /// Does it, waits, then answers.
    DelayAfter(Duration),
    /// Answers this and does nothing.
    Say(Say),
    /// Does it and answers this all the same.
    SayAfter(Say),
    /// Does it; half of the JSON arrives, then the connection closes.
    CutBody,
    /// Does it; the answer is whole HTTP with half a JSON in it.
    HalfJson,
    /// Does it; the answer has its status and no body.
    EmptyBody,
    /// Does it; the answer is 200 with HTML (a captive portal, a proxy's login page).
    HtmlOk,
    /// Does it; the prefix in the answer (of a list: the last) is another one than the one stored.
    WrongPrefix,
    /// Does it; the answer is a list instead of an object, or an object instead of a list.
    ListForObject,
    /// Does it; a list in the answer comes backwards and without its first element.
    ShortList,
    /// Closes the connection now; it happens after the wait (a request that sat in a queue).
    Later(Duration),
}

/// Answers of others than a working NetBox: proxies, and a NetBox whose database or Redis is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Say {
    Unauthorized401,
    Forbidden403,
    NotFound404,
    Timeout408,
    Conflict409,
    /// As when somebody else has changed the object since it was read.
    Precondition412,
    TooMany429,
    Html500,
    BadGateway502,
    Unavailable503,
    GatewayTimeout504,
    /// 500 JSON.
    ReadOnlyDatabase,
    /// 500 JSON: the connection of the worker is dead.
    PostgresDown,
    /// 500 JSON: a worker without a connection can not get one.
    PostgresRefuses,
}

impl Say {
    pub const ALL: [Say; 14] = [
        Self::Unauthorized401,
        Self::Forbidden403,
        Self::NotFound404,
        Self::Timeout408,
        Self::Conflict409,
        Self::Precondition412,
        Self::TooMany429,
        Self::Html500,
        Self::BadGateway502,
        Self::Unavailable503,
        Self::GatewayTimeout504,
        Self::ReadOnlyDatabase,
        Self::PostgresDown,
        Self::PostgresRefuses,
    ];

    pub fn answer(self, version: Version, method: &str) -> Answer {
        match self {
            Self::Unauthorized401 => nginx(401, "Authorization Required"),
            Self::Forbidden403 => Answer::forbidden(),
            Self::NotFound404 => Answer::not_found(),
            Self::Timeout408 => nginx(408, "Request Time-out"),
            Self::Conflict409 => Answer::exhausted(),
            Self::Precondition412 => Answer::precondition(),
            Self::TooMany429 => nginx(429, "Too Many Requests"),
            Self::Html500 => Answer::html(
                500,
                "\n\n<!DOCTYPE html>\n<html lang=\"en\">\n\n<head>\n  <title>Server Error</title>\n</head>\n\n<body>\n  <p>There was a problem with your request. Please contact an administrator.</p>\n</body>\n</html>\n",
            ),
            Self::BadGateway502 => nginx(502, "Bad Gateway"),
            Self::Unavailable503 => nginx(503, "Service Temporarily Unavailable"),
            Self::GatewayTimeout504 => nginx(504, "Gateway Time-out"),
            Self::ReadOnlyDatabase => {
                let verb = if method == "PATCH" || method == "GET" { "UPDATE" } else { "INSERT" };
                Answer::server_error(version, &format!("cannot execute {verb} in a read-only transaction"), "InternalError")
            }
            Self::PostgresDown if version == Version::V4_4 => Answer::server_error(version, "the connection is closed", "OperationalError"),
            Self::PostgresDown => Answer::server_error(
                version,
                "consuming input failed: server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally\n\tbefore or while processing the request.",
                "OperationalError",
            ),
            Self::PostgresRefuses => Answer::server_error(
                version,
                "connection failed: connection to server at \"127.0.0.1\", port 5544 failed: Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?",
                "OperationalError",
            ),
        }
    }
}

fn nginx(status: u16, words: &str) -> Answer {
    Answer {
        status,
        headers: vec![("Content-Type", "text/html".to_owned())],
        body: Body::Html(format!(
            "<html>\r\n<head><title>{status} {words}</title></head>\r\n<body>\r\n<center><h1>{status} {words}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
        )),
    }
}

/// The answer as a fault bends it, after the effect.
pub fn bend(fault: Fault, mut answer: Answer) -> Answer {
    match fault {
        Fault::EmptyBody => answer.body = Body::Empty,
        Fault::HtmlOk => answer = Answer::html(200, "<html><head><title>Sign in</title></head><body>Please sign in.</body></html>"),
        Fault::ListForObject => match &mut answer.body {
            Body::Json(value @ Value::Object(_)) => answer.body = Body::Json(json!([value])),
            Body::Json(Value::Array(list)) if !list.is_empty() => answer.body = Body::Json(list.swap_remove(0)),
            _ => {}
        },
        Fault::ShortList => {
            if let Body::Json(Value::Array(list)) = &mut answer.body
                && !list.is_empty()
            {
                list.remove(0);
                list.reverse();
            }
        }
        Fault::WrongPrefix => {
            let object = match &mut answer.body {
                Body::Json(Value::Object(map)) => Some(map),
                Body::Json(Value::Array(list)) => list.last_mut().and_then(Value::as_object_mut),
                _ => None,
            };
            if let Some(map) = object.filter(|map| map.contains_key("prefix")) {
                map.insert("prefix".to_owned(), "3fff:dead::/56".into());
            }
        }
        _ => {}
    }
    answer
}

struct Random {
    on: On,
    probability: f64,
    faults: Vec<Fault>,
    rng: StdRng,
}

/// What is planned. Scripted faults come first, each for one request.
#[derive(Default)]
pub struct Plan {
    script: VecDeque<(On, Fault)>,
    random: Option<Random>,
}

impl Plan {
    pub fn script(&mut self, on: On, faults: impl IntoIterator<Item = Fault>) {
        self.script.extend(faults.into_iter().map(|f| (on, f)));
    }

    pub fn random(&mut self, on: On, probability: f64, seed: u64, faults: Vec<Fault>) {
        self.random = (!faults.is_empty()).then(|| Random { on, probability, faults, rng: StdRng::seed_from_u64(seed) });
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    pub fn left(&self) -> usize {
        self.script.len()
    }

    pub fn next(&mut self, request: &Request) -> Option<Fault> {
        if let Some(at) = self.script.iter().position(|(on, _)| on.takes(request)) {
            return self.script.remove(at).map(|(_, fault)| fault);
        }
        let random = self.random.as_mut().filter(|r| r.on.takes(request))?;
        let hit = random.rng.random_bool(random.probability.clamp(0.0, 1.0));
        let which = random.rng.random_range(0..random.faults.len());
        hit.then(|| random.faults[which])
    }
}
