//! One webhook, ready to be called.

use std::sync::Arc;
use std::time::Duration;

use machinery::admission::conditions::Conditions;
use serde_json::Value;

use crate::webhooks::Endpoint;

const SECONDS: u64 = 10;

/// A webhook of a configuration.
#[derive(Debug)]
pub(super) struct Hook {
    /// Its name.
    pub(super) name: String,
    /// The name of its configuration.
    pub(super) configuration: String,
    /// As it is stored: rules and selectors are read from it.
    pub(super) spec: Value,
    /// Where it is, or why it cannot be called.
    pub(super) endpoint: Result<Arc<Endpoint>, String>,
    /// How long it may take.
    pub(super) timeout: Duration,
    /// Writes go on without its answer.
    pub(super) ignores_failure: bool,
    /// Only the versions that its rules name are shown to it.
    pub(super) exact: bool,
    /// It wants to see again what others changed after it.
    pub(super) reinvoked: bool,
    /// When it is called.
    pub(super) conditions: Conditions,
}

impl Hook {
    /// The webhooks of a configuration.
    pub(super) fn of_configuration(configuration: &Value) -> impl Iterator<Item = Self> + '_ {
        let name = configuration
            .pointer("/metadata/name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let hooks = configuration
            .get("webhooks")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        hooks.map(move |hook| Self::of(name, hook))
    }

    fn of(configuration: &str, hook: &Value) -> Self {
        let text = |key: &str| hook.get(key).and_then(Value::as_str).unwrap_or_default();
        let versions = hook.get("admissionReviewVersions").and_then(Value::as_array);
        let understands = versions
            .into_iter()
            .flatten()
            .any(|version| version.as_str() == Some("v1"));
        let endpoint = if understands {
            Endpoint::of(hook.get("clientConfig").unwrap_or(&Value::Null)).map(Arc::new)
        } else {
            Err("it does not accept AdmissionReviews of version v1".to_owned())
        };
        Self {
            name: text("name").to_owned(),
            configuration: configuration.to_owned(),
            endpoint: endpoint.map_err(|why| format!("failed to call webhook: {why}")),
            timeout: Duration::from_secs(hook.get("timeoutSeconds").and_then(Value::as_u64).unwrap_or(SECONDS)),
            ignores_failure: text("failurePolicy") == "Ignore",
            exact: text("matchPolicy") == "Exact",
            reinvoked: text("reinvocationPolicy") == "IfNeeded",
            conditions: Conditions::of_webhook(hook),
            spec: hook.clone(),
        }
    }
}
