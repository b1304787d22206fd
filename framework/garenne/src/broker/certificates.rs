//! The files by which a service knows its broker and proves who it is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_rustls::pki_types::pem::{Error as PemError, PemObject as _};
use futures_rustls::pki_types::{CertificateDer, PrivateKeyDer};
use futures_rustls::rustls::{ClientConfig, RootCertStore, crypto};
use sha2::{Digest as _, Sha256};

/// Which certificates TLS goes by, as PEM files. Without any, the broker's certificate has to be signed by an authority that this
/// machine knows, and the service shows none.
///
/// The files are read again for each connection, and every few seconds while one is open: when they have changed, and a connection with
/// them has succeeded, the service finishes what it has begun and connects anew. Certificates are thus renewed without a restart, and
/// files by which nobody can connect take no connection away.
///
/// ```
/// use garenne::Certificates;
///
/// let certificates = Certificates::default()
///     .signed_by("/etc/garenne/tls/ca.crt")
///     .own("/etc/garenne/tls/tls.crt", "/etc/garenne/tls/tls.key");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificates {
    authorities: Option<PathBuf>,
    own: Option<(PathBuf, PathBuf)>,
}

/// A file of [`Certificates`] that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileFault {
    file: PathBuf,
    reason: String,
}

/// What the files said when they were read.
pub(super) struct Reading {
    pub(super) config: Arc<ClientConfig>,
    pub(super) edition: Edition,
}

/// Tells whether files have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edition([u8; 32]);

impl Certificates {
    /// Trusts the authorities of this file, and no others.
    #[must_use]
    pub fn signed_by(mut self, authorities: impl Into<PathBuf>) -> Self {
        self.authorities = Some(authorities.into());
        self
    }

    /// Shows the broker this certificate, with those that lead to its authority, and proves it with this key.
    #[must_use]
    pub fn own(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.own = Some((certificate.into(), key.into()));
        self
    }

    /// What the files say now, for a server that is no broker.
    pub(crate) fn read_now(&self) -> Result<Arc<ClientConfig>, String> {
        self.read().map(|reading| reading.config).map_err(|fault| fault.to_string())
    }

    /// Whether the service shows a certificate.
    pub(crate) fn has_own(&self) -> bool {
        self.own.is_some()
    }

    /// Whether any file is named.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What the files say now, of which nothing is understood yet.
    pub(super) fn edition(&self) -> Result<Edition, FileFault> {
        let mut digest = Sha256::new();
        let own = self.own.iter().flat_map(|(certificate, key)| [certificate, key]);
        for file in self.authorities.iter().chain(own) {
            read(file, &mut digest)?;
        }
        Ok(Edition(digest.finalize().into()))
    }

    /// Reads the files, which belong together: while only some of them are renewed this may fail.
    pub(super) fn read(&self) -> Result<Reading, FileFault> {
        let mut digest = Sha256::new();
        let roots = match &self.authorities {
            Some(file) => authorities(file, &read(file, &mut digest)?)?,
            None => known_here()?,
        };
        let provider = Arc::new(crypto::ring::default_provider());
        let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        // Only a provider that knows neither 1.2 nor 1.3 is refused.
        let builder = versions.unwrap_or_else(|error| unreachable!("{error}")).with_root_certificates(roots);
        let config = match &self.own {
            Some((certificate, key)) => {
                let chain = certificates(certificate, &read(certificate, &mut digest)?)?;
                let text = read(key, &mut digest)?;
                let secret =
                    PrivateKeyDer::from_pem_slice(&text).map_err(|error| FileFault::pem(key, "key", &error))?;
                builder.with_client_auth_cert(chain, secret).map_err(|error| {
                    let certificate = certificate.display();
                    FileFault { file: key.clone(), reason: format!("is not the key of {certificate}: {error}") }
                })?
            }
            None => builder.with_no_client_auth(),
        };
        Ok(Reading { config: Arc::new(config), edition: Edition(digest.finalize().into()) })
    }
}

