//! One request to NetBox and its answer, judged as far as HTTP goes: delivered or not, clear or not. It never follows a redirect, never
//! repeats a request by itself, never reads more than 8 MiB, and never assumes JSON.

use super::config::{NetboxConfig, base};
use super::error::{Doing, Garbage, NetboxError, Setup, Why};
use noctule_domain::SafeText;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_MATCH, LOCATION};
use reqwest::{Client, Method, Response};
use serde_json::Value;
use std::time::Duration;

const MAX_BODY: usize = 8 * 1024 * 1024;
/// Longest part of a foreign text in a sentence.
const MAX_DETAIL: usize = 300;

pub(super) struct Http {
    client: Client,
    base: String,
    authorization: HeaderValue,
}

pub(super) struct Call<'a> {
    pub doing: Doing,
    pub method: Method,
    /// After `/api/`, with the slash at the end that NetBox insists on.
    pub path: String,
    pub query: Vec<(&'a str, String)>,
    pub body: Option<Value>,
    pub if_match: Option<&'a str>,
    pub timeout: Duration,
}

impl<'a> Call<'a> {
    pub fn new(doing: Doing, method: Method, path: impl Into<String>, timeout: Duration) -> Self {
        Self { doing, method, path: path.into(), query: Vec::new(), body: None, if_match: None, timeout }
    }

    pub fn query(mut self, query: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        self.query.extend(query);
        self
    }

    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub fn if_match(mut self, etag: Option<&'a str>) -> Self {
        self.if_match = etag;
        self
    }
}

/// A clear answer: 2xx with JSON (or 204 with nothing), or a 4xx.
pub(super) struct Reply {
    pub status: u16,
    pub etag: Option<String>,
    /// Null when there was no JSON.
    pub json: Value,
    /// What a refusal said.
    pub detail: SafeText,
}

