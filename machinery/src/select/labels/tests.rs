//! Label selectors as kubectl users write them.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn labels(text: &str) -> BTreeMap<String, String> {
    text.split_whitespace()
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn text_selectors_match_as_in_kubernetes() {
    let table = [
        ("", "", true),
        ("app=web", "app=web", true),
        ("app==web", "app=web", true),
        ("app = web , tier = db", "app=web tier=db", true),
        ("app=web", "app=db", false),
        ("app=", "app=", true),
        ("app=", "", false),
        ("app!=web", "", true),
        ("app!=web", "app=web", false),
        ("app", "app=", true),
        ("app", "", false),
        ("!app", "", true),
        ("! app", "app=x", false),
        ("app in (web, db)", "app=db", true),
        ("app in (web,)", "app=", true),
        ("app in ()", "app=", true),
        ("app in ()", "", false),
        ("app notin (web,db)", "app=api", true),
        ("app notin (web,db)", "", true),
        ("app notin (web,db)", "app=web", false),
        ("n>3", "n=4", true),
        ("n>3", "n=3", false),
        ("n<3", "n=x", false),
        ("n<3", "", false),
        ("in=in", "in=in", true),
        ("in in (in)", "in=in", true),
        ("example.com/app=web", "example.com/app=web", true),
    ];
    for (selector, have, want) in table {
        let parsed = LabelSelector::parse(selector).unwrap();
        assert_eq!(parsed.matches(&labels(have)), want, "{selector} on {have}");
        let again = LabelSelector::parse(&parsed.to_string()).unwrap();
        assert_eq!(again, parsed, "{parsed}");
    }
}

#[test]
fn bad_selectors_say_what_was_expected() {
    let table = [
        ("=web", "expected: !, identifier, or 'end of string'"),
        ("app=web,", "expected: identifier after ','"),
        ("app=web db", "expected: ',' or 'end of string'"),
        ("app in web", "expected: '('"),
        ("app in (web", "expected: ',' or ')'"),
        ("app web", "expected: in, notin, =, ==, !=, gt, lt"),
        (
            "n>x",
            "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators",
        ),
        ("-app", "name part must consist of"),
        ("A_b/c", "DNS subdomain"),
        ("a/b/c", "name part must consist of"),
        ("app=-x", "a valid label must be"),
        ("app=(", "expected: identifier"),
    ];
    for (selector, want) in table {
        let error = LabelSelector::parse(selector).unwrap_err().to_string();
        assert!(error.contains(want), "{selector}: {error}");
    }
}

#[test]
fn json_selectors_match_as_in_kubernetes() {
    let selector = json!({"matchLabels": {"app": "web"}, "matchExpressions": [
        {"key": "tier", "operator": "NotIn", "values": ["db"]}, {"key": "legacy", "operator": "DoesNotExist"}]});
    let selector = LabelSelector::from_value(&selector).unwrap();
    assert!(selector.matches(&labels("app=web")));
    assert!(!selector.matches(&labels("app=web tier=db")));
    assert!(!selector.matches(&labels("app=web legacy=")));
    assert!(selector.matches_object(&json!({"metadata": {"labels": {"app": "web"}}})));
    assert!(!selector.matches_object(&json!({"metadata": {}})));
    assert!(LabelSelector::from_value(&json!({})).unwrap().is_everything());
    assert!(!LabelSelector::from_value(&Value::Null).unwrap().matches(&labels("")));
    assert!(LabelSelector::from_value(&json!({"matchExpressions": [{"key": "a", "operator": "Gt"}]})).is_err());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[a-z!=(),<> \u{e9}]{0,40}") {
        if let Ok(selector) = LabelSelector::parse(&text) {
            prop_assert_eq!(LabelSelector::parse(&selector.to_string()), Ok(selector));
        }
    }
}
