//! TLS of a line to the centre: what `noctule-tls` trusts, in the form that tokio-postgres takes.

use super::error::CentreError;
use noctule_tls::{Tls, client_config};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Reads the files; `None` where TLS is off.
pub(crate) async fn connector(tls: &Tls) -> Result<Option<MakeRustlsConnect>, CentreError> {
    let Tls::VerifyFull { ca, client } = tls.clone() else { return Ok(None) };
    // Files may lie on a network disk: the runtime does not wait for them.
    tokio::task::spawn_blocking(move || client_config(ca.as_deref(), client.as_ref()))
        .await
        .map_err(|_| CentreError::Untrusted("reading the TLS files was broken off".into()))?
        .map(|config| Some(MakeRustlsConnect::new(config)))
        .map_err(|error| CentreError::Untrusted(error.0.as_str().into()))
}
