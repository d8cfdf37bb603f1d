//! What is said of an issuer's claims in CEL: mappings, and rules about claims and users. As kube-apiserver evaluates them.

use std::collections::BTreeMap;

use machinery::expression::{Expression, Gives};
use serde_json::{Value, json};

use super::config::{IssuerConfig, OidcError, RuleConfig};
use crate::auth::UserInfo;

#[derive(Debug)]
struct Rule {
    expression: Expression,
    message: String,
}

/// The programs of one issuer.
#[derive(Debug)]
pub(super) struct Expressions {
    pub(super) username: Option<Expression>,
    pub(super) groups: Option<Expression>,
    pub(super) uid: Option<Expression>,
    extra: BTreeMap<String, Expression>,
    claim_rules: Vec<Rule>,
    user_rules: Vec<Rule>,
}

impl Expressions {
    pub(super) fn compile(config: &IssuerConfig) -> Result<Self, OidcError> {
        let said = &config.expressions;
        let wrong = |what: &str, fault: String| OidcError::Setting(format!("issuer {:?}: {what}: {fault}", config.url));
        let one = |what: &str, source: &str, variable: &str, gives| {
            Expression::compile(source, variable, gives).map_err(|fault| wrong(what, fault))
        };
        let maybe = |what: &str, source: &str, gives| {
            let source = Some(source).filter(|source| !source.is_empty());
            source.map(|source| one(what, source, "claims", gives)).transpose()
        };
        let rules = |what: &str, rules: &[RuleConfig], variable: &str| {
            let rule = |rule: &RuleConfig| {
                Ok(Rule {
                    expression: one(what, &rule.expression, variable, Gives::Bool)?,
                    message: rule.message.clone(),
                })
            };
            rules.iter().map(rule).collect::<Result<Vec<_>, OidcError>>()
        };
        // An address that nobody verified is anybody's.
        let verified = |source: &str| source.contains("email_verified");
        let checked = verified(&said.username)
            || said.claim_rules.iter().any(|rule| verified(&rule.expression))
            || said.extra.values().any(|source| verified(source));
        if said.username.contains("claims.email") && !checked {
            let fault = "claims.email_verified must be used where claims.email is: in username.expression, extra[*].valueExpression or claimValidationRules[*].expression";
            return Err(wrong("claimMappings.username.expression", fault.to_owned()));
        }
        let extra = said.extra.iter().map(|(key, source)| {
            let expression = one("claimMappings.extra.valueExpression", source, "claims", Gives::Texts)?;
            Ok((key.clone(), expression))
        });
        Ok(Self {
            username: maybe("claimMappings.username.expression", &said.username, Gives::Text)?,
            groups: maybe("claimMappings.groups.expression", &said.groups, Gives::Texts)?,
            uid: maybe("claimMappings.uid.expression", &said.uid, Gives::Text)?,
            extra: extra.collect::<Result<_, OidcError>>()?,
            claim_rules: rules("claimValidationRules.expression", &said.claim_rules, "claims")?,
            user_rules: rules("userValidationRules.expression", &said.user_rules, "user")?,
        })
    }

    pub(super) fn judge_claims(&self, claims: &Value) -> Result<(), String> {
        judge(&self.claim_rules, claims, "claim validation expression")
    }

    pub(super) fn judge_user(&self, user: &UserInfo) -> Result<(), String> {
        if self.user_rules.is_empty() {
            return Ok(());
        }
        // The group of everybody is added later than these rules are asked.
        let groups: Vec<&String> = user
            .groups
            .iter()
            .filter(|group| *group != crate::auth::AUTHENTICATED)
            .collect();
        let seen = json!({ "username": user.name, "uid": user.uid, "groups": groups, "extra": user.extra });
        judge(&self.user_rules, &seen, "user info validation rule")
    }

    pub(super) fn extra(&self, claims: &Value) -> Result<BTreeMap<String, Vec<String>>, String> {
        let mut extra = BTreeMap::new();
        for (key, expression) in &self.extra {
            let values: Vec<String> = texts(expression, claims, "extra")?
                .into_iter()
                .filter(|text| !text.is_empty())
                .collect();
            if !values.is_empty() {
                extra.insert(key.clone(), values);
            }
        }
        Ok(extra)
    }
}

fn judge(rules: &[Rule], of: &Value, what: &str) -> Result<(), String> {
    for rule in rules {
        let source = rule.expression.source();
        match rule.expression.eval(of) {
            Ok(Value::Bool(true)) => {}
            Ok(_) => {
                let message = match rule.message.as_str() {
                    "" => String::new(),
                    message => format!(": {message}"),
                };
                return Err(format!(
                    "oidc: error evaluating {what}: validation expression '{source}' failed{message}"
                ));
            }
            Err(fault) => return Err(format!("oidc: error evaluating {what}: '{source}': {fault}")),
        }
    }
    Ok(())
}

/// The text that an expression makes of claims.
pub(super) fn text(expression: &Expression, claims: &Value, what: &str) -> Result<String, String> {
    match expression.eval(claims) {
        Ok(Value::String(text)) if !text.is_empty() => Ok(text),
        Ok(Value::String(_)) => Err(format!("oidc: empty {what}")),
        Ok(_) => Err(format!(
            "oidc: could not evaluate {what} claim expression: it gives no text"
        )),
        Err(fault) => Err(format!("oidc: could not evaluate {what} claim expression: {fault}")),
    }
}

/// The texts that an expression makes of claims.
pub(super) fn texts(expression: &Expression, claims: &Value, what: &str) -> Result<Vec<String>, String> {
    match expression.eval(claims) {
        Ok(value @ (Value::Null | Value::String(_) | Value::Array(_))) => Ok(super::texts(Some(&value))),
        Ok(_) => Err(format!(
            "oidc: could not evaluate {what} claim expression: it gives no texts"
        )),
        Err(fault) => Err(format!("oidc: could not evaluate {what} claim expression: {fault}")),
    }
}
