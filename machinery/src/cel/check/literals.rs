//! What is written out must be right: durations, times, patterns, texts with clauses, and conversions of constants.

use super::super::ast::{Expr, Fault, Kind, Literal};
use super::super::eval::{Evaluator, Trouble};
use super::super::functions::{clauses, time};
use crate::custom::pattern;

/// Calls a function with an expression and all of its parts.
fn each<'a>(expr: &'a Expr, see: &mut dyn FnMut(&'a Expr)) {
    see(expr);
    match &expr.kind {
        Kind::Literal(_) | Kind::Ident(_) => {}
        Kind::Select { operand, .. } => each(operand, see),
        Kind::Call { target, args, .. } => {
            target.iter().for_each(|target| each(target, see));
            args.iter().for_each(|arg| each(arg, see));
        }
        Kind::List(items) => items.iter().for_each(|(item, _)| each(item, see)),
        Kind::Map(entries) => entries.iter().for_each(|(key, value, _)| {
            each(key, see);
            each(value, see);
        }),
        Kind::Comprehension(loop_) => {
            for part in [&loop_.range, &loop_.init, &loop_.condition, &loop_.step, &loop_.result] {
                each(part, see);
            }
        }
    }
}

/// The faults of what is written out.
pub(super) fn judge(expr: &Expr, faults: &mut Vec<Fault>) {
    each(expr, &mut |expr| {
        let Kind::Call { function, target, args } = &expr.kind else {
            return;
        };
        if function == "format" {
            faults.extend(format(expr.at, target.as_deref(), args));
        }
        let Some(last) = args.last() else { return };
        let Kind::Literal(Literal::Text(text)) = &last.kind else {
            return;
        };
        let wrong = match function.as_str() {
            "duration" => time::parse_duration(text).is_none(),
            "timestamp" => time::parse_timestamp(text).is_none(),
            "matches" => pattern::compile(text).is_err(),
            _ => false,
        };
        if wrong {
            faults.push(Fault {
                at: last.at,
                message: format!("invalid {function} argument"),
            });
        }
    });
}

/// The first fault of a text with clauses and the values for them.
fn format(at: usize, target: Option<&Expr>, args: &[Expr]) -> Option<Fault> {
    let Kind::Literal(Literal::Text(text)) = &target?.kind else {
        return None;
    };
    let Kind::List(items) = &args.first()?.kind else {
        return None;
    };
    let fault = |at: usize, message: String| Some(Fault { at, message });
    let pieces = match clauses::pieces(text) {
        Ok(pieces) => pieces,
        Err(wrong) => return fault(at, wrong),
    };
    let letters = pieces.iter().filter_map(|piece| match piece {
        clauses::Piece::Clause(letter, _) => Some(*letter),
        clauses::Piece::Text(_) => None,
    });
    for (index, letter) in letters.enumerate() {
        let Some((item, _)) = items.get(index) else {
            return fault(at, format!("index {index} out of range"));
        };
        if letter == 'd'
            && let Kind::Literal(literal) = &item.kind
            && !matches!(literal, Literal::Int(_) | Literal::Uint(_))
        {
            let given = super::literal_type(literal);
            let message =
                format!("error during formatting: decimal clause can only be used on integers, was given {given}");
            return fault(item.at, message);
        }
    }
    None
}

/// What is wrong with a conversion of a constant, which is made once, before anything is asked.
pub(super) fn folded(expr: &Expr) -> Option<String> {
    let mut found = None;
    each(expr, &mut |expr| {
        let Kind::Call {
            function,
            target: None,
            args,
        } = &expr.kind
        else {
            return;
        };
        let converts = matches!(
            function.as_str(),
            "int" | "uint" | "double" | "bool" | "string" | "bytes"
        );
        let constant = args.iter().all(|arg| matches!(arg.kind, Kind::Literal(_)));
        if found.is_none() && converts && constant {
            found = match Evaluator::new(Vec::new(), u64::MAX).eval(expr) {
                Err(Trouble::Error(error)) => Some(error),
                Ok(_) | Err(Trouble::Limit) => None,
            };
        }
    });
    found
}
