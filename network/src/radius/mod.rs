//! RADIUS Dynamic Authorization (RFC 5176) towards NASes: CoA-Request and Disconnect-Request, judged answers, profiles per kind of NAS.
//! This module sends and says what came back; it decides nothing about a subscriber.

pub mod attribute;
mod client;
pub mod codec;
pub mod dictionary;
pub mod engine;
mod error;
pub mod probe;
pub mod profiles;
pub mod radsec;
pub mod request;
pub mod sheet;
pub mod template;

pub use attribute::{Attribute, VendorPart};
pub use client::{Probe, RadiusClient, Secrets};
pub use codec::RequestKind;
pub use engine::{Engine, EngineConfig, Exchange, Priority, Request, Target};
pub use error::RadiusError;
pub use noctule_tls::ClientCertificate;
pub use profiles::Profiles;
pub use radsec::RadsecFiles;
