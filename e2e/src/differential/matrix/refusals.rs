//! What is refused: bodies that do not fit, paths and types that are wrong, changes that are not allowed. In: a kind. Out: cases.

use serde_json::json;

use super::super::script::{Case, Step};
use super::super::values::merged;
use super::Kind;

/// All cases of a kind.
pub(super) fn cases(kind: &Kind) -> Vec<Case> {
    let mut cases = vec![
        kind.case("field validation", field_validation(kind)),
        kind.case("refused bodies", bodies(kind)),
        kind.case("refused requests", requests(kind)),
    ];
    if !kind.invalid.is_empty() {
        let post = format!("POST {}", kind.collection());
        let steps = kind.invalid.iter().enumerate();
        let steps =
            steps.map(|(at, patch)| Step::with(&*post, merged(kind.whole(), patch)).named(format!("invalid {at}")));
        cases.push(kind.case("invalid objects", steps.collect()));
    }
    if !kind.immutable.is_empty() {
        let patch = format!("PATCH {}", kind.place());
        let steps = kind.immutable.iter().enumerate();
        let steps = steps.map(|(at, body)| {
            Step::with(&*patch, body.clone())
                .typed("merge")
                .named(format!("change {at}"))
        });
        cases.push(kind.case(
            "immutable fields",
            std::iter::once(kind.create()).chain(steps).collect(),
        ));
    }
    cases
}

fn field_validation(kind: &Kind) -> Vec<Step> {
    let (all, one) = (kind.collection(), kind.place());
    let odd = merged(kind.whole(), &json!({"metadata": {"unheard": 1}}));
    let text = kind.whole().to_string();
    let twice = format!("{{\"kind\":\"{}\",{}", kind.kind, text.trim_start_matches('{'));
    let mut steps = Vec::new();
    for how in ["", "Strict", "Warn", "Ignore", "Other"] {
        let query = format!("dryRun=All&fieldValidation={how}");
        steps.push(Step::with(format!("POST {all}?{query}"), odd.clone()).named(format!("unknown field, {how}")));
        let step = Step {
            text: Some(twice.clone()),
            ..Step::of(format!("POST {all}?{query}")).typed("json")
        };
        steps.push(step.named(format!("field said twice, {how}")));
    }
    steps.push(kind.create());
    for how in ["Strict", "Warn", "Ignore"] {
        let query = format!("dryRun=All&fieldValidation={how}");
        let patch = json!({"metadata": {"unheard": 1}});
        for form in ["merge", "strategic"] {
            let step = Step::with(format!("PATCH {one}?{query}"), patch.clone()).typed(form);
            steps.push(step.named(format!("{form} patch of an unknown field, {how}")));
        }
        let add = json!([{"op": "add", "path": "/metadata/unheard", "value": 1}]);
        steps.push(
            Step::with(format!("PATCH {one}?{query}"), add)
                .typed("json-patch")
                .named(format!("JSON patch of an unknown field, {how}")),
        );
        steps.push(Step::with(format!("PUT {one}?{query}"), odd.clone()).named(format!("put an unknown field, {how}")));
    }
    steps
}

