//! Certificates of one cluster: a CA of its own, the server's certificate, certificates of clients, and a CA that has signed nothing here.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

use super::cluster::Postgres;
use crate::TestbedError;
use crate::account::Account;

/// The CA of a cluster. Its standbys use the same.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    foreign: CertifiedIssuer<'static, KeyPair>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The keys are nobody's business, not even a test's output.
        f.write_str("Authority")
    }
}

impl Authority {
    pub(crate) fn make() -> Result<Self, TestbedError> {
        Ok(Self { issuer: issuer("Noctule test CA")?, foreign: issuer("A CA that nobody here trusts")? })
    }

    /// Writes what the server needs into its data folder, where `postgresql.conf` names it.
    pub(crate) fn equip_server(&self, data: &Path, dns_names: &[String], account: &Account) -> Result<(), TestbedError> {
        let mut names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        names.extend_from_slice(dns_names);
        let (certificate, key) = signed(&self.issuer, "localhost", names, ExtendedKeyUsagePurpose::ServerAuth)?;
        for (name, text) in [("ca.crt", self.issuer.pem()), ("server.crt", certificate), ("server.key", key)] {
            let path = data.join(name);
            write_private(&path, &text)?;
            account.own(&path)?;
        }
        Ok(())
    }

    /// Writes what clients need into `folder`.
    pub(crate) fn equip_clients(&self, folder: &Path) -> Result<(), TestbedError> {
        fs::create_dir_all(folder).map_err(TestbedError::file("the folder can not be made", folder))?;
        write_private(&folder.join("ca.pem"), &self.issuer.pem())?;
        write_private(&folder.join("foreign-ca.pem"), &self.foreign.pem())
    }
}

impl Postgres {
    /// The file with the certificate of the CA that has signed the server's.
    pub fn ca_pem(&self) -> Result<PathBuf, TestbedError> {
        self.authority().map(|_| self.client_folder().join("ca.pem"))
    }

    /// The file with the certificate of a CA that has nothing to do with this cluster.
    pub fn foreign_ca_pem(&self) -> Result<PathBuf, TestbedError> {
        self.authority().map(|_| self.client_folder().join("foreign-ca.pem"))
    }

    /// A certificate for the user `common_name`, who must be a member of `cert_users` to log in by it: (certificate file, key file), PEM.
    pub fn client_certificate(&self, common_name: &str) -> Result<(PathBuf, PathBuf), TestbedError> {
        self.issue_client(&self.authority()?.issuer, common_name)
    }

    /// As [`Self::client_certificate`], signed by the foreign CA: the server must refuse it.
    pub fn foreign_client_certificate(&self, common_name: &str) -> Result<(PathBuf, PathBuf), TestbedError> {
        self.issue_client(&self.authority()?.foreign, common_name)
    }

    fn issue_client(&self, by: &CertifiedIssuer<'static, KeyPair>, common_name: &str) -> Result<(PathBuf, PathBuf), TestbedError> {
        let (certificate, key) = signed(by, common_name, Vec::new(), ExtendedKeyUsagePurpose::ClientAuth)?;
        // A common name may hold anything; a file name may not.
        let stem = self.client_folder().join(format!("client-{}", uuid::Uuid::new_v4().simple()));
        let (certificate_path, key_path) = (stem.with_extension("crt"), stem.with_extension("key"));
        write_private(&certificate_path, &certificate)?;
        write_private(&key_path, &key)?;
        Ok((certificate_path, key_path))
    }
}

fn issuer(name: &str) -> Result<CertifiedIssuer<'static, KeyPair>, TestbedError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

/// The certificate and its key, PEM.
fn signed(
    by: &CertifiedIssuer<'static, KeyPair>,
    common_name: &str,
    names: Vec<String>,
    usage: ExtendedKeyUsagePurpose,
) -> Result<(String, String), TestbedError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = named(common_name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params.use_authority_key_identifier_extension = true;
    Ok((params.signed_by(&key, by)?.pem(), key.serialize_pem()))
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// libpq and the server refuse a key that others may read.
fn write_private(path: &Path, text: &str) -> Result<(), TestbedError> {
    File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(TestbedError::file("the file can not be written", path))
}
