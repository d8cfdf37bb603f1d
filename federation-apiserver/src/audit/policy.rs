//! Which requests are written down, and how much of them: the first rule that matches says so. Pure.

use serde::Deserialize;

use crate::http::path::ResourcePath;

/// How much is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Level {
    /// Nothing.
    #[default]
    None,
    /// Who, what, when, how it ended.
    Metadata,
    /// That and the body of the request.
    Request,
    /// That and the body of the answer.
    RequestResponse,
}

impl Level {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Metadata => "Metadata",
            Self::Request => "Request",
            Self::RequestResponse => "RequestResponse",
        }
    }
}

/// When something is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Stage {
    /// As it comes.
    RequestReceived,
    /// As the answer of a long request begins.
    ResponseStarted,
    /// As it is answered.
    ResponseComplete,
    /// As it failed by a defect.
    Panic,
}

impl Stage {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RequestReceived => "RequestReceived",
            Self::ResponseStarted => "ResponseStarted",
            Self::ResponseComplete => "ResponseComplete",
            Self::Panic => "Panic",
        }
    }
}

/// A policy cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// It is not of the form.
    #[error("read the audit policy; its form is that of audit.k8s.io/v1 Policy: {0}")]
    Form(String),
    /// It contradicts itself.
    #[error("audit policy, rules[{rule}]: {fault}")]
    Rule {
        /// Which rule, from 0.
        rule: usize,
        /// What is wrong.
        fault: &'static str,
    },
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct GroupResources {
    group: String,
    resources: Vec<String>,
    resource_names: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Rule {
    level: Option<Level>,
    users: Vec<String>,
    user_groups: Vec<String>,
    verbs: Vec<String>,
    resources: Vec<GroupResources>,
    namespaces: Vec<String>,
    #[serde(rename = "nonResourceURLs")]
    non_resource_urls: Vec<String>,
    omit_stages: Vec<Stage>,
    omit_managed_fields: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    api_version: String,
    kind: String,
    #[serde(default, rename = "metadata")]
    _metadata: serde_json::Value,
    rules: Vec<Rule>,
    #[serde(default)]
    omit_stages: Vec<Stage>,
    #[serde(default)]
    omit_managed_fields: bool,
}

/// A policy.
#[derive(Clone, Debug)]
pub struct Policy {
    rules: Vec<Rule>,
    omit_stages: Vec<Stage>,
    omit_managed_fields: bool,
}

/// What rules look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attributes<'a> {
    pub(super) user: &'a str,
    pub(super) groups: &'a [String],
    pub(super) verb: &'a str,
    /// None for a path that names no resource.
    pub(super) resource: Option<&'a ResourcePath>,
    pub(super) path: &'a str,
}

/// What a policy says of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) level: Level,
    pub(super) omit_stages: Vec<Stage>,
    pub(super) omit_managed_fields: bool,
}

impl Policy {
    /// Reads a file.
    ///
    /// # Errors
    /// It is not of the form, or a rule makes no sense.
    pub fn read(text: &str) -> Result<Self, PolicyError> {
        let file: File = serde_saphyr::from_str(text).map_err(|error| PolicyError::Form(error.to_string()))?;
        if file.api_version != "audit.k8s.io/v1" || file.kind != "Policy" {
            return Err(PolicyError::Form(format!(
                "{} {} is not one",
                file.api_version, file.kind
            )));
        }
        for (at, rule) in file.rules.iter().enumerate() {
            let fault = |fault| PolicyError::Rule { rule: at, fault };
            if rule.level.is_none() {
                return Err(fault("level is required"));
            }
            let of_resources = !rule.resources.is_empty() || !rule.namespaces.is_empty();
            if of_resources && !rule.non_resource_urls.is_empty() {
                return Err(fault("a rule is about resources or about nonResourceURLs, not both"));
            }
            let wrong = |url: &String| url != "*" && (!url.starts_with('/') || url.trim_end_matches('*').contains('*'));
            if rule.non_resource_urls.iter().any(wrong) {
                return Err(fault(
                    "nonResourceURLs begin with a slash and have a * at their end alone",
                ));
            }
            if rule
                .resources
                .iter()
                .any(|of| !of.resource_names.is_empty() && of.resources.is_empty())
            {
                return Err(fault("resourceNames need resources"));
            }
        }
        if file.rules.is_empty() {
            return Err(PolicyError::Form(
                "it has no rules, so nothing would be written".to_owned(),
            ));
        }
        Ok(Self {
            rules: file.rules,
            omit_stages: file.omit_stages,
            omit_managed_fields: file.omit_managed_fields,
        })
    }

