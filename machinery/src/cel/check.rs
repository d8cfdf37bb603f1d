//! Finds the types of an expression and of its parts, and what does not fit.

mod literals;

use std::collections::{BTreeMap, BTreeSet};

use super::ast::{Comprehension, Expr, Fault, Kind, Literal};
use super::overloads::{self, Overload};
use super::types::Type;

/// What is known of an expression that has no fault.
#[derive(Debug)]
pub(super) struct Checked {
    /// The type of the whole.
    pub(super) gives: Type,
    /// Types of all parts, by number.
    pub(super) types: Vec<Type>,
    /// The overloads that may be meant by a call, by number.
    pub(super) overloads: Vec<Vec<&'static Overload>>,
    /// The variables that are used.
    pub(super) used: BTreeSet<String>,
}

/// Checks an expression of `count` parts against variables and their types.
pub(super) fn check(expr: &mut Expr, count: usize, variables: &[(String, Type)]) -> Result<Checked, Unfit> {
    let mut checker = Checker {
        scopes: variables.to_vec(),
        declared: variables.len(),
        out: Checked {
            gives: Type::Broken,
            types: vec![Type::Broken; count],
            overloads: (0..count).map(|_| Vec::new()).collect(),
            used: BTreeSet::new(),
        },
        faults: Vec::new(),
        mixed: false,
        unknown_type: None,
    };
    let gives = checker.walk(expr);
    checker.out.gives = gives;
    let Checker {
        out,
        mut faults,
        unknown_type,
        ..
    } = checker;
    if faults.is_empty() {
        literals::judge(expr, &mut faults);
    }
    if !faults.is_empty() {
        faults.sort();
        faults.dedup();
        return Err(Unfit::Faults(faults));
    }
    let broken = unknown_type
        .map(|name| format!("reference to undefined type: {name}"))
        .or_else(|| literals::folded(expr));
    match broken {
        Some(broken) => Err(Unfit::Program(broken)),
        None => Ok(out),
    }
}

/// Why an expression cannot be evaluated.
pub(super) enum Unfit {
    /// It has faults.
    Faults(Vec<Fault>),
    /// It makes no program, in these words.
    Program(String),
}

struct Checker {
    scopes: Vec<(String, Type)>,
    declared: usize,
    out: Checked,
    faults: Vec<Fault>,
    /// The items of the list at hand may be of several types.
    mixed: bool,
    /// A type that is known by name but cannot be spoken of.
    unknown_type: Option<String>,
}

impl Checker {
    fn fault(&mut self, at: usize, message: String) -> Type {
        self.faults.push(Fault { at, message });
        Type::Broken
    }

    fn walk(&mut self, expr: &mut Expr) -> Type {
        let at = expr.at;
        if let Some(name) = type_in_full(expr) {
            expr.kind = Kind::Ident(name.to_owned());
        }
        let found = match &mut expr.kind {
            Kind::Literal(literal) => literal_type(literal),
            Kind::Ident(name) => self.ident(at, &name.clone()),
            Kind::Select { operand, field, test } => {
                let operand = self.walk(operand);
                let found = self.field(at, &operand, field);
                if *test && !matches!(found, Type::Broken) {
                    Type::Bool
                } else {
                    found
                }
            }
            Kind::Call { .. } => self.call(expr),
            Kind::List(items) => {
                let mixed = std::mem::take(&mut self.mixed);
                let mut all: Option<Type> = mixed.then_some(Type::Dyn);
                for (item, optional) in items.iter_mut() {
                    let at = item.at;
                    let found = self.walk(item);
                    let found = if *optional { self.unwrapped(at, found) } else { found };
                    self.join(at, &mut all, found);
                }
                Type::List(Box::new(all.unwrap_or(Type::Dyn)))
            }
            Kind::Map(entries) => {
                let (mut keys, mut values) = (None, None);
                for (key, value, optional) in entries.iter_mut() {
                    let (key_at, value_at) = (key.at, value.at);
                    let found = self.walk(key);
                    self.join(key_at, &mut keys, found);
                    let found = self.walk(value);
                    let found = if *optional {
                        self.unwrapped(value_at, found)
                    } else {
                        found
                    };
                    self.join(value_at, &mut values, found);
                }
                Type::Map(
                    Box::new(keys.unwrap_or(Type::Dyn)),
                    Box::new(values.unwrap_or(Type::Dyn)),
                )
            }
            Kind::Comprehension(comprehension) => self.comprehension(comprehension),
        };
        if let Some(place) = self.out.types.get_mut(expr.id) {
            *place = found.clone();
        }
        found
    }