impl Http {
    pub fn new(config: &NetboxConfig) -> Result<Self, NetboxError> {
        let (base, loopback) = base(config)?;
        let authorization = authorization(config)?;
        // Fails only when a provider is there already, which is as good.
        rustls::crypto::ring::default_provider().install_default().ok();
        let failed = |error: reqwest::Error| NetboxError::Config(Setup::Client(cause(&error)));
        let mut builder = Client::builder()
            .user_agent(concat!("noctule/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(config.timeouts.connect)
            .pool_idle_timeout(Duration::from_secs(30));
        if loopback {
            builder = builder.no_proxy();
        }
        if base.starts_with("http://") {
            // Never TLS, as no redirect is followed: reading the system's certificates would only cost the start its time.
            builder = builder.tls_certs_only(std::iter::empty());
        }
        if let Some(path) = &config.extra_ca {
            let shown = SafeText::bounded(&path.display().to_string(), 200);
            let bad = |why: String| NetboxError::Config(Setup::CaFile { path: shown.clone(), why: SafeText::bounded(&why, MAX_DETAIL) });
            let pem = std::fs::read(path).map_err(|e| bad(e.to_string()))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| bad(cause(&e).into_string()))?;
            if certificates.is_empty() {
                return Err(bad("it holds no certificate".to_owned()));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        Ok(Self { client: builder.build().map_err(failed)?, base, authorization })
    }

    pub async fn send(&self, call: Call<'_>) -> Result<Reply, NetboxError> {
        let doing = call.doing;
        let seconds = call.timeout.as_secs();
        let lost = |error: reqwest::Error| {
            let cause = cause(&error);
            if error.is_builder() {
                NetboxError::Config(Setup::Client(cause))
            } else if error.is_connect() {
                NetboxError::Unreachable { doing, cause }
            } else if error.is_timeout() {
                NetboxError::TimedOut { doing, seconds }
            } else {
                NetboxError::Broken { doing, cause }
            }
        };
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(etag) = call.if_match.and_then(|e| HeaderValue::from_str(e).ok()) {
            headers.insert(IF_MATCH, etag);
        }
        let mut request = self
            .client
            .request(call.method, format!("{}/api/{}", self.base, call.path))
            .headers(headers)
            .query(&call.query)
            .timeout(call.timeout);
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(lost)?;
        let status = response.status().as_u16();
        let header = |name| response.headers().get(name).and_then(|v: &HeaderValue| v.to_str().ok()).unwrap_or_default().to_owned();
        let (etag, kind, location) = (header(ETAG), header(CONTENT_TYPE), header(LOCATION));
        let is_json = kind.starts_with("application/json");
        let bytes = read(response).await.map_err(lost)?;
        if (300..400).contains(&status) && status != 303 {
            return Err(NetboxError::Redirected { doing, status, to: SafeText::bounded(&location, MAX_DETAIL) });
        }
        let garbage = |what| NetboxError::Garbage { doing, status, what };
        match status {
            204 => Ok(Reply { status, etag: None, json: Value::Null, detail: SafeText::default() }),
            200..300 => {
                let bytes = bytes.ok_or_else(|| garbage(Garbage::TooLarge))?;
                if bytes.is_empty() {
                    return Err(garbage(Garbage::Empty));
                }
                if !is_json {
                    return Err(garbage(Garbage::NotJson(SafeText::bounded(&kind, 80))));
                }
                let json = serde_json::from_slice(&bytes).map_err(|_| garbage(Garbage::BrokenJson))?;
                Ok(Reply { status, etag: (!etag.is_empty()).then_some(etag), json, detail: SafeText::default() })
            }
            400..500 if !matches!(status, 408 | 425 | 429 | 499) => {
                let json = if is_json { bytes.and_then(|b| serde_json::from_slice(&b).ok()).unwrap_or(Value::Null) } else { Value::Null };
                let detail = detail(&json);
                Ok(Reply { status, etag: None, json, detail })
            }
            _ => {
                let json = bytes.filter(|_| is_json).and_then(|b| serde_json::from_slice(&b).ok()).unwrap_or(Value::Null);
                Err(NetboxError::Failed { doing, status, detail: detail(&json) })
            }
        }
    }
}

/// Version 2 tokens begin with `nbt_` and take the Bearer scheme.
fn authorization(config: &NetboxConfig) -> Result<HeaderValue, NetboxError> {
    let bad = || NetboxError::Config(Setup::BadToken);
    let token = std::str::from_utf8(config.token.expose()).map_err(|_| bad())?.trim();
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(bad());
    }
    let scheme = if token.starts_with("nbt_") { "Bearer" } else { "Token" };
    let mut value = HeaderValue::from_str(&format!("{scheme} {token}")).map_err(|_| bad())?;
    value.set_sensitive(true);
    Ok(value)
}

/// At most `MAX_BODY` bytes; `None` when there are more.
async fn read(mut response: Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > MAX_BODY {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}

/// The innermost cause, which is the one that says something.
fn cause(error: &reqwest::Error) -> SafeText {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    SafeText::bounded(&inner.to_string(), MAX_DETAIL)
}

/// What a refusal says: `detail` or `error`, else the whole JSON in one line.
fn detail(json: &Value) -> SafeText {
    let text = ["detail", "error"].iter().find_map(|k| json.get(k).and_then(Value::as_str));
    match (text, json) {
        (Some(text), _) => SafeText::bounded(text, MAX_DETAIL),
        (None, Value::Null) => SafeText::default(),
        (None, json) => SafeText::bounded(&json.to_string(), MAX_DETAIL),
    }
}

impl Reply {
    pub fn ok(self, doing: Doing) -> Result<Self, NetboxError> {
        if self.status < 300 { Ok(self) } else { Err(self.refused(doing)) }
    }

    /// The error of a 4xx.
    pub fn refused(&self, doing: Doing) -> NetboxError {
        let text = self.detail.as_str();
        let why = match self.status {
            401 => Why::NoCredentials,
            403 if text.contains("credentials were not provided") => Why::NoCredentials,
            403 if text.contains("oken") || text.contains("authorization header") => Why::BadToken,
            403 => Why::NoPermission,
            404 if self.json.is_null() => Why::NotTheApi,
            404 => Why::NotFound,
            400 => Why::BadInput,
            _ => Why::Other,
        };
        NetboxError::Refused { doing, status: self.status, why, detail: self.detail.clone() }
    }
}
