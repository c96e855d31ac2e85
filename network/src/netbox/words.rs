//! The operator's sentences about NetBox: what happened, what it means now, what to do. Made here and nowhere else. What NetBox said is
//! already `SafeText` and bounded when it comes here; a token never does.

use super::config::{HOLD_FIELD, OPERATION_FIELD, SUBSCRIBER_FIELD};
use super::error::{Doing, Garbage, NetboxError, Setup, Why};
use noctule_domain::OperationId;

pub(super) fn doing(what: Doing) -> &'static str {
    match what {
        Doing::Status => "asking NetBox for its version",
        Doing::Fields => "reading NetBox's custom fields",
        Doing::Tags => "reading NetBox's tags",
        Doing::Tenants => "reading NetBox's tenants",
        Doing::ReadParent => "reading the pool in NetBox",
        Doing::CountPool => "counting the pool in NetBox",
        Doing::Allocate => "allocating in NetBox",
        Doing::LookUp => "looking the prefix up in NetBox",
        Doing::Read => "reading the prefix in NetBox",
        Doing::SetStatus => "changing the status in NetBox",
        Doing::Delete => "deleting the prefix in NetBox",
        Doing::PutBack => "taking the prefix back in NetBox",
        Doing::Scan => "reading the pool's prefixes in NetBox",
        Doing::Init => "setting NetBox up",
    }
}

/// What an unclear end means for this kind of request.
fn unclear(what: Doing) -> &'static str {
    match what {
        Doing::Allocate => "It may have been stored all the same, now or later; the next try looks for it by its operation id first",
        Doing::SetStatus | Doing::Delete | Doing::PutBack => {
            "It may have been done all the same; the next try looks first, asking again is safe"
        }
        Doing::Init => "Run it again: it looks at what is there first",
        _ => "Nothing was changed; asking again is safe",
    }
}

