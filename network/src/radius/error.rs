//! What can go wrong before a request leaves: a value that does not fit, a profile that cannot do what is asked. The words are the
//! operator's. What comes of a request that did leave is never an error but an outcome.

use noctule_domain::{Retry, SafeText};
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum RadiusError {
    #[error("attribute {kind} would hold {len} bytes; an attribute holds at most {max}")]
    AttributeTooLong { kind: u8, len: usize, max: usize },
    #[error("the request would be {len} bytes; a RADIUS packet has at most 4096")]
    PacketTooLong { len: usize },
    #[error("attribute {kind} is not a well-formed {what}")]
    Malformed { kind: u8, what: &'static str },
    #[error("{prefix}/{len} has host bits set: the prefix itself must be sent")]
    HostBits { prefix: std::net::Ipv6Addr, len: u8 },
    #[error("tag {0} is out of range: a tag is 1 to 31")]
    BadTag(u8),
    #[error("{0} does not fit beside a tag: a tagged integer has at most 24 bits")]
    TaggedTooBig(u32),
    /// The profile, the NAS or the subscriber lacks what the request needs.
    #[error("{0}")]
    NotPossible(SafeText),
    #[error("{}: {source}", file.display())]
    ProfileUnreadable { file: PathBuf, source: std::io::Error },
    #[error("{file}, line {line}: {message}")]
    BadProfile { file: String, line: usize, message: SafeText },
}

impl RadiusError {
    pub fn retry(&self) -> Retry {
        Retry::AfterFix
    }
}
