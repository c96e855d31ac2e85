//! The server over real HTTP: the recorded webhooks of NetBox, wrong and missing signatures, bodies too long or never coming, replays, a
//! storm, an end with answers under way.

mod health;
mod hooks;
mod limits;
mod support;
