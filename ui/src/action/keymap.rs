//! From keys to actions: the defaults of the table with the operator's own on top. A wrong line in the operator's file is refused with its
//! number and the nearest name that exists, and the rest of the file still counts.

use super::{Action, Context, STACKS, TABLE};
use crokey::crossterm::event::{KeyCode, KeyModifiers};
use crokey::{KeyCombination, OneToThree};
use std::collections::BTreeMap;

/// Keys pressed one after the other: `g g`.
pub type Sequence = Vec<KeyCombination>;

/// Longest sequence that a keymap may have.
pub const MAX_SEQUENCE: usize = 3;

/// What a sequence means so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Action(Action),
    /// The beginning of longer ones.
    Prefix,
    Nothing,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    #[error("keymap: {0}")]
    Syntax(String),
    #[error("keymap line {line}: there is no action '{name}'{}", nearest.map(|n| format!("; did you mean '{n}'?")).unwrap_or_default())]
    NoAction { line: usize, name: String, nearest: Option<&'static str> },
    #[error("keymap line {line}: {action}: '{key}' is not a key, as in \"ctrl-p\", \"g g\", \"f5\", \"space\"")]
    BadKey { line: usize, action: &'static str, key: String },
    #[error("keymap line {line}: {action}: write its keys as text or as a list of texts")]
    BadValue { line: usize, action: &'static str },
    #[error("keymap line {line}: '{key}' of {action} already means {other} in the context {context}")]
    Taken { line: usize, key: String, action: &'static str, other: &'static str, context: Context },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Keymap {
    keys: BTreeMap<Action, Vec<Sequence>>,
}

impl Default for Keymap {
    fn default() -> Self {
        let keys = TABLE.iter().map(|row| (row.action, row.keys.iter().filter_map(|text| parse_sequence(text)).collect())).collect();
        Self { keys }
    }
}

impl Keymap {
    /// The defaults with the operator's file on top. Returns what could be used together with what was wrong.
    pub fn with_overrides(text: &str) -> (Self, Vec<KeymapError>) {
        let mut keymap = Self::default();
        let mut errors = Vec::new();
        let mut changed = Vec::new();
        let table = match toml::de::DeTable::parse(text) {
            Ok(table) => table.into_inner(),
            Err(error) => {
                let line = error.span().map_or(1, |at| line_of(text, at.start));
                return (keymap, vec![KeymapError::Syntax(format!("line {line}: {}", error.message()))]);
            }
        };
        for (name, value) in &table {
            let line = line_of(text, name.span().start);
            let Some(action) = Action::from_name(name.get_ref()) else {
                let name = noctule_domain::SafeText::bounded(name.get_ref(), 60).into_string();
                errors.push(KeymapError::NoAction { line, nearest: nearest(&name), name });
                continue;
            };
            match keymap.sequences(action, value.get_ref(), line) {
                Ok(sequences) => {
                    keymap.keys.insert(action, sequences);
                    changed.push((line, action));
                }
                Err(error) => errors.push(error),
            }
        }
        changed.sort();
        keymap.drop_taken(&changed, &mut errors);
        (keymap, errors)
    }

    fn sequences(&self, action: Action, value: &toml::de::DeValue<'_>, line: usize) -> Result<Vec<Sequence>, KeymapError> {
        let texts: Vec<&str> = match value {
            toml::de::DeValue::String(text) => vec![text.as_ref()],
            toml::de::DeValue::Array(items) => items
                .iter()
                .map(|item| item.get_ref().as_str().ok_or(KeymapError::BadValue { line, action: action.name() }))
                .collect::<Result<_, _>>()?,
            _ => return Err(KeymapError::BadValue { line, action: action.name() }),
        };
        texts
            .into_iter()
            .map(|text| {
                parse_sequence(text).ok_or_else(|| KeymapError::BadKey {
                    line,
                    action: action.name(),
                    key: noctule_domain::SafeText::bounded(text, 40).into_string(),
                })
            })
            .collect()
    }

    /// A key that means two things: the later line loses it, in words.
    fn drop_taken(&mut self, changed: &[(usize, Action)], errors: &mut Vec<KeymapError>) {
        for (at, (line, action)) in changed.iter().enumerate() {
            let later = |other: Action| changed[at + 1..].iter().any(|(_, a)| *a == other);
            let mut kept = Vec::new();
            for sequence in self.keys.get(action).cloned().unwrap_or_default() {
                match self.other_meaning(*action, &sequence, later) {
                    Some((other, context)) => errors.push(KeymapError::Taken {
                        line: *line,
                        key: sequence_label(&sequence),
                        action: action.name(),
                        other: other.name(),
                        context,
                    }),
                    None => kept.push(sequence),
                }
            }
            self.keys.insert(*action, kept);
        }
    }

    /// Another action that has this sequence, or one that begins with it or is its beginning, where both are read. The context is the
    /// other's; those that `skip` says are not looked at.
    fn other_meaning(&self, action: Action, sequence: &[KeyCombination], skip: impl Fn(Action) -> bool) -> Option<(Action, Context)> {
        let within = |row: &super::ActionRow, stack: &[Context]| row.contexts.iter().copied().find(|c| stack.contains(c));
        let stacks: Vec<_> = STACKS.iter().filter(|stack| within(action.row(), stack).is_some()).collect();
        TABLE.iter().filter(|row| row.action != action && !skip(row.action)).find_map(|row| {
            let context = stacks.iter().find_map(|stack| within(row, stack))?;
            let clash = self.of(row.action).iter().any(|other| other.starts_with(sequence) || sequence.starts_with(other));
            clash.then_some((row.action, context))
        })
    }

    /// The sequences of an action.
    pub fn of(&self, action: Action) -> &[Sequence] {
        self.keys.get(&action).map_or(&[], Vec::as_slice)
    }

    /// The first sequence of an action as text, if it has one.
    pub fn label(&self, action: Action) -> Option<String> {
        self.of(action).first().map(|sequence| sequence_label(sequence))
    }

    /// What `pressed` means where `contexts` are active, the innermost first.
    pub fn find(&self, contexts: &[Context], pressed: &[KeyCombination]) -> Found {
        for context in contexts {
            let mut prefix = false;
            for row in TABLE.iter().filter(|row| row.contexts.contains(context)) {
                for sequence in self.of(row.action) {
                    if sequence.as_slice() == pressed {
                        return Found::Action(row.action);
                    }
                    prefix |= sequence.starts_with(pressed);
                }
            }
            if prefix {
                return Found::Prefix;
            }
        }
        Found::Nothing
    }

    /// What may follow `pressed`: the rest of each sequence and its action, inner contexts first.
    pub fn continuations(&self, contexts: &[Context], pressed: &[KeyCombination]) -> Vec<(Sequence, Action)> {
        let mut out: Vec<(Sequence, Action)> = Vec::new();
        for context in contexts {
            for row in TABLE.iter().filter(|row| row.contexts.contains(context)) {
                for sequence in self.of(row.action) {
                    let rest = &sequence[pressed.len().min(sequence.len())..];
                    if sequence.starts_with(pressed) && !rest.is_empty() && !out.iter().any(|(seen, _)| seen.as_slice() == rest) {
                        out.push((rest.to_vec(), row.action));
                    }
                }
            }
        }
        out
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).map_or(1, |head| head.matches('\n').count() + 1)
}

fn nearest(name: &str) -> Option<&'static str> {
    if name.len() > 60 {
        return None;
    }
    let score = |known: &str| {
        let (a, b): (Vec<char>, Vec<char>) = (name.chars().collect(), known.chars().collect());
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, ca) in a.iter().enumerate() {
            let mut diagonal = row[0];
            row[0] = i + 1;
            for (j, cb) in b.iter().enumerate() {
                let next = (diagonal + usize::from(ca != cb)).min(row[j] + 1).min(row[j + 1] + 1);
                diagonal = row[j + 1];
                row[j + 1] = next;
            }
        }
        row[b.len()]
    };
    TABLE.iter().map(|row| (score(row.name), row.name)).filter(|(d, known)| *d * 2 <= known.len()).min().map(|(_, known)| known)
}

/// One form for each key, whatever a terminal makes of shift: a letter says it by its case, a symbol and back-tab need no word for it.
pub fn canonical(key: KeyCombination) -> KeyCombination {
    let OneToThree::One(code) = key.codes else { return key };
    let mut modifiers = key.modifiers;
    let code = match code {
        KeyCode::Char('\r' | '\n') => KeyCode::Enter,
        // With ctrl a terminal does not tell the case.
        KeyCode::Char(c) if c != ' ' && modifiers.contains(KeyModifiers::CONTROL) => {
            modifiers.remove(KeyModifiers::SHIFT);
            KeyCode::Char(c.to_ascii_lowercase())
        }
        KeyCode::Char(c) if c != ' ' => {
            let upper = modifiers.contains(KeyModifiers::SHIFT) && c.is_ascii_lowercase();
            modifiers.remove(KeyModifiers::SHIFT);
            KeyCode::Char(if upper { c.to_ascii_uppercase() } else { c })
        }
        KeyCode::Tab if modifiers.contains(KeyModifiers::SHIFT) => {
            modifiers.remove(KeyModifiers::SHIFT);
            KeyCode::BackTab
        }
        KeyCode::BackTab => {
            modifiers.remove(KeyModifiers::SHIFT);
            KeyCode::BackTab
        }
        other => other,
    };
    KeyCombination::one_key(code, modifiers)
}

/// `"g g"`, `"ctrl-p"`, `"G"`. `None` when a word is not a key, or there are too many or none.
pub fn parse_sequence(text: &str) -> Option<Sequence> {
    let sequence: Sequence = text.split_whitespace().map(parse_key).collect::<Option<_>>()?;
    (1..=MAX_SEQUENCE).contains(&sequence.len()).then_some(sequence)
}

fn parse_key(text: &str) -> Option<KeyCombination> {
    // The parser of crokey knows no case and no character beyond ASCII; a single character speaks for itself here.
    let mut chars = text.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        return Some(canonical(KeyCombination::one_key(KeyCode::Char(c), KeyModifiers::NONE)));
    }
    let key: KeyCombination = text.parse().ok()?;
    key.is_ansi_compatible().then(|| canonical(key))
}

/// A key as shown and as written in a keymap.
pub fn key_label(key: KeyCombination) -> String {
    let key = canonical(key);
    let OneToThree::One(code) = key.codes else { return key.to_string() };
    let mut out = String::new();
    for (bit, word) in [(KeyModifiers::CONTROL, "ctrl-"), (KeyModifiers::ALT, "alt-"), (KeyModifiers::SHIFT, "shift-")] {
        if key.modifiers.contains(bit) {
            out.push_str(word);
        }
    }
    match code {
        KeyCode::Char(' ') => out.push_str("space"),
        KeyCode::Char('-') if !out.is_empty() => out.push_str("minus"),
        KeyCode::Char(c) => out.push(c),
        KeyCode::F(n) => out.push_str(&format!("f{n}")),
        KeyCode::Esc => out.push_str("esc"),
        KeyCode::BackTab => out.push_str("backtab"),
        other => out.push_str(&format!("{other:?}").to_lowercase()),
    }
    out
}

pub fn sequence_label(sequence: &[KeyCombination]) -> String {
    sequence.iter().map(|key| key_label(*key)).collect::<Vec<_>>().join(" ")
}
