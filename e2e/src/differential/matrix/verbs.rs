//! What succeeds: reads, writes, watches, applies, subresources, pages, deletions. In: a kind. Out: cases.

use serde_json::{Value, json};

use super::super::script::{Case, Step};
use super::super::values::merged;
use super::Kind;

/// All cases of a kind.
pub(super) fn cases(kind: &Kind) -> Vec<Case> {
    let mut cases = vec![
        kind.case("reads", reads(kind)),
        kind.case("writes", writes(kind)),
        kind.case("watches", watches(kind)),
        kind.case("applies", applies(kind)),
        kind.case("taken over by apply", taken_over(kind)),
        kind.case("protobuf", protobuf(kind)),
        kind.case("deletions", deletions(kind)),
        kind.case("subresources", subresources(kind)),
    ];
    if kind.name.is_none() {
        cases.push(kind.case("pages", pages(kind)));
    }
    cases
}

const OWN: &str = "labelSelector=case%3D${ns}";

fn reads(kind: &Kind) -> Vec<Step> {
    let (all, one) = (kind.collection(), kind.place());
    let get = |query: &str| Step::of(format!("GET {all}?{OWN}{query}"));
    let mut steps = vec![
        Step::of(format!("GET {one}")).named("get what is missing"),
        get("").named("list nothing"),
        kind.create().keeping("rv", "/metadata/resourceVersion"),
        // The cache of kube-apiserver may be a moment behind its store.
        Step {
            until_code: Some(200),
            ..Step::of(format!("GET {one}?resourceVersion=0")).named("get of the cache")
        },
        Step::of(format!("GET {one}?resourceVersion=${{rv}}")).named("get not older"),
    ];
    for form in ["json", "yaml", "table", "partial", "protobuf"] {
        steps.push(
            Step::of(format!("GET {one}"))
                .accepting(form)
                .named(format!("get {form}")),
        );
    }
    for form in ["json", "yaml", "table", "partials", "protobuf"] {
        steps.push(get("").accepting(form).named(format!("list {form}")));
    }
    steps.extend([
        Step::of(format!("GET {one}?includeObject=Object"))
            .accepting("table")
            .named("table with the object"),
        Step::of(format!("GET {one}?includeObject=None"))
            .accepting("table")
            .named("table without the object"),
        get("&resourceVersion=0").named("list of the cache"),
        get("&resourceVersion=${rv}").named("list not older"),
        get("&resourceVersion=${rv}&resourceVersionMatch=NotOlderThan").named("list not older, said so"),
        get("&resourceVersion=${rv}&resourceVersionMatch=Exact").named("list exactly"),
        get("&resourceVersion=0&resourceVersionMatch=Exact").named("list exactly nothing"),
        get("&resourceVersionMatch=Exact").named("match without a version"),
        get("&resourceVersion=1&resourceVersionMatch=Other").named("another match"),
        get(&format!("&fieldSelector=metadata.name%3D{}", kind.first())).named("list by name"),
        get("&fieldSelector=metadata.name%21%3Dx").named("list all but a name"),
        get("&fieldSelector=spec.nothing%3Dx").named("list by an unknown field"),
        Step::of(format!("GET {all}?labelSelector=case+in+(${{ns}},other),!gone")).named("list by a set"),
        Step::of(format!("GET {all}?labelSelector=case+near+x")).named("list by a bad selector"),
    ]);
    steps
}

