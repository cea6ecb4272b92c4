//! Whom to trust, as rustls wants it.

use std::sync::Arc;

use aisix_core::error::Error;
use aisix_core::error::Result;
use aisix_core::provider::upstream::UpstreamTls;
use rustls::ClientConfig;
use rustls::DigitallySignedStruct;
use rustls::RootCertStore;
use rustls::SignatureScheme;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::danger::ServerCertVerified;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::crypto::verify_tls12_signature;
use rustls::crypto::verify_tls13_signature;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::UnixTime;
use rustls::pki_types::pem::PemObject;

/// Makes the configuration of a TLS connection.
#[derive(Debug)]
pub(super) struct Trust {
    provider: Option<Arc<CryptoProvider>>,
    roots: RootCertStore,
    verify: bool,
    http2: bool,
    default: Option<Arc<ClientConfig>>,
}

/// Lets every certificate pass, but not a signature that does not match it.
#[derive(Debug)]
struct NoVerification(Arc<CryptoProvider>);

// === impl Trust ===

impl Trust {
    pub(super) fn new(roots: RootCertStore, verify: bool, http2: bool) -> Result<Self> {
        let mut trust = Self {
            provider: crypto_provider(),
            roots,
            verify,
            http2,
            default: None,
        };
        if trust.provider.is_some() {
            let config = trust.build(trust.roots.clone(), verify)?;
            trust.default = Some(Arc::new(config));
        }
        Ok(trust)
    }

    pub(super) fn config(&self, tls: Option<&UpstreamTls>) -> Result<Arc<ClientConfig>> {
        let Some(tls) = tls else {
            return self.default.clone().ok_or_else(no_provider);
        };
        let mut roots = self.roots.clone();
        if let Some(pem) = &tls.ca_cert_pem {
            add_pem(&mut roots, pem.as_bytes())?;
        }
        self.build(roots, self.verify && tls.verify).map(Arc::new)
    }

    fn build(&self, roots: RootCertStore, verify: bool) -> Result<ClientConfig> {
        let provider = self.provider.as_ref().ok_or_else(no_provider)?;
        let builder = ClientConfig::builder_with_provider(Arc::clone(provider))
            .with_safe_default_protocol_versions()
            .map_err(Error::config)?;
        let mut config = if verify {
            builder.with_root_certificates(roots).with_no_client_auth()
        } else {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(NoVerification(Arc::clone(provider))))
                .with_no_client_auth()
        };
        config.alpn_protocols = if self.http2 {
            vec![b"h2".to_vec(), b"http/1.1".to_vec()]
        } else {
            vec![b"http/1.1".to_vec()]
        };
        Ok(config)
    }
}

// === impl NoVerification ===

impl ServerCertVerifier for NoVerification {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Adds the certificates in `pem`, of which there must be one at least.
pub(super) fn add_pem(roots: &mut RootCertStore, pem: &[u8]) -> Result<()> {
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| bad_pem(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| bad_pem(error.to_string()))?;
        count += 1;
    }
    if count == 0 {
        return Err(bad_pem("there is none"));
    }
    Ok(())
}

/// Adds what the system trusts; a machine without a store trusts nobody.
pub(super) fn add_native(roots: &mut RootCertStore) {
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::warn!(%error, "cannot read a trusted certificate of the system");
    }
    let (added, ignored) = roots.add_parsable_certificates(native.certs);
    tracing::debug!(added, ignored, "trusting the certificates of the system");
}

fn bad_pem(reason: impl Into<String>) -> Error {
    Error::config(format!(
        "cannot read the CA certificates: {}",
        reason.into()
    ))
}

fn no_provider() -> Error {
    Error::config("https needs the feature `tls-ring` or `tls-aws-lc-rs`")
}

fn crypto_provider() -> Option<Arc<CryptoProvider>> {
    #[cfg(feature = "tls-ring")]
    let provider = Some(rustls::crypto::ring::default_provider());
    #[cfg(all(feature = "tls-aws-lc-rs", not(feature = "tls-ring")))]
    let provider = Some(rustls::crypto::aws_lc_rs::default_provider());
    #[cfg(not(any(feature = "tls-ring", feature = "tls-aws-lc-rs")))]
    let provider = None;
    provider.map(Arc::new)
}
