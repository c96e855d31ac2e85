//! What can be wrong with a base map file.

/// Why a base map was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    #[error("not a base map: it does not begin with NOCBASE1")]
    NotABasemap,
    #[error("the base map ends in the middle of a line, at byte {at}")]
    Truncated { at: usize },
    #[error("the base map names {count} {what}, more than the {limit} that are read")]
    TooLarge { what: &'static str, count: u64, limit: u64 },
    #[error("the base map holds a number that is out of range, at byte {at}")]
    BadNumber { at: usize },
    #[error("the base map holds a line of kind {kind}, which is not known")]
    UnknownKind { kind: u64 },
}
