//! Trusted issuers in a file of the form of `apiserver.config.k8s.io/v1` AuthenticationConfiguration.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::config::{ExpressionConfig, IssuerConfig, Mapping, OidcError, RuleConfig};

/// API versions of the file.
const VERSIONS: [&str; 2] = ["apiserver.config.k8s.io/v1", "apiserver.config.k8s.io/v1beta1"];
/// Algorithms that are allowed where a file names the issuer.
const ALGORITHMS: [&str; 8] = ["RS256", "RS384", "RS512", "ES256", "ES384", "PS256", "PS384", "PS512"];

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
    issuer: Issuer,
    #[serde(default)]
    claim_validation_rules: Vec<ClaimRule>,
    claim_mappings: Mappings,
    #[serde(default)]
    user_validation_rules: Vec<UserRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Issuer {
    url: String,
    #[serde(default, rename = "discoveryURL")]
    discovery_url: String,
    #[serde(default)]
    certificate_authority: String,
    audiences: Vec<String>,
    #[serde(default)]
    audience_match_policy: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct ClaimRule {
    claim: String,
    required_value: String,
    expression: String,
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UserRule {
    expression: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Mappings {
    username: Prefixed,
    #[serde(default)]
    groups: Prefixed,
    #[serde(default)]
    uid: Prefixed,
    #[serde(default)]
    extra: Vec<Extra>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Prefixed {
    claim: String,
    prefix: Option<String>,
    expression: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Extra {
    key: String,
    value_expression: String,
}

fn refuse<T>(fault: impl Into<String>) -> Result<T, OidcError> {
    Err(OidcError::Setting(fault.into()))
}

impl Prefixed {
    /// The claim, if it is said by a claim.
    fn mapping(&self, what: &str) -> Result<Option<Mapping>, OidcError> {
        match (self.claim.is_empty(), self.expression.is_empty(), &self.prefix) {
            (false, false, _) => refuse(format!("claimMappings.{what}: claim and expression can't both be set")),
            (true, _, Some(_)) => refuse(format!("claimMappings.{what}.prefix: needs {what}.claim")),
            (true, _, None) => Ok(None),
            (false, true, None) => refuse(format!(
                "claimMappings.{what}.prefix: required when {what}.claim is set; set it to \"\" to have none"
            )),
            (false, true, Some(prefix)) => Ok(Some(Mapping::new(&self.claim, prefix))),
        }
    }
}

/// Reads a file.
///
/// # Errors
/// The text is not of that form, or says what makes no sense.
pub fn read(text: &str) -> Result<Vec<IssuerConfig>, OidcError> {
    let file: File = serde_saphyr::from_str(text).map_err(|error| OidcError::File(error.to_string().into()))?;
    if !VERSIONS.contains(&file.api_version.as_str()) || file.kind != "AuthenticationConfiguration" {
        return refuse(format!("{} {} is not understood", file.api_version, file.kind));
    }
    let mut found: Vec<IssuerConfig> = Vec::new();
    for jwt in file.jwt {
        let config = jwt.config()?;
        if found.iter().any(|other| other.url == config.url) {
            return refuse(format!("issuer {:?} is there twice", config.url));
        }
        found.push(config);
    }
    Ok(found)
}

impl Jwt {
    fn config(self) -> Result<IssuerConfig, OidcError> {
        let Self {
            issuer,
            claim_validation_rules,
            claim_mappings:
                Mappings {
                    username,
                    groups,
                    uid,
                    extra,
                },
            user_validation_rules,
        } = self;
        if !matches!(issuer.audience_match_policy.as_str(), "" | "MatchAny") {
            return refuse(format!(
                "audienceMatchPolicy {:?} is not known",
                issuer.audience_match_policy
            ));
        }
        let mut required_claims = BTreeMap::new();
        let mut claim_rules = Vec::new();
        for rule in claim_validation_rules {
            match (rule.claim.is_empty(), rule.expression.is_empty()) {
                (false, true) if rule.message.is_empty() => {
                    required_claims.insert(rule.claim, rule.required_value);
                }
                (true, false) if rule.required_value.is_empty() => claim_rules.push(RuleConfig {
                    expression: rule.expression,
                    message: rule.message,
                }),
                _ => {
                    return refuse(
                        "claimValidationRules: each has a claim with requiredValue, or an expression with message",
                    );
                }
            }
        }
        let user_rules = user_validation_rules.into_iter().map(|rule| RuleConfig {
            expression: rule.expression,
            message: rule.message,
        });
        if uid.prefix.is_some() || (!uid.claim.is_empty() && !uid.expression.is_empty()) {
            return refuse("claimMappings.uid: a claim or an expression, without a prefix");
        }
        let given = |text: String| Some(text).filter(|text| !text.is_empty());
        let name = username.mapping("username")?;
        let config = IssuerConfig {
            discovery_url: given(issuer.discovery_url),
            authority_pem: given(issuer.certificate_authority),
            audiences: issuer.audiences,
            username: name.unwrap_or_else(|| Mapping::new("", "")),
            groups: groups.mapping("groups")?,
            uid_claim: given(uid.claim),
            required_claims,
            algorithms: ALGORITHMS.map(str::to_owned).to_vec(),
            expressions: ExpressionConfig {
                username: username.expression,
                groups: groups.expression,
                uid: uid.expression,
                extra: extra
                    .into_iter()
                    .map(|extra| (extra.key, extra.value_expression))
                    .collect(),
                claim_rules,
                user_rules: user_rules.collect(),
            },
            ..IssuerConfig::new(&issuer.url)
        };
        config.check()?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::expressions::{self, Expressions};
    use super::*;
    use crate::auth::UserInfo;

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

    const IN_CEL: &str = "
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer: {url: 'https://issuer.example', audiences: [hub]}
  claimValidationRules:
  - expression: 'claims.exp - claims.nbf <= 86400'
    message: too long
  claimMappings:
    username: {expression: '\"corp:\" + claims.sub'}
    groups: {expression: 'claims.roles.split(\",\")'}
    uid: {expression: 'claims.oid'}
    extra: [{key: example.com/tenant, valueExpression: claims.tenant}]
  userValidationRules:
  - expression: \"!user.username.startsWith('system:')\"
    message: a name of the system
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
            (
                "claim: email, prefix: ''",
                "claim: email, prefix: '', expression: claims.sub",
            ),
            ("claim: email, prefix: ''", "prefix: 'a'"),
            ("claim: email, prefix: ''", "clam: email"),
            ("[hub, other]", "[]"),
            ("MatchAny", "MatchAll"),
            ("requiredValue: example", "expression: 'true'"),
        ] {
            assert!(FILE.contains(from), "{from}");
            assert!(read(&FILE.replacen(from, to, 1)).is_err(), "{to}");
        }
        for (from, to) in [
            ("claims.oid", "claims."),
            ("claims.oid", "1 + 1"),
            ("claims.sub", "claims.email"),
            ("user.username", "claims.sub"),
        ] {
            let [issuer] = read(&IN_CEL.replacen(from, to, 1)).unwrap().try_into().unwrap();
            assert!(Expressions::compile(&issuer).is_err(), "{to}");
        }
    }

    #[test]
    fn expressions_map_and_judge() {
        let [issuer] = read(IN_CEL).unwrap().try_into().unwrap();
        let made = Expressions::compile(&issuer).unwrap();
        let claims = json!({"sub": "alice", "roles": "a,b", "oid": "7", "tenant": ["t"], "exp": 100, "nbf": 0});
        let text = |expression: &Option<_>| expressions::text(expression.as_ref().unwrap(), &claims, "x").unwrap();
        assert_eq!(
            (text(&made.username), text(&made.uid)),
            ("corp:alice".to_owned(), "7".to_owned())
        );
        assert_eq!(
            expressions::texts(made.groups.as_ref().unwrap(), &claims, "x").unwrap(),
            ["a", "b"]
        );
        assert_eq!(made.extra(&claims).unwrap()["example.com/tenant"], ["t"]);
        made.judge_claims(&claims).unwrap();
        let mut long = claims.clone();
        long["exp"] = json!(1_000_000);
        assert_eq!(
            made.judge_claims(&long).unwrap_err(),
            "oidc: error evaluating claim validation expression: validation expression 'claims.exp - claims.nbf <= 86400' failed: too long"
        );
        assert!(made.judge_claims(&Value::from("none")).is_err());
        assert!(made.judge_user(&UserInfo::new("corp:alice", ["a"])).is_ok());
        assert!(
            made.judge_user(&UserInfo::new("system:admin", ["a"]))
                .unwrap_err()
                .ends_with("a name of the system")
        );
    }
}