pub(super) fn sentence(error: &NetboxError) -> String {
    match error {
        NetboxError::Config(setup) => config(setup),
        NetboxError::Unreachable { doing: what, cause } => format!(
            "{}: NetBox can not be reached ({cause}). Nothing was delivered. Check netbox.url, the name, the route and that NetBox runs",
            doing(*what)
        ),
        NetboxError::TimedOut { doing: what, seconds } => {
            format!("{}: no answer within {seconds} s. {}", doing(*what), unclear(*what))
        }
        NetboxError::Broken { doing: what, cause } => {
            format!("{}: the connection ended before the answer did ({cause}). {}", doing(*what), unclear(*what))
        }
        NetboxError::Failed { doing: what, status, detail } => failed(*what, *status, detail.as_str()),
        NetboxError::Garbage { doing: what, status, what: garbage } => {
            let said = match garbage {
                Garbage::NotJson(kind) if kind.is_empty() => "something that says no content type".to_owned(),
                Garbage::NotJson(kind) => {
                    format!("{kind} instead of JSON: a proxy or a login page stands between, or the URL is not NetBox's")
                }
                Garbage::BrokenJson => "a JSON that breaks off or is broken".to_owned(),
                Garbage::Empty => "nothing".to_owned(),
                Garbage::TooLarge => "more than 8 MiB".to_owned(),
                Garbage::Unexpected(shape) => format!("JSON of another shape ({shape})"),
            };
            format!("{}: the answer ({status}) was {said}. {}", doing(*what), unclear(*what))
        }
        NetboxError::Redirected { doing: what, status, to } => format!(
            "{}: answered with a redirect ({status}) to {to}, which is not followed. Nothing was stored. Set netbox.url to the address that NetBox really has",
            doing(*what)
        ),
        NetboxError::Refused { doing: what, status, why, detail } => refused(*what, *status, *why, detail.as_str()),
        NetboxError::Exhausted { len, pools } => {
            let list: Vec<String> = pools.iter().map(ToString::to_string).collect();
            format!(
                "no room for a {} in {} {}: nothing was stored. Add a pool, release prefixes, or ask for a longer prefix (free space may be in pieces too small)",
                len.map_or("prefix".to_owned(), |len| format!("/{len}")),
                if pools.len() == 1 { "pool" } else { "pools" },
                list.join(", ")
            )
        }
        NetboxError::NoPool => "no pool is configured: add one to [netbox] pools, or name one with the operation".to_owned(),
        NetboxError::NoneFits(words) => {
            format!("{words}. Nothing was asked of NetBox. Correct [[netbox.pools]], the subscriber, or name a pool")
        }
        NetboxError::TooOld { version } => {
            format!(
                "NetBox {version} is older than 4.4: Noctule needs changelog messages and unique custom fields. Nothing is written to it; upgrade NetBox"
            )
        }
        NetboxError::Fields(problems) => {
            let list: Vec<&str> = problems.iter().map(|p| p.as_str()).collect();
            format!(
                "NetBox is not set up for allocating once and only once: {}. Nothing was stored. Run `noctule init netbox`",
                list.join("; ")
            )
        }
        NetboxError::FilterIgnored { field } => format!(
            "NetBox did not filter by {field} and sent other prefixes: the custom field {field} is missing or its filter logic is not exact. The answer can not be trusted. Run `noctule init netbox`"
        ),
        NetboxError::Twice { operation, prefixes } => {
            let list: Vec<String> = prefixes.iter().map(ToString::to_string).collect();
            format!(
                "ALARM: {} prefixes in NetBox carry the operation id {operation}: {}. None is taken. Find out which one is in use and remove the id from the others by hand",
                prefixes.len(),
                list.join(", ")
            )
        }
        NetboxError::Duplicate { prefix, ids } => {
            let list: Vec<String> = ids.iter().map(ToString::to_string).collect();
            format!("ALARM: {prefix} is in NetBox {} times (ids {}). None is taken. Remove the copies by hand", ids.len(), list.join(", "))
        }
        NetboxError::NotAsAsked { id, prefix, what } => format!(
            "ALARM: the prefix in NetBox that carries this operation id, {prefix} (id {id}), {what}. It is not taken and not touched. Look at it in NetBox"
        ),
        NetboxError::IdNotStored { id, prefix } => format!(
            "NetBox stored {prefix} without the operation id; it was taken back at once (id {id} deleted). The custom field {OPERATION_FIELD} is missing. Run `noctule init netbox`"
        ),
        NetboxError::LeftBehind { id, prefix, cause } => format!(
            "NetBox stored {prefix} (id {id}) without the operation id, and it could not be taken back: {cause}. Delete it by hand in NetBox, then run `noctule init netbox`"
        ),
        NetboxError::Hidden { operation } => format!(
            "NetBox says that the operation id {operation} is in use already, but shows no prefix that has it: the token may not see it. An earlier try may be stored. Give the token the right to view the pools whatever the status"
        ),
        NetboxError::Gone { id, expect, found: None } => {
            format!("{expect} (id {id}) is not in NetBox any more, or the token may not see it")
        }
        NetboxError::Gone { id, expect, found: Some(found) } => {
            format!("id {id} in NetBox is {found} now, not {expect}: somebody changed it. It was not touched")
        }
        NetboxError::NotOurs { id, expect, found, status } if found.as_str() == expect.to_string() => format!(
            "{expect} (id {id}) is {status} in NetBox and carries another operation id: only a deprecated prefix is deleted. It was not touched"
        ),
        NetboxError::NotOurs { id, expect, found, .. } => {
            format!("id {id} in NetBox is {found}, not {expect}: it was not deleted. Look at it in NetBox")
        }
        NetboxError::Contended { id, prefix } => {
            format!("{prefix} (id {id}) was changed by others each time it was looked at (412 three times). It is tried again later")
        }
        NetboxError::Unasked(cause) => sentence(cause),
        NetboxError::Doubt(cause) => format!("an earlier try may be stored, and the look-up does not tell: {}", sentence(cause)),
    }
}

fn config(setup: &Setup) -> String {
    match setup {
        Setup::BadUrl(url) => format!("netbox.url '{url}' is not a URL like https://netbox.example.net"),
        Setup::CredentialsInUrl => "netbox.url contains a user name or a password: take it out, the token is all that is needed".to_owned(),
        Setup::PlainHttp(host) => format!(
            "netbox.url is http:// to {host}: the token would cross the network in clear text. Use https://, or set netbox.allow_plain_http = true"
        ),
        Setup::BadToken => "the NetBox token is empty or contains characters that no token has; check where it is read from".to_owned(),
        Setup::CaFile { path, why } => format!("the CA file {path} can not be used: {why}. It must hold certificates in PEM form"),
        Setup::Client(why) => format!("the HTTPS client can not be made: {why}"),
    }
}

