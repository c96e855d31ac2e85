//! From typed text to `Filter`. Never panics; an error names the place and the nearest thing that would be right.

use super::{DurationSecs, Filter, KEYS, Matcher, Term};
use crate::SafeText;
use ipnet::Ipv6Net;
use std::{net::Ipv6Addr, ops::Range, str::FromStr};

/// Longest filter accepted, in bytes.
pub const MAX_FILTER: usize = 1024;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FilterError {
    /// Bytes of the input that are wrong.
    pub at: Range<usize>,
    pub message: String,
}

/// One word of the input: its place and its text without quotes.
pub(super) struct Token {
    pub at: Range<usize>,
    pub text: String,
    pub quoted: bool,
}

/// Splits at white space; double quotes keep white space together, in a value too (`name:"van den berg"`).
pub(super) fn tokens(input: &str) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    let mut open: Option<Token> = None;
    let mut in_quotes = false;
    for (i, c) in input.char_indices() {
        let end = i + c.len_utf8();
        if c.is_whitespace() && !in_quotes {
            out.extend(open.take());
            continue;
        }
        let token = open.get_or_insert_with(|| Token { at: i..i, text: String::new(), quoted: c == '"' });
        token.at.end = end;
        if c == '"' {
            in_quotes = !in_quotes;
        } else {
            token.text.push(c);
        }
    }
    out.extend(open);
    out
}

/// Parses a filter. While somebody types, an unfinished key (`state:`) is not an error: it matches everything.
pub fn parse(input: &str) -> Result<Filter, FilterError> {
    if input.len() > MAX_FILTER {
        return Err(FilterError { at: MAX_FILTER..input.len(), message: format!("a filter has at most {MAX_FILTER} bytes") });
    }
    let mut terms = Vec::new();
    for token in tokens(input) {
        let (negate, body) = match token.text.strip_prefix('-') {
            Some(rest) if !token.quoted && !rest.is_empty() => (true, rest),
            _ => (false, token.text.as_str()),
        };
        let matcher = term(body, token.quoted).map_err(|message| FilterError { at: token.at.clone(), message })?;
        if let Some(matcher) = matcher {
            terms.push(Term { negate, matcher });
        }
    }
    Ok(Filter { terms })
}

fn term(body: &str, quoted: bool) -> Result<Option<Matcher>, String> {
    if body.is_empty() {
        return Ok(None);
    }
    if quoted {
        return Ok(Some(Matcher::Text(body.to_owned())));
    }
    if let Some(net) = as_prefix(body) {
        return Ok(Some(Matcher::Prefix(net)));
    }
    let Some((key, value)) = body.split_once(':') else { return Ok(Some(Matcher::Text(body.to_owned()))) };
    let key = key.to_ascii_lowercase();
    if !KEYS.iter().any(|(known, _)| *known == key) {
        return match nearest(&key, KEYS.iter().map(|(known, _)| *known)) {
            Some(known) => Err(format!("'{}' is not a key; did you mean '{known}:'?", SafeText::bounded(&key, 40))),
            // A MAC address or another text with colons.
            None => Ok(Some(Matcher::Text(body.to_owned()))),
        };
    }
    if value.is_empty() {
        return Ok(None);
    }
    let matcher = match key.as_str() {
        "state" => Matcher::State(list(value)?),
        "enforcement" => Matcher::Enforcement(list(value)?),
        "mode" => Matcher::Mode(list(value)?),
        "status" => Matcher::Status(list(value)?),
        "nas" => Matcher::Nas(strings(value)),
        "site" => Matcher::Site(strings(value)),
        "prefix" => match as_prefix(value) {
            Some(net) => Matcher::Prefix(net),
            None => return Err(format!("'{}' is not an IPv6 prefix or address, as in prefix:2001:db8::/40", SafeText::bounded(value, 60))),
        },
        "age" => age(value)?,
        "session" => Matcher::Session(yes_no(value)?),
        "running" => Matcher::Running(yes_no(value)?),
        "error" => Matcher::Error(yes_no(value)?),
        "user" => Matcher::User(value.to_owned()),
        "name" => Matcher::Name(value.to_owned()),
        _ => Matcher::Number(value.to_owned()),
    };
    Ok(Some(matcher))
}

