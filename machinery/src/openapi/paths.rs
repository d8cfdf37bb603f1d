//! The standard operations of the served kinds, told once for both kinds of document.

use serde_json::{Value, json};

use super::ServedKind;
use super::definitions::{self, definition_name};

/// One path and what can be done there.
pub(super) struct Path {
    /// The path, with `{namespace}` and `{name}`.
    pub(super) path: String,
    /// Parameters of every operation: `name` and `namespace`.
    pub(super) parameters: Vec<Value>,
    /// Operations by method.
    pub(super) operations: Vec<Operation>,
}

/// One operation.
pub(super) struct Operation {
    /// HTTP method in lower case.
    pub(super) method: &'static str,
    /// `x-kubernetes-action`.
    pub(super) action: &'static str,
    /// Unique id.
    pub(super) id: String,
    /// One sentence.
    pub(super) description: String,
    /// Tag of the group and version.
    pub(super) tag: String,
    /// What it takes.
    pub(super) body: Body,
    /// Status codes of success.
    pub(super) codes: &'static [&'static str],
    /// Definition of what it answers.
    pub(super) answer: String,
    /// Query parameters.
    pub(super) query: &'static [&'static str],
    /// Whether it may be watched.
    pub(super) streams: bool,
    /// `x-kubernetes-group-version-kind`.
    pub(super) kind: Value,
    /// Whether protobuf and strategic merge patches are spoken.
    pub(super) native: bool,
}

/// What an operation takes.
pub(super) enum Body {
    /// Nothing.
    Nothing,
    /// An object of a definition.
    Object(String),
    /// Options that may be left out.
    Options,
    /// A patch.
    Patch,
}

const LIST: &[&str] = &[
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
    "watch",
];
const WRITE: &[&str] = &["dryRun", "fieldManager", "fieldValidation"];
const PATCH: &[&str] = &["dryRun", "fieldManager", "fieldValidation", "force"];
const DELETE: &[&str] = &["dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy"];
const DELETE_COLLECTION: &[&str] = &[
    "continue",
    "dryRun",
    "fieldSelector",
    "gracePeriodSeconds",
    "labelSelector",
    "limit",
    "orphanDependents",
    "propagationPolicy",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
];

/// The paths of a kind.
pub(super) fn paths(kind: &ServedKind) -> Vec<Path> {
    let api_version = kind.api_version();
    let base = if kind.group.is_empty() {
        format!("/api/{api_version}")
    } else {
        format!("/apis/{api_version}")
    };
    let Some((object, list)) = definitions::names_of(kind) else {
        return Vec::new();
    };
    let maker = Maker { kind, object, list };
    let verb = |verb: &str| kind.verbs.iter().any(|v| v == verb);
    let mut out = Vec::new();
    let collection = if kind.namespaced {
        if verb("list") {
            let mut all = maker.operation("get", "list", "list or watch objects of kind", "");
            all.id = format!("list{}{}ForAllNamespaces", group_name(kind), kind.kind);
            out.push(Path {
                path: format!("{base}/{}", kind.plural),
                parameters: Vec::new(),
                operations: vec![all],
            });
        }
        format!("{base}/namespaces/{{namespace}}/{}", kind.plural)
    } else {
        format!("{base}/{}", kind.plural)
    };
    let mut operations = Vec::new();
    for (name, method, action, words) in [
        ("list", "get", "list", "list or watch objects of kind"),
        ("create", "post", "post", "create"),
        ("deletecollection", "delete", "deletecollection", "delete collection of"),
    ] {
        if verb(name) {
            operations.push(maker.operation(method, action, words, ""));
        }
    }
    push(&mut out, &collection, maker.parameters(false), operations);
    let mut operations = Vec::new();
    for (name, method, action, words) in [
        ("get", "get", "get", "read the specified"),
        ("update", "put", "put", "replace the specified"),
        ("delete", "delete", "delete", "delete a"),
        ("patch", "patch", "patch", "partially update the specified"),
    ] {
        if verb(name) {
            operations.push(maker.operation(method, action, words, ""));
        }
    }
    let item = format!("{collection}/{{name}}");
    push(&mut out, &item, maker.parameters(true), operations);
    for subresource in &kind.subresources {
        let mut operations = Vec::new();
        for (name, method, action, words) in [
            ("get", "get", "get", "read"),
            ("create", "post", "post", "create"),
            ("update", "put", "put", "replace"),
            ("patch", "patch", "patch", "partially update"),
        ] {
            if subresource.verbs.iter().any(|v| v == name) {
                let words = format!("{words} {} of the specified", subresource.name);
                let mut operation = maker.operation(method, action, &words, &subresource.name);
                if let Some(name) = definition_name(&subresource.api_version, &subresource.kind) {
                    if matches!(operation.body, Body::Object(_)) {
                        operation.body = Body::Object(name.clone());
                    }
                    operation.answer = name;
                    let (group, version) = subresource
                        .api_version
                        .split_once('/')
                        .unwrap_or(("", &subresource.api_version));
                    operation.kind = json!({"group": group, "version": version, "kind": subresource.kind});
                }
                operations.push(operation);
            }
        }
        push(
            &mut out,
            &format!("{item}/{}", subresource.name),
            maker.parameters(true),
            operations,
        );
    }
    out
}

