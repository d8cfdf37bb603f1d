//! The certificate of the encrypted transports, replaced while they serve when its files change.
//!
//! In: PEM, or files of it. Out: TLS settings, a set an application protocol. A new pair of files that do not belong together, or cannot be
//! read, changes nothing: the certificate before it is shown on.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_util::sync::CancellationToken;

use crate::changes::Changes;

/// Where the server's certificate and its key are from.
#[derive(Clone)]
pub enum Certificate {
    /// These texts, for as long as the process runs.
    Pem {
        /// The certificate and those up to its authority.
        chain: String,
        /// Its key.
        key: String,
    },
    /// These files, read again when they change.
    Files {
        /// The certificate and those up to its authority.
        chain: PathBuf,
        /// Its key.
        key: PathBuf,
    },
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pem { .. } => f.write_str("Pem"),
            Self::Files { chain, key } => write!(f, "Files({}, {})", chain.display(), key.display()),
        }
    }
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("{} cannot be read; next: check --dns-tls-cert, --dns-tls-key and the owner of the files", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is no PEM of what it should be.
    #[error("the {what} of the DNS server is no PEM; next: check --dns-tls-cert and --dns-tls-key")]
    Pem {
        /// Certificate or key.
        what: &'static str,
        /// Why.
        #[source]
        source: rustls_pki_types::pem::Error,
    },
    /// The two do not belong together, or cannot be used for TLS.
    #[error(
        "the DNS server's certificate cannot be used; next: check that --dns-tls-cert and --dns-tls-key belong together"
    )]
    Unusable(#[source] rustls::Error),
}

/// The certificate that is shown now.
#[derive(Debug)]
struct Shown(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// The certificate and what keeps it new.
pub(crate) struct Credentials {
    source: Certificate,
    provider: Arc<CryptoProvider>,
    shown: Arc<Shown>,
}

impl Credentials {
    /// Reads the certificate.
    pub(crate) fn read(source: Certificate) -> Result<Self, CertificateError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let certified = certified(&source, &provider)?;
        Ok(Self {
            source,
            provider,
            shown: Arc::new(Shown(ArcSwap::from_pointee(certified))),
        })
    }

    /// TLS settings for application protocols.
    pub(crate) fn settings(&self, protocols: &[&[u8]]) -> Result<ServerConfig, CertificateError> {
        let mut settings = ServerConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(CertificateError::Unusable)?
            .with_no_client_auth()
            .with_cert_resolver(self.shown.clone());
        settings.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(settings)
    }

    /// Reads the files again whenever they change, until stopped.
    pub(crate) async fn follow(self, stop: CancellationToken) {
        let Certificate::Files { chain, key } = &self.source else {
            return stop.cancelled().await;
        };
        let files: BTreeSet<PathBuf> = [chain.clone(), key.clone()].into();
        let mut changes = Changes::new("the DNS server's certificate");
        loop {
            changes.cover(&files);
            match certified(&self.source, &self.provider) {
                Ok(new) if new.cert != self.shown.0.load().cert => {
                    tracing::info!("the DNS server's certificate was replaced");
                    self.shown.0.store(Arc::new(new));
                }
                Ok(_) => {}
                Err(error) => tracing::error!(
                    cause = std::error::Error::source(&error).map(ToString::to_string),
                    "{error}; the certificate before it is used on"
                ),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = changes.changed() => {}
            }
        }
    }
}

fn certified(source: &Certificate, provider: &CryptoProvider) -> Result<CertifiedKey, CertificateError> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|source| CertificateError::Read {
            path: path.to_owned(),
            source,
        })
    };
    let (chain, key) = match source {
        Certificate::Pem { chain, key } => (chain.clone().into_bytes(), key.clone().into_bytes()),
        Certificate::Files { chain, key } => (read(chain)?, read(key)?),
    };
    let wrong = |what| move |source| CertificateError::Pem { what, source };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&chain)
        .collect::<Result<_, _>>()
        .map_err(wrong("certificate"))?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(wrong("key"))?;
    CertifiedKey::from_der(chain, key, provider).map_err(CertificateError::Unusable)
}