fn writes(kind: &Kind) -> Vec<Step> {
    let (all, one) = (kind.collection(), kind.place());
    let label = |value: &str| json!({"metadata": {"labels": {"step": value}}});
    let put = |name: &str| Step {
        from: Some(name.to_owned()),
        ..Step::of(format!("PUT {one}"))
    };
    let put_with = |name: &str, over: Value| Step {
        body: Some(over),
        ..put(name)
    };
    let patch = |form: &str, body: Value| Step::with(format!("PATCH {one}"), body).typed(form);
    vec![
        Step::with(format!("POST {all}?dryRun=All"), kind.whole()).named("create dry"),
        Step::of(format!("GET {one}")).named("nothing was made"),
        kind.create().keeping("first", ""),
        kind.create().named("create again"),
        put("first").named("put the same").keeping("same", ""),
        put_with("same", label("put"))
            .named("put a label")
            .keeping("second", ""),
        put_with("same", label("late")).named("put an old version"),
        put_with(
            "second",
            merged(json!({"metadata": {"resourceVersion": null}}), &label("any")),
        )
        .named("put without a version")
        .keeping("any", ""),
        put_with(
            "second",
            json!({"metadata": {"resourceVersion": null, "uid": "4d85f3aa-4662-4f5e-91d1-eb9edd8cadcc"}}),
        )
        .named("put another uid"),
        Step {
            request: format!("PUT {one}?dryRun=All"),
            ..put_with("any", json!({"metadata": {"resourceVersion": null}}))
        }
        .named("put dry"),
        patch("merge", kind.change.clone())
            .named("merge patch")
            .keeping("third", ""),
        patch("merge", kind.change.clone()).named("merge patch of nothing new"),
        patch(
            "merge",
            merged(json!({"metadata": {"resourceVersion": "1"}}), &label("x")),
        )
        .named("merge patch of an old version"),
        Step::with(format!("PATCH {one}?dryRun=All"), label("dry"))
            .typed("merge")
            .named("merge patch dry"),
        patch(
            "json-patch",
            json!([
                {"op": "test", "path": "/metadata/name", "value": kind.first()},
                {"op": "add", "path": "/metadata/annotations", "value": {"a": "b"}},
                {"op": "replace", "path": "/metadata/labels/case", "value": "${ns}"},
            ]),
        )
        .named("JSON patch"),
        patch(
            "json-patch",
            json!([{"op": "test", "path": "/metadata/name", "value": "other"}]),
        )
        .named("JSON patch that does not fit"),
        patch("json-patch", json!([{"op": "remove", "path": "/metadata/nothing"}]))
            .named("JSON patch of what is missing"),
        patch("strategic", label("strategic")).named("strategic patch"),
        patch(
            "strategic",
            json!({"metadata": {"$retainKeys": ["x"], "labels": {"$patch": "replace", "case": "${ns}"}}}),
        )
        .named("strategic patch that replaces"),
        Step::of(format!("GET {one}")).named("get what came out"),
        Step::with(format!("PUT {one}?fieldManager=other"), json!({})).named("put nothing"),
        Step {
            from: Some("third".to_owned()),
            body: Some(json!({"metadata": {"managedFields": [{}]}})),
            ..patch("merge", json!({}))
        }
        .named("patch with a whole old object"),
    ]
}

fn watches(kind: &Kind) -> Vec<Step> {
    let (all, one) = (kind.collection(), kind.place());
    let watch = |query: &str, events: usize| Step {
        events: Some(events),
        ..Step::of(format!("GET {all}?watch=true&timeoutSeconds=20&{OWN}&{query}"))
    };
    let since = "resourceVersion=${rv}";
    let patch = |body: Value| Step::with(format!("PATCH {one}"), body).typed("merge");
    vec![
        Step::of(format!("GET {all}?{OWN}"))
            .named("list")
            .keeping("rv", "/metadata/resourceVersion"),
        kind.create(),
        patch(kind.change.clone()).named("change"),
        patch(json!({"metadata": {"labels": {"case": "gone"}}})).named("leave the selection"),
        patch(json!({"metadata": {"labels": {"case": "${ns}"}}}))
            .named("come back")
            .keeping("back", "/metadata/resourceVersion"),
        // Answered when the cache is that far.
        Step::of(format!(
            "GET {all}?{OWN}&resourceVersion=${{back}}&resourceVersionMatch=NotOlderThan"
        ))
        .named("list it"),
        watch("resourceVersion=0", 1).named("watch what is there"),
        watch(
            "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true",
            2,
        )
        .named("watch a list"),
        watch("sendInitialEvents=true", 1).named("watch a list, half said"),
        kind.delete("").named("delete"),
        watch(since, 5).named("watch"),
        watch(since, 5).accepting("table").named("watch a table"),
        watch(since, 5).accepting("partial").named("watch metadata"),
        watch(&format!("{since}&fieldSelector=metadata.name%3D{}", kind.first()), 5).named("watch one"),
        watch("resourceVersion=1", 1).accepting("yaml").named("watch YAML"),
        Step {
            events: Some(2),
            ..Step::of(format!("GET {all}?watch=true&timeoutSeconds=1&{OWN}&resourceVersion=x"))
        }
        .named("watch since garbage"),
    ]
}

