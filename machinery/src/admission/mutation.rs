//! MutatingAdmissionPolicies: what their expressions make of an object.
//!
//! In: a stored policy, a request with what parameterizes the policy. Out: configurations to apply and patches, one after the other.
//! Absent: applying them (the server's), and which requests the policy is about ([`super::matching`]).

use serde_json::Value as Json;

use super::conditions::Conditions;
use super::expression::{self, Budget, Expression, Facts, Gives, Variables};
use super::policy::{conditions, given, list, param_kind, text};

/// A policy that can be asked.
#[derive(Debug)]
pub struct MutatingPolicy {
    /// Its name.
    pub name: String,
    /// As it is stored.
    pub spec: Json,
    /// What cannot be told is no reason to refuse.
    pub ignores_failure: bool,
    /// It wants to see again what others changed after it.
    pub reinvoked: bool,
    /// `apiVersion` and kind of what parameterizes it.
    pub params: Option<(String, String)>,
    conditions: Conditions,
    variables: Vec<(String, Expression)>,
    mutations: Vec<(Gives, Expression)>,
    broken: Option<String>,
}

/// A change that a policy wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// An object that is applied to the one there is.
    Configuration(Json),
    /// RFC 6902.
    Patch(Json),
}

impl MutatingPolicy {
    /// Reads a stored policy. One that another version of this program let in may be broken; it says so when it is asked.
    #[must_use]
    pub fn read(policy: &Json) -> Self {
        let spec = policy.get("spec").cloned().unwrap_or_default();
        let metadata = policy.get("metadata").cloned().unwrap_or_default();
        let mut out = Self {
            name: text(&metadata, "name"),
            ignores_failure: text(&spec, "failurePolicy") == "Ignore",
            reinvoked: text(&spec, "reinvocationPolicy") == "IfNeeded",
            params: param_kind(&spec),
            conditions: Conditions::default(),
            variables: Vec::new(),
            mutations: Vec::new(),
            broken: None,
            spec,
        };
        out.broken = out.compile().err();
        out
    }

    fn compile(&mut self) -> Result<(), String> {
        let (given, variables) = given(&self.spec)?;
        self.conditions = conditions(&self.spec, &given);
        self.variables = variables;
        for mutation in list(&self.spec, "mutations") {
            let (place, gives) = if text(mutation, "patchType") == "JSONPatch" {
                ("jsonPatch", Gives::Patch)
            } else {
                ("applyConfiguration", Gives::Configuration)
            };
            let source = mutation
                .get(place)
                .map(|place| text(place, "expression"))
                .unwrap_or_default();
            self.mutations
                .push((gives, expression::compile(&source, gives, &given)?));
        }
        Ok(())
    }

    /// How many changes it wants at most.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.mutations.len()
    }

    /// Whether it is about a request, by its conditions.
    ///
    /// # Errors
    /// That cannot be told.
    pub fn holds(&self, facts: &Facts<'_>) -> Result<bool, String> {
        match &self.broken {
            Some(why) => Err(why.clone()),
            None => self.conditions.hold(facts),
        }
    }

    /// One of the changes it wants, of the object as the changes before left it.
    ///
    /// # Errors
    /// The expression has no value, or none that is a change.
    pub fn change(&self, number: usize, facts: &Facts<'_>) -> Result<Option<Change>, String> {
        let Some((gives, expression)) = self.mutations.get(number) else {
            return Ok(None);
        };
        let mut budget = Budget::default();
        let variables = Variables::of(&self.variables, facts, &mut budget);
        let value = expression
            .eval(facts, &variables, &mut budget)
            .map_err(|why| expression.told(&why))?;
        let value = value
            .to_json()
            .ok_or_else(|| expression.told("the value has no form in JSON"))?;
        Ok(Some(match gives {
            Gives::Patch => Change::Patch(value),
            _ => Change::Configuration(value),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rbac::Asked;
    use serde_json::json;

    /// Everybody may read pods.
    #[derive(Debug)]
    struct Readers;

    impl expression::Authority for Readers {
        fn decide(&self, account: Option<(&str, &str)>, asked: Asked<'_>) -> (bool, String) {
            let reads = matches!(
                asked,
                Asked::Resource {
                    verb: "get",
                    group: "",
                    resource: "pods",
                    namespace: "w1",
                    ..
                }
            );
            (
                reads && account.is_none_or(|(_, name)| name == "reader"),
                "by a role".to_owned(),
            )
        }
    }

    fn wanted(mutation: Json) -> Result<Option<Change>, String> {
        let spec = json!({"matchConstraints": {}, "reinvocationPolicy": "Never", "mutations": [mutation],
            "variables": [{"name": "v", "expression": "object.metadata.name"}]});
        let policy = MutatingPolicy::read(&json!({"metadata": {"name": "p"}, "spec": spec}));
        let object = json!({"metadata": {"name": "m"}, "data": {"a": "b"}, "spec": {"containers": [{"name": "c"}, {"name": "d"}]}});
        let facts = Facts {
            object: &object,
            old: &Json::Null,
            request: &json!({}),
            namespace: &Json::Null,
            params: &Json::Null,
            authority: &Readers,
        };
        assert_eq!(policy.holds(&facts), Ok(true));
        policy.change(0, &facts)
    }

    fn applied(text: &str) -> Result<Option<Change>, String> {
        wanted(json!({"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": text}}))
    }

    #[test]
    fn objects_and_patches_are_made() {
        assert_eq!(
            applied("Object{metadata: Object.metadata{labels: {'x': variables.v}}, data: {'k': object.data.a + '1'}}"),
            Ok(Some(Change::Configuration(
                json!({"metadata": {"labels": {"x": "m"}}, "data": {"k": "b1"}})
            )))
        );
        assert_eq!(
            applied(
                "Object{spec: Object.spec{replicas: 4, containers: object.spec.containers.map(c, Object.spec.containers{name: c.name})}}"
            ),
            Ok(Some(Change::Configuration(
                json!({"spec": {"replicas": 4, "containers": [{"name": "c"}, {"name": "d"}]}})
            )))
        );
        assert_eq!(
            wanted(json!({"patchType": "JSONPatch", "jsonPatch": {"expression":
                "[JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('a/b~c'), value: 1}]"}})),
            Ok(Some(Change::Patch(
                json!([{"op": "add", "path": "/metadata/labels/a~1b~0c", "value": 1}])
            )))
        );
        assert_eq!(
            applied("Object{data: {'k': object.nope}}"),
            Err("expression 'Object{data: {'k': object.nope}}' resulted in error: no such key: nope".to_owned())
        );
    }
}
