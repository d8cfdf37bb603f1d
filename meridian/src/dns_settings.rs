//! How the DNS server answers, from its flags: who it is, its cookies, its limits.
//!
//! Cookie secrets are of the file that was named, or of one of our own in the data directory, made at first start: a restart
//! then makes no client's cookie worthless.

use std::path::{Path, PathBuf};

use dns::snapshot::WireName;
use dns::wire::{CookieSecrets, CookieSecretsError, Identity, Limiter, RateLimit, Settings, SubnetUse};
use dns::{Certificate, SecureAddresses, Signers, TransferKeyError, TransferKeys, Transfers};

use crate::cli::{ClientSubnet, DnsArgs, DnsServingArgs};
use crate::data_dir::{DataDir, write_whole};
use crate::dns_keys;
use crate::pki::{Pki, PkiError};

/// Why the server cannot answer as it is told to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DnsSettingsError {
    /// The cookie secrets cannot be read.
    #[error(
        "DNS cookie secrets {path}: cannot be read; next: check the file named by --dns-cookie-secret-file and its owner"
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file holds none.
    #[error("DNS cookie secrets {path}; next: write one secret a line, as `openssl rand -hex 16` prints them")]
    Secrets {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: CookieSecretsError,
    },
    /// A zone is to be signed that is not served.
    #[error(
        "--dnssec {0}: this server has no such zone; next: name that of --dns-zone, clusterset.local or the origin of a --zone-file"
    )]
    NotServed(String),
    /// A zone's key.
    #[error("a zone cannot be signed")]
    ZoneKey(#[from] dns_keys::KeyFileError),
    /// The transfer keys cannot be read.
    #[error(
        "DNS transfer keys {path}: cannot be read; next: check the file named by --transfer-key-file and its owner"
    )]
    ReadKeys {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("DNS transfer keys {path}; next: correct the line")]
    Keys {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: TransferKeyError,
    },
    /// Encrypted transports without a certificate.
    #[error("DNS over TLS, HTTPS and QUIC needs a certificate; next: give --dns-tls-cert and --dns-tls-key")]
    NoCertificate,
    /// The hub's authority cannot make one.
    #[error("the DNS server's certificate")]
    Pki(#[from] PkiError),
    /// A new file cannot be written.
    #[error("{path}: new DNS cookie secrets cannot be written; next: check owner and free space")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// The settings that flags ask for.
pub(crate) fn settings(dir: &DataDir, dns: &DnsArgs, args: &DnsServingArgs) -> Result<Settings, DnsSettingsError> {
    let DnsServingArgs {
        dns_id,
        dns_version,
        dns_cookie_secret_file,
        dns_rate_limit,
        dns_rate_limit_slip,
        dns_rate_limit_exempt,
        dns_rate_limit_dry_run,
        dns_client_subnet,
        zone_file,
        dot_address: _,
        doh_address: _,
        doq_address: _,
        dns_tls_cert: _,
        dns_tls_key: _,
        transfer_key_file: _,
        transfer_allow: _,
        dns_secondary: _,
        dnssec,
    } = args;
    let id = dns_id.clone().unwrap_or_else(host_name);
    let version = dns_version
        .clone()
        .unwrap_or_else(|| format!("Meridian {}", env!("CARGO_PKG_VERSION")));
    let secrets = match dns_cookie_secret_file {
        Some(named) => read(named)?,
        None => own(&dir.dns_cookie_secret())?,
    };
    let mut served: Vec<WireName> = zone_file.iter().map(|file| file.origin.clone()).collect();
    served.extend(
        [dns.dns_zone.as_str(), "clusterset.local"]
            .map(WireName::parse)
            .into_iter()
            .flatten(),
    );
    let mut keys = Vec::new();
    for text in dnssec {
        let zone = WireName::parse(text).ok().filter(|zone| served.contains(zone));
        let zone = zone.ok_or_else(|| DnsSettingsError::NotServed(text.clone()))?;
        let key = dns_keys::of(dir, &zone)?;
        keys.push((zone, key));
    }
    Ok(Settings {
        identity: Identity::new(&id, &version),
        cookies: Some(secrets),
        limiter: Limiter::new(RateLimit {
            per_second: *dns_rate_limit,
            slip: *dns_rate_limit_slip,
            exempt: dns_rate_limit_exempt.clone(),
            dry_run: *dns_rate_limit_dry_run,
        }),
        signers: Signers::new(keys),
        subnet: match dns_client_subnet {
            ClientSubnet::Use => SubnetUse::Use,
            ClientSubnet::Echo => SubnetUse::Echo,
            ClientSubnet::Ignore => SubnetUse::Ignore,
        },
    })
}

/// Who is given whole zones.
pub(crate) fn transfers(args: &DnsServingArgs) -> Result<Transfers, DnsSettingsError> {
    let keys = match &args.transfer_key_file {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|source| DnsSettingsError::ReadKeys {
                path: path.clone(),
                source,
            })?;
            TransferKeys::parse(&text).map_err(|source| DnsSettingsError::Keys {
                path: path.clone(),
                source,
            })?
        }
        None => TransferKeys::default(),
    };
    Ok(Transfers {
        keys,
        allow: args.transfer_allow.clone(),
        notify: args.dns_secondary.clone(),
    })
}

/// Addresses of the encrypted transports.
pub(crate) fn secure(args: &DnsServingArgs) -> SecureAddresses {
    SecureAddresses {
        tls: args.dot_address,
        https: args.doh_address,
        quic: args.doq_address,
    }
}

/// Their certificate: of the files that were named, else of the hub's authority; none where none of them is served.
pub(crate) fn certificate(
    args: &DnsServingArgs,
    zone: &str,
    pki: Option<&Pki>,
) -> Result<Option<Certificate>, DnsSettingsError> {
    let addresses = [args.dot_address, args.doh_address, args.doq_address];
    if secure(args).is_empty() {
        return Ok(None);
    }
    if let (Some(chain), Some(key)) = (&args.dns_tls_cert, &args.dns_tls_key) {
        let (chain, key) = (chain.clone(), key.clone());
        return Ok(Some(Certificate::Files { chain, key }));
    }
    let pki = pki.ok_or(DnsSettingsError::NoCertificate)?;
    let mut names = ["localhost", "127.0.0.1", "::1"].map(String::from).to_vec();
    names.push(format!("ns1.{}", zone.trim_end_matches('.')));
    for address in addresses.into_iter().flatten().map(|address| address.ip()) {
        if !address.is_unspecified() && !names.contains(&address.to_string()) {
            names.push(address.to_string());
        }
    }
    let identity = pki.server("dns", &names)?;
    Ok(Some(Certificate::Pem {
        chain: identity.certificate,
        key: identity.key,
    }))
}

fn host_name() -> String {
    let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    name.unwrap_or_default()
}

fn read(path: &Path) -> Result<CookieSecrets, DnsSettingsError> {
    let text = std::fs::read_to_string(path).map_err(|source| DnsSettingsError::Read {
        path: path.to_owned(),
        source,
    })?;
    CookieSecrets::parse(&text).map_err(|source| DnsSettingsError::Secrets {
        path: path.to_owned(),
        source,
    })
}

fn own(path: &Path) -> Result<CookieSecrets, DnsSettingsError> {
    if !path.exists() {
        // 122 random bits: far beyond what can be tried out against a live server.
        let secret = format!("{}\n", uuid::Uuid::new_v4().simple());
        write_whole(path, secret.as_bytes(), true).map_err(|source| DnsSettingsError::Write {
            path: path.to_owned(),
            source,
        })?;
    }
    read(path)
}
