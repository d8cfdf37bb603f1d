//! Which issuers are trusted: flags, or a file in the form of `apiserver.config.k8s.io/v1` AuthenticationConfiguration.

use std::collections::BTreeMap;

use serde::Deserialize;

/// API versions of the file.
const VERSIONS: [&str; 2] = ["apiserver.config.k8s.io/v1", "apiserver.config.k8s.io/v1beta1"];
/// The algorithm that is allowed where none is named.
const DEFAULT_ALGORITHM: &str = "RS256";
/// Algorithms that are allowed where a file names the issuer.
const FILE_ALGORITHMS: [&str; 8] = ["RS256", "RS384", "RS512", "ES256", "ES384", "PS256", "PS384", "PS512"];

/// An issuer cannot be trusted as it was described.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// A setting is missing or contradicts another.
    #[error("trust an issuer of tokens: {0}")]
    Setting(String),
    /// The file cannot be read.
    #[error("read the authentication configuration; its form is that of apiserver.config.k8s.io/v1")]
    File(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The certificates to trust the issuer's server by.
    #[error("read the certificates by which the issuer's server is trusted")]
    Authority(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A claim and what is put before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The claim.
    pub claim: String,
    /// What stands before its text in a user or group name.
    pub prefix: String,
}

impl Mapping {
    /// A claim with its prefix.
    #[must_use]
    pub fn new(claim: &str, prefix: &str) -> Self {
        Self {
            claim: claim.to_owned(),
            prefix: prefix.to_owned(),
        }
    }
}

/// An issuer and what its claims mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerConfig {
    /// `iss` of its tokens, an https URL.
    pub url: String,
    /// Where its configuration is, if that is not below its URL.
    pub discovery_url: Option<String>,
    /// PEM of the authorities by which its server is trusted; the system's where there is none.
    pub authority_pem: Option<String>,
    /// Audiences that we are to it.
    pub audiences: Vec<String>,
    /// The user name.
    pub username: Mapping,
    /// The groups.
    pub groups: Option<Mapping>,
    /// The claim of the uid.
    pub uid_claim: Option<String>,
    /// Claims that must be there with these texts.
    pub required_claims: BTreeMap<String, String>,
    /// Signature algorithms that count.
    pub algorithms: Vec<String>,
}