    /// What is to be written of a request.
    pub(super) fn judge(&self, asked: &Attributes<'_>) -> Judged {
        let rule = self.rules.iter().find(|rule| rule.matches(asked));
        let mut omit_stages = self.omit_stages.clone();
        omit_stages.extend(rule.into_iter().flat_map(|rule| rule.omit_stages.iter().copied()));
        let mut level = rule.and_then(|rule| rule.level).unwrap_or_default();
        if asked.resource.is_some_and(is_confidential) {
            level = level.min(Level::Metadata);
        }
        Judged {
            level,
            omit_stages,
            omit_managed_fields: rule
                .and_then(|rule| rule.omit_managed_fields)
                .unwrap_or(self.omit_managed_fields),
        }
    }
}

/// Bodies that are credentials, or carry them.
fn is_confidential(path: &ResourcePath) -> bool {
    match (&*path.group, &*path.resource, &*path.subresource) {
        ("", "secrets", _) | ("", "serviceaccounts", "token") | ("authentication.k8s.io", "tokenreviews", _) => true,
        (group, "clusters", "manifests" | "proxy" | "tunnel") => group == api::well_known::GROUP,
        _ => false,
    }
}

fn has(list: &[String], text: &str) -> bool {
    list.iter().any(|item| item == text)
}

impl Rule {
    fn matches(&self, asked: &Attributes<'_>) -> bool {
        let user = self.users.is_empty() || has(&self.users, asked.user);
        let group = self.user_groups.is_empty() || self.user_groups.iter().any(|group| has(asked.groups, group));
        let verb = self.verbs.is_empty() || has(&self.verbs, asked.verb);
        if !(user && group && verb) {
            return false;
        }
        match asked.resource {
            _ if !self.resources.is_empty() || !self.namespaces.is_empty() => {
                asked.resource.is_some_and(|path| self.matches_resource(path))
            }
            Some(_) => self.non_resource_urls.is_empty(),
            None => {
                let reaches = |url: &String| {
                    url == "*"
                        || url == asked.path
                        || url.strip_suffix('*').is_some_and(|head| asked.path.starts_with(head))
                };
                self.non_resource_urls.is_empty() || self.non_resource_urls.iter().any(reaches)
            }
        }
    }

    fn matches_resource(&self, path: &ResourcePath) -> bool {
        let place = self.namespaces.is_empty() || has(&self.namespaces, &path.namespace);
        place && (self.resources.is_empty() || self.resources.iter().any(|of| of.matches(path)))
    }
}

