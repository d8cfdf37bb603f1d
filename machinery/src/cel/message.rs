//! Messages: objects that expressions of mutating policies make, such as `Object.spec{replicas: 2}` and `JSONPatch{op: "add"}`.
//!
//! They are maps here: what they hold is judged when it is applied.

use super::ast::{Expr, Kind};

const PATCH: &str = "JSONPatch";
const OBJECT: &str = "Object";

/// Whether an expression is the name of a message's type.
pub(super) fn is_type(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Ident(name) => name == PATCH || name == OBJECT,
        Kind::Select {
            operand, test: false, ..
        } => is_part_of_object(operand),
        _ => false,
    }
}

fn is_part_of_object(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Ident(name) => name == OBJECT,
        Kind::Select {
            operand, test: false, ..
        } => is_part_of_object(operand),
        _ => false,
    }
}
