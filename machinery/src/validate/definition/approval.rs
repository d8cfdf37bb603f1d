//! Groups of the Kubernetes community are for APIs that were approved.

use serde_json::Value;

use super::At;
use crate::field;
use crate::status::Cause;

const ANNOTATION: &str = "api-approved.kubernetes.io";
const PROPOSAL: &str = "see https://github.com/kubernetes/enhancements/pull/1111";

#[derive(PartialEq, Eq)]
enum Approval {
    Missing,
    Invalid,
    Bypassed,
    Approved,
}

/// Whether APIs of the group need approval.
fn is_protected(crd: &Value) -> bool {
    let group = At::root(crd, "spec").get("group").text();
    ["k8s.io", "kubernetes.io"].iter().any(|domain| {
        group
            .strip_suffix(domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// What the condition on approval says, where there is to be one.
pub(super) fn condition(crd: &Value) -> Option<(&'static str, &'static str, String)> {
    if !is_protected(crd) {
        return None;
    }
    let said = At::root(crd, "metadata").get("annotations").entry(ANNOTATION).text();
    let needed = format!(
        "protected groups must have approval annotation {}",
        field::quoted(ANNOTATION)
    );
    Some(match approval(crd) {
        Approval::Missing => ("False", "MissingAnnotation", format!("{needed}, {PROPOSAL}")),
        Approval::Invalid => (
            "False",
            "InvalidAnnotation",
            format!("{needed} with either a URL or a reason starting with \"unapproved\", {PROPOSAL}"),
        ),
        Approval::Bypassed => (
            "False",
            "UnapprovedAnnotation",
            format!("not approved: {}", field::quoted(said)),
        ),
        Approval::Approved => ("True", "ApprovedAnnotation", format!("approved in {said}")),
    })
}

pub(super) fn judge(new: &Value, old: Option<&Value>, faults: &mut Vec<Cause>) {
    let protected = is_protected(new);
    let approval = approval(new);
    if !protected || old.is_some_and(|old| self::approval(old) == approval) {
        return;
    }
    let at = At::root(new, "metadata").get("annotations").entry(ANNOTATION);
    let needed = format!(
        "protected groups must have approval annotation {}",
        field::quoted(ANNOTATION)
    );
    match approval {
        Approval::Missing => faults.push(field::required(&at.path, &format!("{needed}, {PROPOSAL}"))),
        Approval::Invalid => {
            let detail = format!("{needed} with either a URL or a reason starting with \"unapproved\", {PROPOSAL}");
            faults.push(field::invalid(&at.path, at.value, &detail));
        }
        Approval::Bypassed | Approval::Approved => {}
    }
}

fn approval(crd: &Value) -> Approval {
    let said = At::root(crd, "metadata").get("annotations").entry(ANNOTATION).text();
    let has_host = said
        .split_once("://")
        .is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.split('/').next().unwrap_or_default().is_empty());
    if said.is_empty() {
        Approval::Missing
    } else if said.starts_with("unapproved") {
        Approval::Bypassed
    } else if has_host && !said.contains(' ') {
        Approval::Approved
    } else {
        Approval::Invalid
    }
}
