//! Whatever text comes, there is a value or a fault.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::custom::structural::Structural;

const ATOMS: [&str; 34] = [
    "0",
    "-1",
    "3",
    "9223372036854775807",
    "-9223372036854775808",
    "0u",
    "18446744073709551615u",
    "1.5",
    "-0.0",
    "1e308",
    "double('NaN')",
    "''",
    "'a'",
    "'ä€𝄞'",
    "'1h'",
    "'%s %d %.400f %x'",
    "'+99999:99999'",
    "'9223372036854775807'",
    "b'\\xff'",
    "true",
    "null",
    "[]",
    "[1, 'a', [2]]",
    "{}",
    "{'a': 1, 1: 'b', true: []}",
    "self",
    "self.text",
    "self.list",
    "x",
    "timestamp('9999-12-31T23:59:59Z')",
    "duration('-2562047h47m16.854775808s')",
    "quantity('1e18')",
    "optional.none()",
    "cidr('::/0')",
];

/// Expressions that call everything with anything.
fn expression() -> impl Strategy<Value = String> {
    let names: Vec<&'static str> = overloads::names();
    let plain: Vec<&'static str> = names
        .iter()
        .copied()
        .filter(|name| !name.contains(['_', '@']))
        .collect();
    let atom = (proptest::sample::select(ATOMS.to_vec()), proptest::bool::weighted(0.8)).prop_map(|(atom, dynamic)| {
        if dynamic {
            format!("dyn({atom})")
        } else {
            atom.to_owned()
        }
    });
    atom.prop_recursive(4, 24, 3, move |inner| {
        let arguments = proptest::collection::vec(inner.clone(), 0..4).prop_map(|args| args.join(", "));
        let signs = vec!["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "&&", "||", "in"];
        let macros = vec!["all", "exists", "exists_one", "map", "filter", "sortBy"];
        prop_oneof![
            4 => (inner.clone(), proptest::sample::select(plain.clone()), arguments.clone())
                .prop_map(|(target, name, args)| format!("dyn({target}.{name}({args}))")),
            2 => (proptest::sample::select(plain.clone()), arguments.clone()).prop_map(|(name, args)| format!("dyn({name}({args}))")),
            2 => (inner.clone(), proptest::sample::select(signs), inner.clone()).prop_map(|(a, sign, b)| format!("({a} {sign} {b})")),
            1 => (inner.clone(), proptest::sample::select(macros), inner.clone()).prop_map(|(a, name, b)| format!("{a}.{name}(x, {b})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}[{b}]")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}[?{b}]")),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            1 => arguments.prop_map(|items| format!("dyn([{items}])")),
            1 => (proptest::sample::select(vec!["-", "!"]), inner.clone()).prop_map(|(sign, a)| format!("{sign}{a}")),
            1 => inner.prop_map(|a| format!("{a}.?text.orValue('b')")),
        ]
    })
}

fn schema() -> Json {
    json!({"type": "object", "properties": {
        "text": {"type": "string", "maxLength": 9_223_372_036_854_775_807_i64},
        "list": {"type": "array", "items": {"x-kubernetes-int-or-string": true, "maxLength": 9_223_372_036_854_775_807_i64}},
    }})
}

/// Compiles, weighs and evaluates.
fn work(source: &str) {
    let shape = Arc::new(Shape::of(&Structural::read(&schema()), false).unwrap());
    let variables = [
        ("self".to_owned(), Type::of(&shape, "selfType")),
        ("x".to_owned(), Type::Dyn),
    ];
    let Ok(program) = Program::compile(source, &variables) else {
        return;
    };
    program.worst_cost(&shape);
    let own = json!({"text": "abc", "list": [1, "b", -3]});
    let (value, _) = program.eval(vec![("self", Value::read(&own, &shape)), ("x", Value::Int(i64::MIN))]);
    if let Ok(value) = value {
        drop(format!("{value:?}"));
    }
}

proptest! {
    #[test]
    fn expressions_have_values_or_faults(source in expression()) {
        work(&source);
    }

    #[test]
    fn any_text_is_an_expression_or_has_faults(source in "([a-z0-9'\"\\\\\\[\\](){}.,?:!=<>&|+*/% \n_-]|\\PC){0,24}") {
        work(&source);
    }
}
