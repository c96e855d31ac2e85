//! Which position may be kept for later. A server that crashes gives out the numbers again of transactions whose end had not reached its
//! disk: those that were rolled back, or wrote unlogged tables only (presence), need not have. A snapshot that has seen such a number would
//! later take another transaction for seen. So a position is kept only once the log that was written when it was read is safe on the disk;
//! until then the one before it is. The connection on which newer ones were read does not survive a crash.

use noctule_domain::sync::Position;

/// The newest position that survives a crash of the server, and one that may become it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SafePosition {
    kept: Position,
    candidate: Option<(Position, i64)>,
}

impl SafePosition {
    /// `position` is known to be safe: it was kept, or waited for.
    pub(super) fn new(position: Position) -> Self {
        Self { kept: position, candidate: None }
    }

    /// A newer read: how far the log was `written` at or after its snapshot, and how far it is `safe`. Gives what may be kept now.
    pub(super) fn read(&mut self, position: &Position, written: i64, safe: i64) -> &Position {
        if safe >= written {
            *self = Self::new(position.clone());
        } else {
            if let Some((candidate, _)) = self.candidate.take_if(|(_, written)| *written <= safe) {
                self.kept = candidate;
            }
            self.candidate.get_or_insert_with(|| (position.clone(), written));
        }
        &self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(xid: u64) -> Position {
        Position {
            history: String::new(),
            schema: 1,
            epoch: 1,
            tenant: uuid::Uuid::nil(),
            login: String::new(),
            cursor: format!("{xid}:{xid}:").parse().expect("a snapshot"),
            at: Default::default(),
        }
    }

    #[test]
    fn a_position_is_kept_when_its_log_is_on_the_disk() {
        let mut safe = SafePosition::new(at(1));
        assert_eq!(*safe.read(&at(2), 100, 90), at(1));
        // The log has grown past the disk again, but what the second read had seen is safe now.
        assert_eq!(*safe.read(&at(3), 200, 99), at(1));
        assert_eq!(*safe.read(&at(4), 300, 100), at(2));
        assert_eq!(*safe.read(&at(5), 400, 300), at(4));
        assert_eq!(*safe.read(&at(6), 400, 400), at(6));
        // A standby tells no numbers of its log.
        assert_eq!(*safe.read(&at(7), 0, 0), at(7));
    }
}