fn applies(kind: &Kind) -> Vec<Step> {
    let one = kind.place();
    let apply = |query: &str, body: Value| Step::with(format!("PATCH {one}?{query}"), body).typed("apply");
    let changed = merged(kind.whole(), &kind.change);
    let bare = merged(kind.whole(), &json!({"metadata": {"labels": null}}));
    vec![
        apply("fieldManager=a&dryRun=All", kind.whole()).named("apply dry"),
        apply("fieldManager=a", kind.whole()).named("apply"),
        apply("fieldManager=a", kind.whole()).named("apply the same"),
        apply("fieldManager=b", changed.clone()).named("apply in conflict"),
        apply("fieldManager=b&force=true", changed).named("apply by force"),
        apply("fieldManager=a", kind.whole()).named("apply against force"),
        apply("fieldManager=b", bare).named("apply less"),
        apply("", kind.whole()).named("apply without a manager"),
        apply(
            "fieldManager=a",
            merged(kind.whole(), &json!({"metadata": {"name": "other"}})),
        )
        .named("apply another name"),
        apply(
            "fieldManager=a",
            merged(
                kind.whole(),
                &json!({"metadata": {"managedFields": [{"manager": "x"}]}}),
            ),
        )
        .named("apply managed fields"),
        apply("fieldManager=a", merged(kind.whole(), &json!({"nothing": 1}))).named("apply an unknown field"),
        Step::with(format!("PATCH {one}?fieldManager=c"), kind.change.clone())
            .typed("merge")
            .named("patch by another"),
        Step::of(format!("GET {one}")).named("get what came out"),
        kind.delete("").named("delete"),
    ]
}

/// `kubectl apply`, then `kubectl apply --server-side`.
fn taken_over(kind: &Kind) -> Vec<Step> {
    let (all, one) = (kind.collection(), kind.place());
    let note = |object: &Value| {
        let note = json!({"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": object.to_string()}}});
        merged(object.clone(), &note)
    };
    let changed = merged(kind.whole(), &kind.change);
    vec![
        Step::with(
            format!("POST {all}?fieldManager=kubectl-client-side-apply&fieldValidation=Strict"),
            note(&kind.whole()),
        )
        .named("create with a note"),
        Step::with(format!("PATCH {one}?fieldManager=kubectl"), changed.clone())
            .typed("apply")
            .named("apply"),
        Step::with(format!("PATCH {one}?fieldManager=kubectl"), changed)
            .typed("apply")
            .named("apply again"),
        Step::of(format!("GET {one}")).named("get what came out"),
    ]
}

/// What each server writes in protobuf is read by both.
fn protobuf(kind: &Kind) -> Vec<Step> {
    let (all, one) = (kind.collection(), kind.place());
    let object = kind.written.iter().fold(kind.whole(), merged);
    let write = Step {
        keep_bytes: Some("written".to_owned()),
        ..Step::with(format!("POST {all}?dryRun=All"), object).accepting("protobuf")
    };
    let read = |cross: bool, query: &str| Step {
        bytes: Some("written".to_owned()),
        cross,
        ..Step::of(format!("POST {all}{query}")).typed("protobuf")
    };
    vec![
        write.named("written"),
        read(false, "?dryRun=All").named("own protobuf"),
        read(true, "").named("the other's protobuf"),
        Step {
            keep_bytes: Some("got".to_owned()),
            ..Step::of(format!("GET {one}")).accepting("protobuf")
        }
        .named("get protobuf"),
        Step {
            bytes: Some("got".to_owned()),
            ..Step::of(format!("PUT {one}")).typed("protobuf")
        }
        .named("put own protobuf back"),
        kind.delete("").accepting("protobuf").named("delete answers protobuf"),
        Step {
            text: Some("no protobuf".to_owned()),
            ..Step::of(format!("POST {all}")).typed("protobuf")
        }
        .named("post what is no protobuf"),
    ]
}