impl GroupResources {
    fn matches(&self, path: &ResourcePath) -> bool {
        if self.group != path.group {
            return false;
        }
        if self.resources.is_empty() {
            return true;
        }
        if !self.resource_names.is_empty() && !has(&self.resource_names, &path.name) {
            return false;
        }
        self.resources.iter().any(|own| {
            if own == "*" {
                return true;
            }
            match own.split_once('/') {
                None => path.subresource.is_empty() && *own == path.resource,
                Some(("*", sub)) => sub == path.subresource,
                Some((resource, "*")) => resource == path.resource,
                Some((resource, sub)) => resource == path.resource && sub == path.subresource,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policy(rules: &str) -> Result<Policy, PolicyError> {
        Policy::read(&format!(
            "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n{rules}"
        ))
    }

    fn path(group: &str, namespace: &str, resource: &str, name: &str, subresource: &str) -> ResourcePath {
        ResourcePath {
            group: group.to_owned(),
            namespace: namespace.to_owned(),
            resource: resource.to_owned(),
            name: name.to_owned(),
            subresource: subresource.to_owned(),
            ..ResourcePath::default()
        }
    }

    fn level(policy: &Policy, user: &str, verb: &str, path: &ResourcePath) -> Level {
        let groups = ["devs".to_owned()];
        let asked = Attributes {
            user,
            groups: &groups,
            verb,
            resource: Some(path),
            path: "/x",
        };
        policy.judge(&asked).level
    }

    #[test]
    fn the_first_rule_that_matches() {
        let policy = policy(
            "
- {level: None, users: [quiet]}
- {level: Request, verbs: [delete], namespaces: [shop]}
- {level: RequestResponse, resources: [{group: apps, resources: [deployments, 'deployments/*']}]}
- {level: Request, resources: [{group: '', resources: [configmaps], resourceNames: [one]}]}
- {level: Metadata, resources: [{group: '', resources: ['*/status', secrets]}], omitStages: [Panic], omitManagedFields: true}
- {level: Metadata, userGroups: [devs], nonResourceURLs: ['/metrics', '/open*']}
",
        )
        .unwrap();
        let of = |user, verb, path: ResourcePath| level(&policy, user, verb, &path);
        assert_eq!(of("quiet", "delete", path("", "shop", "pods", "a", "")), Level::None);
        assert_eq!(of("a", "delete", path("", "shop", "pods", "a", "")), Level::Request);
        assert_eq!(
            of("a", "get", path("apps", "shop", "deployments", "a", "scale")),
            Level::RequestResponse
        );
        assert_eq!(
            of("a", "get", path("extensions", "shop", "deployments", "a", "")),
            Level::None
        );
        assert_eq!(
            of("a", "get", path("", "shop", "configmaps", "one", "")),
            Level::Request
        );
        assert_eq!(of("a", "get", path("", "shop", "configmaps", "two", "")), Level::None);
        assert_eq!(
            of("a", "get", path("", "", "namespaces", "a", "status")),
            Level::Metadata
        );
        let page = |path: &str| {
            let groups = ["devs".to_owned()];
            let asked = Attributes {
                user: "a",
                groups: &groups,
                verb: "get",
                resource: None,
                path,
            };
            policy.judge(&asked).level
        };
        assert_eq!(
            (page("/metrics"), page("/openapi/v3"), page("/version")),
            (Level::Metadata, Level::Metadata, Level::None)
        );
        let groups = [];
        let status = path("", "", "namespaces", "a", "status");
        let judged = policy.judge(&Attributes {
            user: "a",
            groups: &groups,
            verb: "update",
            resource: Some(&status),
            path: "/",
        });
        assert_eq!(judged.omit_stages, [Stage::RequestReceived, Stage::Panic]);
        assert!(judged.omit_managed_fields);
    }

    #[test]
    fn credentials_are_never_written() {
        let policy = policy("- {level: RequestResponse}").unwrap();
        for (group, resource, subresource, want) in [
            ("", "secrets", "", Level::Metadata),
            ("", "serviceaccounts", "token", Level::Metadata),
            ("", "serviceaccounts", "", Level::RequestResponse),
            ("authentication.k8s.io", "tokenreviews", "", Level::Metadata),
            (api::well_known::GROUP, "clusters", "manifests", Level::Metadata),
            // A member's Secrets come that way, too.
            (api::well_known::GROUP, "clusters", "proxy", Level::Metadata),
            ("", "configmaps", "", Level::RequestResponse),
        ] {
            assert_eq!(
                level(&policy, "a", "get", &path(group, "n", resource, "a", subresource)),
                want,
                "{resource}"
            );
        }
    }

    #[test]
    fn what_makes_no_sense() {
        for rules in [
            "- {users: [a]}",
            "- {level: All}",
            "- {level: Metadata, resources: [{group: ''}], nonResourceURLs: ['*']}",
            "- {level: Metadata, nonResourceURLs: ['a']}",
            "- {level: Metadata, nonResourceURLs: ['/a*b*']}",
            "- {level: Metadata, resources: [{group: '', resourceNames: [a]}]}",
            "- {level: Metadata, usres: [a]}",
            "[]",
        ] {
            assert!(policy(rules).is_err(), "{rules}");
        }
        assert!(Policy::read("apiVersion: audit.k8s.io/v1beta1\nkind: Policy\nrules: [{level: None}]").is_err());
    }

    proptest! {
        #[test]
        fn a_rule_in_front_decides_what_it_matches_and_nothing_else(
            user in "[ab]", verb in "get|delete", resource in "pods|secrets|configmaps", sub in "|status", namespace in "[nm]?"
        ) {
            let behind = "- {level: Metadata, verbs: [get]}\n- {level: Request, namespaces: [n]}";
            let front = "- {level: None, users: [a], resources: [{group: '', resources: [pods, 'pods/status']}]}";
            let (plain, more) = (policy(behind).unwrap(), policy(&format!("{front}\n{behind}")).unwrap());
            let path = path("", &namespace, &resource, "x", &sub);
            let hit = user == "a" && resource == "pods";
            let wanted = if hit { Level::None } else { level(&plain, &user, &verb, &path) };
            prop_assert_eq!(level(&more, &user, &verb, &path), wanted);
            if resource == "secrets" {
                prop_assert!(level(&more, &user, &verb, &path) <= Level::Metadata);
            }
        }
    }
}
