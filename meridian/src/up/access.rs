//! Flags about who may come in and what is written down of it, as settings of the API server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use federation_apiserver::audit::{Audit, LogConfig, LogError, Policy, PolicyError};
use federation_apiserver::auth::oidc::{IssuerConfig, Mapping, OidcError, file};
use federation_apiserver::auth::{KeyError, SigningKey};
use federation_apiserver::server::ServiceAccountConfig;
use jiff::SignedDuration;

use crate::cli::{AuditArgs, OidcArgs, ServiceAccountArgs};

/// A flag cannot be followed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccessError {
    /// A file cannot be read.
    #[error("{path}, given with {flag}, cannot be read; next: check that it exists and that this process may read it")]
    File {
        /// The file.
        path: PathBuf,
        /// The flag.
        flag: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A key cannot be used.
    #[error("{path}, given with --service-account-signing-key-file, cannot be used")]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: KeyError,
    },
    /// An issuer cannot be trusted as described.
    #[error(transparent)]
    Issuer(#[from] OidcError),
    /// The audit policy cannot be followed.
    #[error("{path}, given with --audit-policy-file, cannot be followed")]
    Policy {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: PolicyError,
    },
    /// The audit log cannot be opened.
    #[error(transparent)]
    Log(#[from] LogError),
}

fn read(path: &Path, flag: &'static str) -> Result<String, AccessError> {
    std::fs::read_to_string(path).map_err(|source| AccessError::File {
        path: path.to_owned(),
        flag,
        source,
    })
}

/// How service accounts prove who they are.
pub(super) fn service_accounts(args: &ServiceAccountArgs) -> Result<ServiceAccountConfig, AccessError> {
    let ServiceAccountArgs {
        service_account_issuer,
        service_account_jwks_uri,
        service_account_signing_key_file,
        api_audiences,
    } = args;
    let key = |path: &PathBuf| {
        let pem = read(path, "--service-account-signing-key-file")?;
        SigningKey::of_pem(&pem)
            .map(Arc::new)
            .map_err(|source| AccessError::Key {
                path: path.clone(),
                source,
            })
    };
    Ok(ServiceAccountConfig {
        issuer: service_account_issuer.clone(),
        jwks_uri: service_account_jwks_uri.clone().unwrap_or_default(),
        audiences: api_audiences.clone(),
        keys: service_account_signing_key_file
            .iter()
            .map(key)
            .collect::<Result<_, _>>()?,
    })
}

/// What is written down of requests.
pub(super) fn audit(args: &AuditArgs) -> Result<Option<Arc<Audit>>, AccessError> {
    let (Some(policy), Some(log)) = (&args.audit_policy_file, &args.audit_log_path) else {
        return Ok(None);
    };
    let text = read(policy, "--audit-policy-file")?;
    let policy = Policy::read(&text).map_err(|source| AccessError::Policy {
        path: policy.clone(),
        source,
    })?;
    let log = LogConfig {
        path: log.clone(),
        size_max: args.audit_log_maxsize << 20,
        backups_max: args.audit_log_maxbackup,
        age_max: SignedDuration::from_hours(24 * i64::from(args.audit_log_maxage)),
    };
    Ok(Some(Arc::new(Audit::new(policy, &log)?)))
}

/// Issuers of others whose tokens are taken.
pub(super) fn issuers(args: &OidcArgs) -> Result<Vec<IssuerConfig>, AccessError> {
    if let Some(path) = &args.authentication_config {
        return Ok(file::read(&read(path, "--authentication-config")?)?);
    }
    let (Some(url), Some(client)) = (&args.oidc_issuer_url, &args.oidc_client_id) else {
        return Ok(Vec::new());
    };
    let claim = &args.oidc_username_claim;
    let prefix = match args.oidc_username_prefix.as_deref() {
        Some("-") => String::new(),
        Some(prefix) => prefix.to_owned(),
        None if claim == "email" => String::new(),
        None => format!("{url}#"),
    };
    let required = args.oidc_required_claim.iter().map(|pair| {
        let pair = pair.split_once('=');
        let pair = pair.map(|(claim, text)| (claim.to_owned(), text.to_owned()));
        pair.ok_or_else(|| OidcError::Setting("--oidc-required-claim takes CLAIM=TEXT".to_owned()))
    });
    let authority = args
        .oidc_ca_file
        .as_deref()
        .map(|path| read(path, "--oidc-ca-file"))
        .transpose()?;
    Ok(vec![IssuerConfig {
        authority_pem: authority,
        audiences: vec![client.clone()],
        username: Mapping::new(claim, &prefix),
        groups: args
            .oidc_groups_claim
            .as_ref()
            .map(|claim| Mapping::new(claim, &args.oidc_groups_prefix)),
        required_claims: required.collect::<Result<_, _>>()?,
        algorithms: args.oidc_signing_algs.clone(),
        ..IssuerConfig::new(url)
    }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};

    fn told(flags: &[&str]) -> Result<Vec<IssuerConfig>, String> {
        let words = ["meridian", "apiserver"]
            .iter()
            .chain(flags)
            .map(std::ffi::OsString::from);
        let Command::Apiserver(args) = Cli::read(words.collect()).map_err(|error| error.to_string())?.command else {
            return Err("another command".to_owned());
        };
        issuers(&args.api.oidc).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_name_an_issuer() {
        let base = ["--oidc-issuer-url", "https://i.example", "--oidc-client-id", "hub"];
        let with = |more: &[&str]| told(&[&base, more].concat()).map(|found| found[0].clone());
        assert!(told(&[]).unwrap().is_empty());
        let plain = with(&[]).unwrap();
        assert_eq!(plain.username, Mapping::new("sub", "https://i.example#"));
        assert_eq!(
            (plain.audiences.as_slice(), plain.groups),
            (["hub".to_owned()].as_slice(), None)
        );
        assert_eq!(with(&["--oidc-username-claim", "email"]).unwrap().username.prefix, "");
        assert_eq!(with(&["--oidc-username-prefix", "-"]).unwrap().username.prefix, "");
        let full = with(&[
            "--oidc-groups-claim",
            "g",
            "--oidc-groups-prefix",
            "x:",
            "--oidc-required-claim",
            "a=b,c=d",
        ])
        .unwrap();
        assert_eq!(full.groups, Some(Mapping::new("g", "x:")));
        assert_eq!(full.required_claims.len(), 2);
        assert!(with(&["--oidc-required-claim", "a"]).is_err());
        assert!(told(&base[..2]).is_err() && with(&["--authentication-config", "f"]).is_err());
    }

    #[test]
    fn keys_from_files() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sa.key");
        std::fs::write(&path, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
        let args = |path: PathBuf| ServiceAccountArgs {
            service_account_issuer: "https://hub".to_owned(),
            service_account_jwks_uri: None,
            service_account_signing_key_file: vec![path],
            api_audiences: Vec::new(),
        };
        assert_eq!(service_accounts(&args(path.clone())).unwrap().keys.len(), 1);
        std::fs::write(&path, "nonsense").unwrap();
        assert!(matches!(service_accounts(&args(path)), Err(AccessError::Key { .. })));
        assert!(matches!(
            service_accounts(&args(dir.path().join("none"))),
            Err(AccessError::File { .. })
        ));
    }
}