fn deletions(kind: &Kind) -> Vec<Step> {
    let one = kind.place();
    let delete = |options: Value| Step::with(format!("DELETE {one}"), options);
    let options = |fields: Value| merged(json!({"kind": "DeleteOptions", "apiVersion": "v1"}), &fields);
    let finalizers =
        |list: Value| Step::with(format!("PATCH {one}"), json!({"metadata": {"finalizers": list}})).typed("merge");
    vec![
        kind.create()
            .keeping("uid", "/metadata/uid")
            .keeping("rv", "/metadata/resourceVersion"),
        kind.delete("?dryRun=All").named("delete dry"),
        delete(options(json!({"dryRun": ["All"]}))).named("delete dry, in the body"),
        delete(options(json!({"dryRun": ["Some"]}))).named("delete half dry"),
        delete(options(
            json!({"preconditions": {"uid": "4d85f3aa-4662-4f5e-91d1-eb9edd8cadcc"}}),
        ))
        .named("delete another uid"),
        delete(options(json!({"preconditions": {"resourceVersion": "1"}}))).named("delete an old version"),
        delete(options(json!({"propagationPolicy": "Sideways"}))).named("delete sideways"),
        delete(options(
            json!({"propagationPolicy": "Orphan", "orphanDependents": true}),
        ))
        .named("delete, said twice"),
        finalizers(json!(["bad"])).named("a finalizer without a domain"),
        finalizers(json!(["example.com/hold"])).named("a finalizer"),
        delete(options(
            json!({"gracePeriodSeconds": 0, "propagationPolicy": "Background"}),
        ))
        .named("delete what is held"),
        kind.delete("").named("delete it again"),
        Step::of(format!("GET {one}")).named("get what is held"),
        Step::of(format!("GET {one}"))
            .accepting("table")
            .named("table of what is held"),
        finalizers(json!(["example.com/hold", "example.com/more"])).named("another finalizer while it goes"),
        finalizers(Value::Null).named("let it go"),
        Step::of(format!("GET {one}")).named("get what is gone"),
        kind.delete("").named("delete what is gone"),
        kind.create().named("create once more").keeping("uid", "/metadata/uid"),
        Step::of(format!("DELETE {one}?propagationPolicy=Foreground")).named("delete in the foreground"),
        finalizers(Value::Null).named("let it go again"),
        kind.create()
            .named("create a third time")
            .keeping("uid", "/metadata/uid"),
        delete(options(
            json!({"propagationPolicy": "Orphan", "preconditions": {"uid": "${uid}"}}),
        ))
        .named("delete and orphan"),
        finalizers(Value::Null).named("let it go at last"),
    ]
}

