//! The command line: `:state active`, `:sort name`, `:goto N-000123`, `:ipv6 allocate`, and every action by its name. Completion knows the
//! commands and what may follow each.

use super::{App, Locate, Place, dispatch};
use crate::action::{Action, TABLE};
use crate::effect::Effect;
use crate::look::THEMES;
use crate::msg::Notice;
use crate::panes::{PaneId, Tell, subscribers};
use noctule_domain::filter::{self, KEYS, Vocabulary};
use noctule_domain::page::{Sort, SortColumn};
use noctule_domain::{SafeText, lifecycle::OperationKind};

/// A command that is not an action by its name.
#[derive(Debug, Clone, Copy)]
pub struct CommandSpec {
    pub name: &'static str,
    pub argument: &'static str,
    pub help: &'static str,
}

/// Commands with an argument. A filter key is a command too (`:state active`), and so is each action.
pub const COMMANDS: &[CommandSpec] = &[
    CommandSpec { name: "filter", argument: "FILTER", help: "narrow the board; without a filter, show everyone" },
    CommandSpec { name: "goto", argument: "NUMBER", help: "open the subscriber with this number" },
    CommandSpec { name: "sort", argument: "COLUMN [desc]", help: "number, username, name, state, prefix, nas or since" },
    CommandSpec { name: "columns", argument: "NAME…", help: "columns of the board, in this order; none for the default" },
    CommandSpec {
        name: "ipv6",
        argument: "OPERATION",
        help: "allocate, activate, suspend, resume, revoke, provision, deprovision or status",
    },
    CommandSpec { name: "theme", argument: "NAME", help: "dark, light, high-contrast or mono" },
    CommandSpec { name: "q", argument: "", help: "leave; asks first while work is under way" },
];

/// Runs what was typed.
pub(super) fn run(app: &mut App, text: &str, effects: &mut Vec<Effect>) {
    let text = text.trim().trim_start_matches(':');
    let (name, rest) = text.split_once(char::is_whitespace).map_or((text, ""), |(name, rest)| (name, rest.trim()));
    if name.is_empty() {
        return;
    }
    match name {
        "q" | "quit" => dispatch::act(app, Action::Quit, effects),
        "filter" => go_filter(app, rest.to_owned(), effects),
        "goto" if !rest.is_empty() => tell(app, subscribers::Tell::Find(rest.to_owned()), effects),
        "goto" => complain(app, "goto: which subscriber? As in :goto N-000123"),
        "sort" => sort(app, rest, effects),
        "columns" if !rest.is_empty() => {
            tell(
                app,
                subscribers::Tell::ColumnsNamed(rest.split([' ', ',']).filter(|w| !w.is_empty()).map(str::to_owned).collect()),
                effects,
            );
        }
        "ipv6" => ipv6(app, rest, effects),
        "theme" if !rest.is_empty() => dispatch::set_theme(app, rest, effects),
        _ => named(app, name, rest, effects),
    }
}

fn named(app: &mut App, name: &str, rest: &str, effects: &mut Vec<Effect>) {
    if let Some(pane) = PaneId::ALL.iter().find(|pane| pane.word() == name) {
        return dispatch::show(app, *pane, effects);
    }
    if KEYS.iter().any(|(key, _)| *key == name) && !rest.is_empty() {
        let value = if rest.contains(char::is_whitespace) { format!("\"{}\"", rest.replace('"', "")) } else { rest.to_owned() };
        return go_filter(app, format!("{name}:{value}"), effects);
    }
    if let Some(action) = Action::from_name(name) {
        if dispatch::meant(app).contains(&action) {
            return dispatch::act(app, action, effects);
        }
        return complain(app, &format!("{name} means nothing here; it belongs to: {}", contexts(action)));
    }
    let near = nearest(name);
    let hint = near.map(|n| format!("; did you mean :{n}?")).unwrap_or_default();
    complain(app, &format!("there is no command '{}'{hint}", SafeText::bounded(name, 40)));
}

fn contexts(action: Action) -> String {
    action.row().contexts.iter().map(|c| c.word()).collect::<Vec<_>>().join(", ")
}

fn complain(app: &mut App, text: &str) {
    app.notices.answer(Notice::warning(text), app.now);
    app.dirty = true;
}

fn tell(app: &mut App, tell: subscribers::Tell, effects: &mut Vec<Effect>) {
    dispatch::show(app, PaneId::Subscribers, effects);
    dispatch::run(app, crate::overlay::Then::Tell(Box::new(Tell::Subscribers(tell))), effects);
}

