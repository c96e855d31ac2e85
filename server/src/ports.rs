//! What the server needs of the rest of the program.

use crate::health::HealthReport;
use async_trait::async_trait;
use noctule_domain::{Retry, SafeText};

/// Looks at NetBox again where a webhook hinted that something changed. The hint is never the truth: what stands in it is not handed on.
#[async_trait]
pub trait Look: Send + Sync + 'static {
    /// Prefixes by their NetBox ids, each once. `Retry::Later` keeps them for the next try.
    async fn again(&self, prefixes: &[i64]) -> Result<(), LookError>;

    /// Hints were lost (this process was down, or there were too many): everything has to be looked at.
    async fn all(&self) -> Result<(), LookError>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookError {
    pub words: SafeText,
    pub retry: Retry,
}

/// How the process and its upstreams do.
#[async_trait]
pub trait Health: Send + Sync + 'static {
    async fn report(&self) -> HealthReport;
}
