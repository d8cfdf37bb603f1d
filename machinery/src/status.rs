//! Error `Status` objects, as kube-apiserver words them.
//!
//! In: what went wrong, named by the situation. Out: code, reason, message and details of a `metav1.Status`, and its JSON.
//! Deliberately absent: HTTP, logging, and the private cause of a 500 (that belongs in the log of whoever made it).

mod details;

use serde_json::{Value, json};

pub use details::{Cause, CauseReason, Details};

/// A failure as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Status {
    /// HTTP status code.
    pub code: u16,
    /// Machine-readable reason, one of the well-known CamelCase words.
    pub reason: &'static str,
    /// The sentence for people.
    pub message: String,
    /// What it is about; absent for failures that are about no object.
    pub details: Option<Details>,
}

/// `resource` or `resource.group`, as messages name resources and kinds.
#[must_use]
pub fn qualified(group: &str, resource: &str) -> String {
    if group.is_empty() {
        resource.to_owned()
    } else {
        format!("{resource}.{group}")
    }
}

/// The reason of that name, as a client may branch on it; empty for one that Kubernetes does not know.
#[must_use]
pub fn well_known_reason(name: &str) -> &'static str {
    [
        "AlreadyExists",
        "BadRequest",
        "Conflict",
        "Expired",
        "Forbidden",
        "Gone",
        "InternalError",
        "Invalid",
        "MethodNotAllowed",
        "NotAcceptable",
        "NotFound",
        "RequestEntityTooLarge",
        "ServerTimeout",
        "ServiceUnavailable",
        "Timeout",
        "TooManyRequests",
        "Unauthorized",
        "UnsupportedMediaType",
    ]
    .into_iter()
    .find(|known| *known == name)
    .unwrap_or_default()
}

fn about(group: &str, kind: &str, name: &str) -> Details {
    Details {
        name: name.to_owned(),
        group: group.to_owned(),
        kind: kind.to_owned(),
        ..Details::default()
    }
}

