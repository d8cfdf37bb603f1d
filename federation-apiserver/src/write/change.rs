//! What a client proposes: a whole object, a patch of it, or an applied configuration.

use machinery::patch;
use machinery::schema;
use machinery::status::Status;
use serde_json::Value;

use crate::kinds::Kind;

/// A proposal.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// This object instead of the old one; with the keys that were there twice.
    Replace(Value, Vec<String>),
    /// A patch of whatever the object is then.
    Patch(Patch),
    /// What one manager wants of the object; with the keys that were there twice.
    Apply(Value, Vec<String>),
}

/// A patch.
#[derive(Clone, Debug)]
pub(crate) enum Patch {
    /// RFC 6902.
    Json(Value),
    /// RFC 7386.
    Merge(Value),
    /// Kubernetes' own.
    Strategic(Value),
}

impl Patch {
    /// The patch as it was sent.
    pub(super) fn value(&self) -> &Value {
        match self {
            Self::Json(patch) | Self::Merge(patch) | Self::Strategic(patch) => patch,
        }
    }

    /// The patched object.
    pub(super) fn onto(&self, kind: &Kind, base: &Value) -> Result<Value, Status> {
        match self {
            Self::Json(patch) => patch::json_patch(base, patch).map_err(Status::from),
            Self::Merge(patch) => Ok(patch::merge_patch(base, patch)),
            Self::Strategic(patch) => {
                let schema = base
                    .get("apiVersion")
                    .and_then(Value::as_str)
                    .zip(base.get("kind").and_then(Value::as_str))
                    .and_then(|(api_version, kind)| schema::of(api_version, kind))
                    .ok_or_else(|| {
                        Status::internal(format!(
                            "no schema is known of {}; strategic merge is impossible",
                            kind.kind
                        ))
                    })?;
                patch::strategic(schema, base, patch).map_err(Status::from)
            }
        }
    }
}
