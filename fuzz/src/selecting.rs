//! Selectors and quantities: short texts with a grammar.

use std::collections::BTreeMap;

use machinery::quantity::Quantity;
use machinery::select::{FieldSelector, LabelSelector};
use serde_json::json;

/// A label selector reads back from its own text, and judges.
pub(crate) fn labels(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(selector) = LabelSelector::parse(text) else {
        return;
    };
    assert_eq!(
        LabelSelector::parse(&selector.to_string()).as_ref(),
        Ok(&selector),
        "{text:?}"
    );
    let labels = BTreeMap::from([("app".to_owned(), "web".to_owned()), ("n".to_owned(), "3".to_owned())]);
    let object = json!({"metadata": {"labels": labels}});
    assert_eq!(selector.matches(&labels), selector.matches_object(&object), "{text:?}");
    assert!(!selector.is_everything() || selector.matches(&BTreeMap::new()));
}

/// A field selector has no more terms than its text has places for, and requires what it says.
pub(crate) fn fields(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(selector) = FieldSelector::parse(text) else {
        return;
    };
    assert!(selector.terms().len() <= text.split(',').count());
    let object = json!({"metadata": {"name": "web", "namespace": "shop"}, "status": {"succeeded": 1}});
    let matched = selector.matches_object(&object);
    if let Some(name) = selector.required("metadata.name") {
        assert!(!matched || name == "web", "{text:?}");
    }
    let all: Vec<&str> = selector.terms().iter().map(|term| term.field.as_str()).collect();
    assert!(selector.check_known(&all).is_ok());
}

/// A quantity's canonical text is the same amount, and canonical.
pub(crate) fn quantity(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(quantity) = Quantity::parse(text) else { return };
    let canonical = quantity.canonical();
    assert!(canonical.len() <= 32, "{canonical}");
    let again = Quantity::parse(&canonical);
    assert_eq!(again, Some(quantity), "{text:?} became {canonical:?}");
    assert_eq!(again.map(|again| again.canonical()), Some(canonical), "{text:?}");
    assert!(!(quantity.is_negative() && quantity.is_positive()));
    let doubled = quantity.plus(&quantity, 1);
    assert_eq!(doubled.is_negative(), quantity.is_negative());
}