impl Status {
    fn bare(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: None,
        }
    }

    fn detailed(code: u16, reason: &'static str, message: String, details: Details) -> Self {
        Self {
            code,
            reason,
            message,
            details: Some(details),
        }
    }

    /// 404: no such object.
    #[must_use]
    pub fn not_found(group: &str, resource: &str, name: &str) -> Self {
        let message = format!("{} {name:?} not found", qualified(group, resource));
        Self::detailed(404, "NotFound", message, about(group, resource, name))
    }

    /// 404: the path names nothing that is served.
    #[must_use]
    pub fn resource_not_found() -> Self {
        let message = "the server could not find the requested resource".to_owned();
        Self::detailed(404, "NotFound", message, Details::default())
    }

    /// 409: the name is taken.
    #[must_use]
    pub fn already_exists(group: &str, resource: &str, name: &str) -> Self {
        let message = format!("{} {name:?} already exists", qualified(group, resource));
        Self::detailed(409, "AlreadyExists", message, about(group, resource, name))
    }

    /// 409: every name made from `generateName` was taken; a retry may find a free one.
    #[must_use]
    pub fn generated_name_taken(group: &str, resource: &str, name: &str) -> Self {
        let mut status = Self::already_exists(group, resource, name);
        status
            .message
            .push_str(", the server was not able to generate a unique name for the object");
        status.retry_after(1)
    }

    /// 409: the object is not as the caller believed.
    #[must_use]
    pub fn conflict(group: &str, resource: &str, name: &str, message: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} {name:?}: {message}",
            qualified(group, resource)
        );
        Self::detailed(409, "Conflict", message, about(group, resource, name))
    }

    /// 409: the resourceVersion of the request is not the object's.
    #[must_use]
    pub fn modified(group: &str, resource: &str, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(group, resource, name, why)
    }

    /// 422: the object breaks rules; one cause a fault. `kind` is the Kind, not the resource.
    #[must_use]
    pub fn invalid(group: &str, kind: &str, name: &str, causes: Vec<Cause>) -> Self {
        let mut faults: Vec<String> = Vec::new();
        for cause in &causes {
            let fault = cause.to_string();
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
        let mut message = format!("{} {name:?} is invalid", qualified(group, kind));
        match faults.as_slice() {
            [] => {}
            [only] => message.extend([": ", only]),
            more => message.push_str(&format!(": [{}]", more.join(", "))),
        }
        Self::detailed(
            422,
            "Invalid",
            message,
            Details {
                causes,
                ..about(group, kind, name)
            },
        )
    }

    /// 422: a patch that cannot be applied to the object as it is.
    #[must_use]
    pub fn unprocessable_patch(message: &str) -> Self {
        let message = format!("the server rejected our request due to an error in our request: {message}");
        Self::detailed(422, "Invalid", message, Details::default())
    }

    /// 400: the request makes no sense.
    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::bare(400, "BadRequest", message)
    }

    /// 403: not allowed. An empty `name` means the collection, an empty `resource` a path that is no resource.
    #[must_use]
    pub fn forbidden(group: &str, resource: &str, name: &str, message: &str) -> Self {
        let message = match (resource.is_empty(), name.is_empty()) {
            (true, _) => format!("forbidden: {message}"),
            (false, true) => format!("{} is forbidden: {message}", qualified(group, resource)),
            (false, false) => format!("{} {name:?} is forbidden: {message}", qualified(group, resource)),
        };
        Self::detailed(403, "Forbidden", message, about(group, resource, name))
    }

    /// 403: nothing new may be created in a namespace that is being deleted.
    #[must_use]
    pub fn namespace_terminating(group: &str, resource: &str, name: &str, namespace: &str) -> Self {
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        Self::forbidden(group, resource, name, &why).with_cause(Cause::new(
            CauseReason::NamespaceTerminating,
            "metadata.namespace",
            format!("namespace {namespace} is being terminated"),
        ))
    }

    /// 401: the credentials are bad or missing.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::bare(401, "Unauthorized", "Unauthorized")
    }

    /// 405: the resource does not have this verb. An empty `resource` means whatever the path names.
    #[must_use]
    pub fn method_not_allowed(group: &str, resource: &str, verb: &str) -> Self {
        let message = if resource.is_empty() {
            "the server does not allow this method on the requested resource".to_owned()
        } else {
            format!(
                "{verb} is not supported on resources of kind {:?}",
                qualified(group, resource)
            )
        };
        Self::detailed(405, "MethodNotAllowed", message, about(group, resource, ""))
    }

    /// 406: none of the wanted answer types can be given.
    #[must_use]
    pub fn not_acceptable(types: &[&str]) -> Self {
        let message = format!("only the following media types are accepted: {}", types.join(", "));
        Self::bare(406, "NotAcceptable", message)
    }

    /// 406: what is there has none of the wanted media types at all.
    #[must_use]
    pub fn not_represented(types: &[&str]) -> Self {
        let message = format!("406: Not Acceptable\n\nAvailable representations: {}", types.join(", "));
        Self::detailed(406, "NotAcceptable", message, Details::default())
    }

    /// 415: the body is of a type that is not read here.
    #[must_use]
    pub fn unsupported_media_type(types: &[&str]) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            types.join(", ")
        );
        Self::bare(415, "UnsupportedMediaType", message)
    }

    /// 413: the body is larger than `limit` bytes.
    #[must_use]
    pub fn too_large(limit: usize) -> Self {
        Self::request_too_large(&format!("limit is {limit}"))
    }

    /// 413: something in the request is too large; `detail` says what.
    #[must_use]
    pub fn request_too_large(detail: &str) -> Self {
        Self::bare(
            413,
            "RequestEntityTooLarge",
            format!("Request entity too large: {detail}"),
        )
    }

    /// 410: the resourceVersion or continue token is too old.
    #[must_use]
    pub fn expired(message: impl Into<String>) -> Self {
        Self::bare(410, "Expired", message)
    }

    /// 410: what was asked for is gone for good.
    #[must_use]
    pub fn gone(message: impl Into<String>) -> Self {
        Self::bare(410, "Gone", message)
    }

    /// 500: the server failed. `message` is shown to clients: keep the cause in the log.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        let message = message.into();
        let causes = vec![Cause::new(CauseReason::None, "", message.clone())];
        let details = Details {
            causes,
            ..Details::default()
        };
        Self::detailed(
            500,
            "InternalError",
            format!("Internal error occurred: {message}"),
            details,
        )
    }

    /// 500: what a create may not carry. kube-apiserver answers it without a reason.
    #[must_use]
    pub fn not_for_creation(message: impl Into<String>) -> Self {
        Self::bare(500, "", message)
    }

    /// 504: it took too long; `retry` seconds later it may work.
    #[must_use]
    pub fn timeout(message: &str, retry: u32) -> Self {
        Self::detailed(504, "Timeout", format!("Timeout: {message}"), Details::default()).retry_after(retry)
    }

    /// 504: the requested resourceVersion was not reached in time.
    #[must_use]
    pub fn resource_version_too_large(requested: u64, current: u64) -> Self {
        let cause = Cause::new(CauseReason::ResourceVersionTooLarge, "", "Too large resource version");
        Self::timeout(
            &format!("Too large resource version: {requested}, current: {current}"),
            1,
        )
        .with_cause(cause)
    }

    /// 429: come back after `retry` seconds.
    #[must_use]
    pub fn too_many_requests(message: impl Into<String>, retry: u32) -> Self {
        Self::detailed(429, "TooManyRequests", message.into(), Details::default()).retry_after(retry)
    }

    /// 503: not now.
    #[must_use]
    pub fn service_unavailable(message: impl Into<String>) -> Self {
        Self::bare(503, "ServiceUnavailable", message)
    }

    /// The same with one more cause.
    #[must_use]
    pub fn with_cause(mut self, cause: Cause) -> Self {
        self.details.get_or_insert_default().causes.push(cause);
        self
    }

    /// The same with the advice to retry after some seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.details.get_or_insert_default().retry_after_seconds = seconds;
        self
    }

    /// The JSON of the `metav1.Status`.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut value = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if let (false, Some(object)) = (self.reason.is_empty(), value.as_object_mut()) {
            object.insert("reason".to_owned(), Value::from(self.reason));
        }
        if let (Some(details), Some(object)) = (&self.details, value.as_object_mut()) {
            object.insert("details".to_owned(), details.to_value());
        }
        value
    }
}

/// The Status of a deletion that finished.
#[must_use]
pub fn deleted(group: &str, resource: &str, name: &str, uid: &str) -> Value {
    let details = Details {
        uid: uid.to_owned(),
        ..about(group, resource, name)
    };
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details.to_value(),
    })
}

#[cfg(test)]
mod tests;