fn bodies(kind: &Kind) -> Vec<Step> {
    let all = kind.collection();
    let post = |patch: serde_json::Value| Step::with(format!("POST {all}"), merged(kind.whole(), &patch));
    let text = |text: &str, form: &str| Step {
        text: Some(text.to_owned()),
        ..Step::of(format!("POST {all}")).typed(form)
    };
    vec![
        post(json!({"kind": "Other"})).named("another kind"),
        post(json!({"apiVersion": "other/v1"})).named("another version"),
        post(json!({"kind": null})).named("no kind"),
        post(json!({"apiVersion": null, "kind": null})).named("no kind and no version"),
        post(json!({"metadata": {"name": null}})).named("no name"),
        post(json!({"metadata": {"name": "Bad_Name"}})).named("a bad name"),
        post(json!({"metadata": {"name": "x".repeat(260)}})).named("a long name"),
        post(json!({"metadata": {"namespace": "other"}})).named("another namespace"),
        post(json!({"metadata": {"resourceVersion": "5"}})).named("a version"),
        post(json!({"metadata": {"labels": {"a b": "c"}, "annotations": {"/": "x"}}}))
            .named("bad labels and annotations"),
        post(json!({"metadata": {"labels": "x"}})).named("labels of a wrong type"),
        post(json!({"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "", "uid": ""}]}}))
            .named("a bad owner"),
        post(json!({"metadata": {"managedFields": [{"operation": "Never"}]}})).named("bad managed fields"),
        text("{", "json").named("half a body"),
        text("[]", "json").named("a list"),
        text("", "json").named("nothing"),
        text("a: [", "yaml").named("half a YAML"),
        text(&kind.whole().to_string(), "yaml").named("YAML"),
        text("<x/>", "application/xml").named("XML"),
        text(&kind.whole().to_string(), "text/plain").named("text"),
    ]
}

fn requests(kind: &Kind) -> Vec<Step> {
    let (all, one) = (kind.collection(), kind.place());
    let mut steps = vec![
        Step::with(format!("PUT {one}"), kind.whole()).named("put what is missing"),
        Step::of(format!("DELETE {one}")).named("delete"),
        Step::with(format!("PATCH {one}"), json!({"metadata": {"labels": {"a": "b"}}}))
            .typed("merge")
            .named("patch what is missing"),
        Step::with(format!("POST {one}"), kind.whole()).named("post to an object"),
        Step::with(format!("PUT {all}"), kind.whole()).named("put to a collection"),
        Step::with(format!("PATCH {all}"), json!({}))
            .typed("merge")
            .named("patch a collection"),
        kind.create(),
        Step::with(
            format!("PUT {one}"),
            merged(kind.whole(), &json!({"metadata": {"name": "other"}})),
        )
        .named("put another name"),
        Step::with(format!("PATCH {one}"), json!({"metadata": {"name": "other"}}))
            .typed("merge")
            .named("patch the name"),
        Step::with(format!("PATCH {one}"), json!({"metadata": {"namespace": "other"}}))
            .typed("merge")
            .named("patch the namespace"),
        Step::with(format!("PATCH {one}"), json!({"kind": "Other"}))
            .typed("merge")
            .named("patch the kind"),
        Step::with(format!("PATCH {one}"), json!([]))
            .typed("merge")
            .named("merge a list"),
        Step::with(format!("PATCH {one}"), json!({}))
            .typed("json-patch")
            .named("JSON patch that is no list"),
        Step::with(format!("PATCH {one}"), json!([{"op": "jump", "path": "/metadata"}]))
            .typed("json-patch")
            .named("JSON patch that jumps"),
        Step::with(format!("PATCH {one}"), json!({}))
            .typed("json")
            .named("patch of no known form"),
        Step::with(format!("POST {all}?dryRun=Some"), kind.object("x")).named("create half dry"),
        Step::of(format!("GET {all}?limit=x")).named("a limit of letters"),
        Step::of(format!("GET {one}")).accepting("text/html").named("get HTML"),
        Step::of(format!("GET {one}"))
            .accepting("application/json;as=Other;v=v1;g=meta.k8s.io")
            .named("get as another thing"),
        Step::of(format!("GET {one}"))
            .accepting("text/html, */*")
            .named("get HTML or anything"),
    ];
    if kind.namespaced {
        let elsewhere = all.replace("${ns}", "${ns}-missing");
        steps.extend([
            Step::with(format!("POST {elsewhere}"), kind.whole()).named("create in a missing namespace"),
            Step::of(format!("GET {elsewhere}")).named("list a missing namespace"),
            Step::of(format!(
                "GET {}?fieldSelector=metadata.namespace%3D${{ns}}",
                all.replace("/namespaces/${ns}", "")
            ))
            .named("list of all namespaces"),
            Step::with(format!("POST {}", all.replace("/namespaces/${ns}", "")), kind.whole())
                .named("create outside namespaces"),
        ]);
    }
    steps
}
