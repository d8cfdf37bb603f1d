//! The Common Expression Language, with the libraries, the costs and the words of Kubernetes.
//!
//! In: an expression, the types of its variables, and values for them. Out: what is wrong with the expression, what it costs
//! at worst, and its value. No library that was found checks types, tells places and bounds the work, so all of it stands
//! here: text to tokens to a tree ([`lexer`], [`parser`], [`macros`]), types ([`check`]), estimates ([`estimate`]) and
//! values ([`eval`], [`functions`]). The names of time zones are absent; whoever decides about rights is an argument.

mod ast;
mod authority;
mod check;
mod costs;
mod estimate;
mod eval;
mod functions;
mod json;
mod lexer;
mod macros;
mod message;
mod overloads;
mod parser;
#[cfg(test)]
mod properties;
pub(crate) mod shape;
mod types;
mod value;

pub use authority::Authority;
pub(crate) use authority::Question;
pub(crate) use eval::Trouble;
pub(crate) use shape::Shape;
pub(crate) use types::Type;
pub(crate) use value::{Map, Value};

use ast::Expr;
use check::{Checked, Unfit};
use eval::Evaluator;

/// Most that one expression may cost at run time.
pub(crate) const CALL_LIMIT: u64 = 1_000_000;
/// Most that all rules of an object may cost together.
pub(crate) const OBJECT_LIMIT: u64 = 10_000_000;
/// Most that one expression of a definition may cost by estimate.
pub(crate) const ESTIMATE_LIMIT: u64 = 10_000_000;
/// Most that all expressions of a definition may cost together by estimate.
pub(crate) const ESTIMATE_TOTAL_LIMIT: u64 = 100_000_000;

/// Why an expression has no program.
#[derive(Debug)]
pub(crate) enum Uncompiled {
    /// All its faults in one text, each with its place.
    Faults(String),
    /// It has no fault, and cannot be evaluated all the same.
    Program(String),
}

impl std::fmt::Display for Uncompiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Faults(text) => write!(f, "compilation failed: {text}"),
            Self::Program(text) => write!(f, "program instantiation failed: {text}"),
        }
    }
}

/// An expression without fault.
#[derive(Debug)]
pub(crate) struct Program {
    expr: Expr,
    checked: Checked,
}

impl Program {
    /// Reads and checks an expression.
    ///
    /// # Errors
    /// What is wrong with it, as kube-apiserver tells it.
    pub(crate) fn compile(source: &str, variables: &[(String, Type)]) -> Result<Self, Uncompiled> {
        let told = |faults: Vec<ast::Fault>| ast::tell(source, &faults);
        let (mut expr, count) = parser::parse(source).map_err(|faults| Uncompiled::Faults(told(faults)))?;
        match check::check(&mut expr, count, variables) {
            Ok(checked) => Ok(Self { expr, checked }),
            Err(Unfit::Faults(faults)) => Err(Uncompiled::Faults(told(faults))),
            Err(Unfit::Program(words)) => Err(Uncompiled::Program(words)),
        }
    }

    /// The type of its value.
    pub(crate) fn gives(&self) -> &Type {
        &self.checked.gives
    }

    /// Whether a variable occurs in it.
    pub(crate) fn uses(&self, variable: &str) -> bool {
        self.checked.used.contains(variable)
    }

    /// What it costs at worst, with variables that hold what the shape tells.
    pub(crate) fn worst_cost(&self, shape: &Shape) -> u64 {
        estimate::worst(&self.expr, &self.checked, shape)
    }

    /// Its value and what it cost to find out.
    pub(crate) fn eval<'a>(&'a self, variables: Vec<(&'a str, Value<'a>)>) -> (Result<Value<'a>, Trouble>, u64) {
        let mut evaluator = Evaluator::new(variables, CALL_LIMIT);
        let value = evaluator.eval(&self.expr);
        (value, evaluator.cost)
    }
}

#[cfg(test)]
mod tests;
