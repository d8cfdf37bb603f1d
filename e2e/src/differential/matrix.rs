//! Every kind through every verb. In: a minimal valid body of each kind (`kinds.yaml`). Out: cases.

use serde::Deserialize;
use serde_json::{Value, json};

use super::script::{Case, Step};
use super::values::merged;

mod refusals;
mod verbs;

/// A kind, and what the generated requests need to know of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// Its kind.
    pub kind: String,
    /// Its group and version.
    pub api: String,
    /// What its cases are called, where another version of the kind has its name.
    #[serde(default)]
    pub called: Option<String>,
    /// Its resource.
    pub plural: String,
    /// Whether its objects live in namespaces.
    #[serde(default = "yes")]
    pub namespaced: bool,
    /// The name of an object, where not any name will do.
    #[serde(default)]
    pub name: Option<String>,
    /// The least that is valid, beside the metadata.
    pub body: Value,
    /// A merge patch that changes what is wanted.
    pub change: Value,
    /// A merge patch of the status; none where there is no status.
    #[serde(default)]
    pub status: Option<Value>,
    /// Whether it scales.
    #[serde(default)]
    pub scale: bool,
    /// Merge patches of a body that make it invalid.
    #[serde(default)]
    pub invalid: Vec<Value>,
    /// Merge patches that a stored object refuses.
    #[serde(default)]
    pub immutable: Vec<Value>,
    /// A merge patch of what is sent in protobuf; none where the body will do.
    #[serde(default)]
    pub written: Option<Value>,
    /// What plain deletions say beside, where a kind has a default of its own; a query.
    #[serde(default)]
    pub delete: String,
    /// What is waited for after an object was made.
    #[serde(default)]
    pub after: Vec<Step>,
    /// Generated cases that do not fit the kind.
    #[serde(default)]
    pub without: Vec<String>,
    /// Requests that come first.
    #[serde(default)]
    pub before: Vec<Step>,
}

fn yes() -> bool {
    true
}

impl Kind {
    /// Where its objects are.
    #[must_use]
    pub fn collection(&self) -> String {
        let root = if self.api.contains('/') { "/apis" } else { "/api" };
        let namespace = if self.namespaced { "/namespaces/${ns}" } else { "" };
        format!("{root}/{}{namespace}/{}", self.api, self.plural)
    }

    /// The name of the first object.
    #[must_use]
    pub fn first(&self) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None if self.namespaced => "one".to_owned(),
            None => "${ns}".to_owned(),
        }
    }

    /// Where the first object is.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}/{}", self.collection(), self.first())
    }

    /// A valid object of that name.
    #[must_use]
    pub fn object(&self, name: &str) -> Value {
        let metadata = json!({"name": name, "labels": {"case": "${ns}"}});
        merged(
            json!({"apiVersion": self.api, "kind": self.kind, "metadata": metadata}),
            &self.body,
        )
    }

    fn whole(&self) -> Value {
        self.object(&self.first())
    }

    fn case(&self, name: &str, steps: Vec<Step>) -> Case {
        let before = self.before.iter().map(|step| Step {
            quiet: true,
            ..step.clone()
        });
        Case {
            name: format!("{} {name}", self.called()),
            steps: before
                .chain(steps.into_iter().flat_map(|step| self.followed(step)))
                .collect(),
        }
    }

    /// The step, and what is waited for where it makes an object.
    fn followed(&self, step: Step) -> Vec<Step> {
        let makes = ["create", "apply", "the other's protobuf"]
            .iter()
            .any(|word| step.name.starts_with(word));
        let dry = step.request.contains("dryRun");
        let after = self.after.iter().filter(|_| makes && !dry);
        let after = after
            .map(|step| Step {
                quiet: true,
                ..step.clone()
            })
            .collect();
        [vec![step], after].concat()
    }

    /// A plain deletion of the first object; `query` begins with `?` or is empty.
    fn delete(&self, query: &str) -> Step {
        let sign = match (self.delete.is_empty(), query.is_empty()) {
            (true, _) => "",
            (false, true) => "?",
            (false, false) => "&",
        };
        Step::of(format!("DELETE {}{query}{sign}{}", self.place(), self.delete))
    }

    fn called(&self) -> &str {
        self.called.as_deref().unwrap_or(&self.kind)
    }

    fn create(&self) -> Step {
        Step::with(format!("POST {}", self.collection()), self.whole()).named("create")
    }
}

/// The cases of all kinds.
#[must_use]
pub fn cases(kinds: &[Kind]) -> Vec<Case> {
    kinds
        .iter()
        .flat_map(|kind| {
            let mut cases = [verbs::cases(kind), refusals::cases(kind)].concat();
            cases.retain(|case| {
                !kind
                    .without
                    .iter()
                    .any(|name| case.name == format!("{} {name}", kind.called()))
            });
            cases
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_in_their_places() {
        let text = "{kind: Role, api: rbac.authorization.k8s.io/v1, plural: roles, body: {rules: []}, change: {}}";
        let kind: Kind = serde_saphyr::from_str(text).unwrap();
        assert_eq!(
            kind.place(),
            "/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}/roles/one"
        );
        assert_eq!(kind.whole()["rules"], json!([]));
        let text = "{kind: Node, api: v1, plural: nodes, namespaced: false, body: {}, change: {}}";
        let kind: Kind = serde_saphyr::from_str(text).unwrap();
        assert_eq!(kind.place(), "/api/v1/nodes/${ns}");
        assert!(cases(&[kind]).iter().all(|case| case.name.starts_with("Node ")));
    }
}
