//! What a script says: cases, and their steps. In: YAML. Out: values; [`super::play`] carries them out.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// Requests that belong together. Each case has a namespace of its own, `${ns}`, which names objects of clusters too.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it is about; accepted differences name it.
    #[serde(rename = "case")]
    pub name: String,
    /// The requests, in order.
    pub steps: Vec<Step>,
}

/// One request.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// Method, path and query in one line: `GET /api/v1/namespaces/${ns}/configmaps?limit=1`.
    #[serde(rename = "do")]
    pub request: String,
    /// What the step is called in differences; by default its number and method.
    pub name: String,
    /// Which form is wanted: a short name of [`Step::media_type`], or a media type.
    pub accept: String,
    /// Which form the body has: a short name of [`Step::media_type`], or a media type.
    #[serde(rename = "type")]
    pub content: String,
    /// The body as a value; `${name}` stands for a kept one.
    pub body: Option<Value>,
    /// The body as it is, for what is no JSON.
    pub text: Option<String>,
    /// A kept value that is the body; `body` is then merged into it.
    pub from: Option<String>,
    /// Bytes kept by `keep_bytes` that are the body.
    pub bytes: Option<String>,
    /// Whether `bytes` are those that the other server answered.
    pub cross: bool,
    /// Who asks, instead of the administrator.
    #[serde(rename = "as")]
    pub user: Option<User>,
    /// Parts of the answer for later steps, by name: JSON pointers.
    pub keep: BTreeMap<String, String>,
    /// A name for the answer's bytes.
    pub keep_bytes: Option<String>,
    /// A watch: how many events are waited for before it is closed.
    pub events: Option<usize>,
    /// The request is sent again until the answer has this code.
    pub until_code: Option<u16>,
    /// The request is sent again until the answer has these values, by JSON pointer.
    pub until: BTreeMap<String, Value>,
    /// A preparation: what is answered is not compared.
    pub quiet: bool,
}

/// Somebody to impersonate.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The name.
    pub name: String,
    /// The groups; `system:authenticated` is added by the server.
    #[serde(default)]
    pub groups: Vec<String>,
}

impl Step {
    /// A request line without more.
    #[must_use]
    pub fn of(request: impl Into<String>) -> Self {
        Self {
            request: request.into(),
            ..Self::default()
        }
    }

    /// A request with a JSON body.
    #[must_use]
    pub fn with(request: impl Into<String>, body: Value) -> Self {
        Self {
            body: Some(body),
            ..Self::of(request)
        }
    }

    /// A name for differences.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..self
        }
    }

    /// The form of the body.
    #[must_use]
    pub fn typed(self, content: &str) -> Self {
        Self {
            content: content.to_owned(),
            ..self
        }
    }

    /// The form that is wanted.
    #[must_use]
    pub fn accepting(self, accept: &str) -> Self {
        Self {
            accept: accept.to_owned(),
            ..self
        }
    }

    /// A part of the answer for later steps.
    #[must_use]
    pub fn keeping(mut self, name: &str, pointer: &str) -> Self {
        self.keep.insert(name.to_owned(), pointer.to_owned());
        self
    }

    /// The media type that a short name stands for.
    #[must_use]
    pub fn media_type(short: &str) -> &str {
        match short {
            "" | "json" => "application/json",
            "yaml" => "application/yaml",
            "protobuf" => "application/vnd.kubernetes.protobuf",
            "merge" => "application/merge-patch+json",
            "json-patch" => "application/json-patch+json",
            "strategic" => "application/strategic-merge-patch+json",
            "apply" => "application/apply-patch+yaml",
            "table" => "application/json;as=Table;v=v1;g=meta.k8s.io",
            "partial" => "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
            "partials" => "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
            "aggregated" => "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
            other => other,
        }
    }

    /// What differences call the step.
    #[must_use]
    pub fn label(&self, number: usize) -> String {
        if self.name.is_empty() {
            let method = self.request.split(' ').next().unwrap_or_default();
            return format!("{number} {method}");
        }
        self.name.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_reads() {
        let text = "- case: one\n  steps:\n  - do: PUT /x\n    type: yaml\n    from: it\n    body: {a: [1]}\n    keep: {rv: /metadata/resourceVersion}\n";
        let cases: Vec<Case> = serde_saphyr::from_str(text).unwrap();
        let step = &cases[0].steps[0];
        assert_eq!((step.label(3).as_str(), step.from.as_deref()), ("3 PUT", Some("it")));
        assert_eq!(step.body, Some(serde_json::json!({"a": [1]})));
        assert_eq!(Step::media_type(&step.content), "application/yaml");
        let wrong = text.replace("type:", "tipe:");
        assert!(serde_saphyr::from_str::<Vec<Case>>(&wrong).is_err());
    }
}
