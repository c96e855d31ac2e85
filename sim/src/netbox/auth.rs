//! Who asks and what they may do: the two kinds of token and the texts of each refusal, which differ between 4.4 and 4.6.

use super::answer::Answer;
use super::config::{Rights, SimToken, Version};
use super::db::Prefix;
use super::net::Net;

/// The token of a request, or NetBox's refusal. Failures are 403, never 401.
pub fn authenticate<'a>(version: Version, tokens: &'a [SimToken], header: Option<&str>) -> Result<&'a SimToken, Answer> {
    let missing = || Answer::detail(403, "Authentication credentials were not provided.");
    let header = header.ok_or_else(missing)?;
    let parts: Vec<&str> = header.split_whitespace().collect();
    let scheme = parts.first().map(|s| s.to_ascii_lowercase()).unwrap_or_default();
    match version {
        Version::V4_4 => {
            if scheme != "token" {
                return Err(missing());
            }
            let text = match parts.as_slice() {
                [_, text] => *text,
                [_] => return Err(Answer::detail(403, "Invalid token header. No credentials provided.")),
                _ => return Err(Answer::detail(403, "Invalid token header. Token string should not contain spaces.")),
            };
            let token = tokens.iter().find(|t| t.text == text && !t.text.starts_with("nbt_"));
            usable(token.ok_or_else(|| Answer::detail(403, "Invalid token"))?)
        }
        Version::V4_6 => {
            if scheme != "token" && scheme != "bearer" {
                return Err(missing());
            }
            let [_, text] = parts.as_slice() else {
                return Err(Answer::detail(
                    403,
                    "Invalid authorization header: Must be in the form \"Bearer <key>.<token>\" or \"Token <token>\"",
                ));
            };
            let second = text.starts_with("nbt_");
            if second && !text.contains('.') {
                return Err(Answer::detail(
                    403,
                    "Invalid authorization header: Could not parse key from v2 token. Did you mean to use 'Token' instead of 'Bearer'?",
                ));
            }
            let invalid = if second { "Invalid v2 token" } else { "Invalid v1 token" };
            usable(tokens.iter().find(|t| t.text == *text).ok_or_else(|| Answer::detail(403, invalid))?)
        }
    }
}

fn usable(token: &SimToken) -> Result<&SimToken, Answer> {
    if token.expired {
        Err(Answer::detail(403, "Token expired"))
    } else if !token.enabled {
        Err(Answer::detail(403, "Token disabled"))
    } else {
        Ok(token)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    View,
    Add,
    Change,
    Delete,
}

impl SimToken {
    /// May the action be tried at all? A read-only token writes nothing.
    pub(super) fn may(&self, action: Action) -> bool {
        (action == Action::View || self.write)
            && match &self.rights {
                Rights::All => true,
                Rights::Prefixes { view, add, change, delete, .. } => match action {
                    Action::View => *view,
                    Action::Add => *add,
                    Action::Change => *change,
                    Action::Delete => *delete,
                },
            }
    }

    /// Does the object lie within the constraints?
    pub(super) fn covers(&self, prefix: &Prefix) -> bool {
        match &self.rights {
            Rights::All => true,
            Rights::Prefixes { within, statuses, .. } => {
                let inside = within.as_deref().and_then(|w| Net::parse(w).ok()).is_none_or(|w| w.covers(prefix.net));
                inside && (statuses.is_empty() || statuses.iter().any(|s| s == prefix.status))
            }
        }
    }

    pub(super) fn sees_everything(&self) -> bool {
        matches!(self.rights, Rights::All)
    }

    pub(super) fn sees_fields(&self) -> bool {
        matches!(self.rights, Rights::All | Rights::Prefixes { view_fields: true, .. })
    }
}