fn go_filter(app: &mut App, text: String, effects: &mut Vec<Effect>) {
    match filter::parse(&text) {
        Ok(_) => app.go(Place { pane: PaneId::Subscribers, locate: Some(Locate::Filter(text)) }, effects),
        Err(error) => complain(app, &error.message),
    }
}

fn sort(app: &mut App, rest: &str, effects: &mut Vec<Effect>) {
    let mut words = rest.split_whitespace();
    let column = words.next().unwrap_or_default();
    let descending = matches!(words.next(), Some("desc" | "descending" | "down"));
    match column.parse::<SortColumn>() {
        Ok(column) => tell(app, subscribers::Tell::Sort(Sort { column, descending }), effects),
        Err(unknown) => complain(app, &format!("sort: {unknown}")),
    }
}

fn ipv6(app: &mut App, rest: &str, effects: &mut Vec<Effect>) {
    let action = match rest {
        "status" => Some(Action::Status),
        "provision" => Some(Action::Provision),
        "deprovision" => Some(Action::Deprovision),
        other => OperationKind::from_word(other).and_then(super::lifecycle::action_of),
    };
    match action {
        Some(action) if dispatch::meant(app).contains(&action) => dispatch::act(app, action, effects),
        Some(_) => complain(app, "ipv6: select a subscriber on the board first (:pane-subscribers)"),
        None => complain(app, "ipv6: allocate, activate, suspend, resume, revoke, provision, deprovision or status"),
    }
}

fn nearest(name: &str) -> Option<&'static str> {
    let known = COMMANDS.iter().map(|c| c.name).chain(KEYS.iter().map(|(k, _)| *k)).chain(TABLE.iter().map(|row| row.name));
    let mut matcher = nucleo_matcher::Matcher::default();
    let pattern = nucleo_matcher::pattern::Pattern::new(
        name.get(..name.len().min(40)).unwrap_or_default(),
        nucleo_matcher::pattern::CaseMatching::Ignore,
        nucleo_matcher::pattern::Normalization::Smart,
        nucleo_matcher::pattern::AtomKind::Fuzzy,
    );
    pattern.match_list(known, &mut matcher).first().map(|(name, _)| *name)
}

/// What could stand at the end of `input`: the whole line each time, with a word of help.
pub fn complete(input: &str, vocabulary: &Vocabulary) -> Vec<(String, String)> {
    let Some((name, rest)) = input.split_once(char::is_whitespace) else { return names(input) };
    let words = |all: Vec<&str>| -> Vec<(String, String)> {
        all.into_iter().filter(|w| w.starts_with(rest)).map(|w| (format!("{name} {w}"), String::new())).collect()
    };
    match name {
        "sort" => words(SortColumn::ALL.iter().map(|c| c.word()).collect()),
        "theme" => words(THEMES.iter().map(|(name, _)| *name).collect()),
        "ipv6" => words(vec!["allocate", "activate", "suspend", "resume", "revoke", "provision", "deprovision", "status"]),
        "columns" => {
            let (done, last) = rest.rsplit_once(' ').map_or(("", rest), |(done, last)| (done, last));
            let head = if done.is_empty() { name.to_owned() } else { format!("{name} {done}") };
            subscribers::COLUMN_NAMES.iter().filter(|c| c.starts_with(last)).map(|c| (format!("{head} {c}"), String::new())).collect()
        }
        "filter" => filter::complete(rest, rest.len(), vocabulary)
            .into_iter()
            .take(50)
            .map(|c| (format!("{name} {}{}", rest.get(..c.replace.start).unwrap_or_default(), c.insert), c.help))
            .collect(),
        key if KEYS.iter().any(|(known, _)| *known == key) => {
            let typed = format!("{key}:{rest}");
            filter::complete(&typed, typed.len(), vocabulary)
                .into_iter()
                .map(|c| {
                    let kept = typed.get(key.len() + 1..c.replace.start).unwrap_or_default();
                    (format!("{name} {kept}{}", c.insert), c.help)
                })
                .collect()
        }
        _ => Vec::new(),
    }
}

fn names(input: &str) -> Vec<(String, String)> {
    let commands = COMMANDS.iter().map(|c| (c.name, c.help));
    let panes = PaneId::ALL.iter().map(|p| (p.word(), p.action().row().help));
    let keys = KEYS.iter().copied();
    let actions = TABLE.iter().filter(|row| row.group != crate::action::Group::Typing).map(|row| (row.name, row.help));
    let mut out: Vec<(String, String)> = Vec::new();
    for (name, help) in commands.chain(panes).chain(keys).chain(actions).filter(|(name, _)| name.starts_with(input)) {
        if !out.iter().any(|(known, _)| known == name) {
            out.push((name.to_owned(), help.to_owned()));
        }
    }
    out
}
