//! Menus and prompts of the board, and what comes back from them and from the command line.

use super::columns::{self, ColumnId};
use super::{State, Tell};
use crate::action::Action;
use crate::app::lifecycle::{self, PROOF_S};
use crate::app::{Cx, Wish};
use crate::msg::Notice;
use crate::overlay::{Menu, MenuItem, Overlay, Prompt, Then};
use crate::panes;
use noctule_domain::SafeText;
use noctule_domain::job::Course;
use noctule_domain::lifecycle::{OperationKind, OperationOptions, PREFIX_LEN_RANGE};
use noctule_domain::page::Sort;
use noctule_domain::permission::Permission;

fn item(key: Option<char>, label: &str, help: &str, tell: Tell) -> MenuItem {
    MenuItem {
        key,
        label: label.to_owned(),
        help: help.to_owned(),
        greyed: None,
        then: Then::Tell(Box::new(panes::Tell::Subscribers(tell))),
    }
}

/// Opens the menu of an action that has one.
pub(super) fn open(state: &mut State, action: Action, cx: &mut Cx<'_>) -> bool {
    let menu = match action {
        Action::Sort => sort_menu(state),
        Action::Columns => columns_menu(state),
        Action::AllocateWith => allocate_menu(),
        Action::SuspendWith => suspend_menu(),
        Action::RevokeWith => revoke_menu(cx),
        Action::ProvisionWith => provision_menu(),
        Action::OnFilter => filter_menu(&state.text, cx),
        Action::DeprovisionWith => {
            prompt(cx, "Reason of the deprovision", "kept in the operations and the audit", |text| {
                panes::Tell::Subscribers(Tell::DeprovisionReason(text))
            });
            return true;
        }
        _ => return false,
    };
    cx.wish(Wish::Overlay(Box::new(Overlay::Menu(menu))));
    true
}

fn sort_menu(state: &State) -> Menu {
    let mut at = 0;
    let items: Vec<MenuItem> = ColumnId::ALL
        .iter()
        .filter_map(|column| column.sort())
        .enumerate()
        .map(|(index, column)| {
            let now = column == state.sort.column;
            if now {
                at = index;
            }
            // Choosing the present column turns it round.
            let descending = now && !state.sort.descending;
            let help = match (now, state.sort.descending) {
                (true, false) => "now ascending; choose to turn round",
                (true, true) => "now descending; choose to turn round",
                _ => "",
            };
            item(char::from_digit(index as u32 + 1, 10), column.word(), help, Tell::Sort(Sort { column, descending }))
        })
        .collect();
    Menu::new("Sort by", items).selected(at)
}

fn columns_menu(state: &State) -> Menu {
    let mut items: Vec<MenuItem> = ColumnId::ALL
        .iter()
        .zip("123456789abcd".chars())
        .map(|(column, key)| {
            let shown = state.columns.contains(column);
            item(Some(key), column.word(), if shown { "shown" } else { "hidden" }, Tell::Column(*column))
        })
        .collect();
    items.push(item(Some('0'), "default", "as in a fresh console", Tell::ColumnsDefault));
    Menu::new("Columns: choose to show or hide", items)
}

fn allocate_menu() -> Menu {
    let note = |len: u8| match len {
        48 => "65,536 networks",
        52 => "4,096 networks",
        56 => "256 networks, the default",
        60 => "16 networks",
        62 => "4 networks",
        64 => "1 network",
        _ => "",
    };
    let mut items: Vec<MenuItem> = [56, 48, 52, 60, 62, 64]
        .into_iter()
        .zip('1'..)
        .map(|(len, key)| item(Some(key), &format!("/{len}"), note(len), Tell::AllocateLength(len)))
        .collect();
    items.push(MenuItem {
        then: Then::Tell(Box::new(panes::Tell::Subscribers(Tell::AllocateLengthText(String::new())))),
        ..item(Some('o'), "other\u{2026}", "48 to 64", Tell::AllocateLength(56))
    });
    Menu::new("Allocate a prefix of length", items)
}

/// The reasons that billing and support have for it; each is kept as its word.
fn suspend_menu() -> Menu {
    let reasons = [
        ('d', "dunning", "bills are open"),
        ('a', "abuse", "spam, attacks, an infected device"),
        ('r', "request", "the subscriber asked for it"),
        ('f', "fraud", "the contract is in doubt"),
        ('m', "maintenance", "work on the line or the device"),
    ];
    let mut items: Vec<MenuItem> =
        reasons.into_iter().map(|(key, word, help)| item(Some(key), word, help, Tell::SuspendReason(word.to_owned()))).collect();
    items.push(item(Some('o'), "other\u{2026}", "your own words", Tell::SuspendReason(String::new())));
    Menu::new("Suspend because of", items)
}

fn revoke_menu(cx: &Cx<'_>) -> Menu {
    let default = OperationOptions::default;
    let mut items = vec![
        item(Some('r'), "with a reason\u{2026}", "kept in the operation and the audit", Tell::RevokeReason(String::new())),
        item(
            Some('d'),
            "without Disconnect",
            "for a prefix that no session uses",
            Tell::Revoke(OperationOptions { send_disconnect: false, ..default() }),
        ),
        item(
            Some('k'),
            "keep it in NetBox",
            "disconnect, release nothing",
            Tell::Revoke(OperationOptions { release_to_netbox: false, ..default() }),
        ),
        item(
            Some('f'),
            "by force",
            "go on although the NAS refuses or is silent",
            Tell::Revoke(OperationOptions { force: true, ..default() }),
        ),
    ];
    if !cx.env.role.allows(Permission::Ipv6Force)
        && let Some(forced) = items.last_mut()
    {
        forced.greyed = Some(format!("needs {}", Permission::Ipv6Force));
    }
    Menu::new("Revoke", items)
}

