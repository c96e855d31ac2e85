//! A slot: one question whose latest answer is shown. A stale reply is ignored; a failure keeps what was shown and says how old it is.

use super::Cx;
use crate::query::{Query, Reply, RequestId};
use noctule_domain::{SafeText, Timestamp};

#[derive(Debug, Clone)]
pub struct Slot<T> {
    asked: Option<RequestId>,
    again: bool,
    pub value: Option<T>,
    /// Why the last question was not answered.
    pub failed: Option<SafeText>,
    /// When the shown value came.
    pub at: Option<Timestamp>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self { asked: None, again: false, value: None, failed: None, at: None }
    }
}

/// What became of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Not this slot's latest question.
    NotMine,
    Value,
    Failed,
    /// Taken, and meanwhile the store changed: ask once more.
    Again,
}

impl<T> Slot<T> {
    /// A new question: replies to earlier ones are stale from now on.
    pub fn ask(&mut self, cx: &mut Cx<'_>, query: Query) {
        self.again = false;
        self.asked = Some(cx.ask(query));
    }

    /// The same question once more because the store changed. While one is under way it is not repeated, only remembered: a store that
    /// changes faster than it answers must not keep the screen from ever showing anything.
    pub fn refresh(&mut self, cx: &mut Cx<'_>, query: Query) {
        if self.asked.is_some() {
            self.again = true;
        } else {
            self.ask(cx, query);
        }
    }

    /// A question is under way.
    pub fn waiting(&self) -> bool {
        self.asked.is_some()
    }

    pub fn is_latest(&self, id: RequestId) -> bool {
        self.asked == Some(id)
    }

    /// Forgets value and question.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes the reply if it answers the latest question. `pick` takes the value out of the kind of reply that this slot expects.
    pub fn take(&mut self, id: RequestId, reply: Reply, now: Timestamp, pick: impl FnOnce(Reply) -> Option<T>) -> Taken {
        if !self.is_latest(id) {
            return Taken::NotMine;
        }
        self.asked = None;
        let failed = match reply {
            Reply::Failed(why) => Some(why),
            reply => match pick(reply) {
                Some(value) => {
                    self.value = Some(value);
                    self.at = Some(now);
                    None
                }
                None => Some("the answer was of another kind than the question".into()),
            },
        };
        self.failed = failed;
        match (std::mem::take(&mut self.again), &self.failed) {
            (true, _) => Taken::Again,
            (false, None) => Taken::Value,
            (false, Some(_)) => Taken::Failed,
        }
    }
}
