//! Why a NAS is silent: harmless experiments, few and short, and what they exclude. A request asks for the end of a session that can not exist.

mod conclude;
mod experiment;
mod report;

pub use conclude::{Cause, Conclusion, Evidence, conclude};
pub use experiment::{Experiment, Found, Prober, Tried};
