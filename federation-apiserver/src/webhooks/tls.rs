//! Whom webhooks are believed: the authorities of a `caBundle`, else those of the machine.

use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

static OF_THE_MACHINE: OnceLock<Arc<RootCertStore>> = OnceLock::new();

/// A client that believes the authorities of a bundle: PEM in base64.
pub(super) fn client(bundle: Option<&str>) -> Result<Arc<ClientConfig>, String> {
    let roots = match bundle.filter(|bundle| !bundle.is_empty()) {
        Some(bundle) => Arc::new(bundled(bundle)?),
        None => OF_THE_MACHINE.get_or_init(|| Arc::new(of_the_machine())).clone(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn bundled(bundle: &str) -> Result<RootCertStore, String> {
    let pem = STANDARD
        .decode(bundle)
        .map_err(|error| format!("the caBundle is no base64: {error}"))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| format!("the caBundle is no PEM: {error}"))?;
        roots
            .add(certificate)
            .map_err(|error| format!("the caBundle holds no certificate of an authority: {error}"))?;
    }
    if roots.is_empty() {
        return Err("the caBundle holds no certificate".to_owned());
    }
    Ok(roots)
}

fn of_the_machine() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a certificate authority of this machine cannot be read; webhooks that it vouches for are not believed");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    roots
}