/// An address counts as the /128 around it; host bits of a prefix are cut.
fn as_prefix(text: &str) -> Option<Ipv6Net> {
    if let Ok(net) = Ipv6Net::from_str(text) {
        return Some(net.trunc());
    }
    Ipv6Addr::from_str(text).ok().map(Ipv6Net::from)
}

fn strings(value: &str) -> Vec<String> {
    value.split(',').filter(|v| !v.is_empty()).map(str::to_owned).collect()
}

fn list<T: FromStr<Err = crate::words::UnknownWord>>(value: &str) -> Result<Vec<T>, String> {
    let mut out = Vec::new();
    for word in value.split(',').filter(|w| !w.is_empty()) {
        match word.to_ascii_lowercase().parse::<T>() {
            Ok(value) => out.push(value),
            Err(unknown) => {
                return Err(match nearest(word, unknown.known.iter().copied()) {
                    Some(near) => format!("'{}' is not a value; did you mean '{near}'?", unknown.word),
                    None => unknown.to_string(),
                });
            }
        }
    }
    Ok(out)
}

fn yes_no(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "yes" | "y" | "true" | "1" => Ok(true),
        "no" | "n" | "false" | "0" => Ok(false),
        _ => Err(format!("'{}' is neither yes nor no", SafeText::bounded(value, 40))),
    }
}

fn age(value: &str) -> Result<Matcher, String> {
    let (longer_than, rest) = match value.as_bytes().first() {
        Some(b'<') => (false, &value[1..]),
        Some(b'>') => (true, &value[1..]),
        _ => (true, value),
    };
    let bad = || format!("'{}' is not an age, as in age:>24h (s, m, h, d, w)", SafeText::bounded(value, 40));
    let unit_at = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
    let number: u64 = rest[..unit_at].parse().map_err(|_| bad())?;
    let unit = match &rest[unit_at..] {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(bad()),
    };
    Ok(Matcher::Age { longer_than, than: DurationSecs(number.saturating_mul(unit).min(3_000_000_000)) })
}

/// The known word within an edit distance of two, if there is one; of several, the closest.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > 40 {
        return None;
    }
    known.map(|k| (distance(word, k), k)).filter(|(d, k)| *d <= 2 && *d * 2 < k.len().min(word.len() + 1)).min().map(|(_, k)| k)
}

/// Levenshtein distance, over bytes: the words are ASCII.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.bytes().enumerate() {
            let next = (diagonal + usize::from(ca != cb)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = next;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::Ipv6State;
    use proptest::prelude::*;

    #[test]
    fn the_example_of_the_manual() {
        let filter = parse("state:active nas:bng-3 prefix:2001:db8::/40 -session:yes anna").expect("parses");
        let matchers: Vec<_> = filter.terms.iter().map(|t| t.matcher.clone()).collect();
        assert_eq!(
            matchers,
            vec![
                Matcher::State(vec![Ipv6State::Active]),
                Matcher::Nas(vec!["bng-3".into()]),
                Matcher::Prefix("2001:db8::/40".parse().expect("net")),
                Matcher::Session(true),
                Matcher::Text("anna".into()),
            ]
        );
        assert!(filter.terms[3].negate);
    }

    #[test]
    fn an_address_alone_is_a_prefix_and_a_slip_is_corrected() {
        assert_eq!(parse("2001:db8::1").expect("parses").terms[0].matcher, Matcher::Prefix("2001:db8::1/128".parse().expect("net")));
        assert!(parse("stat:active").expect_err("refused").message.contains("'state:'"));
        assert!(parse("state:actve").expect_err("refused").message.contains("'active'"));
        assert_eq!(parse("state:").expect("unfinished is fine"), Filter::default());
        assert_eq!(parse("aa:bb:cc:dd:ee:ff").expect("text").terms[0].matcher, Matcher::Text("aa:bb:cc:dd:ee:ff".into()));
    }

    proptest! {
        #[test]
        fn never_panics(input in ".{0,200}") {
            let _ = parse(&input);
        }
    }
}
