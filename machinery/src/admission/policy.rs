//! ValidatingAdmissionPolicies: what their expressions say to a request.
//!
//! In: a stored policy, a request with what parameterizes the policy. Out: denials with their words, annotations for the audit
//! log. Absent: which requests it is about ([`super::matching`]), bindings and where parameters come from.

use serde_json::Value as Json;

use super::conditions::Conditions;
use super::expression::{self, Budget, Expression, Facts, Given, Gives, Variables};
use crate::cel::Value;

/// Longest message that an expression may make, in bytes.
const MESSAGE_MAX: usize = 5 * 1024;
const REASON: &str = "Invalid";

/// A policy that can be asked.
#[derive(Debug)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// As it is stored.
    pub spec: Json,
    /// What cannot be told is no reason to refuse.
    pub ignores_failure: bool,
    /// `apiVersion` and kind of what parameterizes it.
    pub params: Option<(String, String)>,
    conditions: Conditions,
    variables: Vec<(String, Expression)>,
    validations: Vec<Validation>,
    annotations: Vec<(String, Expression)>,
    /// Why it cannot be asked.
    broken: Option<String>,
}

#[derive(Debug)]
struct Validation {
    expression: Expression,
    message: String,
    words: Option<Expression>,
    reason: String,
}

/// Why a policy is against a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The sentence for people.
    pub message: String,
    /// A reason of a Status.
    pub reason: String,
    /// Which validation; none where it is about the whole.
    pub index: Option<usize>,
}

/// What a policy says to a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Why it is against it.
    pub denials: Vec<Denial>,
    /// What the audit log is to be told.
    pub annotations: Vec<(String, String)>,
}

pub(super) fn text(value: &Json, key: &str) -> String {
    value.get(key).and_then(Json::as_str).unwrap_or_default().to_owned()
}

pub(super) fn list<'a>(value: &'a Json, key: &str) -> impl Iterator<Item = &'a Json> + use<'a> {
    value.get(key).and_then(Json::as_array).into_iter().flatten()
}

/// What a policy's expressions may speak of, with its variables.
pub(super) fn given(spec: &Json) -> Result<(Given, Vec<(String, Expression)>), String> {
    let mut given = Given {
        params: spec.get("paramKind").is_some_and(|kind| !kind.is_null()),
        variables: list(spec, "variables").next().map(|_| Vec::new()),
    };
    let mut variables = Vec::new();
    for variable in list(spec, "variables") {
        let name = text(variable, "name");
        let compiled = expression::compile(&text(variable, "expression"), Gives::Anything, &given)?;
        given
            .variables
            .get_or_insert_default()
            .push((name.clone(), compiled.gives()));
        variables.push((name, compiled));
    }
    Ok((given, variables))
}

/// `apiVersion` and kind of what parameterizes a policy.
pub(super) fn param_kind(spec: &Json) -> Option<(String, String)> {
    let kind = spec.get("paramKind").filter(|kind| !kind.is_null())?;
    Some((text(kind, "apiVersion"), text(kind, "kind")))
}

/// What conditions may speak of: they come before variables.
pub(super) fn conditions(spec: &Json, given: &Given) -> Conditions {
    let given = Given {
        params: given.params,
        variables: None,
    };
    Conditions::read(spec, &given)
}

