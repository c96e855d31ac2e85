//! A believable provider, made from a seed: NASes, subscribers in every state, what NetBox holds of them, people in the field and their
//! tasks. Pure data in the domain's types; no I/O and no clock but the time given.

mod field;
mod generate;
mod ipam;
mod layout;
mod minute;
mod mover;
mod names;
mod nases;
mod places;
mod subscribers;

pub use generate::{World, WorldConfig};
pub use ipam::{PrefixOwner, WorldPrefix};
pub use layout::{Class, FEWEST as FEWEST_SUBSCRIBERS, MOST as MOST_SUBSCRIBERS};
pub use minute::{ScriptedTrouble, Trouble, bad_minute};
pub use nases::{MOST_NASES, SUSPENDED_FILTER, login_profile, nas_session};

#[cfg(test)]
mod tests;
