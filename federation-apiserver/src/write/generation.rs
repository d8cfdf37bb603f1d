//! When `metadata.generation` grows.

use machinery::status::Status;
use serde_json::{Value, json};

use super::identity::metadata_mut;
use super::prepare::TEMPLATE_GENERATION;
use super::{Draft, Engine, Intent, Part};
use crate::kinds::GenerationRule;

/// Counts a change of what is wanted.
pub(super) fn count(_: &Engine, intent: &Intent, draft: &mut Draft) -> Result<(), Status> {
    let rule = intent.kind.strategy.generation;
    let Some(old) = draft.old.clone() else { return Ok(()) };
    let of_status = intent.part == Part::Status && rule != GenerationRule::AllButMetadata;
    if rule == GenerationRule::Untracked || of_status {
        return Ok(());
    }
    if intent.kind.kind == "DaemonSet" && intent.kind.group == "apps" {
        count_templates(draft, &old)?;
    }
    let before = old.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0);
    let labels = |value: &Value| non_empty(value.pointer("/metadata/labels")).cloned();
    // The labels of a slice say whose addresses it holds.
    let relabelled = intent.kind.kind == "EndpointSlice" && labels(&old) != labels(&draft.value);
    let after = if relabelled || wanted_differs(rule, &old, &draft.value) {
        before.saturating_add(1)
    } else {
        before
    };
    if after > 0 {
        metadata_mut(&mut draft.value)?.insert("generation".to_owned(), Value::from(after));
    }
    Ok(())
}

/// A DaemonSet keeps count of its templates too.
fn count_templates(draft: &mut Draft, old: &Value) -> Result<(), Status> {
    let annotations = |value: &Value| value.pointer("/metadata/annotations").cloned();
    let count = annotations(old)
        .and_then(|all| all.get(TEMPLATE_GENERATION)?.as_str()?.parse::<i64>().ok())
        .unwrap_or(1);
    let changed = old.pointer("/spec/template") != draft.value.pointer("/spec/template");
    let count = if changed { count.saturating_add(1) } else { count };
    let metadata = metadata_mut(&mut draft.value)?;
    let all = metadata.entry("annotations").or_insert_with(|| json!({}));
    if all.is_null() {
        *all = json!({});
    }
    if let Some(all) = all.as_object_mut() {
        all.insert(TEMPLATE_GENERATION.to_owned(), Value::from(count.to_string()));
    }
    Ok(())
}

/// Whether two versions of an object want different things.
fn wanted_differs(rule: GenerationRule, old: &Value, new: &Value) -> bool {
    let differs = |pointer: &str| non_empty(old.pointer(pointer)) != non_empty(new.pointer(pointer));
    match rule {
        GenerationRule::Untracked => false,
        GenerationRule::Spec => differs("/spec"),
        GenerationRule::SpecOrAnnotations => differs("/spec") || differs("/metadata/annotations"),
        GenerationRule::Content => {
            let content = |value: &Value| {
                let mut object = value.as_object().cloned().unwrap_or_default();
                object.remove("metadata");
                object.remove("status");
                object
            };
            content(old) != content(new)
        }
        GenerationRule::AllButMetadata => {
            let content = |value: &Value| {
                let mut object = value.as_object().cloned().unwrap_or_default();
                object.remove("metadata");
                object
            };
            content(old) != content(new)
        }
    }
}

fn non_empty(value: Option<&Value>) -> Option<&Value> {
    value.filter(|v| !v.is_null() && v.as_object().is_none_or(|o| !o.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules() {
        let old = json!({"metadata": {"annotations": {"a": "1"}}, "spec": {"replicas": 1}, "status": {"x": 1}});
        let annotated = json!({"metadata": {"annotations": {"a": "2"}}, "spec": {"replicas": 1}, "status": {"x": 1}});
        let scaled = json!({"metadata": {"annotations": {"a": "1"}}, "spec": {"replicas": 2}, "status": {"x": 1}});
        let observed = json!({"metadata": {"annotations": {"a": "1"}}, "spec": {"replicas": 1}, "status": {"x": 2}});
        // rule | annotated scaled observed
        for (rule, wants) in [
            (GenerationRule::Untracked, [false, false, false]),
            (GenerationRule::Spec, [false, true, false]),
            (GenerationRule::SpecOrAnnotations, [true, true, false]),
            (GenerationRule::Content, [false, true, false]),
            (GenerationRule::AllButMetadata, [false, true, true]),
        ] {
            for (new, want) in [&annotated, &scaled, &observed].into_iter().zip(wants) {
                assert_eq!(wanted_differs(rule, &old, new), want, "{rule:?} {new}");
            }
        }
    }
}
