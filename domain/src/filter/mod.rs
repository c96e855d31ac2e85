//! The filter language: `state:active nas:bng-3 prefix:2001:db8::/40 -session:yes anna`. Terms are joined by AND; several values of one
//! key, separated by commas, by OR; a leading `-` turns a term round; words without a key search number, user name and name.

mod complete;
mod language;
mod parse;

pub use complete::{Completion, Vocabulary, complete};
pub use language::{DurationSecs, Filter, KEYS, Matcher, Term};
pub use parse::{FilterError, parse};
