//! `Aaa` over the stock SQL tables of FreeRADIUS 3.2 on PostgreSQL.

use super::config::AaaConfig;
use super::line::Slot;
use crate::upstream::{Aaa, AaaError, LoginWrite};
use async_trait::async_trait;
use noctule_domain::aaa::{AaaUser, AccountingSession};
use noctule_domain::subscriber::Username;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use uuid::Uuid;

/// The tables, over two connections: a long read of users does not keep a suspension waiting. Cheap to clone.
#[derive(Clone)]
pub struct FreeRadius {
    pub(super) config: Arc<AaaConfig>,
    pub(super) writing: Slot,
    pub(super) reading: Slot,
    pub(super) writer: Writer,
}

/// Who writes, and how many writes it has begun: tells a late statement of this very process from its later ones.
#[derive(Clone)]
pub(super) struct Writer {
    pub id: Uuid,
    count: Arc<AtomicI64>,
}

impl Writer {
    pub(super) fn next(&self) -> i64 {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl FreeRadius {
    /// Nothing is asked of the network yet.
    pub fn new(config: AaaConfig) -> Self {
        let config = Arc::new(config);
        Self {
            writing: Slot::new(config.clone()),
            reading: Slot::new(config.clone()),
            config,
            writer: Writer { id: Uuid::new_v4(), count: Arc::default() },
        }
    }

    pub fn config(&self) -> &AaaConfig {
        &self.config
    }
}

impl std::fmt::Debug for FreeRadius {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FreeRadius").field("hosts", &self.config.hosts).field("database", &self.config.database).finish_non_exhaustive()
    }
}

#[async_trait]
impl Aaa for FreeRadius {
    async fn write(&self, ask: &LoginWrite) -> Result<(), AaaError> {
        self.write_login(ask).await
    }

    async fn user(&self, username: &Username) -> Result<Option<AaaUser>, AaaError> {
        self.read_user(username).await
    }

    async fn sessions_of(&self, username: &Username) -> Result<Vec<AccountingSession>, AaaError> {
        self.read_sessions(username).await
    }

    async fn users_after(&self, after: Option<&Username>, limit: u32) -> Result<Vec<AaaUser>, AaaError> {
        self.read_users(after, limit).await
    }
}
