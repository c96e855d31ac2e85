//! The outbox on its way to the centre, and presence.