fn provision_menu() -> Menu {
    let course = |proof_s, undo| Tell::Course(Course::Provision { options: OperationOptions::default(), proof_s, undo });
    let items = vec![
        item(Some('n'), "without waiting for the proof", "ended when it is activated", course(0, false)),
        item(Some('u'), "give the prefix back", "when the activation goes wrong; else it is kept as allocated", course(PROOF_S, true)),
    ];
    Menu::new("Provision", items)
}

/// Every operation and course, for all that the filter matches. What a role may not do stays, greyed.
fn filter_menu(filter: &str, cx: &Cx<'_>) -> Menu {
    let courses = [
        ('a', Action::Allocate),
        ('c', Action::Activate),
        ('s', Action::Suspend),
        ('r', Action::Resume),
        ('v', Action::Revoke),
        ('p', Action::Provision),
        ('d', Action::Deprovision),
    ];
    let single = |kind| Course::Single { kind, options: OperationOptions::default() };
    let items = courses
        .into_iter()
        .filter_map(|(key, action)| {
            let course = lifecycle::kind_of(action).map(single).or_else(|| lifecycle::course_of(action))?;
            let row = action.row();
            let mut item = item(Some(key), course.word(), row.help, Tell::OnFilter(course));
            item.greyed = (!cx.env.role.allows(row.needs)).then(|| format!("needs {}", row.needs));
            Some(item)
        })
        .collect();
    Menu::new(&format!("For everybody that matches {filter}"), items)
}

fn prompt(cx: &mut Cx<'_>, title: &str, help: &str, then: fn(String) -> panes::Tell) {
    cx.wish(Wish::Overlay(Box::new(Overlay::Prompt(Prompt::new(title, help, "", false, then)))));
}

/// What came back.
pub(super) fn told(state: &mut State, tell: Tell, cx: &mut Cx<'_>) {
    match tell {
        Tell::Find(text) => state.find(&text, cx),
        Tell::Sort(sort) => state.change_sort(sort, cx),
        Tell::Column(column) => toggle_column(state, column, cx),
        Tell::ColumnsDefault => state.change_columns(columns::DEFAULT.to_vec(), cx),
        Tell::ColumnsNamed(words) => named_columns(state, &words, cx),
        Tell::AllocateLength(len) => {
            state.begin(OperationKind::Allocate, OperationOptions { prefix_len: Some(len), ..Default::default() }, cx)
        }
        Tell::AllocateLengthText(text) if text.is_empty() => {
            prompt(cx, "Length of the prefix", "48 to 64", |text| panes::Tell::Subscribers(Tell::AllocateLengthText(text)));
        }
        Tell::AllocateLengthText(text) => match text.trim().trim_start_matches('/').parse::<u8>() {
            Ok(len) if PREFIX_LEN_RANGE.contains(&len) => told(state, Tell::AllocateLength(len), cx),
            _ => cx.notice(Notice::warning(format!("'{}' is not a length that can be delegated: 48 to 64", SafeText::bounded(&text, 20)))),
        },
        Tell::SuspendReason(text) if text.is_empty() => {
            prompt(cx, "Reason of the suspend", "shown with the subscriber until it is resumed", |text| {
                panes::Tell::Subscribers(Tell::SuspendReason(text))
            });
        }
        Tell::SuspendReason(text) => {
            let options = OperationOptions { reason: Some(SafeText::bounded(&text, 500)), ..Default::default() };
            state.begin(OperationKind::Suspend, options, cx);
        }
        Tell::Revoke(options) => state.begin(OperationKind::Revoke, options, cx),
        Tell::RevokeReason(text) if text.is_empty() => {
            prompt(cx, "Reason of the revoke", "kept in the operation and the audit", |text| {
                panes::Tell::Subscribers(Tell::RevokeReason(text))
            });
        }
        Tell::Course(course) => state.preview(course, cx),
        Tell::DeprovisionReason(text) => {
            let options = OperationOptions { reason: Some(SafeText::bounded(&text, 500)), ..Default::default() };
            state.preview(Course::Deprovision { options }, cx);
        }
        Tell::OnFilter(course) => state.preview_filter(course, cx),
        Tell::Notes(text) => state.notes_typed(&text, cx),
        Tell::RevokeReason(text) => {
            let options = OperationOptions { reason: Some(SafeText::bounded(&text, 500)), ..Default::default() };
            state.begin(OperationKind::Revoke, options, cx);
        }
    }
}

fn toggle_column(state: &mut State, column: ColumnId, cx: &mut Cx<'_>) {
    let mut columns = state.columns.clone();
    if let Some(at) = columns.iter().position(|c| *c == column) {
        columns.remove(at);
    } else {
        columns.push(column);
    }
    if columns.is_empty() {
        return cx.notice(Notice::warning("one column at least has to stay"));
    }
    state.change_columns(columns, cx);
}

fn named_columns(state: &mut State, words: &[String], cx: &mut Cx<'_>) {
    let mut columns = Vec::new();
    for word in words {
        match word.parse::<ColumnId>() {
            Ok(column) if columns.contains(&column) => {}
            Ok(column) => columns.push(column),
            Err(unknown) => return cx.notice(Notice::warning(format!("columns: {unknown}"))),
        }
    }
    if !columns.is_empty() {
        state.change_columns(columns, cx);
    }
}
