//! Every test vector, judged as it says: those in the repository, and those of the file that NOCTULE_RADIUS_VECTORS names.

use noctule_domain::nas::SignedAnswers;
use noctule_domain::secret::Secret;
use noctule_network::radius::RequestKind;
use noctule_network::radius::attribute::{Attribute, kind};
use noctule_network::radius::codec::{Asked, Outgoing, Reason, attributes, build, judge, judge_request};
use serde_json::Value;
use std::path::{Path, PathBuf};

#[test]
fn every_vector_is_judged_as_it_says() {
    let ours = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/radius/vectors.json");
    let mut judged = run(&ours);
    assert!(judged >= 127, "only {judged} vectors were judged");
    if let Some(more) = std::env::var_os("NOCTULE_RADIUS_VECTORS") {
        judged += run(Path::new(&more));
    }
    println!("{judged} vectors judged");
}

fn run(path: &Path) -> usize {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: Value = serde_json::from_str(&text).expect("JSON");
    let list = |name: &str| file[name].as_array().cloned().unwrap_or_default();
    // Some constructed packets carry no time of their own: they were made when the latest of the others was.
    let made = list("vectors").iter().filter_map(|v| v["clock_unix"].as_i64()).max().unwrap_or(0);
    let mut failures = Vec::new();
    for vector in list("vectors") {
        let case = Case::new(&vector, made);
        let verdict = match text_of(&vector, "kind") {
            "exchange" => case.exchange(),
            "response_at_client" => case.response_at_client(),
            "request_at_nas" => case.request_at_nas(),
            "duplicate" => case.duplicate(),
            other => Err(format!("unknown kind '{other}'")),
        };
        if let Err(why) = verdict {
            failures.push(format!("{}: {why}", text_of(&vector, "name")));
        }
    }
    for encoding in list("prefix_encodings") {
        if let Err(why) = prefix_encoding(&encoding) {
            failures.push(format!("{}: {why}", text_of(&encoding, "name")));
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), path.display(), failures.join("\n"));
    list("vectors").len() + list("prefix_encodings").len()
}

struct Case<'a> {
    vector: &'a Value,
    secret: Secret,
    now: i64,
    expect: &'a str,
}

type Verdict = Result<(), String>;

impl<'a> Case<'a> {
    fn new(vector: &'a Value, made: i64) -> Self {
        let secret = Secret::new(text_of(vector, "secret"));
        Self { vector, secret, now: vector["clock_unix"].as_i64().unwrap_or(made), expect: text_of(vector, "expect") }
    }

    fn packets(&self, one: &str, many: &str) -> Vec<Vec<u8>> {
        match (&self.vector[one], &self.vector[many]) {
            (_, Value::Array(list)) => list.iter().filter_map(Value::as_str).map(unhex).collect(),
            (Value::String(hex), _) => vec![unhex(hex)],
            _ => Vec::new(),
        }
    }

    fn request(&self) -> Vec<u8> {
        self.packets("request_hex", "requests_hex").remove(0)
    }

    fn judge(&self, request: &[u8], response: &[u8]) -> Result<noctule_network::radius::codec::Answer, Reason> {
        judge(response, &Asked::of(request).expect("a request of ours"), &self.secret, SignedAnswers::IfPresent, self.now)
    }

