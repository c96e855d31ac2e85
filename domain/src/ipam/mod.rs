//! Where prefixes come from: pools, who they serve, which one is taken, how long they last, and the rules of the built-in IPAM. Pure; asking
//! an IPAM is `network`'s.

mod book;
mod choose;
mod forecast;
mod pool;
pub mod space;

pub use book::{BookAsk, BookParent, BookPool, BookPrefix, Changed, PrefixBook, Taken};
pub use choose::{Candidate, Choice, LENGTHS, Not, Offer, Passed, PoolPolicy, PoolRule, Reach, Wanted, choose, fits, within_vrf};
pub use forecast::{Forecast, Sample, WINDOW_DAYS, forecast, resample};
pub use pool::{Fit, Pool, PoolLevel, PoolThresholds, PrefixStatus, capacity, fits as free_fits, told_lengths};
