//! Match conditions: whether somebody is asked about a request at all.
//!
//! In: `matchConditions`, a request. Out: yes, no, or why that cannot be told. One condition that does not hold decides, whatever
//! becomes of the others.

use serde_json::Value as Json;

use super::expression::{self, Budget, Expression, Facts, Given, Gives, Variables};
use crate::cel::Value;

/// The conditions of a webhook or a policy, in their order.
#[derive(Debug, Default)]
pub struct Conditions(Vec<Result<Expression, String>>);

impl Conditions {
    /// Reads the conditions of a webhook.
    #[must_use]
    pub fn of_webhook(hook: &Json) -> Self {
        Self::read(hook, &Given::default())
    }

    pub(super) fn read(place: &Json, given: &Given) -> Self {
        let list = place.get("matchConditions").and_then(Json::as_array);
        let texts = list.into_iter().flatten().map(|condition| {
            let text = condition.get("expression").and_then(Json::as_str).unwrap_or_default();
            // Stored ones were judged when they came; another version of this program may judge otherwise.
            expression::compile(text, Gives::Bool, given).map_err(|fault| format!("expression '{text}': {fault}"))
        });
        Self(texts.collect())
    }

    /// Whether there is nothing to ask.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all hold.
    ///
    /// # Errors
    /// None fails, but some cannot be told.
    pub fn hold(&self, facts: &Facts<'_>) -> Result<bool, String> {
        let mut budget = Budget::default();
        let mut faults = Vec::new();
        for condition in &self.0 {
            let said = match condition {
                Ok(condition) => condition
                    .eval(facts, &Variables::default(), &mut budget)
                    .map_err(|why| condition.told(&why)),
                Err(fault) => Err(fault.clone()),
            };
            match said {
                Ok(Value::Bool(true)) => {}
                Ok(Value::Bool(false)) => return Ok(false),
                Ok(_) => faults.push("a match condition did not evaluate to a bool".to_owned()),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() {
            Ok(true)
        } else {
            Err(super::together(&faults))
        }
    }
}
