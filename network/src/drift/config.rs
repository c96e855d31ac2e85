//! How a check goes about it.

use noctule_domain::drift::{DriftKind, Limits};
use noctule_domain::nas::NasProfile;
use noctule_domain::ports::Clock;
use std::sync::Arc;
use std::time::Duration;

/// The NAS profile of a key.
pub type ProfilesOf = Arc<dyn Fn(&str) -> Option<Arc<NasProfile>> + Send + Sync>;

#[derive(Clone)]
pub struct CheckConfig {
    pub clock: Arc<dyn Clock>,
    pub limits: Limits,
    /// Objects of a page of NetBox.
    pub page: usize,
    /// Rest between two pages of NetBox: it has other work.
    pub pause: Duration,
    /// Rest before suspicions are looked at again, where the rows are a copy: what was under way has come by then.
    pub settle: Duration,
    /// What NetBox changed later than so long ago is not judged: the copy may not know of it yet. Zero where the rows are the truth.
    pub young: chrono::Duration,
    /// Only these kinds; empty is all.
    pub kinds: Vec<DriftKind>,
    pub profiles: ProfilesOf,
}

impl CheckConfig {
    pub fn new(clock: Arc<dyn Clock>, profiles: ProfilesOf) -> Self {
        Self {
            clock,
            limits: Limits::default(),
            page: 500,
            pause: Duration::ZERO,
            settle: Duration::ZERO,
            young: chrono::Duration::zero(),
            kinds: Vec::new(),
            profiles,
        }
    }

    pub(super) fn wants(&self, kind: DriftKind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }
}
