//! Copying: of the marked rows when there are marks, else of what is looked at.

use super::State;
use crate::action::Action;
use crate::app::Cx;
use noctule_domain::sentence::moment;
use noctule_domain::subscriber::SubscriberRow;

/// What a terminal takes by OSC 52 is about 74 kB; many rows are cut here, in words.
const MAX_COPY: usize = 50_000;

pub(super) fn yank(state: &State, action: Action, cx: &mut Cx<'_>) -> bool {
    let line: fn(&SubscriberRow) -> Option<String> = match action {
        Action::CopyRow => |row| Some(row_text(row)),
        Action::CopyNumber => |row| Some(row.subscriber_number.to_string()),
        Action::CopyName => |row| Some(row.username.to_string()),
        Action::CopyPrefix => |row| row.prefix.map(|p| p.to_string()),
        Action::CopyId => |row| Some(row.id.to_string()),
        Action::CopyJson => |row| serde_json::to_string(row).ok(),
        Action::CopyTicket => |row| Some(ticket(row)),
        _ => return false,
    };
    if action == Action::CopyJson
        && let Some(text) = state.detail.as_ref().and_then(|d| d.json())
    {
        State::copy(text, "the subscriber as JSON", cx);
        return true;
    }
    let rows = rows(state);
    let mut out = String::new();
    let mut copied = 0;
    for text in rows.iter().filter_map(line) {
        if out.len() + text.len() > MAX_COPY {
            break;
        }
        if copied > 0 {
            out.push('\n');
        }
        out.push_str(&text);
        copied += 1;
    }
    let label = action.row().label;
    let what = match (copied, rows.len()) {
        (0, _) => return true,
        (1, 1) => label.to_owned(),
        (copied, all) if copied < all => format!("{label} of {copied} of {all} rows: a terminal takes no more"),
        (copied, _) => format!("{label} of {copied} rows"),
    };
    State::copy(out, &what, cx);
    true
}

fn rows(state: &State) -> Vec<SubscriberRow> {
    if let Some(detail) = &state.detail {
        return detail.as_row().or_else(|| state.window.position(detail.id).map(|at| state.window.rows[at].clone())).into_iter().collect();
    }
    if state.marks.is_empty() {
        return state.window.selected().cloned().into_iter().collect();
    }
    state.marks.rows.values().cloned().collect()
}

/// The prefix of what is looked at.
pub(super) fn prefix(state: &State) -> Option<String> {
    rows(state).iter().find_map(|row| row.prefix).map(|p| p.to_string())
}

fn row_text(row: &SubscriberRow) -> String {
    let prefix = row.prefix.map(|p| p.to_string()).unwrap_or_default();
    let nas = row.nas.as_ref().map_or("", |n| n.as_str());
    format!("{}\t{}\t{}\t{}\t{}\t{prefix}\t{nas}", row.subscriber_number, row.full_name, row.username, row.state, row.enforcement)
}

fn ticket(row: &SubscriberRow) -> String {
    let mut out = format!(
        "Subscriber {} {} ({})\nIPv6: {} since {}, network: {}",
        row.subscriber_number,
        row.full_name,
        row.username,
        row.state,
        moment(row.since),
        row.enforcement
    );
    if let Some(prefix) = row.prefix {
        out.push_str(&format!("\nPrefix: {prefix}"));
    }
    if let Some(nas) = &row.nas {
        out.push_str(&format!("\nNAS: {nas}{}", if row.has_session { ", session live" } else { ", no session" }));
    }
    if let Some(error) = &row.last_error {
        out.push_str(&format!("\nLast error: {error}"));
    }
    out
}
