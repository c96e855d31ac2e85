//! A drift check: reads the subscriber rows, NetBox and AAA side by side, page after page, and looks at each suspicion again by itself
//! before it is called a finding. What counts as one is the domain's to say; nothing is changed here.

mod again;
mod check;
mod config;
mod names;
mod objects;
mod parents;
mod source;
mod suspects;

pub use check::{CheckFailed, Checker};
pub use config::{CheckConfig, ProfilesOf};
pub use source::{Parent, PrefixSource};