impl IssuerConfig {
    /// An issuer as flags describe it at first.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            discovery_url: None,
            authority_pem: None,
            audiences: Vec::new(),
            username: Mapping::new("sub", &format!("{url}#")),
            groups: None,
            uid_claim: None,
            required_claims: BTreeMap::new(),
            algorithms: vec![DEFAULT_ALGORITHM.to_owned()],
        }
    }

    pub(super) fn check(&self) -> Result<(), OidcError> {
        let refuse = |what: &str| Err(OidcError::Setting(format!("issuer {:?}: {what}", self.url)));
        if !self.url.starts_with("https://") {
            return refuse("its URL must begin with https://");
        }
        if self
            .discovery_url
            .as_ref()
            .is_some_and(|url| !url.starts_with("https://"))
        {
            return refuse("its discovery URL must begin with https://");
        }
        if self.audiences.iter().all(String::is_empty) {
            return refuse("name the client id, or at least one audience");
        }
        if self.username.claim.is_empty() {
            return refuse("name the claim of the user name");
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    api_version: String,
    kind: String,
    #[serde(default)]
    jwt: Vec<Jwt>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Jwt {
    issuer: FileIssuer,
    #[serde(default)]
    claim_validation_rules: Vec<Rule>,
    claim_mappings: Mappings,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FileIssuer {
    url: String,
    #[serde(default, rename = "discoveryURL")]
    discovery_url: Option<String>,
    #[serde(default)]
    certificate_authority: Option<String>,
    audiences: Vec<String>,
    #[serde(default)]
    audience_match_policy: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rule {
    claim: String,
    #[serde(default)]
    required_value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Mappings {
    username: Prefixed,
    #[serde(default)]
    groups: Option<Prefixed>,
    #[serde(default)]
    uid: Option<Claim>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Prefixed {
    claim: String,
    prefix: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Claim {
    claim: String,
}

impl Prefixed {
    fn mapping(&self, what: &str) -> Result<Mapping, OidcError> {
        let Some(prefix) = &self.prefix else {
            let fault =
                format!("claimMappings.{what}.prefix: required when {what}.claim is set; set it to \"\" to have none");
            return Err(OidcError::Setting(fault));
        };
        Ok(Mapping::new(&self.claim, prefix))
    }
}

/// Reads a file. Rules and mappings in CEL are refused, not passed over: a rule that is not judged would let everybody in.
///
/// # Errors
/// The text is not of that form, or says what is not understood here.
pub fn read(text: &str) -> Result<Vec<IssuerConfig>, OidcError> {
    let file: File = serde_saphyr::from_str(text).map_err(|error| OidcError::File(error.to_string().into()))?;
    if !VERSIONS.contains(&file.api_version.as_str()) || file.kind != "AuthenticationConfiguration" {
        let fault = format!("{} {} is not understood", file.api_version, file.kind);
        return Err(OidcError::Setting(fault));
    }
    let mut found: Vec<IssuerConfig> = Vec::new();
    for jwt in file.jwt {
        let issuer = jwt.issuer;
        if let Some(policy) = issuer
            .audience_match_policy
            .filter(|policy| !matches!(policy.as_str(), "" | "MatchAny"))
        {
            return Err(OidcError::Setting(format!(
                "audienceMatchPolicy {policy:?} is not known"
            )));
        }
        if found.iter().any(|other| other.url == issuer.url) {
            return Err(OidcError::Setting(format!("issuer {:?} is there twice", issuer.url)));
        }
        let config = IssuerConfig {
            discovery_url: issuer.discovery_url.filter(|url| !url.is_empty()),
            authority_pem: issuer.certificate_authority.filter(|pem| !pem.is_empty()),
            audiences: issuer.audiences,
            username: jwt.claim_mappings.username.mapping("username")?,
            groups: jwt
                .claim_mappings
                .groups
                .map(|groups| groups.mapping("groups"))
                .transpose()?,
            uid_claim: jwt.claim_mappings.uid.map(|uid| uid.claim),
            required_claims: jwt
                .claim_validation_rules
                .into_iter()
                .map(|rule| (rule.claim, rule.required_value))
                .collect(),
            algorithms: FILE_ALGORITHMS.map(str::to_owned).to_vec(),
            ..IssuerConfig::new(&issuer.url)
        };
        config.check()?;
        found.push(config);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer:
    url: https://issuer.example
    audiences: [hub, other]
    audienceMatchPolicy: MatchAny
  claimValidationRules:
  - claim: hd
    requiredValue: example
  claimMappings:
    username: {claim: email, prefix: ''}
    groups: {claim: groups, prefix: 'oidc:'}
    uid: {claim: sub}
";

    #[test]
    fn a_file() {
        let [issuer] = read(FILE).unwrap().try_into().unwrap();
        assert_eq!(
            (issuer.url.as_str(), issuer.audiences.len()),
            ("https://issuer.example", 2)
        );
        assert_eq!(issuer.username, Mapping::new("email", ""));
        assert_eq!(issuer.groups, Some(Mapping::new("groups", "oidc:")));
        assert_eq!(
            (issuer.uid_claim.as_deref(), issuer.required_claims["hd"].as_str()),
            (Some("sub"), "example")
        );
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (from, to) in [
            ("AuthenticationConfiguration", "Other"),
            ("https://", "http://"),
            (", prefix: ''", ""),
            ("claim: email, prefix: ''", "expression: claims.email"),
            ("[hub, other]", "[]"),
            ("MatchAny", "MatchAll"),
            (
                "  claimMappings",
                "  userValidationRules: [{expression: 'true'}]\n  claimMappings",
            ),
        ] {
            assert!(FILE.contains(from), "{from}");
            assert!(read(&FILE.replacen(from, to, 1)).is_err(), "{to}");
        }
    }
}
