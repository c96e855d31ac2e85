//! What a profile does, operation by operation, for people: `noctule nas profiles` and docs/nas-profiles.md.

use super::request::templates;
use super::template::resolve;
use crate::upstream::Purpose;
use noctule_domain::lifecycle::OperationKind;
use noctule_domain::nas::{Identify, IdentifyBy, Method, NasProfile, Verification};
use serde::Serialize;

/// One operation of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    pub operation: OperationKind,
    pub method: Method,
    /// `CoA-Request`, `Disconnect-Request`; `None` when nothing is sent.
    pub request: Option<&'static str>,
    /// What is changed, beside the identification: names and values as the profile has them.
    pub sends: Vec<(String, String)>,
    pub verification: Verification,
}

/// The operations that ask a NAS.
pub const OPERATIONS: [(OperationKind, Purpose); 4] = [
    (OperationKind::Activate, Purpose::Activate),
    (OperationKind::Suspend, Purpose::Suspend),
    (OperationKind::Resume, Purpose::Resume),
    (OperationKind::Revoke, Purpose::Revoke),
];

pub fn sheet(profile: &NasProfile) -> Vec<Row> {
    OPERATIONS.iter().map(|(operation, purpose)| row(profile, *operation, *purpose)).collect()
}

fn row(profile: &NasProfile, operation: OperationKind, purpose: Purpose) -> Row {
    let method = profile.method(operation);
    let request = match method {
        Method::None => None,
        Method::DisconnectThenLogin => Some("Disconnect-Request"),
        Method::CoaPrefix | Method::CoaFilter | Method::CoaService => Some("CoA-Request"),
    };
    let sends = match method {
        Method::CoaPrefix => vec![("Delegated-IPv6-Prefix".to_owned(), "{prefix}".to_owned())],
        Method::CoaFilter | Method::CoaService => templates(profile, purpose)
            .iter()
            .map(|template| {
                // A profile in force has been checked; should one be wrong all the same, its numbers say what was meant.
                let name =
                    resolve(template).map_or_else(|_| format!("{:?} {:?}", template.vendor, template.r#type), |resolved| resolved.name);
                let tag = template.tag.map(|tag| format!(":{tag}")).unwrap_or_default();
                (format!("{name}{tag}"), template.value.text.clone())
            })
            .collect(),
        Method::DisconnectThenLogin | Method::None => Vec::new(),
    };
    Row { operation, method, request, sends, verification: profile.verification(operation) }
}

/// By what a session is named, in words.
pub fn identification(profile: &NasProfile) -> String {
    let name = |what: &Identify| match what {
        Identify::SessionId => "Acct-Session-Id",
        Identify::Username => "User-Name",
        Identify::FramedIpv4 => "Framed-IP-Address",
        Identify::DelegatedPrefix => "Delegated-IPv6-Prefix of the session",
        Identify::NasIp => "NAS-IP-Address or NAS-IPv6-Address",
        Identify::NasIdentifier => "NAS-Identifier",
    };
    let names: Vec<&str> = profile.identify.iter().map(name).collect();
    match profile.identify_by {
        IdentifyBy::All => names.join(", "),
        IdentifyBy::First => format!("the first known of: {}", names.join(", ")),
    }
}

/// The tables of the built-in profiles in Markdown.
pub fn markdown() -> String {
    let mut out = String::from(
        "# The NAS profiles that Noctule brings\n\n<!-- Made by `cargo xtask gen` from assets/nas-profiles. Do not edit: the build fails when this file is stale. -->\n\n\
         What is sent for each operation, beside the identification. How to write a profile of your own, and what the words mean, stands in\n[nas.md](nas.md); \
         the files with their sources are in `assets/nas-profiles`.\n",
    );
    for profile in super::profiles::all() {
        out.push_str(&format!("\n## {}: {}\n\n", profile.key, profile.title));
        out.push_str("| operation | method | request | sends | proved by |\n|---|---|---|---|---|\n");
        for row in sheet(profile) {
            let sends: Vec<String> = row.sends.iter().map(|(name, value)| format!("`{name}` = `{value}`")).collect();
            let sends = if sends.is_empty() { "-".to_owned() } else { sends.join("<br>") };
            out.push_str(&format!(
                "| {} | {} | {} | {sends} | {} |\n",
                row.operation,
                row.method,
                row.request.unwrap_or("-"),
                row.verification
            ));
        }
        let r = profile.retransmit;
        out.push_str(&format!(
            "\nNamed by {}. Port {}, window {}, rate {}, identifiers rest {} s, sends at {} s doubling to {} s, at most {} in {} s.\n",
            identification(profile),
            profile.port,
            profile.window,
            profile.rate_per_s.map_or_else(|| "without limit".to_owned(), |rate| format!("{rate}/s")),
            profile.identifier_rest_s,
            r.irt_s,
            r.mrt_s,
            r.mrc,
            r.mrd_s
        ));
        out.push_str(&format!("A suspended login: {}. Proof within {} s.\n", profile.login.suspend, profile.proof.deadline_s));
        if let Some(note) = &profile.ack_note {
            out.push_str(&format!("\nWhat an ACK is worth: {note}.\n"));
        }
    }
    out
}
