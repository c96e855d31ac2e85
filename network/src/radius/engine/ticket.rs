//! What one exchange holds of its NAS, and waiting for a turn. Whatever way an exchange ends, all of it is given back here.

use crate::radius::engine::config::EngineConfig;
use crate::radius::engine::nas::{NasState, Place};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// What an exchange holds of its NAS; dropping it, at the end or when cancelled, gives all of it back.
pub struct Ticket<'a> {
    pub config: &'a EngineConfig,
    pub nas: &'a NasState,
    pub session: Option<Box<str>>,
    pub window: bool,
    /// The next request of this NAS is not let in before this one has left.
    pub pacing: bool,
    pub place: Option<Place>,
    /// Serial of the flight, once registered.
    pub flight: Option<u64>,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut core = self.nas.lock();
        match (self.place, self.flight) {
            // What was answered meanwhile was not cancelled.
            (Some(place), Some(serial)) if core.abandon(place, serial, now, self.config).is_some() => core.stats.cancelled += 1,
            (Some(place), None) => core.return_place(place, now),
            _ => {}
        }
        if self.pacing {
            core.paced(self.config);
        }
        if self.window {
            core.leave_window(self.config);
        }
        if let Some(key) = &self.session {
            core.leave_session(key);
        }
    }
}

/// Waiting for a turn. When the wait is given up after the turn was granted, the turn is passed on.
pub struct Turn<F: FnMut()> {
    pub turn: oneshot::Receiver<()>,
    pub undo: Option<F>,
}

impl<F: FnMut()> Turn<F> {
    pub async fn wait(&mut self) {
        // The sender lives in the state that we hold a reference to, and it is only dropped after sending.
        let _ = (&mut self.turn).await;
        self.undo = None;
    }
}

impl<F: FnMut()> Drop for Turn<F> {
    fn drop(&mut self) {
        if let Some(undo) = &mut self.undo {
            self.turn.close();
            if self.turn.try_recv().is_ok() {
                undo();
            }
        }
    }
}
