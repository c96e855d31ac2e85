//! What a request is and what is answered, as plain data between the routes and the HTTP server. The error texts are NetBox's own.

use super::config::Version;
use serde_json::{Value, json};

#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    /// Path and query as sent.
    pub line: String,
    pub host: String,
    pub authorization: Option<String>,
    pub accept: Option<String>,
    pub content_type: Option<String>,
    pub if_match: Option<String>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(k, _)| k == name).map(|(_, v)| v.as_str())
    }

    /// The last value of a parameter that is given once.
    pub fn one(&self, name: &str) -> Option<&str> {
        self.query.iter().rev().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }

    pub fn writes(&self) -> bool {
        !matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS")
    }

    pub fn allocates(&self) -> bool {
        self.method == "POST" && self.path.ends_with("/available-prefixes/")
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    Empty,
    Json(Value),
    Html(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Body,
}

impl Answer {
    pub fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Body::Json(body) }
    }

    pub fn html(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), body: Body::Html(body.into()) }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Body::Empty }
    }

    pub fn detail(status: u16, text: &str) -> Self {
        Self::json(status, json!({ "detail": text }))
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn not_found() -> Self {
        Self::detail(404, "No Prefix matches the given query.")
    }

    pub fn forbidden() -> Self {
        Self::detail(403, "You do not have permission to perform this action.")
    }

    pub fn exhausted() -> Self {
        Self::detail(409, "Insufficient resources are available to satisfy the request")
    }

    pub fn precondition() -> Self {
        Self::detail(412, "Precondition failed.")
    }

    /// `{"field": ["text"]}`.
    pub fn bad(field: &str, text: &str) -> Self {
        Self::json(400, json!({ field: [text] }))
    }

    pub fn server_error(version: Version, error: &str, exception: &str) -> Self {
        Self::json(
            500,
            json!({ "error": error, "exception": exception, "netbox_version": version.full(), "python_version": version.python() }),
        )
        .with("API-Version", version.api())
    }

    pub fn page_not_found(version: Version) -> Self {
        Self::html(
            404,
            format!(
                "<!DOCTYPE html>\n<html lang=\"en\" data-netbox-version=\"{}\">\n<head><title>Page Not Found | NetBox</title></head>\n<body>Page Not Found</body>\n</html>\n",
                version.full()
            ),
        )
        .with("API-Version", version.api())
    }
}
