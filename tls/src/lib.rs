//! TLS for the lines that Noctule opens by rustls itself: the centre, the AAA database. One place decides what is trusted.

mod client;
mod words;

pub use client::{ClientCertificate, Tls, TlsError, client_config};
pub use words::words;
