//! Connections to the centre: where it is, TLS, who we are, and what went wrong.

mod centre;
mod config;
mod error;
mod line;
mod tls;

pub use centre::{Centre, SessionGuard};
pub use config::CentreConfig;
pub use error::CentreError;
pub use line::{Access, Line};
pub use noctule_tls::{ClientCertificate, Tls};