fn failed(what: Doing, status: u16, detail: &str) -> String {
    let meaning = match status {
        408 => "a proxy waited too long for the request",
        425 | 429 => "a proxy limits the rate (NetBox itself does not)",
        502 => "the proxy got no answer from NetBox",
        503 => "the proxy says that NetBox is not available",
        504 => "the proxy waited too long for NetBox, which may still go on",
        _ => "NetBox failed",
    };
    let detail = detail.trim_end_matches('.');
    let said = if detail.is_empty() { String::new() } else { format!(": {detail}") };
    format!("{}: {status}, {meaning}{said}. {}", doing(what), unclear(what))
}

fn refused(what: Doing, status: u16, why: Why, detail: &str) -> String {
    let detail = detail.trim_end_matches('.');
    let said = if detail.is_empty() { format!("{status}") } else { format!("{status}, {detail}") };
    let advice = match why {
        Why::NoCredentials if status == 401 => "a proxy in front of NetBox wants credentials of its own".to_owned(),
        Why::NoCredentials => {
            "NetBox did not see the token: a proxy drops the header, or this NetBox does not know the token's kind (version 2, nbt_…, needs NetBox 4.5)".to_owned()
        }
        Why::BadToken => "the token is not valid (any more): make a new one in NetBox and put it where netbox.token points".to_owned(),
        Why::NoPermission => permission(what).to_owned(),
        Why::ParentNotVisible(id) => {
            format!("pool {id} does not exist, or the token may not see it: check [netbox] pools and the constraints of the token's permission")
        }
        Why::NotTheApi => "that is not the API of a NetBox: check netbox.url (with the path, when NetBox is not at the root)".to_owned(),
        Why::NotFound => "it does not exist, or the token may not see it".to_owned(),
        Why::BadInput => bad_input(detail),
        Why::Other => "NetBox or a proxy refused the request".to_owned(),
    };
    format!("{}: refused ({said}). {}: {advice}", doing(what), nothing(what))
}

fn bad_input(detail: &str) -> String {
    let ours = [OPERATION_FIELD, SUBSCRIBER_FIELD, HOLD_FIELD];
    if detail.is_empty() {
        "the web server or a proxy in front of NetBox did not understand the request".to_owned()
    } else if detail.contains("must have a unique value") {
        format!("another object of NetBox has this {OPERATION_FIELD}; look for it there")
    } else if ours.iter().any(|field| detail.contains(field)) || detail.contains("custom_fields") {
        "the custom fields are not as Noctule needs them; run `noctule init netbox`".to_owned()
    } else if detail.contains("\"tags\"") {
        "the tag of [netbox] tag does not exist or may not be viewed; run `noctule init netbox`".to_owned()
    } else if detail.contains("Duplicate prefix") {
        "NetBox found the prefix taken although its pool seemed free; look at the pool in NetBox".to_owned()
    } else {
        "NetBox does not accept the request: a rule of its operator (required field, validator, plugin), or a fault of Noctule to report"
            .to_owned()
    }
}

fn nothing(what: Doing) -> &'static str {
    match what {
        Doing::Allocate => "Nothing was stored",
        _ => "Nothing was changed",
    }
}

fn permission(what: Doing) -> &'static str {
    match what {
        Doing::Allocate => "the token needs add and view on ipam.prefix for the pool and for status reserved, and must not be read-only",
        Doing::SetStatus => "the token needs change on ipam.prefix for the statuses reserved, active and deprecated",
        Doing::Delete | Doing::PutBack => "the token needs delete on ipam.prefix for status deprecated",
        Doing::Fields => "the token needs view on extras.customfield",
        Doing::Tags => "the token needs view on extras.tag",
        Doing::Tenants => "the token needs view on tenancy.tenant",
        Doing::Init => "setting up needs a token with add on extras.customfield and extras.tag; the daily one does not",
        _ => "the token needs view on ipam.prefix for the pools",
    }
}

// What is written into NetBox.

pub(super) fn allocated(operation: OperationId) -> String {
    format!("allocated by noctule operation {operation}")
}

pub(super) fn status_set(status: &str, operation: OperationId) -> String {
    format!("set to {status} by noctule operation {operation}")
}

pub(super) fn deleted(operation: OperationId) -> String {
    format!("released by noctule operation {operation}")
}

pub(super) fn taken_back(operation: OperationId) -> String {
    format!("taken back by noctule operation {operation}: stored without its operation id")
}

/// NetBox keeps 200 characters of a description.
pub(super) fn description(subscriber: &str, username: &str) -> String {
    let text = if username.is_empty() { format!("subscriber {subscriber}") } else { format!("subscriber {subscriber} ({username})") };
    text.chars().take(200).collect()
}
