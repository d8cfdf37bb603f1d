//! Rules about webhook configurations: who is called, about what, and what happens when nobody answers.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{failure_policy, policy, rules, selection, word};
use crate::field::{self, Path};
use crate::status::Cause;
use crate::validate::at::At;
use crate::validate::format;
use crate::validate::metadata::push;

/// Labels that the name of a webhook must have.
const SEGMENTS: usize = 3;
const REVIEWS: [&str; 2] = ["v1", "v1beta1"];
const SIDE_EFFECTS: [&str; 2] = ["None", "NoneOnDryRun"];
const URL_FORM: &str = "desired format: https://host[/path]";

/// A ValidatingWebhookConfiguration or a MutatingWebhookConfiguration.
pub(in crate::validate) fn webhooks(object: &Value, faults: &mut Vec<Cause>) {
    let mut names = BTreeSet::new();
    for hook in At::root(object, "webhooks").items() {
        webhook(&hook, faults);
        let name = hook.get("name");
        if !name.text().is_empty() && !names.insert(name.text()) {
            faults.push(field::duplicate(&name.path, name.value));
        }
    }
}

fn webhook(hook: &At<'_>, faults: &mut Vec<Cause>) {
    qualified(&hook.get("name"), faults);
    for rule in hook.get("rules").items() {
        rules::rule(&rule, faults);
    }
    failure_policy(&hook.get("failurePolicy"), faults);
    selection(hook, faults);
    word(&hook.get("reinvocationPolicy"), &["IfNeeded", "Never"], faults);
    let effects = hook.get("sideEffects");
    if effects.is_set() {
        word(&effects, &SIDE_EFFECTS, faults);
    } else {
        let detail = format!("must specify one of {}", SIDE_EFFECTS.join(", "));
        faults.push(field::required(&effects.path, &detail));
    }
    let timeout = hook.get("timeoutSeconds");
    if timeout.number().is_some_and(|seconds| !(1..=30).contains(&seconds)) {
        let detail = "the timeout value must be between 1 and 30 seconds";
        faults.push(field::invalid(&timeout.path, timeout.value, detail));
    }
    policy::conditions(&hook.get("matchConditions"), faults);
    client(&hook.get("clientConfig"), faults);
    reviews(&hook.get("admissionReviewVersions"), faults);
}

fn qualified(name: &At<'_>, faults: &mut Vec<Cause>) {
    if name.text().is_empty() {
        faults.push(field::required(&name.path, ""));
        return;
    }
    let wrong = format::dns_subdomain(name.text());
    let proper = wrong.is_empty();
    push(name, wrong, faults);
    if proper && name.text().split('.').count() < SEGMENTS {
        let detail = "should be a domain with at least three segments separated by dots";
        faults.push(field::invalid(&name.path, name.value, detail));
    }
}

fn reviews(versions: &At<'_>, faults: &mut Vec<Cause>) {
    if versions.len() == 0 {
        let detail = format!("must specify one of {}", REVIEWS.join(", "));
        faults.push(field::required(&versions.path, &detail));
        return;
    }
    let mut seen = BTreeSet::new();
    for version in versions.items() {
        if !seen.insert(version.text()) {
            faults.push(field::invalid(&version.path, version.value, "duplicate version"));
            continue;
        }
        push(&version, format::dns_1035_label(version.text()), faults);
    }
    if !REVIEWS.iter().any(|known| seen.contains(known)) {
        let detail = format!("must include at least one of {}", REVIEWS.join(", "));
        faults.push(field::invalid(&versions.path, versions.value, &detail));
    }
}

fn client(client: &At<'_>, faults: &mut Vec<Cause>) {
    let (url, service) = (client.get("url"), client.get("service"));
    match (url.is_set(), service.is_set()) {
        (true, false) => web_address(&url, faults),
        (false, true) => service_reference(&service, faults),
        (true, true) | (false, false) => {
            let detail = "exactly one of url or service is required";
            faults.push(field::required(&client.path, detail));
        }
    }
}

fn web_address(at: &At<'_>, faults: &mut Vec<Cause>) {
    let text = at.text();
    let (scheme, rest) = match text.split_once(':') {
        Some(("", _)) => {
            let detail = format!("url must be a valid URL: parse {text:?}: missing protocol scheme; {URL_FORM}");
            faults.push(field::required(&at.path, &detail));
            return;
        }
        Some((scheme, rest)) => (scheme, rest),
        None => ("", text),
    };
    let mut fault = |bad: &str, detail: &str| {
        faults.push(field::invalid(&at.path, &Value::from(bad), detail));
    };
    if scheme != "https" {
        let detail = format!("'https' is the only allowed URL scheme; {URL_FORM}");
        fault(scheme, &detail);
    }
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = rest
        .strip_prefix("//")
        .map(|rest| rest.split('/').next().unwrap_or_default());
    let authority = authority.unwrap_or_default();
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    if host.is_empty() {
        fault("", &format!("host must be specified; {URL_FORM}"));
    }
    for (said, what) in [
        (user, "user information is"),
        (fragment, "fragments are"),
        (query, "query parameters are"),
    ] {
        if !said.is_empty() {
            fault(said, &format!("{what} not permitted in the URL"));
        }
    }
}

/// Where the service of a webhook is.
fn service_reference(service: &At<'_>, faults: &mut Vec<Cause>) {
    for name in ["name", "namespace"] {
        let part = service.get(name);
        if part.text().is_empty() {
            faults.push(field::required(&part.path, ""));
        }
    }
    let port = service.get("port");
    let number = port.number().unwrap_or_default();
    for wrong in format::port_number(number) {
        let detail = format!("port is not valid: {wrong}");
        faults.push(field::invalid(&port.path, &json!(number), &detail));
    }
    let path = service.get("path");
    if path.is_set() {
        url_path(path.text(), &path.path, faults);
    }
}

fn url_path(said: &str, path: &Path, faults: &mut Vec<Cause>) {
    let value = Value::from(said);
    if said == "/" || said.is_empty() {
        return;
    }
    let inside = match said.strip_prefix('/') {
        Some(inside) => inside.strip_suffix('/').unwrap_or(inside),
        None => {
            faults.push(field::invalid(path, &value, "must start with a '/'"));
            // Then the first letter stands where the slash should.
            said.get(1..).unwrap_or_default()
        }
    };
    for (number, segment) in inside.split('/').enumerate() {
        if segment.is_empty() {
            faults.push(field::invalid(
                path,
                &value,
                &format!("segment[{number}] may not be empty"),
            ));
        }
        for wrong in format::dns_subdomain(segment)
            .into_iter()
            .filter(|_| !segment.is_empty())
        {
            faults.push(field::invalid(path, &value, &format!("segment[{number}]: {wrong}")));
        }
    }
}
