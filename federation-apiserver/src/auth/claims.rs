//! What a service account token says: claims, made and judged. Pure: the time and the objects are arguments.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::UserInfo;

/// Prefix of the user names of service accounts; namespace and name follow.
const SUBJECT: &str = "system:serviceaccount:";
/// Group of all service accounts; those of a namespace have one more.
pub(crate) const ACCOUNTS: &str = "system:serviceaccounts";
/// Key of the extra that names the credential itself.
pub(crate) const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";
const POD_NAME: &str = "authentication.kubernetes.io/pod-name";
const POD_UID: &str = "authentication.kubernetes.io/pod-uid";
const NODE_NAME: &str = "authentication.kubernetes.io/node-name";
const NODE_UID: &str = "authentication.kubernetes.io/node-uid";

/// Name and uid of an object that a token is bound to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Reference {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) uid: String,
}

/// The claims that are Kubernetes' own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Private {
    pub(crate) namespace: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) node: Option<Reference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pod: Option<Reference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<Reference>,
    pub(crate) serviceaccount: Reference,
}

/// All claims of a token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Claims {
    #[serde(deserialize_with = "one_or_many")]
    pub(crate) aud: Vec<String>,
    pub(crate) exp: i64,
    #[serde(default)]
    pub(crate) iat: i64,
    pub(crate) iss: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) jti: String,
    #[serde(rename = "kubernetes.io")]
    pub(crate) kubernetes: Private,
    #[serde(default)]
    pub(crate) nbf: i64,
    pub(crate) sub: String,
}

/// An audience may stand alone.
fn one_or_many<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Either::deserialize(from)? {
        Either::One(one) => vec![one],
        Either::Many(many) => many,
    })
}

/// The user name of a service account.
pub(crate) fn subject(namespace: &str, name: &str) -> String {
    format!("{SUBJECT}{namespace}:{name}")
}

/// Namespace and name in the user name of a service account.
pub(crate) fn of_subject(user: &str) -> Option<(&str, &str)> {
    user.strip_prefix(SUBJECT)?.split_once(':')
}

/// Groups of the service accounts of a namespace.
pub(crate) fn groups(namespace: &str) -> [String; 2] {
    [ACCOUNTS.to_owned(), format!("{ACCOUNTS}:{namespace}")]
}

/// Texts as Go prints a list of them.
pub(crate) fn listed(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
    format!("[{}]", quoted.join(" "))
}

/// Those of the wanted audiences that a token is for; an error tells that there is none.
pub(crate) fn shared(has: &[String], wanted: &[String]) -> Result<Vec<String>, String> {
    let both: Vec<String> = wanted
        .iter()
        .filter(|audience| has.contains(audience))
        .cloned()
        .collect();
    if both.is_empty() {
        return Err(format!(
            "token audiences {} is invalid for the target audiences {}",
            listed(has),
            listed(wanted)
        ));
    }
    Ok(both)
}

impl Claims {
    /// Reads claims; an error tells what they lack.
    pub(crate) fn read(claims: &Value) -> Result<Self, String> {
        serde_json::from_value(claims.clone()).map_err(|error| format!("claims of a service account token: {error}"))
    }

    /// Whether they hold at this time, and for which of the wanted audiences.
    pub(crate) fn judge(&self, wanted: &[String], now: Timestamp) -> Result<Vec<String>, String> {
        let Private {
            namespace,
            serviceaccount,
            ..
        } = &self.kubernetes;
        if self.exp <= now.as_second() {
            return Err("service account token has expired".to_owned());
        }
        if self.nbf > now.as_second() {
            return Err("service account token is not valid yet".to_owned());
        }
        let audiences = shared(&self.aud, wanted)?;
        if self.sub != subject(namespace, &serviceaccount.name) || serviceaccount.uid.is_empty() {
            return Err("service account token subject does not match its claims".to_owned());
        }
        Ok(audiences)
    }

