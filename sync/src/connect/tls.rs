//! TLS as `verify-full` means it: the chain and the name are checked by rustls itself, nothing is switched off. Files are read at every new
//! connection, so that a renewed certificate is taken up without a restart.

use super::config::{ClientCertificate, Tls};
use super::error::CentreError;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Reads the files; `None` where TLS is off.
pub(crate) async fn connector(tls: &Tls) -> Result<Option<MakeRustlsConnect>, CentreError> {
    let Tls::VerifyFull { ca, client } = tls.clone() else { return Ok(None) };
    // Files may lie on a network disk: the runtime does not wait for them.
    tokio::task::spawn_blocking(move || client_config(ca.as_deref(), client.as_ref()))
        .await
        .map_err(|_| untrusted("reading the TLS files was broken off"))?
        .map(|config| Some(MakeRustlsConnect::new(config)))
}

fn untrusted(words: impl AsRef<str>) -> CentreError {
    CentreError::Untrusted(words.as_ref().into())
}

fn client_config(ca: Option<&Path>, client: Option<&ClientCertificate>) -> Result<ClientConfig, CentreError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| untrusted(format!("TLS can not be set up: {error}")))?;
    let builder = match ca {
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path, "the authority's certificate")? {
                roots.add(certificate).map_err(|error| untrusted(format!("{} holds no usable certificate: {error}", path.display())))?;
            }
            builder.with_root_certificates(roots)
        }
        None => builder
            .with_platform_verifier()
            .map_err(|error| untrusted(format!("this system's trusted authorities can not be read: {error}; name a CA file")))?,
    };
    let Some(client) = client else { return Ok(builder.with_no_client_auth()) };
    let chain = certificates(&client.certificate, "the client certificate")?;
    let key = private_key(&client.key)?;
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|error| untrusted(format!("the client certificate {} can not be used: {error}", client.certificate.display())))
}

fn certificates(path: &Path, what: &str) -> Result<Vec<CertificateDer<'static>>, CentreError> {
    let unreadable = |error: rustls::pki_types::pem::Error| untrusted(format!("{what} {} can not be read: {error}", path.display()));
    let found = CertificateDer::pem_file_iter(path).map_err(unreadable)?.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    if found.is_empty() {
        return Err(untrusted(format!("{} holds no certificate (PEM is expected)", path.display())));
    }
    Ok(found)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, CentreError> {
    let known = std::fs::metadata(path).map_err(|error| untrusted(format!("the key {} can not be read: {error}", path.display())))?;
    // As libpq asks for it: one's own file only for oneself, or root's file for a group.
    let allowed = if known.uid() == 0 { 0o740 } else { 0o700 };
    if known.mode() & 0o777 & !allowed != 0 {
        return Err(untrusted(format!("the key {} can be read by others: chmod 600 it", path.display())));
    }
    PrivateKeyDer::from_pem_file(path).map_err(|error| untrusted(format!("the key {} can not be read: {error}", path.display())))
}
