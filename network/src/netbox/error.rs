//! How a call to NetBox failed, with the facts. The operator's sentence is made in `words`; what it means for the next try is here.

use super::words;
use crate::upstream::IpamError;
use ipnet::Ipv6Net;
use noctule_domain::{OperationId, Retry, SafeText};

/// What was being done: the beginning of every sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    Status,
    Fields,
    Tags,
    Tenants,
    ReadParent,
    CountPool,
    Allocate,
    LookUp,
    Read,
    SetStatus,
    Delete,
    PutBack,
    Scan,
    Init,
}

/// A configuration that can not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setup {
    BadUrl(SafeText),
    CredentialsInUrl,
    PlainHttp(SafeText),
    BadToken,
    CaFile { path: SafeText, why: SafeText },
    Client(SafeText),
}

/// An answer that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Garbage {
    /// Content type that came instead of JSON.
    NotJson(SafeText),
    /// JSON that does not parse.
    BrokenJson,
    Empty,
    TooLarge,
    /// JSON of another shape.
    Unexpected(&'static str),
}

/// Why a 4xx was said, as far as it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    NoCredentials,
    BadToken,
    NoPermission,
    /// 404 for the parent of an allocation: missing, or outside of what the token may see.
    ParentNotVisible(i64),
    /// 404 with HTML: not the API of a NetBox.
    NotTheApi,
    NotFound,
    BadInput,
    Other,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}", words::sentence(self))]
pub enum NetboxError {
    Config(Setup),
    /// Nothing was delivered.
    Unreachable {
        doing: Doing,
        cause: SafeText,
    },
    TimedOut {
        doing: Doing,
        seconds: u64,
    },
    /// The connection ended before the answer did.
    Broken {
        doing: Doing,
        cause: SafeText,
    },
    /// 5xx, 408, 425, 429: no telling what was stored.
    Failed {
        doing: Doing,
        status: u16,
        detail: SafeText,
    },
    Garbage {
        doing: Doing,
        status: u16,
        what: Garbage,
    },
    Redirected {
        doing: Doing,
        status: u16,
        to: SafeText,
    },
    /// A clear no.
    Refused {
        doing: Doing,
        status: u16,
        why: Why,
        detail: SafeText,
    },
    /// No pool has room for this length.
    Exhausted {
        /// `None`: each was asked for its own length.
        len: Option<u8>,
        pools: Vec<i64>,
    },
    NoPool,
    /// No pool is for this subscriber and this length; which and why in words.
    NoneFits(SafeText),
    TooOld {
        version: SafeText,
    },
    /// The custom fields are not as they must be.
    Fields(Vec<SafeText>),
    /// A filter was not applied: nothing that came back can be trusted.
    FilterIgnored {
        field: &'static str,
    },
    /// One operation id on several prefixes.
    Twice {
        operation: OperationId,
        prefixes: Vec<Ipv6Net>,
    },
    /// One value on several objects.
    Duplicate {
        prefix: Ipv6Net,
        ids: Vec<i64>,
    },
    /// The prefix that carries the operation id is not what was asked for.
    NotAsAsked {
        id: i64,
        prefix: Ipv6Net,
        what: SafeText,
    },
    /// NetBox stored it without the operation id; it was taken back.
    IdNotStored {
        id: i64,
        prefix: Ipv6Net,
    },
    /// NetBox stored it without the operation id, and it could not be taken back.
    LeftBehind {
        id: i64,
        prefix: Ipv6Net,
        cause: SafeText,
    },
    /// NetBox says that the operation id is taken, but shows nobody who has it.
    Hidden {
        operation: OperationId,
    },
    Gone {
        id: i64,
        expect: Ipv6Net,
        found: Option<SafeText>,
    },
    /// Not to be deleted: another prefix under this id, or one that is in use.
    NotOurs {
        id: i64,
        expect: Ipv6Net,
        found: SafeText,
        status: SafeText,
    },
    /// Changed by others each time it was looked at.
    Contended {
        id: i64,
        prefix: Ipv6Net,
    },
    /// Reading failed before anything was asked for: nothing can have been stored.
    Unasked(Box<NetboxError>),
    /// An earlier try may have been stored, and the look-up does not tell.
    Doubt(Box<NetboxError>),
}

impl NetboxError {
    /// May the request have been stored, now or later?
    pub fn is_unclear(&self) -> bool {
        matches!(
            self,
            Self::TimedOut { .. }
                | Self::Broken { .. }
                | Self::Failed { .. }
                | Self::Garbage { .. }
                | Self::Hidden { .. }
                | Self::Contended { .. }
                | Self::Doubt(_)
        )
    }

    pub fn retry(&self) -> Retry {
        match self {
            Self::Unreachable { .. } | Self::Unasked(_) => Retry::Later,
            unclear if unclear.is_unclear() => Retry::Later,
            Self::Twice { .. } | Self::NotAsAsked { .. } | Self::Gone { .. } | Self::NotOurs { .. } => Retry::Never,
            _ => Retry::AfterFix,
        }
    }
}

impl From<NetboxError> for IpamError {
    fn from(error: NetboxError) -> Self {
        let words = SafeText::new(&words::sentence(&error));
        match error {
            NetboxError::Unreachable { .. } | NetboxError::Unasked(_) => Self::Unreachable(words),
            NetboxError::Exhausted { .. } => Self::Exhausted(words),
            NetboxError::Gone { .. } => Self::Gone(words),
            NetboxError::NotAsAsked { .. } => Self::NotAsAsked(words),
            unclear if unclear.is_unclear() => Self::Unclear(words),
            _ => Self::Refused(words),
        }
    }
}