fn push(out: &mut Vec<Path>, path: &str, parameters: Vec<Value>, operations: Vec<Operation>) {
    if !operations.is_empty() {
        out.push(Path {
            path: path.to_owned(),
            parameters,
            operations,
        });
    }
}

struct Maker<'a> {
    kind: &'a ServedKind,
    object: String,
    list: String,
}

impl Maker<'_> {
    fn operation(&self, method: &'static str, action: &'static str, words: &str, subresource: &str) -> Operation {
        let kind = self.kind;
        let native = kind.group != api::well_known::GROUP && kind.schema.is_none();
        let object = self.object.clone();
        let (verb, body, codes, answer, query): (_, _, &[&str], _, &[&str]) = match action {
            "list" => ("list", Body::Nothing, &["200"], self.list.clone(), LIST),
            "post" => (
                "create",
                Body::Object(object.clone()),
                &["200", "201", "202"],
                object,
                WRITE,
            ),
            "put" => ("replace", Body::Object(object.clone()), &["200", "201"], object, WRITE),
            "patch" => ("patch", Body::Patch, &["200", "201"], object, PATCH),
            "delete" => (
                "delete",
                Body::Options,
                &["200", "202"],
                definitions::STATUS.to_owned(),
                DELETE,
            ),
            "deletecollection" => (
                "deleteCollection",
                Body::Options,
                &["200"],
                definitions::STATUS.to_owned(),
                DELETE_COLLECTION,
            ),
            _ => ("read", Body::Nothing, &["200"], object, &[]),
        };
        let (verb, collection) = if verb == "deleteCollection" {
            ("delete", "Collection")
        } else {
            (verb, "")
        };
        let place = if kind.namespaced { "Namespaced" } else { "" };
        let id = format!(
            "{verb}{}{collection}{place}{}{}",
            group_name(kind),
            kind.kind,
            capital(subresource)
        );
        Operation {
            method,
            action,
            id,
            description: format!("{words} {}", kind.kind),
            tag: tag(&kind.group, &kind.version),
            body,
            codes,
            answer,
            query,
            streams: action == "list",
            kind: json!({"group": kind.group, "version": kind.version, "kind": kind.kind}),
            native,
        }
    }

    fn parameters(&self, named: bool) -> Vec<Value> {
        let mut out = Vec::new();
        if named {
            out.push(json!({"name": "name", "in": "path", "required": true,
                "description": format!("name of the {}", self.kind.kind), "schema": {"type": "string", "uniqueItems": true}}));
        }
        if self.kind.namespaced {
            out.push(json!({"name": "namespace", "in": "path", "required": true,
                "description": "the namespace", "schema": {"type": "string", "uniqueItems": true}}));
        }
        out
    }
}

/// The tag of a group and version, such as `apps_v1` and `core_v1`.
pub(super) fn tag(group: &str, version: &str) -> String {
    let group = group.strip_suffix(".k8s.io").unwrap_or(group);
    let group = if group.is_empty() {
        "core".to_owned()
    } else {
        camel(group, false)
    };
    format!("{group}_{version}")
}

/// The group and version in operation ids, such as `AppsV1`.
pub(super) fn group_name(kind: &ServedKind) -> String {
    let group = kind.group.strip_suffix(".k8s.io").unwrap_or(&kind.group);
    let group = if group.is_empty() {
        "Core".to_owned()
    } else {
        camel(group, true)
    };
    format!("{group}{}", capital(&kind.version))
}

fn camel(dotted: &str, first: bool) -> String {
    let parts = dotted.split('.').enumerate();
    parts
        .map(|(i, part)| if i > 0 || first { capital(part) } else { part.to_owned() })
        .collect()
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars
        .next()
        .map(|c| c.to_ascii_uppercase().to_string() + chars.as_str())
        .unwrap_or_default()
}