impl Policy {
    /// Reads a stored policy. One that another version of this program let in may be broken; it says so when it is asked.
    #[must_use]
    pub fn read(policy: &Json) -> Self {
        let spec = policy.get("spec").cloned().unwrap_or_default();
        let metadata = policy.get("metadata").cloned().unwrap_or_default();
        let mut out = Self {
            name: text(&metadata, "name"),
            ignores_failure: text(&spec, "failurePolicy") == "Ignore",
            params: param_kind(&spec),
            conditions: Conditions::default(),
            variables: Vec::new(),
            validations: Vec::new(),
            annotations: Vec::new(),
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
        for validation in list(&self.spec, "validations") {
            let words = text(validation, "messageExpression");
            let reason = text(validation, "reason");
            self.validations.push(Validation {
                expression: expression::compile(&text(validation, "expression"), Gives::Bool, &given)?,
                message: text(validation, "message"),
                words: (!words.is_empty())
                    .then(|| expression::compile(&words, Gives::Text, &given))
                    .transpose()?,
                reason: if reason.is_empty() { REASON.to_owned() } else { reason },
            });
        }
        for annotation in list(&self.spec, "auditAnnotations") {
            let said = expression::compile(&text(annotation, "valueExpression"), Gives::TextOrNothing, &given)?;
            self.annotations.push((text(annotation, "key"), said));
        }
        Ok(())
    }

    /// What the policy says to a request.
    #[must_use]
    pub fn judge(&self, facts: &Facts<'_>) -> Judgement {
        let mut out = Judgement::default();
        if let Some(why) = &self.broken {
            self.fault(why.clone(), None, &mut out);
            return out;
        }
        match self.conditions.hold(facts) {
            Ok(true) => {}
            Ok(false) => return out,
            Err(why) => {
                self.fault(why, None, &mut out);
                return out;
            }
        }
        let mut budget = Budget::default();
        let variables = Variables::of(&self.variables, facts, &mut budget);
        for (index, validation) in self.validations.iter().enumerate() {
            match validation.expression.eval(facts, &variables, &mut budget) {
                Ok(Value::Bool(true)) => {}
                Ok(_) => out.denials.push(Denial {
                    message: validation.told(facts, &variables, &mut budget),
                    reason: validation.reason.clone(),
                    index: Some(index),
                }),
                Err(why) => self.fault(validation.expression.told(&why), Some(index), &mut out),
            }
        }
        for (key, expression) in &self.annotations {
            match expression.eval(facts, &variables, &mut budget) {
                Ok(Value::Text(said)) if !said.trim().is_empty() => {
                    out.annotations.push((key.clone(), said.trim().to_owned()));
                }
                Ok(_) => {}
                Err(why) => self.fault(expression.told(&why), None, &mut out),
            }
        }
        out
    }

    fn fault(&self, message: String, index: Option<usize>, out: &mut Judgement) {
        if !self.ignores_failure {
            out.denials.push(Denial {
                message,
                reason: REASON.to_owned(),
                index,
            });
        }
    }
}

impl Validation {
    /// The words of a denial: made by an expression, written down, or the expression that failed.
    fn told<'a>(&'a self, facts: &Facts<'a>, variables: &Variables<'a>, budget: &mut Budget) -> String {
        if let Some(words) = &self.words
            && let Ok(Value::Text(said)) = words.eval(facts, variables, budget)
        {
            let said = said.trim();
            if !said.is_empty() && !said.contains('\n') && said.len() <= MESSAGE_MAX {
                return said.to_owned();
            }
        }
        match self.message.trim() {
            "" => format!("failed expression: {}", self.expression.text.trim()),
            message => message.to_owned(),
        }
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

    fn asked(mut spec: Json, name: &str) -> Vec<(String, String)> {
        spec["matchConstraints"] = json!({});
        let policy = Policy::read(&json!({"metadata": {"name": "p"}, "spec": spec}));
        let object = json!({"metadata": {"name": name}, "data": {"a": "b"}});
        let request = json!({"operation": "CREATE", "name": name, "userInfo": {"username": "admin"},
            "resource": {"resource": "configmaps"}, "dryRun": false});
        let facts = Facts {
            object: &object,
            old: &Json::Null,
            request: &request,
            namespace: &json!({"metadata": {"labels": {"team": "a"}}}),
            params: &Json::Null,
            authority: &Readers,
        };
        let denials = policy.judge(&facts).denials;
        denials
            .into_iter()
            .map(|denial| (denial.message, denial.reason))
            .collect()
    }

    fn messages(spec: Json) -> Vec<String> {
        asked(spec, "c1").into_iter().map(|(message, _)| message).collect()
    }

    /// Policies and words as kube-apiserver 1.36.3 had them.
    #[test]
    fn as_upstream() {
        let plain = asked(
            json!({"validations": [{"expression": "object.metadata.name=='x'"}]}),
            "c1",
        );
        assert_eq!(
            plain,
            [(
                "failed expression: object.metadata.name=='x'".to_owned(),
                "Invalid".to_owned()
            )]
        );
        assert_eq!(
            asked(
                json!({"validations": [{"expression": "object.metadata.name=='x'"}]}),
                "x"
            ),
            []
        );
        let words = json!({"validations": [{"expression": "false", "message": "m", "messageExpression": "'name is '+object.metadata.name"}]});
        assert_eq!(messages(words), ["name is c1"]);
        let empty = json!({"validations": [{"expression": "false", "message": "m", "messageExpression": "''"}]});
        assert_eq!(messages(empty), ["m"]);
        let fault = "expression 'object.nope == 1' resulted in error: no such key: nope";
        assert_eq!(
            messages(json!({"validations": [{"expression": "object.nope == 1"}]})),
            [fault]
        );
        let ignoring = json!({"failurePolicy": "Ignore", "validations": [{"expression": "object.nope == 1"}]});
        assert!(messages(ignoring).is_empty());
        let condition = json!({"matchConditions": [{"name": "c", "expression": "object.nope == 1"}], "validations": [{"expression": "false"}]});
        assert_eq!(messages(condition), [fault]);
        let decided = json!({"matchConditions": [{"name": "c", "expression": "object.nope == 1"}, {"name": "d", "expression": "false"}],
            "validations": [{"expression": "false"}]});
        assert!(messages(decided).is_empty());
        let request = json!({"validations": [{"expression": "namespaceObject.metadata.labels['team'] == 'b'", "messageExpression":
            "'team ' + namespaceObject.metadata.labels['team']+' op '+request.operation+' '+request.userInfo.username+' '\
             +request.resource.resource+' '+string(request.dryRun)"}]});
        assert_eq!(messages(request), ["team a op CREATE admin configmaps false"]);
        assert!(messages(json!({"validations": [{"expression": "oldObject == null"}]})).is_empty());
    }

    #[test]
    fn variables_are_missed_by_those_who_ask() {
        let variables =
            |first: &str| json!([{"name": "v", "expression": first}, {"name": "w", "expression": "variables.v + 'x'"}]);
        let broken = json!({"variables": variables("object.nope"), "validations": [{"expression": "variables.w == 'a'"}, {"expression": "true"}]});
        assert_eq!(
            messages(broken),
            [
                "expression 'variables.w == 'a'' resulted in error: composited variable \"w\" fails to evaluate: composited \
              variable \"v\" fails to evaluate: no such key: nope"
            ]
        );
        let whole = json!({"variables": variables("object.data.a"), "validations": [
            {"expression": "variables.w == 'bx'"}, {"expression": "variables.w == 'q'", "messageExpression": "'w is ' + variables.w"}]});
        assert_eq!(messages(whole), ["w is bx"]);
    }

    #[test]
    fn rights_are_asked_for() {
        let asks = |text: &str| messages(json!({"validations": [{"expression": text}]})).is_empty();
        assert!(asks(
            "authorizer.group('').resource('pods').namespace('w1').check('get').allowed()"
        ));
        assert!(!asks(
            "authorizer.group('').resource('pods').namespace('w2').check('get').allowed()"
        ));
        assert!(!asks("authorizer.path('/healthz').check('get').allowed()"));
        let of = |name: &str| {
            format!(
                "authorizer.serviceAccount('w1', '{name}').group('').resource('pods').namespace('w1').check('get').allowed()"
            )
        };
        assert!(asks(&of("reader")) && !asks(&of("writer")));
        assert!(asks(
            "authorizer.group('').resource('pods').namespace('w1').check('get').reason() == 'by a role'"
        ));
    }

    #[test]
    fn work_is_bounded() {
        let ten = "[1,2,3,4,5,6,7,8,9,10]";
        let nested = ('a'..='f').fold(String::new(), |text, name| format!("{text}{ten}.all({name},"));
        let expression = format!("{nested}a*b*c*d*e*f>0))))))");
        let told = messages(json!({"validations": [{"expression": expression}]}));
        assert_eq!(
            told,
            [format!(
                "expression '{expression}' resulted in error: operation cancelled: actual cost limit exceeded"
            )]
        );
    }
}