    /// Who holds the token.
    pub(crate) fn user(&self) -> UserInfo {
        let Private {
            namespace,
            node,
            pod,
            secret: _,
            serviceaccount,
        } = &self.kubernetes;
        let mut user = UserInfo::new(subject(namespace, &serviceaccount.name), groups(namespace));
        user.uid.clone_from(&serviceaccount.uid);
        let mut say = |key: &str, value: &str| {
            if !value.is_empty() {
                user.extra.insert(key.to_owned(), vec![value.to_owned()]);
            }
        };
        if !self.jti.is_empty() {
            say(CREDENTIAL_ID, &format!("JTI={}", self.jti));
        }
        for (reference, name, uid) in [(pod, POD_NAME, POD_UID), (node, NODE_NAME, NODE_UID)] {
            if let Some(reference) = reference {
                say(name, &reference.name);
                say(uid, &reference.uid);
            }
        }
        user
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn claims() -> Claims {
        Claims {
            aud: vec!["api".into(), "vault".into()],
            exp: 2_000,
            iat: 1_000,
            iss: "https://hub".into(),
            jti: "j".into(),
            kubernetes: Private {
                namespace: "shop".into(),
                serviceaccount: Reference {
                    name: "bot".into(),
                    uid: "u".into(),
                },
                ..Private::default()
            },
            nbf: 1_000,
            sub: "system:serviceaccount:shop:bot".into(),
        }
    }

    #[test]
    fn as_kubernetes_writes_them() {
        let value = serde_json::to_value(claims()).unwrap();
        assert_eq!(
            value,
            json!({"aud": ["api", "vault"], "exp": 2000, "iat": 1000, "iss": "https://hub", "jti": "j",
                "kubernetes.io": {"namespace": "shop", "serviceaccount": {"name": "bot", "uid": "u"}},
                "nbf": 1000, "sub": "system:serviceaccount:shop:bot"})
        );
        assert_eq!(Claims::read(&value).unwrap(), claims());
        let mut alone = value;
        alone["aud"] = json!("api");
        assert_eq!(Claims::read(&alone).unwrap().aud, ["api"]);
        alone["exp"] = json!("soon");
        assert!(Claims::read(&alone).is_err());
    }

    #[test]
    fn whoever_holds_it() {
        let mut held = claims();
        held.kubernetes.pod = Some(Reference {
            name: "p".into(),
            uid: "pu".into(),
        });
        let user = held.user();
        assert_eq!(
            user.groups,
            [
                "system:serviceaccounts",
                "system:serviceaccounts:shop",
                "system:authenticated"
            ]
        );
        assert_eq!(user.extra[CREDENTIAL_ID], ["JTI=j"]);
        assert_eq!(
            (&user.extra[POD_NAME], &user.extra[POD_UID]),
            (&vec!["p".to_owned()], &vec!["pu".to_owned()])
        );
        assert_eq!(of_subject(&user.name), Some(("shop", "bot")));
    }

    #[test]
    fn for_whom_and_for_how_long() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let wanted = ["vault".to_owned(), "other".to_owned()];
        assert_eq!(claims().judge(&wanted, at(1_500)).unwrap(), ["vault"]);
        assert_eq!(
            claims().judge(&["x".to_owned()], at(1_500)).unwrap_err(),
            "token audiences [\"api\" \"vault\"] is invalid for the target audiences [\"x\"]"
        );
        assert_eq!(
            claims().judge(&wanted, at(2_000)).unwrap_err(),
            "service account token has expired"
        );
        assert!(claims().judge(&wanted, at(999)).is_err());
        let mut other = claims();
        other.sub = "system:serviceaccount:shop:admin".into();
        assert!(other.judge(&wanted, at(1_500)).is_err());
        let mut nobody = claims();
        nobody.kubernetes.serviceaccount.uid.clear();
        assert!(
            nobody.judge(&wanted, at(1_500)).is_err(),
            "a token without a uid would outlive its account"
        );
    }

    proptest! {
        #[test]
        fn never_outside_its_time_or_audience(now in 0_i64..4_000, audience in "api|vault|x|") {
            let judged = claims().judge(std::slice::from_ref(&audience), Timestamp::from_second(now).unwrap());
            let within = (1_000..2_000).contains(&now) && matches!(audience.as_str(), "api" | "vault");
            prop_assert_eq!(judged.is_ok(), within);
        }
    }
}
