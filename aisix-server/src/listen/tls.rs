use std::error::Error as StdError;
use std::fmt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem;
use rustls::pki_types::pem::PemObject;

/// Why a certificate cannot be served: one line that names the file.
#[derive(Debug)]
pub struct TlsError {
    file: PathBuf,
    reason: String,
}

/// Reads a certificate chain and its private key, for HTTP/2 and HTTP/1.1.
///
/// The crypto provider belongs to this configuration; none is installed for the process.
///
/// # Errors
///
/// Returns an error when a file is missing or holds nothing of use, or when the key is not that of
/// the certificate.
pub fn server_config(cert_file: &Path, key_file: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let in_cert = |reason: String| TlsError::new(cert_file, reason);
    let in_key = |reason: String| TlsError::new(key_file, reason);

    let chain = CertificateDer::pem_file_iter(cert_file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| in_cert(reason(&error, "certificate")))?;
    if chain.is_empty() {
        return Err(in_cert("holds no certificate".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(key_file)
        .map_err(|error| in_key(reason(&error, "private key")))?;

    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| in_cert(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| in_key(format!("does not fit {}: {error}", cert_file.display())))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Tickets let callers resume on whichever core accepts them, without state kept for each.
    config.ticketer = ring::Ticketer::new().map_err(|error| in_cert(error.to_string()))?;
    Ok(Arc::new(config))
}

impl TlsError {
    fn new(file: &Path, reason: String) -> Self {
        Self {
            file: file.to_owned(),
            reason,
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.reason)
    }
}

impl StdError for TlsError {}

fn reason(error: &pem::Error, what: &str) -> String {
    match error {
        pem::Error::Io(error) => format!("{what} cannot be read: {error}"),
        pem::Error::NoItemsFound => format!("holds no {what}"),
        error => format!("holds no valid {what}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_certificate_and_its_key() {
        let files = Files::new();
        let config = server_config(&files.cert, &files.key).unwrap();
        assert_eq!(
            config.alpn_protocols,
            [b"h2".to_vec(), b"http/1.1".to_vec()]
        );
        assert!(rustls::crypto::CryptoProvider::get_default().is_none());
    }

    #[test]
    fn names_the_file_that_is_missing_or_wrong() {
        let files = Files::new();
        let other = Files::new();
        let missing = server_config(Path::new("/nowhere.pem"), &files.key).unwrap_err();
        assert!(
            missing
                .to_string()
                .starts_with("/nowhere.pem: certificate cannot be read")
        );
        let swapped = server_config(&files.key, &files.cert).unwrap_err();
        assert!(
            swapped.to_string().contains("holds no certificate"),
            "{swapped}"
        );
        let keyless = server_config(&files.cert, &files.cert).unwrap_err();
        assert!(
            keyless.to_string().contains("holds no private key"),
            "{keyless}"
        );
        let foreign = server_config(&files.cert, &other.key).unwrap_err();
        assert!(foreign.to_string().contains("does not fit"), "{foreign}");
    }

    struct Files {
        cert: PathBuf,
        key: PathBuf,
        _directory: tempfile::TempDir,
    }

    impl Files {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            let cert = directory.path().join("cert.pem");
            let key = directory.path().join("key.pem");
            std::fs::write(&cert, made.cert.pem()).unwrap();
            std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
            Self {
                cert,
                key,
                _directory: directory,
            }
        }
    }
}
