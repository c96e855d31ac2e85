//! What the tests are written with.

mod home;
mod term;
mod upstreams;
mod wait;

pub use home::{Home, SUBSCRIBERS};
pub use term::{Term, title};
pub use upstreams::{SimNas, Upstreams};
pub use wait::until;
