//! Certificates, and a TLS peer in this process that does what a test tells it to, well or badly.

use noctule_network::radius::RadsecFiles;
use noctule_tls::ClientCertificate;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The name in the good certificate, beside 127.0.0.1.
pub const NAME: &str = "bng-demo.isp.example";

/// A folder with ca.pem, server.pem/.key, expired.pem/.key, client.pem/.key, and foreign.pem, the CA of somebody else.
pub struct Certificates(tempfile::TempDir);

impl Certificates {
    pub fn make() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (ours, foreign) = (authority("A CA of the tests"), authority("A CA that nobody here trusts"));
        let make = |name: &str, expired: bool| {
            let key = KeyPair::generate().expect("a key");
            let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned(), NAME.to_owned()]).expect("names");
            params.distinguished_name = named(name);
            if expired {
                params.not_before = rcgen::date_time_ymd(2020, 1, 1);
                params.not_after = rcgen::date_time_ymd(2021, 1, 1);
            }
            let pem = params.signed_by(&key, &ours).expect("signed").pem();
            write(folder.path(), &format!("{name}.pem"), &pem);
            write(folder.path(), &format!("{name}.key"), &key.serialize_pem());
        };
        make("server", false);
        make("client", false);
        make("expired", true);
        write(folder.path(), "ca.pem", &ours.pem());
        write(folder.path(), "foreign.pem", &foreign.pem());
        Self(folder)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What a console has: our CA, and a client certificate.
    pub fn files(&self) -> RadsecFiles {
        let client = ClientCertificate { certificate: self.file("client.pem"), key: self.file("client.key") };
        RadsecFiles { ca: Some(self.file("ca.pem")), client: Some(client) }
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a CA")
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("private");
}

pub type Line = TlsStream<TcpStream>;

/// A peer: each connection, counted from 0, is given to the script.
pub struct Peer {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Peer {
    pub async fn start<F>(certificates: &Certificates, server: &str, script: impl Fn(usize, Line, Seen) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(certificates.file("ca.pem")).expect("a CA")).expect("usable");
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().expect("a verifier");
        let chain = vec![CertificateDer::from_pem_file(certificates.file(&format!("{server}.pem"))).expect("a certificate")];
        let key = PrivateKeyDer::from_pem_file(certificates.file(&format!("{server}.key"))).expect("a key");
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
        let config = config.with_client_cert_verifier(verifier).with_single_cert(chain, key).expect("a server");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let address = listener.local_addr().expect("bound");
        let seen: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let kept = Seen(Arc::clone(&seen));
        let task = tokio::spawn(async move {
            let mut number = 0;
            while let Ok((tcp, _)) = listener.accept().await {
                if let Ok(line) = acceptor.accept(tcp).await {
                    tokio::spawn(script(number, line, kept.clone()));
                    number += 1;
                }
            }
        });
        Self { address, seen, task }
    }

    /// Every request that was read, in the order of arrival.
    pub fn seen(&self) -> Vec<Vec<u8>> {
        self.seen.lock().expect("not poisoned").clone()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
pub struct Seen(Arc<Mutex<Vec<Vec<u8>>>>);

impl Seen {
    /// The next request of a connection; `None` when it ended.
    pub async fn request(&self, line: &mut Line) -> Option<Vec<u8>> {
        let mut packet = vec![0; 4];
        line.read_exact(&mut packet).await.ok()?;
        let len = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
        packet.resize(len, 0);
        line.read_exact(&mut packet[4..]).await.ok()?;
        self.0.lock().expect("not poisoned").push(packet.clone());
        Some(packet)
    }
}
