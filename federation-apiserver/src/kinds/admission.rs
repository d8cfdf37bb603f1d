//! Rows of what decides on admission.

use machinery::admission::matching::GROUP;

use super::kubernetes::core;
use super::{GenerationRule, PLAIN, Row, Strategy};

/// The status of a policy tells what is wrong with its expressions.
fn row(
    kind: &'static str,
    plural: &'static str,
    singular: &'static str,
    generation: GenerationRule,
    status: bool,
) -> Row {
    Row {
        group: GROUP,
        categories: &["api-extensions"],
        namespaced: false,
        strategy: Strategy {
            status,
            generation,
            unconditional_update: false,
            ..PLAIN
        },
        ..core(kind, plural, singular, &[])
    }
}

/// All rows of the group.
pub(super) fn rows() -> Vec<Row> {
    use GenerationRule::{Content, Spec};
    vec![
        row(
            "MutatingAdmissionPolicy",
            "mutatingadmissionpolicies",
            "mutatingadmissionpolicy",
            Spec,
            false,
        ),
        row(
            "MutatingAdmissionPolicyBinding",
            "mutatingadmissionpolicybindings",
            "mutatingadmissionpolicybinding",
            Spec,
            false,
        ),
        row(
            "MutatingWebhookConfiguration",
            "mutatingwebhookconfigurations",
            "mutatingwebhookconfiguration",
            Content,
            false,
        ),
        row(
            "ValidatingAdmissionPolicy",
            "validatingadmissionpolicies",
            "validatingadmissionpolicy",
            Spec,
            true,
        ),
        row(
            "ValidatingAdmissionPolicyBinding",
            "validatingadmissionpolicybindings",
            "validatingadmissionpolicybinding",
            Spec,
            false,
        ),
        row(
            "ValidatingWebhookConfiguration",
            "validatingwebhookconfigurations",
            "validatingwebhookconfiguration",
            Content,
            false,
        ),
    ]
}
