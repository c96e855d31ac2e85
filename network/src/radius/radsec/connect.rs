//! Opening a connection: TCP, then TLS with the name checked.

use noctule_domain::SafeText;
use noctule_tls::{ClientCertificate, client_config};
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const LONGEST: Duration = Duration::from_secs(10);

/// What this console trusts and shows, PEM files. Read at every connection: a renewed certificate needs no restart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RadsecFiles {
    /// The authority of the NASes; `None`: those that this system trusts.
    pub ca: Option<PathBuf>,
    pub client: Option<ClientCertificate>,
}

pub(super) async fn connect(address: SocketAddr, name: &str, files: &RadsecFiles) -> Result<TlsStream<TcpStream>, SafeText> {
    let host = ServerName::try_from(name.to_owned())
        .map_err(|_| SafeText::from(format!("'{name}' is neither a host name nor an address: correct tls_name in the profile")))?;
    let files = files.clone();
    // Files may lie on a network disk: the runtime does not wait for them.
    let config = tokio::task::spawn_blocking(move || client_config(files.ca.as_deref(), files.client.as_ref()))
        .await
        .map_err(|error| SafeText::from(format!("reading the TLS files was broken off: {error}")))?
        .map_err(|error| SafeText::from(format!("[radius.radsec]: {error}")))?;
    let open = async {
        let tcp = TcpStream::connect(address).await.map_err(|error| SafeText::from(format!("no connection to {address}: {error}")))?;
        // One request is one packet: it must not wait for more to come.
        let _ = tcp.set_nodelay(true);
        let tls = TlsConnector::from(Arc::new(config)).connect(host, tcp).await;
        tls.map_err(|error| SafeText::from(format!("{address} ({name}): {}", why(&error))))
    };
    timeout(LONGEST, open)
        .await
        .unwrap_or_else(|_| Err(SafeText::from(format!("{address} does not answer (TCP and TLS, {} s)", LONGEST.as_secs()))))
}

/// The error of a TLS stream in words.
pub(super) fn why(error: &std::io::Error) -> String {
    tls_error(error).and_then(noctule_tls::words).unwrap_or_else(|| error.to_string())
}

pub(super) fn tls_error(error: &std::io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>())
}