    fn ident(&mut self, at: usize, name: &str) -> Type {
        if let Some(index) = self.scopes.iter().rposition(|(known, _)| known == name) {
            if index < self.declared {
                self.out.used.insert(name.to_owned());
            }
            return self.scopes.get(index).map_or(Type::Broken, |(_, found)| found.clone());
        }
        if super::value::type_named(name).is_some() {
            return Type::Kind;
        }
        if matches!(name, "duration" | "timestamp") {
            self.unknown_type.get_or_insert_with(|| name.to_owned());
            return Type::Kind;
        }
        self.fault(at, format!("undeclared reference to '{name}' (in container '')"))
    }

    fn field(&mut self, at: usize, operand: &Type, name: &str) -> Type {
        match operand {
            Type::Dyn => Type::Dyn,
            Type::Broken => Type::Broken,
            Type::Map(_, value) => (**value).clone(),
            Type::Object(..) => match operand.field(name) {
                Some(found) => found,
                None => self.fault(at, format!("undefined field '{name}'")),
            },
            Type::Optional(inner) => match self.field(at, inner, name) {
                Type::Broken => Type::Broken,
                found => Type::Optional(Box::new(found)),
            },
            other => self.fault(at, format!("type '{other}' does not support field selection")),
        }
    }

    /// What an optional item holds.
    fn unwrapped(&mut self, at: usize, found: Type) -> Type {
        match found {
            Type::Optional(inner) => *inner,
            Type::Dyn | Type::Broken => found,
            other => self.fault(
                at,
                format!("expected type 'optional_type({other})' but found '{other}'"),
            ),
        }
    }

    /// Items of a literal are all of one type.
    fn join(&mut self, at: usize, all: &mut Option<Type>, found: Type) {
        match all {
            None => *all = Some(found),
            Some(known) if matches!(known, Type::Dyn | Type::Broken) || matches!(found, Type::Dyn | Type::Broken) => {}
            Some(known) if known.takes(&found, &mut BTreeMap::new()) => {}
            Some(known) => {
                let message = format!("expected type '{known}' but found '{found}'");
                self.fault(at, message);
            }
        }
    }

    fn call(&mut self, expr: &mut Expr) -> Type {
        let (id, at) = (expr.id, expr.at);
        let Kind::Call { function, target, args } = &mut expr.kind else {
            return Type::Broken;
        };
        // A target that is no variable may be the first part of a function's name.
        if let Some(whole) = target
            .as_deref()
            .and_then(qualified)
            .map(|prefix| format!("{prefix}.{function}"))
            && !overloads::of(&whole).is_empty()
            && !self.is_variable(target.as_deref())
        {
            *function = whole;
            *target = None;
        }
        if function == "_?._" {
            return self.optional_field(at, args);
        }
        let mut given = Vec::new();
        if let Some(target) = target {
            given.push(self.walk(target));
        }
        let known = overloads::of(function);
        if known.is_empty() {
            self.fault(at, format!("undeclared reference to '{function}' (in container '')"));
        }
        for arg in args.iter_mut() {
            // What is to be formatted may be of many types.
            let mixed = std::mem::replace(&mut self.mixed, function == "format");
            given.push(self.walk(arg));
            self.mixed = mixed;
        }
        if known.is_empty() || given.iter().any(|one| matches!(one, Type::Broken)) {
            return Type::Broken;
        }
        let mut results: Vec<Type> = Vec::new();
        let mut meant = Vec::new();
        for overload in known.iter().filter(|overload| overload.member == target.is_some()) {
            let mut bound = BTreeMap::new();
            let fits = overload.takes.len() == given.len()
                && overload
                    .takes
                    .iter()
                    .zip(&given)
                    .all(|(wanted, given)| wanted.takes(given, &mut bound));
            if fits {
                meant.push(overload);
                let result = overload.gives.filled(&bound);
                if !results.iter().any(|known| known.is(&result)) {
                    results.push(result);
                }
            }
        }
        if meant.is_empty() {
            let told = signature(&given, target.is_some());
            return self.fault(
                at,
                format!("found no matching overload for '{function}' applied to '{told}'"),
            );
        }
        if let Some(place) = self.out.overloads.get_mut(id) {
            *place = meant;
        }
        match results.as_slice() {
            [only] => only.clone(),
            _ => Type::Dyn,
        }
    }

