//! Expressions of settings: what a CEL expression makes of one JSON object, such as the claims of a token.
//!
//! In: an expression and the name of its one variable; later, an object. Out: what is wrong with it, or text, a yes or no, or a list of
//! texts. Those of selectors have a room of their own (`selecting`); rules of custom objects have a room of their own ([`crate::custom`]); the language is `cel`.

pub mod selecting;

use std::sync::LazyLock;

use serde_json::Value as Json;

use crate::cel::{Program, Shape, Trouble, Type, Value};

static ANY: LazyLock<Shape> = LazyLock::new(Shape::any);

/// What an expression is to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// A yes or no.
    Bool,
    /// Text.
    Text,
    /// Text or a list of texts.
    Texts,
    /// Whatever JSON has a form for.
    Any,
}

impl Gives {
    fn takes(self, actual: &Type) -> bool {
        match (self, actual) {
            (Self::Any, _) | (_, Type::Dyn) | (Self::Bool, Type::Bool) | (Self::Text | Self::Texts, Type::Text) => true,
            (Self::Texts, Type::List(item)) => matches!(**item, Type::Text | Type::Dyn),
            _ => false,
        }
    }

    fn named(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Text => "string",
            Self::Texts => "string or list of strings",
            Self::Any => "a value",
        }
    }
}

/// An expression without fault.
#[derive(Debug)]
pub struct Expression {
    source: String,
    variable: String,
    gives: Gives,
    program: Program,
}

impl Expression {
    /// Reads and checks an expression.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn compile(source: &str, variable: &str, gives: Gives) -> Result<Self, String> {
        let map = Type::Map(Box::new(Type::Text), Box::new(Type::Dyn));
        let program = Program::compile(source, &[(variable.to_owned(), map)]).map_err(|faults| faults.to_string())?;
        if !gives.takes(program.gives()) {
            return Err(format!("must evaluate to {}", gives.named()));
        }
        Ok(Self {
            source: source.to_owned(),
            variable: variable.to_owned(),
            gives,
            program,
        })
    }

    /// As it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it makes of an object: text, a yes or no, a list of texts, or null; anything, where that is what it gives.
    ///
    /// # Errors
    /// It has no value for this one, or one of another type.
    pub fn eval(&self, object: &Json) -> Result<Json, String> {
        let variables = vec![(self.variable.as_str(), Value::read(object, &ANY))];
        match self.program.eval(variables).0 {
            Ok(value) if self.gives == Gives::Any => value
                .to_json()
                .ok_or_else(|| "it gives what JSON has no form for".to_owned()),
            Ok(value) => json(&value).ok_or_else(|| "it gives a value of another type".to_owned()),
            Err(Trouble::Error(text)) => Err(text),
            Err(Trouble::Limit) => Err("it costs too much".to_owned()),
        }
    }
}

fn json(value: &Value<'_>) -> Option<Json> {
    match value {
        Value::Null => Some(Json::Null),
        Value::Bool(yes) => Some(Json::Bool(*yes)),
        Value::Text(text) => Some(Json::from(text.as_ref())),
        Value::List(list) => list
            .iter()
            .map(|item| json(&item))
            .collect::<Option<Vec<_>>>()
            .map(Json::Array),
        Value::Int(_)
        | Value::Uint(_)
        | Value::Double(_)
        | Value::Bytes(_)
        | Value::Duration(_)
        | Value::Timestamp(_)
        | Value::Map(_)
        | Value::Optional(_)
        | Value::Type(_)
        | Value::Quantity(_)
        | Value::Ip(_)
        | Value::Cidr(..)
        | Value::Url(_)
        | Value::Semver(_)
        | Value::Format(_)
        | Value::Question(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_claims_make() {
        let claims = json!({"sub": "a", "roles": "x,y", "groups": ["g"], "email_verified": true, "n": 1});
        let told = |source: &str, gives| {
            Expression::compile(source, "claims", gives)
                .map_err(|fault| format!("compile: {fault}"))?
                .eval(&claims)
        };
        assert_eq!(told("'u:' + claims.sub", Gives::Text), Ok(json!("u:a")));
        assert_eq!(told("claims.roles.split(',')", Gives::Texts), Ok(json!(["x", "y"])));
        assert_eq!(told("claims.groups", Gives::Texts), Ok(json!(["g"])));
        assert_eq!(
            told("claims.?email_verified.orValue(false)", Gives::Bool),
            Ok(json!(true))
        );
        assert_eq!(told("claims.groups.exists(g, g == 'g')", Gives::Bool), Ok(json!(true)));
        assert_eq!(
            told("{'n': claims.n + 1, 'g': claims.groups}", Gives::Any),
            Ok(json!({"n": 2, "g": ["g"]}))
        );
        assert!(told("claims.none", Gives::Text).is_err());
        assert!(told("claims.n", Gives::Text).is_err());
        for (source, gives) in [
            ("claims.sub == 'a'", Gives::Text),
            ("'a'", Gives::Bool),
            ("user.name", Gives::Text),
            ("1 +", Gives::Text),
        ] {
            assert!(told(source, gives).unwrap_err().starts_with("compile: "), "{source}");
        }
    }
}
