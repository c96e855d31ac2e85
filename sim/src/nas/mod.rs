//! A simulated NAS: a UDP server that speaks CoA and Disconnect (RFC 5176) with a codec of its own, and can be told to err in the ways
//! that real ones do. It is for tests, benches and the demo; it knows nothing of the client.

mod behaviour;
mod decide;
mod engine;
mod error;
mod log;
mod noise;
mod packet;
mod prefix;
mod preset;
mod server;
mod session;
mod table;
mod work;

pub use behaviour::{Behaviour, Delay, Dup, Noise, NoiseKind, Over, PpsLimit, Scripted, Several, Unlisted};
pub use decide::NasIdentity;
pub use engine::LoginFn;
pub use error::NasError;
pub use log::{Counters, Dropped, EndedBy, KEPT_EVENTS, NasEvent, What};
pub use packet::{Attribute, Packet, Sign, attr, code, is_authentic_answer, write_request};
pub use prefix::{decode_prefix, encode_prefix};
pub use preset::{Preset, vendor};
pub use server::{NasSim, NasSimConfig, SystemClock};
pub use session::{AttrKey, Change, LoginProfile, NasSession};

#[cfg(test)]
mod tests;
