//! The lines to all NASes: one each, made when it is first needed.

use super::connect::RadsecFiles;
use super::line::{self, Whom};
use super::{Ask, End};
use noctule_domain::SafeText;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// Asks that wait for a line; its window lets far fewer in.
const QUEUE: usize = 1024;

pub struct Lines {
    files: RadsecFiles,
    all: Mutex<HashMap<(SocketAddr, String), mpsc::Sender<Ask>>>,
    /// Aborted when this is dropped.
    tasks: Mutex<JoinSet<()>>,
}

impl Lines {
    pub fn new(files: RadsecFiles) -> Self {
        Self { files, all: Mutex::default(), tasks: Mutex::new(JoinSet::new()) }
    }

    /// Gives the ask to the line of this NAS and waits for its end.
    pub async fn ask(&self, whom: Whom, ask: Ask, end: oneshot::Receiver<End>) -> End {
        let gone = || End::NotSent(SafeText::new("the connection was given up"));
        if self.line(whom).send(ask).await.is_err() {
            return gone();
        }
        end.await.unwrap_or_else(|_| gone())
    }

    fn line(&self, whom: Whom) -> mpsc::Sender<Ask> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let line = all.entry((whom.address, whom.tls_name.clone())).or_insert_with(|| {
            let (send, asks) = mpsc::channel(QUEUE);
            let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            tasks.spawn(line::run(whom, self.files.clone(), asks));
            send
        });
        line.clone()
    }
}