fn read(file: &Path, digest: &mut Sha256) -> Result<Vec<u8>, FileFault> {
    let bytes = std::fs::read(file)
        .map_err(|error| FileFault { file: file.to_owned(), reason: format!("cannot be read: {error}") })?;
    digest.update(bytes.len().to_be_bytes());
    digest.update(&bytes);
    Ok(bytes)
}

fn certificates(file: &Path, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, FileFault> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    match all {
        Ok(all) if all.is_empty() => Err(FileFault::pem(file, "certificate", &PemError::NoItemsFound)),
        Ok(all) => Ok(all),
        Err(error) => Err(FileFault::pem(file, "certificate", &error)),
    }
}

fn authorities(file: &Path, text: &[u8]) -> Result<RootCertStore, FileFault> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file, text)? {
        roots.add(certificate).map_err(|error| FileFault {
            file: file.to_owned(),
            reason: format!("has a certificate that cannot be read: {error}"),
        })?;
    }
    Ok(roots)
}

/// The authorities of this machine. Where it has none, no broker is trusted.
fn known_here() -> Result<RootCertStore, FileFault> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (taken, _unreadable) = roots.add_parsable_certificates(found.certs);
    if taken == 0 {
        let reason = "knows no authority: install its list (`ca-certificates`), or give the broker's as AMQP_CA_FILE, a collector's as OTEL_EXPORTER_OTLP_CERTIFICATE";
        return Err(FileFault { file: "this machine".into(), reason: reason.to_owned() });
    }
    Ok(roots)
}

impl FileFault {
    fn pem(file: &Path, what: &str, error: &PemError) -> Self {
        let reason = match error {
            PemError::NoItemsFound => format!("holds no {what} in PEM form (`-----BEGIN …-----`)"),
            other => format!("holds no readable {what}: {other}"),
        };
        Self { file: file.to_owned(), reason }
    }
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.file.display(), self.reason)
    }
}

impl std::error::Error for FileFault {}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    /// A certificate that signs itself, and its key, as PEM.
    fn pair() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["broker".to_owned()]).unwrap().self_signed(&key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    struct Files {
        _folder: tempfile::TempDir,
        ca: PathBuf,
        certificate: PathBuf,
        key: PathBuf,
    }

    impl Files {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let at = |name: &str| folder.path().join(name);
            let files = Self { ca: at("ca.crt"), certificate: at("tls.crt"), key: at("tls.key"), _folder: folder };
            let (certificate, key) = pair();
            std::fs::write(&files.ca, &certificate).unwrap();
            std::fs::write(&files.certificate, &certificate).unwrap();
            std::fs::write(&files.key, &key).unwrap();
            files
        }

        fn read(&self) -> Result<Edition, String> {
            let certificates = Certificates::default().signed_by(&self.ca).own(&self.certificate, &self.key);
            certificates.read().map(|reading| reading.edition).map_err(|fault| fault.to_string())
        }
    }

    #[test]
    fn an_edition_is_another_one_as_soon_as_any_file_is() {
        let files = Files::new();
        let first = files.read().unwrap();
        assert_eq!(files.read(), Ok(first));
        std::fs::write(&files.ca, pair().0).unwrap();
        let second = files.read().unwrap();
        assert_ne!(first, second);
        let (certificate, key) = pair();
        std::fs::write(&files.certificate, certificate).unwrap();
        let between = files.read().unwrap_err();
        assert!(between.contains("tls.key is not the key of") && between.contains("tls.crt"), "{between}");
        std::fs::write(&files.key, key).unwrap();
        assert_ne!(files.read().unwrap(), second);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named_with_its_reason_and_without_its_content() {
        let files = Files::new();
        std::fs::write(&files.key, "s3cret").unwrap();
        let fault = files.read().unwrap_err();
        assert!(fault.contains("tls.key holds no key in PEM form") && !fault.contains("s3cret"), "{fault}");
        std::fs::write(&files.certificate, "").unwrap();
        assert!(files.read().unwrap_err().contains("tls.crt holds no certificate in PEM form"));
        std::fs::remove_file(&files.ca).unwrap();
        assert!(files.read().unwrap_err().contains("ca.crt cannot be read"));
    }
}
