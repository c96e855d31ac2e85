//! Tests of the screens as a whole: keys in, state, effects and frames out.

mod actions;
mod board;
mod centre;
mod jobs;
mod property;
mod snapshots;