    fn exchange(&self) -> Verdict {
        let request = self.request();
        self.rebuild(&request)?;
        let answers: Vec<_> = self.packets("response_hex", "responses_hex").iter().map(|bytes| self.judge(&request, bytes)).collect();
        let nas_says = || {
            let theirs = self.vector["nas_secret"].as_str().map_or_else(|| self.secret.clone(), Secret::new);
            judge_request(&request, &theirs, self.now)
        };
        match (self.expect, answers.as_slice()) {
            ("accept", [Ok(answer)]) => self.codes_agree(answer.ack, &answer.causes.iter().map(|c| c.0).collect::<Vec<_>>()),
            ("ignore", [Err(_)]) => Ok(()),
            ("no_answer", []) if self.vector["nas_secret"].is_string() => match nas_says() {
                Err(Reason::BadRequestAuthenticator) => Ok(()),
                other => Err(format!("a NAS with the other secret would say {other:?}")),
            },
            ("no_answer", []) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    }

    /// What we build from the same attributes is the same to the byte.
    fn rebuild(&self, request: &[u8]) -> Verdict {
        let Some(kind) = RequestKind::ALL.iter().find(|kind| kind.code() == request[0]) else { return Ok(()) };
        let sound = self.vector["request_checks"].as_object().is_some_and(|checks| checks.values().all(|ok| *ok == true));
        if !sound {
            return Ok(());
        }
        let attributes = attributes(request).map_err(|reason| format!("request: {reason}"))?;
        let out = Outgoing { kind: *kind, identifier: request[1], attributes: &attributes, sign: false, event_timestamp: None };
        let built = build(&out, &self.secret).map_err(|error| error.to_string())?;
        if built != request {
            return Err(format!("built {built:02x?}, captured {request:02x?}"));
        }
        for attribute in attributes.iter().filter(|a| [97, 123, 170].contains(&a.kind)) {
            attribute.as_prefix().map_err(|error| error.to_string())?;
        }
        for attribute in attributes.iter().filter(|a| a.kind == kind::VENDOR_SPECIFIC) {
            let (vendor, parts) = attribute.as_vendor().map_err(|error| error.to_string())?;
            if Attribute::vendor(vendor, &parts).map_err(|error| error.to_string())? != *attribute {
                return Err(format!("vendor attribute {attribute:?} is not built as it was read"));
            }
        }
        judge_request(request, &self.secret, self.now).map(|_| ()).or_else(|reason| {
            let meant = self.expect == "no_answer" && reason == Reason::StaleEventTimestamp;
            if meant { Ok(()) } else { Err(format!("our own judge of requests says {reason}")) }
        })
    }

    fn codes_agree(&self, ack: bool, causes: &[u32]) -> Verdict {
        let response = &self.vector["response"];
        let says_ack = matches!(response["code"].as_u64(), Some(2 | 5 | 41 | 44));
        let stated: Vec<u32> = response["attributes"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|a| a["type"] == 101)
            .filter_map(|a| unhex(text_of(a, "value_hex")).try_into().ok().map(u32::from_be_bytes))
            .collect();
        if response.is_object() && (says_ack != ack || stated != causes) {
            return Err(format!("ack {ack} with {causes:?}; the vector says {says_ack} with {stated:?}"));
        }
        Ok(())
    }

    fn response_at_client(&self) -> Verdict {
        let request = self.request();
        let verdicts: Vec<_> = self.packets("response_hex", "responses_hex").iter().map(|bytes| self.judge(&request, bytes)).collect();
        let first_good = verdicts.iter().position(Result::is_ok);
        let reason = self.vector["reason"].as_str().and_then(Reason::from_word);
        match (self.expect, first_good) {
            ("accept", Some(0)) => {
                let answer = verdicts[0].as_ref().expect("accepted");
                self.codes_agree(answer.ack, &answer.causes.iter().map(|c| c.0).collect::<Vec<_>>())?;
                match reason {
                    Some(reason) if !answer.remarks.contains(&reason) => {
                        Err(format!("accepted with {:?}, and not {reason}", answer.remarks))
                    }
                    _ => Ok(()),
                }
            }
            ("accept_first", Some(0)) => Ok(()),
            ("accept_last", Some(at)) if at + 1 == verdicts.len() => Ok(()),
            ("ignore", None) => match (reason, &verdicts[0]) {
                (Some(reason), Err(ours)) if *ours != reason => Err(format!("dropped as {ours}, and not {reason}")),
                _ => Ok(()),
            },
            _ => Err(format!("expected {}: {verdicts:?}", self.expect)),
        }
    }

    fn request_at_nas(&self) -> Verdict {
        let request = self.request();
        let verdict = judge_request(&request, &self.secret, self.now);
        for attribute in attributes(&request).unwrap_or_default() {
            // Readers of values must stand whatever comes.
            let _ = (attribute.as_prefix(), attribute.as_vendor(), attribute.as_integer());
        }
        let reason = self.vector["reason"].as_str().and_then(Reason::from_word);
        match (self.expect, verdict) {
            ("answer", Ok(_)) | ("either", _) => Ok(()),
            ("ignore", Err(ours)) if reason.is_none_or(|reason| reason == ours) => Ok(()),
            (_, verdict) => Err(format!("{verdict:?}")),
        }
    }

    fn duplicate(&self) -> Verdict {
        let requests = self.packets("request_hex", "requests_hex");
        let responses = self.packets("response_hex", "responses_hex");
        let answers = |request: &[u8], response: &[u8]| self.judge(request, response).is_ok();
        let right = match self.expect {
            "identical_answers" => {
                responses.windows(2).all(|pair| pair[0] == pair[1]) && responses.iter().all(|response| answers(&requests[0], response))
            }
            "separate_answers" => {
                requests.len() == responses.len()
                    && requests
                        .iter()
                        .enumerate()
                        .all(|(i, request)| responses.iter().enumerate().all(|(j, response)| answers(request, response) == (i == j)))
            }
            // Whatever came answers one request and can not be taken for the answer to another.
            "undefined_never_do_this" => {
                responses.iter().all(|response| requests.iter().filter(|request| answers(request, response)).count() == 1)
            }
            other => return Err(format!("unknown expectation '{other}'")),
        };
        if right { Ok(()) } else { Err(format!("not {}", self.expect)) }
    }
}

fn prefix_encoding(encoding: &Value) -> Verdict {
    let kind = u8::try_from(encoding["type"].as_u64().unwrap_or(0)).map_err(|error| error.to_string())?;
    let value = unhex(text_of(encoding, "value_hex"));
    let whole = unhex(text_of(encoding, "attribute_hex"));
    if [&[kind, u8::try_from(value.len() + 2).unwrap_or(0)], value.as_slice()].concat() != whole {
        return Err("attribute_hex is not type, length and value_hex".into());
    }
    let read = Attribute { kind, value: value.clone() }.as_prefix();
    match (text_of(encoding, "decode"), read) {
        ("ok", Ok(prefix)) => {
            if prefix.to_string() != text_of(encoding, "text") {
                return Err(format!("read as {prefix}"));
            }
            let built = Attribute::prefix(kind, prefix).map_err(|error| error.to_string())?;
            if value.len() == 18 && value[0] == 0 && built.value != value {
                return Err(format!("built {:02x?}", built.value));
            }
            if built.as_prefix().ok() == Some(prefix) { Ok(()) } else { Err("our own form does not read back".into()) }
        }
        ("reject", Err(_)) => Ok(()),
        (decode, read) => Err(format!("{decode}: {read:?}")),
    }
}

fn text_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn unhex(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2), "odd hex");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}
