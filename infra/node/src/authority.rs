//! An authority of one's own, whose certificates encrypt a private node.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

use crate::Error;

/// Signs certificates. Nobody trusts it but those who are given its own.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, as PEM.
pub struct Credential {
    certificate: String,
    key: String,
}

/// Where a certificate and its key lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialFiles {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key, which only its owner may read.
    pub key: PathBuf,
}

impl Authority {
    /// A new one with this name.
    ///
    /// # Errors
    /// [`Error::Certificate`] when the system gives no randomness.
    pub fn new(name: &str) -> Result<Self, Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name = called(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)? })
    }

    /// Writes its certificate, for those who shall trust it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, file: &Path) -> Result<(), Error> {
        replace(file, &self.issuer.pem(), 0o644)
    }

    /// A certificate for a server at these hosts: names or addresses.
    ///
    /// # Errors
    /// As [`Authority::new`], and when a host is no name.
    pub fn server(&self, hosts: &[&str]) -> Result<Credential, Error> {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        self.sign(CertificateParams::new(hosts)?, "broker", ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A certificate for a client of this name.
    ///
    /// # Errors
    /// As [`Authority::new`].
    pub fn client(&self, name: &str) -> Result<Credential, Error> {
        self.sign(CertificateParams::default(), name, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        name: &str,
        purpose: ExtendedKeyUsagePurpose,
    ) -> Result<Credential, Error> {
        params.distinguished_name = called(name);
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Credential { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

impl Credential {
    /// Writes both into a folder, which is made when missing, as `tls.crt` and `tls.key`. What is there is replaced, each file at once.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, folder: &Path) -> Result<CredentialFiles, Error> {
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let files = CredentialFiles { certificate: folder.join("tls.crt"), key: folder.join("tls.key") };
        replace(&files.certificate, &self.certificate, 0o644)?;
        replace(&files.key, &self.key, 0o600)?;
        Ok(files)
    }
}

fn called(name: &str) -> DistinguishedName {
    let mut called = DistinguishedName::new();
    called.push(DnType::CommonName, name);
    called
}

/// Nobody ever reads half of it.
fn replace(file: &Path, text: &str, mode: u32) -> Result<(), Error> {
    let next = file.with_extension("next");
    let write = || {
        let mut open = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&next)?;
        open.set_permissions(Permissions::from_mode(mode))?;
        open.write_all(text.as_bytes())?;
        fs::rename(&next, file)
    };
    write().map_err(Error::io("write", file))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::Authority;

    #[test]
    fn a_key_is_for_its_owner_only_and_each_certificate_is_another() {
        let folder = std::env::temp_dir().join(format!("authority-{}", std::process::id()));
        let authority = Authority::new("test").unwrap();
        let files = authority.client("orders").unwrap().write(&folder).unwrap();
        let mode = std::fs::metadata(&files.key).unwrap().permissions().mode();
        let first = std::fs::read_to_string(&files.certificate).unwrap();
        authority.client("orders").unwrap().write(&folder).unwrap();
        let second = std::fs::read_to_string(&files.certificate).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(mode & 0o777, 0o600);
        assert!(first.starts_with("-----BEGIN CERTIFICATE-----") && first != second);
    }
}