fn subresources(kind: &Kind) -> Vec<Step> {
    let one = kind.place();
    let status = kind.status.clone().unwrap_or_else(|| json!({"status": {}}));
    let mut steps = vec![
        Step::with(format!("POST {}", kind.collection()), merged(kind.whole(), &status)).named("create with a status"),
        Step::of(format!("GET {one}/nothing")).named("get an unknown subresource"),
        Step::of(format!("GET {one}/status"))
            .named("get the status")
            .keeping("first", ""),
        Step::with(format!("PATCH {one}"), status.clone())
            .typed("merge")
            .named("patch the status beside"),
        Step::with(format!("PATCH {one}/status"), status.clone())
            .typed("merge")
            .named("patch the status"),
        Step::with(format!("PATCH {one}/status"), kind.change.clone())
            .typed("merge")
            .named("patch the rest through the status"),
        Step {
            from: Some("first".to_owned()),
            ..Step::of(format!("PUT {one}/status"))
        }
        .named("put an old status"),
        Step::with(
            format!("PATCH {one}/status?fieldManager=s&force=true"),
            merged(
                json!({"apiVersion": kind.api, "kind": kind.kind, "metadata": {"name": kind.first()}}),
                &status,
            ),
        )
        .typed("apply")
        .named("apply the status"),
        Step::of(format!("GET {one}")).named("get what came out"),
        Step::of(format!("GET {one}"))
            .accepting("table")
            .named("table of what came out"),
        Step::of(format!("GET {one}/scale"))
            .named("get the scale")
            .keeping("scale", ""),
    ];
    if kind.scale {
        let patch = |body: Value| Step::with(format!("PATCH {one}/scale"), body).typed("merge");
        steps.extend([
            patch(json!({"spec": {"replicas": 5}})).named("scale"),
            patch(json!({"spec": {"replicas": -1}})).named("scale below nothing"),
            patch(json!({"spec": {"replicas": "x"}})).named("scale by a word"),
            Step {
                from: Some("scale".to_owned()),
                ..Step::of(format!("PUT {one}/scale"))
            }
            .named("put an old scale"),
            Step {
                from: Some("scale".to_owned()),
                body: Some(json!({"metadata": {"resourceVersion": null}, "spec": {"replicas": 7}})),
                ..Step::of(format!("PUT {one}/scale"))
            }
            .named("put a scale"),
            Step::of(format!("GET {one}/scale"))
                .accepting("table")
                .named("table of the scale"),
            Step::of(format!("GET {one}")).named("get what is scaled"),
        ]);
    }
    steps
}

fn pages(kind: &Kind) -> Vec<Step> {
    let all = kind.collection();
    let get = |query: &str| Step::of(format!("GET {all}?{OWN}{query}"));
    let three = ["a", "b", "c"].map(|suffix| {
        let name = if kind.namespaced {
            suffix.to_owned()
        } else {
            format!("${{ns}}-{suffix}")
        };
        Step::with(format!("POST {all}"), kind.object(&name)).named(format!("create {suffix}"))
    });
    let generated = merged(
        kind.whole(),
        &json!({"metadata": {"name": null, "generateName": "${ns}-made-"}}),
    );
    let mut steps = three.to_vec();
    steps.extend([
        get("&limit=2")
            .named("first page")
            .keeping("continue", "/metadata/continue"),
        get("&limit=2&continue=${continue}").named("second page"),
        get("&limit=2&continue=${continue}&resourceVersion=1").named("a page of a version"),
        get("&limit=2&resourceVersion=0").named("a page of the cache"),
        get("&limit=2").accepting("table").named("a page of a table"),
        get("&limit=2").accepting("partials").named("a page of metadata"),
        get("&limit=-1").named("a page of less than nothing"),
        get("&continue=garbage").named("a page after garbage"),
        Step::with(format!("POST {all}"), generated.clone()).named("create with a made name"),
        Step::with(
            format!("POST {all}"),
            merged(generated, &json!({"metadata": {"generateName": "Bad_"}})),
        )
        .named("create with a bad made name"),
        Step::of(format!("DELETE {all}?{OWN}&dryRun=All")).named("delete all dry"),
        Step::of(format!(
            "DELETE {all}?{OWN}&{}&fieldSelector=metadata.name%21%3D{}",
            kind.delete,
            if kind.namespaced { "a" } else { "${ns}-a" }
        ))
        .named("delete all but one"),
        get("").named("what is left"),
        Step::of(format!("DELETE {all}?{OWN}&{}", kind.delete)).named("delete the rest"),
        get("").named("nothing is left"),
    ]);
    steps
}
