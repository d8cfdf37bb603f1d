//! Expressions, their values, and their faults.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::custom::structural::Structural;

fn value(source: &str) -> String {
    let variables = [("x".to_owned(), Type::Int)];
    let program = match Program::compile(source, &variables) {
        Ok(program) => program,
        Err(Uncompiled::Faults(fault) | Uncompiled::Program(fault)) => return fault,
    };
    match program.eval(vec![("x", Value::Int(3))]).0 {
        Ok(value) => format!("{value:?}"),
        Err(Trouble::Error(text)) => format!("error: {text}"),
        Err(Trouble::Limit) => "limit".to_owned(),
    }
}

#[test]
fn truths() {
    for source in [
        "1 + 2 * 3 == 7",
        "-7 / 2 == -3 && -7 % 2 == -1",
        "7.0 / 2.0 == 3.5",
        "1 < 2.5 && 2u > 1 && 3 >= 3u",
        "'a' + \"b\" == 'ab' && r'\\d' == '\\\\d' && '''x''' == 'x'",
        "'\\u00e9'.size() == 1 && b'\\xff'.size() == 1 && 'é'.size() == 1",
        "[1, 2] + [3] == [1, 2, 3] && 2 in [1, 2] && !(4 in [1, 2])",
        "{'a': 1}.a == 1 && {'a': 1}['a'] == 1 && 'a' in {'a': 1} && {1: 'x'}[1] == 'x'",
        "x == 3 ? true : false",
        "false || 1 / 0 == 1 || true",
        "!(false && 1 / 0 == 1)",
        "[1, 2, 3].all(i, i > 0) && [1, 2, 3].exists(i, i == 2) && [1, 2, 3].exists_one(i, i == 2)",
        "[1, 2, 3].map(i, i * 2) == [2, 4, 6] && [1, 2, 3].filter(i, i > 1) == [2, 3] && [1, 2, 3].map(i, i > 1, i * 2) == [4, 6]",
        "[0, 1].exists(i, 1 / i == 1) && ![0, 1].all(i, 1 / i == 2)",
        "{'a': 1, 'b': 2}.all(k, k in ['a', 'b']) && {'a': 1}.all(k, v, v == 1) && ['a'].all(i, v, i == 0 && v == 'a')",
        "[1, 2].transformList(i, v, i + v) == [1, 3] && {'a': 1}.transformMap(k, v, v + 1) == {'a': 2}",
        "has({'a': 1}.a) && !has({'a': 1}.b)",
        "type(1) == int && type('a') == string && type([]) == list && type(type(1)) == type && type(null) == null_type",
        "int('12') == 12 && int(3.9) == 3 && uint(3) == 3u && double('1.5') == 1.5 && string(1) == '1' && bool('true') && bytes('a') == b'a'",
        "string(1.5) == '1.5' && string(b'a') == 'a' && string(true) == 'true' && dyn(1) == 1",
        "duration('1h30m') > duration('89m') && duration('90m').getMinutes() == 90 && duration('1.5s').getMilliseconds() == 1500",
        "timestamp('2026-02-03T04:05:06Z').getFullYear() == 2026 && timestamp('2026-02-03T04:05:06Z').getMonth() == 1 && timestamp('2026-02-03T04:05:06Z').getDate() == 3 && timestamp('2026-02-03T04:05:06Z').getHours('+02:00') == 6",
        "timestamp('2026-02-03T00:00:00Z') - timestamp('2026-02-02T00:00:00Z') == duration('24h') && timestamp('2026-02-03T00:00:00Z') + duration('1h') > timestamp('2026-02-03T00:00:00Z') && timestamp('2026-02-03T00:00:00Z').getDayOfWeek() == 2",
        "'abc'.startsWith('a') && 'abc'.endsWith('c') && 'abc'.contains('b') && 'abc'.matches('^a.c$') && matches('abc', 'b')",
        "'a,b'.split(',') == ['a', 'b'] && 'a,b,c'.split(',', 2) == ['a', 'b,c'] && 'ab'.split('') == ['a', 'b'] && ['a', 'b'].join('-') == 'a-b'",
        "'abcb'.indexOf('b') == 1 && 'abcb'.lastIndexOf('b') == 3 && 'abc'.indexOf('z') == -1 && 'abcb'.indexOf('b', 2) == 3 && 'abc'.charAt(1) == 'b'",
        "'abc'.substring(1) == 'bc' && 'abc'.substring(0, 2) == 'ab' && 'aXa'.replace('a', 'b') == 'bXb' && 'aaa'.replace('a', 'b', 2) == 'bba'",
        "'AbC'.lowerAscii() == 'abc' && 'AbC'.upperAscii() == 'ABC' && ' a '.trim() == 'a' && '%s is %d'.format([dyn('a'), 1]) == 'a is 1'",
        "'a1b2'.find('[0-9]') == '1' && 'a1b2'.findAll('[0-9]') == ['1', '2'] && 'a1b2'.findAll('[0-9]', 1) == ['1']",
        "[1, 2, 3].isSorted() && [1, 2, 3].sum() == 6 && [1, 3, 2].max() == 3 && [2, 1].min() == 1 && [1, 2, 1].indexOf(1) == 0 && [1, 2, 1].lastIndexOf(1) == 2",
        "[1, 1].distinct() == [1] && [2, 1].sort() == [1, 2] && [1, 2].reverse() == [2, 1] && [1, 2, 3].slice(1, 2) == [2] && [[1], [2]].flatten() == [1, 2]",
        "sets.contains([1, 2], [1]) && sets.equivalent([1, 2], [2, 1]) && sets.intersects([1], [1, 2]) && !sets.contains([1], [2])",
        "quantity('1Gi').isGreaterThan(quantity('1G')) && quantity('1').add(quantity('500m')).compareTo(quantity('1.5')) == 0 && quantity('2').sub(1).asInteger() == 1 && isQuantity('1k') && !isQuantity('x')",
        "ip('1.2.3.4').family() == 4 && isIP('::1') && cidr('10.0.0.0/8').containsIP('10.1.1.1') && cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8') && cidr('10.0.0.0/8').prefixLength() == 8 && string(ip('::1')) == '::1'",
        "url('https://a.b:80/c?d=e&d=f').getHost() == 'a.b:80' && url('https://a.b:80/c').getPort() == '80' && url('https://a.b/c?d=e').getQuery() == {'d': ['e']} && !isURL('x')",
        "semver('1.2.3').major() == 1 && semver('1.2.3').isLessThan(semver('1.10.0')) && semver('1.0.0-a').isLessThan(semver('1.0.0')) && isSemver('v1.2', true) && !isSemver('1.2')",
        "!format.dns1123Label().validate('a').hasValue() && format.dns1123Label().validate('A').hasValue() && format.named('uuid').hasValue()",
        "optional.of(1).value() == 1 && optional.none().orValue(2) == 2 && !optional.none().hasValue() && {'a': 1}.?b.orValue(5) == 5 && [1][?3].orValue(7) == 7 && [?optional.none(), 1] == [1]",
        "'\\'' == \"'\" // a comment",
        "0x10 == 16 && 1e3 == 1000.0 && .5 == 0.5 && 18446744073709551615u > 1u && -9223372036854775808 < 0",
        "[1, 2, 3, 4].filter(i, i % 2 == 0).map(i, i * i).exists(i, i == 16)",
    ] {
        assert_eq!(value(source), "Bool(true)", "{source}");
    }
}

