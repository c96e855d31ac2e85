//! TLS as `verify-full` means it: the chain and the name are checked by rustls itself, nothing is switched off. Files are read at every new
//! connection, so that a renewed certificate is taken up without a restart.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a line is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// For the loopback and unix sockets only; the configuration refuses it elsewhere.
    Off,
    /// The server must show a certificate for the very name that was asked for, signed by `ca` (PEM file), or else by an authority that this
    /// system trusts.
    VerifyFull { ca: Option<PathBuf>, client: Option<ClientCertificate> },
}

/// PEM files. The key must not be readable by others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Why no line can be opened: words for the operator. They may hold paths, never what stands in a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(pub String);

fn untrusted(words: impl Into<String>) -> TlsError {
    TlsError(words.into())
}

/// What rustls is to trust and show. Reads files, which may lie on a network disk: call it where blocking is allowed.
pub fn client_config(ca: Option<&Path>, client: Option<&ClientCertificate>) -> Result<ClientConfig, TlsError> {
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

fn certificates(path: &Path, what: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |error: rustls::pki_types::pem::Error| untrusted(format!("{what} {} can not be read: {error}", path.display()));
    let found = CertificateDer::pem_file_iter(path).map_err(unreadable)?.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    if found.is_empty() {
        return Err(untrusted(format!("{} holds no certificate (PEM is expected)", path.display())));
    }
    Ok(found)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let known = std::fs::metadata(path).map_err(|error| untrusted(format!("the key {} can not be read: {error}", path.display())))?;
    // As libpq asks for it: one's own file only for oneself, or root's file for a group.
    let allowed = if known.uid() == 0 { 0o740 } else { 0o700 };
    if known.mode() & 0o777 & !allowed != 0 {
        return Err(untrusted(format!("the key {} can be read by others: chmod 600 it", path.display())));
    }
    PrivateKeyDer::from_pem_file(path).map_err(|error| untrusted(format!("the key {} can not be read: {error}", path.display())))
}
