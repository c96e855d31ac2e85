//! Completion of the filter language: keys first, then the values of a key.

use super::{KEYS, parse::tokens};
use crate::lifecycle::{AssignmentMode, Enforcement, Ipv6State};
use crate::subscriber::SubscriberStatus;
use std::ops::Range;

/// Names that only the store knows.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    pub nas: Vec<String>,
    pub sites: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// Bytes of the input to replace.
    pub replace: Range<usize>,
    pub insert: String,
    pub help: String,
}

/// What could stand at `cursor` (a byte position on a character boundary; a wrong one gives nothing).
pub fn complete(input: &str, cursor: usize, vocabulary: &Vocabulary) -> Vec<Completion> {
    if !input.is_char_boundary(cursor) {
        return Vec::new();
    }
    let head = &input[..cursor];
    let start = tokens(head).last().filter(|t| t.at.end == cursor).map_or(cursor, |t| t.at.start);
    let word = &head[start..];
    let (start, word) = match word.strip_prefix('-') {
        Some(rest) => (start + 1, rest),
        None => (start, word),
    };
    match word.split_once(':') {
        None => KEYS
            .iter()
            .filter(|(key, _)| key.starts_with(&word.to_ascii_lowercase()) && !word.is_empty() || word.is_empty())
            .map(|(key, help)| Completion { replace: start..cursor, insert: format!("{key}:"), help: (*help).to_owned() })
            .collect(),
        Some((key, values)) => {
            let typed = values.rsplit(',').next().unwrap_or(values);
            let at = cursor - typed.len();
            candidates(key, vocabulary)
                .into_iter()
                .filter(|value| value.to_lowercase().starts_with(&typed.to_lowercase()))
                .take(50)
                .map(|value| Completion { replace: at..cursor, insert: value, help: String::new() })
                .collect()
        }
    }
}

fn candidates(key: &str, vocabulary: &Vocabulary) -> Vec<String> {
    fn words<T: Copy>(all: &[T], word: impl Fn(T) -> &'static str) -> Vec<String> {
        all.iter().map(|v| word(*v).to_owned()).collect()
    }
    match key {
        "state" => words(Ipv6State::ALL, Ipv6State::word),
        "enforcement" => words(Enforcement::ALL, Enforcement::word),
        "mode" => words(AssignmentMode::ALL, AssignmentMode::word),
        "status" => words(SubscriberStatus::ALL, SubscriberStatus::word),
        "nas" => vocabulary.nas.clone(),
        "site" => vocabulary.sites.clone(),
        "session" | "running" | "error" => vec!["yes".into(), "no".into()],
        "age" => vec![">10m".into(), ">1h".into(), ">24h".into(), "<1h".into()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_then_values() {
        let vocabulary = Vocabulary { nas: vec!["bng-1".into(), "bng-2".into()], sites: vec![] };
        let at_key = complete("sta", 3, &vocabulary);
        assert_eq!(at_key.iter().map(|c| c.insert.as_str()).collect::<Vec<_>>(), ["state:", "status:"]);
        let at_value = complete("-nas:bng-1,b", 12, &vocabulary);
        assert_eq!(at_value[0].replace, 11..12);
        assert_eq!(at_value.len(), 2);
        assert!(complete("ä", 1, &vocabulary).is_empty());
    }
}
