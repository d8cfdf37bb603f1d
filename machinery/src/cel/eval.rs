//! Evaluates checked expressions, and counts what that costs.
//!
//! In: a tree and the values of its variables. Out: a value, or the words of what went wrong. Work ends at the limit of
//! cost, whatever the expression; the units are Kubernetes'.

use std::rc::Rc;

use super::ast::{ACCUMULATOR, Comprehension, Expr, Kind, Literal};
use super::functions;
use super::value::{List, Map, Value, type_named};

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The expression has none.
    Error(String),
    /// It would cost too much to find out.
    Limit,
}

pub(super) type Result<'a> = std::result::Result<Value<'a>, Trouble>;

/// An error of that text.
pub(super) fn error<'a>(text: impl Into<String>) -> Result<'a> {
    Err(Trouble::Error(text.into()))
}

/// No function takes such values.
pub(super) fn no_overload<'a>() -> Result<'a> {
    error("no such overload")
}

pub(super) struct Evaluator<'a> {
    /// Variables, the innermost last.
    scopes: Vec<(&'a str, Value<'a>)>,
    /// Cost so far.
    pub(super) cost: u64,
    limit: u64,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(variables: Vec<(&'a str, Value<'a>)>, limit: u64) -> Self {
        Self {
            scopes: variables,
            cost: 0,
            limit,
        }
    }

    fn spend(&mut self, cost: u64) -> std::result::Result<(), Trouble> {
        self.cost = self.cost.saturating_add(cost);
        if self.cost > self.limit {
            return Err(Trouble::Limit);
        }
        Ok(())
    }

    pub(super) fn eval(&mut self, expr: &'a Expr) -> Result<'a> {
        match &expr.kind {
            Kind::Literal(literal) => Ok(constant(literal)),
            Kind::Ident(name) => {
                self.spend(1)?;
                let known = self.scopes.iter().rev().find(|(known, _)| known == name);
                match (known, type_named(name)) {
                    (Some((_, value)), _) => Ok(value.clone()),
                    (None, Some(name)) => Ok(Value::Type(name)),
                    (None, None) => error(format!("no such attribute(s): {name}")),
                }
            }
            Kind::Select { operand, field, test } => {
                let operand = self.eval(operand)?;
                if *test {
                    return Ok(Value::Bool(present(&operand, field)?));
                }
                self.spend(1)?;
                select(&operand, field)
            }
            Kind::Call { function, target, args } => self.call(function, target.as_deref(), args),
            Kind::List(items) => {
                self.spend(10)?;
                let mut out = Vec::with_capacity(items.len());
                for (item, optional) in items {
                    match (self.eval(item)?, optional) {
                        (Value::Optional(inner), true) => out.extend(inner.map(|inner| (*inner).clone())),
                        (value, _) => out.push(value),
                    }
                }
                Ok(Value::list(out))
            }
            Kind::Map(entries) => {
                self.spend(30)?;
                let mut out: Vec<(Value<'a>, Value<'a>)> = Vec::with_capacity(entries.len());
                for (key, value, optional) in entries {
                    let key = self.eval(key)?;
                    // The last of several values of a key stands.
                    out.retain(|(known, _)| !known.same(&key));
                    match (self.eval(value)?, optional) {
                        (Value::Optional(None), true) => {}
                        (Value::Optional(Some(inner)), true) => out.push((key, (*inner).clone())),
                        (value, _) => out.push((key, value)),
                    }
                }
                Ok(Value::Map(Map::Own(Rc::new(out))))
            }
            Kind::Comprehension(comprehension) => self.comprehension(comprehension),
        }
    }

    fn call(&mut self, function: &'a str, target: Option<&'a Expr>, args: &'a [Expr]) -> Result<'a> {
        match (function, args) {
            ("_&&_" | "_||_", [left, right]) => return self.logic(function == "_||_", left, right),
            ("_?_:_", [condition, then, otherwise]) => {
                return match self.eval(condition)? {
                    Value::Bool(true) => self.eval(then),
                    Value::Bool(false) => self.eval(otherwise),
                    _ => no_overload(),
                };
            }
            ("@not_strictly_false", [condition]) => {
                return match self.eval(condition) {
                    Ok(Value::Bool(false)) => Ok(Value::Bool(false)),
                    Err(Trouble::Limit) => Err(Trouble::Limit),
                    Ok(_) | Err(Trouble::Error(_)) => Ok(Value::Bool(true)),
                };
            }
            // What a loop gathers grows in place.
            ("_+_", [left, right]) if matches!(&left.kind, Kind::Ident(name) if name == ACCUMULATOR) => {
                if let Kind::List(items) = &right.kind {
                    return self.gather(left, items, right);
                }
            }
            _ => {}
        }
        let mut given = Vec::with_capacity(args.len() + 1);
        if let Some(target) = target {
            given.push(self.eval(target)?);
        }
        for arg in args {
            given.push(self.eval(arg)?);
        }
        self.spend(functions::cost(function, &given))?;
        functions::call(function, target.is_some(), given)
    }

    /// Either side may decide, whatever becomes of the other.
    fn logic(&mut self, decisive: bool, left: &'a Expr, right: &'a Expr) -> Result<'a> {
        let left = self.eval(left);
        match left {
            Ok(Value::Bool(said)) if said == decisive => return Ok(Value::Bool(decisive)),
            Err(Trouble::Limit) => return Err(Trouble::Limit),
            _ => {}
        }
        match (left, self.eval(right)) {
            (_, Ok(Value::Bool(said))) if said == decisive => Ok(Value::Bool(decisive)),
            (_, Err(Trouble::Limit)) => Err(Trouble::Limit),
            (Err(trouble), _) | (Ok(Value::Bool(_)), Err(trouble)) => Err(trouble),
            (Ok(Value::Bool(_)), Ok(Value::Bool(said))) => Ok(Value::Bool(said)),
            _ => no_overload(),
        }
    }

    fn gather(&mut self, accumulator: &'a Expr, items: &'a [(Expr, bool)], list: &'a Expr) -> Result<'a> {
        self.spend(2)?;
        let place = self.scopes.iter().rposition(|(name, _)| *name == ACCUMULATOR);
        let Some(place) = place else {
            return self.eval(accumulator);
        };
        let Value::List(added) = self.eval(list)? else {
            return no_overload();
        };
        debug_assert_eq!(added.len(), items.len());
        // Taken out of its place, it has one owner and need not be copied.
        let held = self
            .scopes
            .get_mut(place)
            .map(|(_, value)| std::mem::replace(value, Value::Null));
        match held {
            Some(Value::List(List::Own(mut own))) => {
                Rc::make_mut(&mut own).extend(added.iter());
                Ok(Value::List(List::Own(own)))
            }
            Some(Value::List(other)) => Ok(other.join(&added)),
            _ => no_overload(),
        }
    }

    fn comprehension(&mut self, loop_: &'a Comprehension) -> Result<'a> {
        let range = self.eval(&loop_.range)?;
        let init = self.eval(&loop_.init)?;
        let steps: Vec<(Value<'a>, Value<'a>)> = match (&range, &loop_.second) {
            (Value::List(list), None) => list.iter().map(|item| (item, Value::Null)).collect(),
            (Value::List(list), Some(_)) => list
                .iter()
                .enumerate()
                .map(|(i, item)| (Value::Int(i as i64), item))
                .collect(),
            (Value::Map(map), None) => map.keys().into_iter().map(|key| (key, Value::Null)).collect(),
            (Value::Map(map), Some(_)) => map
                .keys()
                .into_iter()
                .filter_map(|key| Some((key.clone(), map.get(&key)?)))
                .collect(),
            _ => return error(format!("got '{}', expected iterable type", range.type_name())),
        };
        let outside = self.scopes.len();
        self.scopes.push((ACCUMULATOR, init));
        // A trouble in one step may be forgotten in another: `exists` needs one item that is right.
        let mut trouble: Option<Trouble> = None;
        for (first, second) in steps {
            self.scopes.truncate(outside + 1);
            self.scopes.push((&loop_.var, first));
            if let Some(name) = &loop_.second {
                self.scopes.push((name, second));
            }
            if trouble.is_none() && matches!(self.eval(&loop_.condition)?, Value::Bool(false)) {
                break;
            }
            let step = match (&trouble, &loop_.step.kind) {
                // The accumulator of a test is in trouble: only the item can decide it.
                (Some(_), Kind::Call { args, .. }) => args.get(1).map_or_else(no_overload, |item| self.eval(item)),
                _ => self.eval(&loop_.step),
            };
            let decisive = matches!(&loop_.step.kind, Kind::Call { function, .. } if function == "_||_");
            let tests =
                matches!(&loop_.step.kind, Kind::Call { function, .. } if function == "_||_" || function == "_&&_");
            match step {
                Err(Trouble::Limit) => return Err(Trouble::Limit),
                Err(found) if tests => trouble = trouble.or(Some(found)),
                Err(found) => return Err(found),
                Ok(Value::Bool(said)) if trouble.is_some() && said != decisive => {}
                Ok(value) => {
                    trouble = None;
                    if let Some((_, place)) = self.scopes.get_mut(outside) {
                        *place = value;
                    }
                }
            }
        }
        self.scopes.truncate(outside + 1);
        let result = match trouble {
            Some(trouble) => Err(trouble),
            None => self.eval(&loop_.result),
        };
        self.scopes.truncate(outside);
        result
    }
}

fn constant(literal: &Literal) -> Value<'_> {
    match literal {
        Literal::Null => Value::Null,
        Literal::Bool(said) => Value::Bool(*said),
        Literal::Int(number) => Value::Int(*number),
        Literal::Uint(number) => Value::Uint(*number),
        Literal::Double(number) => Value::Double(*number),
        Literal::Text(text) => Value::text(text.as_str()),
        Literal::Bytes(bytes) => Value::Bytes(Rc::new(bytes.clone())),
    }
}

fn present(operand: &Value<'_>, field: &str) -> std::result::Result<bool, Trouble> {
    match operand {
        Value::Map(map) => Ok(map.get(&Value::text(field.to_owned())).is_some()),
        Value::Optional(None) => Ok(false),
        Value::Optional(Some(inner)) => present(inner, field),
        _ => Err(Trouble::Error("no such overload".to_owned())),
    }
}

/// A field of an object or an entry of a map.
pub(super) fn select<'a>(operand: &Value<'a>, field: &'a str) -> Result<'a> {
    match operand {
        Value::Map(map) => match map.get(&Value::text(field)) {
            Some(value) => Ok(value),
            None => error(format!("no such key: {field}")),
        },
        Value::Optional(None) => Ok(Value::Optional(None)),
        Value::Optional(Some(inner)) => match &**inner {
            Value::Map(map) => Ok(Value::Optional(map.get(&Value::text(field)).map(Rc::new))),
            _ => no_overload(),
        },
        _ => no_overload(),
    }
}