    fn optional_field(&mut self, at: usize, args: &mut [Expr]) -> Type {
        let [operand, name] = args else { return Type::Broken };
        let operand = self.walk(operand);
        self.walk(name);
        let Kind::Literal(Literal::Text(name)) = &name.kind else {
            return Type::Broken;
        };
        match self.field(at, &operand, name) {
            found @ (Type::Broken | Type::Optional(_)) => found,
            found => Type::Optional(Box::new(found)),
        }
    }

    fn is_variable(&self, target: Option<&Expr>) -> bool {
        let mut here = target;
        while let Some(Expr {
            kind: Kind::Select { operand, .. },
            ..
        }) = here
        {
            here = Some(operand);
        }
        match here.map(|expr| &expr.kind) {
            Some(Kind::Ident(name)) => self.scopes.iter().any(|(known, _)| known == name),
            _ => true,
        }
    }

    fn comprehension(&mut self, loop_: &mut Comprehension) -> Type {
        let range = self.walk(&mut loop_.range);
        let init = self.walk(&mut loop_.init);
        let (first, second) = match (&range, &loop_.second) {
            (Type::List(item), None) => ((**item).clone(), Type::Dyn),
            (Type::List(item), Some(_)) => (Type::Int, (**item).clone()),
            (Type::Map(key, value), _) => ((**key).clone(), (**value).clone()),
            (Type::Dyn, _) => (Type::Dyn, Type::Dyn),
            (Type::Broken, _) => (Type::Broken, Type::Broken),
            (other, _) => {
                let message = format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                self.fault(loop_.range.at, message);
                (Type::Broken, Type::Broken)
            }
        };
        let outside = self.scopes.len();
        self.scopes.push((super::ast::ACCUMULATOR.to_owned(), init));
        self.scopes.push((loop_.var.clone(), first));
        if let Some(name) = &loop_.second {
            self.scopes.push((name.clone(), second));
        }
        self.walk(&mut loop_.condition);
        let step = self.walk(&mut loop_.step);
        // What the loop makes is known only after its step.
        self.scopes.truncate(outside);
        self.scopes.push((super::ast::ACCUMULATOR.to_owned(), step));
        let result = self.walk(&mut loop_.result);
        self.scopes.truncate(outside);
        result
    }
}

/// The type that a chain of names speaks of.
fn type_in_full(expr: &Expr) -> Option<&'static str> {
    match &expr.kind {
        Kind::Select { .. } => super::value::type_named(&qualified(expr)?),
        _ => None,
    }
}

/// `a.b` of a chain of names.
fn qualified(expr: &Expr) -> Option<String> {
    match &expr.kind {
        Kind::Ident(name) => Some(name.clone()),
        Kind::Select {
            operand,
            field,
            test: false,
        } => Some(format!("{}.{field}", qualified(operand)?)),
        _ => None,
    }
}

fn signature(given: &[Type], member: bool) -> String {
    let list = |types: &[Type]| types.iter().map(Type::to_string).collect::<Vec<_>>().join(", ");
    match given {
        [target, args @ ..] if member => format!("{target}.({})", list(args)),
        args => format!("({})", list(args)),
    }
}

fn literal_type(literal: &Literal) -> Type {
    match literal {
        Literal::Null => Type::Null,
        Literal::Bool(_) => Type::Bool,
        Literal::Int(_) => Type::Int,
        Literal::Uint(_) => Type::Uint,
        Literal::Double(_) => Type::Double,
        Literal::Text(_) => Type::Text,
        Literal::Bytes(_) => Type::Bytes,
    }
}