#[test]
fn troubles() {
    for (source, trouble) in [
        ("1 / 0 == 1", "error: division by zero"),
        ("1 % 0 == 1", "error: modulus by zero"),
        ("9223372036854775807 + x == 1", "error: integer overflow"),
        ("[1][1] == 1", "error: index out of bounds: 1"),
        ("{'a': 1}.b == 1", "error: no such key: b"),
        ("dyn('a') > 1", "error: no such overload"),
        (
            "quantity('x').isInteger()",
            "error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        ("'abc'.substring(5) == ''", "error: index out of range: 5"),
        (
            "lists.range(1000).all(i, lists.range(1000).all(j, i != j + 2000))",
            "limit",
        ),
        (
            "x ==",
            "ERROR: <input>:1:5: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | x ==\n | ....^",
        ),
        (
            "x.y == 1",
            "ERROR: <input>:1:2: type 'int' does not support field selection\n | x.y == 1\n | .^",
        ),
        (
            "true &&\ny",
            "ERROR: <input>:2:1: undeclared reference to 'y' (in container '')\n | y\n | ^",
        ),
        (
            "for == 1",
            "ERROR: <input>:1:1: reserved identifier: for\n | for == 1\n | ^",
        ),
    ] {
        assert_eq!(value(source), trouble, "{source}");
    }
    let deep = format!("{}1{} == 1", "(".repeat(100), ")".repeat(100));
    assert!(value(&deep).contains("recursion limit"));
    let long = format!("{} == 1", vec!["1"; 1000].join(" + "));
    assert!(value(&long).contains("recursion limit"));
    assert_eq!(value(&vec!["true"; 1000].join(" && ")), "Bool(true)");
}

#[test]
fn worst_costs_are_kubernetes() {
    let shape = |schema| Arc::new(Shape::of(&Structural::read(&schema), false).unwrap());
    for (schema, source, cost) in [
        // Known from the refusal of 1.006634 times the limit.
        (
            json!({"type": "array", "items": {"type": "string"}}),
            "self.all(x, x == 'a')",
            None,
        ),
        (json!({"type": "string", "maxLength": 10}), "self == 'abc'", Some(2)),
        (
            json!({"type": "string", "maxLength": 10}),
            "self.startsWith('a')",
            Some(2),
        ),
        (json!({"type": "integer"}), "self > 1 && self < 5", Some(4)),
    ] {
        let shape = shape(schema);
        let program = Program::compile(source, &[("self".to_owned(), Type::of(&shape, "selfType"))]).unwrap();
        if let Some(cost) = cost {
            assert_eq!(program.worst_cost(&shape), cost, "{source}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_text_may_come(source in r#"[a-z0-9'"().\[\]{}?:,+*/%!&|<>= \\-]{0,40}"#) {
        let _ = value(&source);
    }

    #[test]
    fn any_expression_may_come(parts in proptest::collection::vec(
        proptest::sample::select(vec!["x", "1", "'a'", "[1]", "{'a': 1}", "==", "+", "&&", "?", ":", ".size()", ".all(i, i == 1)", "(", ")", ".a", "[0]", "has(x.a)", "!", "-", "in"]), 0..12)
    ) {
        let _ = value(&parts.join(" "));
    }
}
