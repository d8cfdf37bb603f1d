//! How objects of one version become objects of another.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{At, Leniency, one_of};
use crate::custom::read::texts;
use crate::field;
use crate::status::Cause;
use crate::validate::format;

pub(super) fn judge(conversion: &At<'_>, lenient: Leniency<'_>, faults: &mut Vec<Cause>) {
    if !conversion.is_set() {
        return;
    }
    one_of(&conversion.get("strategy"), &["None", "Webhook"], faults);
    let webhook = conversion.get("webhook");
    let (client, versions) = (webhook.get("clientConfig"), webhook.get("conversionReviewVersions"));
    // Told at the paths that kube-apiserver uses.
    let (client_path, versions_path) = (
        conversion.path.child("webhookClientConfig"),
        conversion.path.child("conversionReviewVersions"),
    );
    if conversion.get("strategy").text() == "Webhook" {
        if client.is_set() {
            let client = At {
                value: client.value,
                path: client_path,
            };
            client_config(&client, faults);
        } else {
            faults.push(field::required(
                &client_path,
                "required when strategy is set to Webhook",
            ));
        }
        let versions = At {
            value: versions.value,
            path: versions_path,
        };
        review_versions(&versions, lenient, faults);
        return;
    }
    let detail = "should not be set when strategy is not set to Webhook";
    if client.is_set() {
        faults.push(field::forbidden(&client_path, detail));
    }
    if versions.len() > 0 {
        faults.push(field::forbidden(&versions_path, detail));
    }
}

fn client_config(client: &At<'_>, faults: &mut Vec<Cause>) {
    let (url, service) = (client.get("url"), client.get("service"));
    if url.is_set() == service.is_set() {
        let detail = "exactly one of url or service is required";
        faults.push(field::required(&client.path, detail));
    } else if url.is_set() {
        self::url(&url, faults);
    } else {
        self::service(&service, faults);
    }
}

fn url(url: &At<'_>, faults: &mut Vec<Cause>) {
    let form = "desired format: https://host[/path]";
    let mut wrong = |detail: String| faults.push(field::invalid(&url.path, url.value, &detail));
    let Some((scheme, rest)) = url.text().split_once("://") else {
        wrong(format!("'https' is the only allowed URL scheme; {form}"));
        return;
    };
    if scheme != "https" {
        let detail = format!("'https' is the only allowed URL scheme; {form}");
        faults.push(field::invalid(&url.path, &Value::from(scheme), &detail));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, tail) = rest.split_at(end);
    if host.is_empty() {
        faults.push(field::invalid(
            &url.path,
            &Value::from(""),
            &format!("host must be specified; {form}"),
        ));
        return;
    }
    let mut part = |bad: &str, words: &str| faults.push(field::invalid(&url.path, &Value::from(bad), words));
    if let Some((user, _)) = host.split_once('@') {
        part(user, "user information is not permitted in the URL");
    }
    if let Some((_, fragment)) = tail.split_once('#') {
        part(fragment, "fragments are not permitted in the URL");
    }
    if let Some((_, query)) = tail.split('#').next().unwrap_or_default().split_once('?') {
        part(query, "query parameters are not permitted in the URL");
    }
}

fn service(service: &At<'_>, faults: &mut Vec<Cause>) {
    for key in ["name", "namespace"] {
        let at = service.get(key);
        if at.text().is_empty() {
            faults.push(field::required(&at.path, ""));
        }
    }
    let port = service.get("port");
    if let Some(number) = port.number()
        && !(1..=65535).contains(&number)
    {
        let detail = format!("port is not valid: {}", format::port_number(number).join(","));
        faults.push(field::invalid(&port.path, port.value, &detail));
    }
    let path = service.get("path");
    if path.is_set() {
        service_path(&path, faults);
    }
}

fn service_path(path: &At<'_>, faults: &mut Vec<Cause>) {
    let text = path.text();
    if text == "/" || text.is_empty() {
        return;
    }
    if text == "//" {
        faults.push(field::invalid(&path.path, path.value, "segment[0] may not be empty"));
        return;
    }
    if !text.starts_with('/') {
        faults.push(field::invalid(&path.path, path.value, "must start with a '/'"));
    }
    let mut steps = text.strip_suffix('/').unwrap_or(text).chars();
    steps.next();
    let steps: Vec<&str> = steps.as_str().split('/').collect();
    for (index, step) in steps.iter().enumerate() {
        if step.is_empty() {
            let detail = format!("segment[{index}] may not be empty");
            faults.push(field::invalid(&path.path, path.value, &detail));
            continue;
        }
        for wrong in format::dns_subdomain(step) {
            let detail = format!("segment[{index}]: {wrong}");
            faults.push(field::invalid(&path.path, path.value, &detail));
        }
    }
}

const REVIEWS: [&str; 2] = ["v1", "v1beta1"];

fn review_versions(versions: &At<'_>, lenient: Leniency<'_>, faults: &mut Vec<Cause>) {
    if versions.len() == 0 {
        faults.push(field::required(&versions.path, ""));
        return;
    }
    let mut seen = BTreeSet::new();
    for version in versions.items() {
        if !seen.insert(version.text()) {
            faults.push(field::invalid(&version.path, version.value, "duplicate version"));
            continue;
        }
        for wrong in format::dns_1035_label(version.text()) {
            faults.push(field::invalid(&version.path, version.value, &wrong));
        }
    }
    let was_known = lenient
        .old
        .and_then(|old| old.pointer("/spec/conversion/webhook"))
        .map(|webhook| texts(webhook, "conversionReviewVersions"))
        .is_none_or(|old| old.is_empty() || old.iter().any(|version| REVIEWS.contains(&version.as_str())));
    if was_known && !seen.iter().any(|version| REVIEWS.contains(version)) {
        let detail = format!("must include at least one of {}", REVIEWS.join(", "));
        faults.push(field::invalid(&versions.path, versions.value, &detail));
    }
}
