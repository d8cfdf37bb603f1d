//! What a kind looks like: the compiled structural schema of one place in an object, and where to find it.
//!
//! In: OpenAPI schemas, ours derived from Rust types, Kubernetes' from the embedded table. Out: [`Schema`] trees that
//! decoding, patching, pruning and defaulting walk. References between definitions stay names and are followed at use,
//! so a definition may contain itself. Descriptions and OpenAPI documents live in [`crate::openapi`]; values are judged
//! in [`crate::validate`].

pub mod builtin;
mod compile;
mod convert;
pub mod own;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use compile::{from_openapi, from_structural};
pub use convert::{openapi_of, schema_of};
use serde_json::Value;

/// The JSON form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A map with [`Schema::properties`], or with any keys and [`Schema::additional`] values.
    Object,
    /// A list of [`Schema::items`].
    Array,
    /// Text.
    String,
    /// A number without a fraction; 32 bits where [`Schema::int32`].
    Integer,
    /// Any number.
    Number,
    /// True or false.
    Boolean,
    /// `IntOrString`.
    IntOrString,
    /// A `Quantity`: text, or a number in requests.
    Quantity,
    /// Anything at all.
    Any,
}

/// What one place of an object may hold.
#[derive(Clone, Debug)]
pub struct Schema {
    /// Its JSON form.
    pub form: Form,
    /// Named fields.
    pub properties: BTreeMap<String, Field>,
    /// Values of keys that are not in `properties`; a map such as `labels`.
    pub additional: Option<Box<Field>>,
    /// Items of a list.
    pub items: Option<Box<Field>>,
    /// Names of the properties that must be there.
    pub required: Vec<String>,
    /// Keys that are not known are kept, with whatever they hold.
    pub preserve_unknown: bool,
    /// An integer of 32 bits.
    pub int32: bool,
    /// Text of base64.
    pub bytes: bool,
    /// Text of an RFC 3339 time.
    pub time: bool,
    /// The whole map changes at once (`x-kubernetes-map-type: atomic`).
    pub atomic_map: bool,
    /// Comes from a Kubernetes type: optional lists and maps that are empty are the same as absent.
    pub native: bool,
}

/// How a list is merged by server-side apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListType {
    /// As one value.
    #[default]
    Atomic,
    /// Unique scalars.
    Set,
    /// Items known by [`Field::list_map_keys`].
    Map,
}

/// A named place: its schema, and how patches treat it there.
#[derive(Clone, Debug)]
pub struct Field {
    shape: Shape,
    /// How server-side apply merges the list.
    pub list_type: ListType,
    /// Fields that tell the items of a [`ListType::Map`] apart.
    pub list_map_keys: Vec<String>,
    /// Strategic merge: `merge`, `replace`, `retainKeys`; several may hold.
    pub patch_strategies: Vec<String>,
    /// Strategic merge: the field that tells the items of a merged list apart; none for lists of scalars.
    pub patch_merge_key: Option<String>,
    /// The whole map changes at once, by the word of this place.
    pub atomic_map: bool,
    /// What a typed server writes where nothing is given; `{}` for a nested struct that is always there. Empty text, zero
    /// and false are not told, for they are the same as absent.
    pub default: Option<Value>,
}

/// A schema in place, or the name of a definition of [`builtin`].
#[derive(Clone, Debug)]
enum Shape {
    Inline(Arc<Schema>),
    Named(Arc<str>),
}

impl Field {
    /// What the field holds. A reference to a definition that does not exist holds anything.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        match &self.shape {
            Shape::Inline(schema) => schema,
            Shape::Named(name) => builtin::definition(name).unwrap_or(builtin::anything()),
        }
    }

    /// Whether the map changes at once, by the word of the place or of the type.
    #[must_use]
    pub fn is_atomic_map(&self) -> bool {
        self.atomic_map || self.schema().atomic_map
    }

    /// Whether strategic merge merges the list rather than replaces it.
    #[must_use]
    pub fn is_merged(&self) -> bool {
        self.patch_strategies.iter().any(|strategy| strategy == "merge")
    }

    /// Whether strategic merge clears the keys that `$retainKeys` does not name.
    #[must_use]
    pub fn retains_keys(&self) -> bool {
        self.patch_strategies.iter().any(|strategy| strategy == "retainKeys")
    }
}

impl Schema {
    /// The field of that name: a property, or the value of a map.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.properties.get(name).or(self.additional.as_deref())
    }

    /// Follows names from here; items of lists are followed without a word of their own.
    #[must_use]
    pub fn descend(&self, path: &[&str]) -> Option<&Schema> {
        let mut here = self;
        for name in path {
            while let Some(items) = &here.items {
                here = items.schema();
            }
            here = here.field(name)?.schema();
        }
        Some(here)
    }

    /// Whether a key that is not a property is kept.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.preserve_unknown || self.form == Form::Any
    }
}

/// The schema of a kind that Kubernetes builds in or that is Meridian's own.
#[must_use]
pub fn of(api_version: &str, kind: &str) -> Option<&'static Schema> {
    builtin::schema(api_version, kind).or_else(|| own::schema(api_version, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merge_keys_of_well_known_lists() {
        let pod = of("v1", "Pod").unwrap().descend(&["spec"]).unwrap();
        for (field, key) in [
            ("containers", Some("name")),
            ("volumes", Some("name")),
            ("imagePullSecrets", Some("name")),
            ("tolerations", None),
        ] {
            assert_eq!(pod.field(field).unwrap().patch_merge_key.as_deref(), key, "{field}");
        }
        assert!(pod.field("volumes").unwrap().retains_keys());
        let service = of("v1", "Service").unwrap().descend(&["spec"]).unwrap();
        let ports = service.field("ports").unwrap();
        assert_eq!(ports.patch_merge_key.as_deref(), Some("port"));
        assert_eq!(ports.list_map_keys, ["port", "protocol"]);
        let deployment = of("apps/v1", "Deployment").unwrap();
        assert!(
            deployment
                .descend(&["spec"])
                .unwrap()
                .field("strategy")
                .unwrap()
                .retains_keys()
        );
        let metadata = deployment.descend(&["metadata"]).unwrap();
        let finalizers = metadata.field("finalizers").unwrap();
        assert!(finalizers.is_merged() && finalizers.patch_merge_key.is_none());
        assert_eq!(finalizers.list_type, ListType::Set);
    }

    #[test]
    fn a_definition_may_contain_itself() {
        let crd = of("apiextensions.k8s.io/v1", "CustomResourceDefinition").unwrap();
        let schema = crd.descend(&["spec", "versions", "schema", "openAPIV3Schema"]).unwrap();
        let deep = schema
            .descend(&["properties", "a", "properties", "b", "not", "type"])
            .unwrap();
        assert_eq!(deep.form, Form::String);
    }

    #[test]
    fn special_forms() {
        let ports = of("v1", "Service")
            .unwrap()
            .descend(&["spec", "ports", "targetPort"])
            .unwrap();
        assert_eq!(ports.form, Form::IntOrString);
        let limits = of("v1", "Pod")
            .unwrap()
            .descend(&["spec", "containers", "resources", "limits", "cpu"])
            .unwrap();
        assert_eq!(limits.form, Form::Quantity);
        let fields = of("v1", "Pod")
            .unwrap()
            .descend(&["metadata", "managedFields", "fieldsV1"])
            .unwrap();
        assert!(fields.is_open());
        assert!(of("v1", "Secret").unwrap().descend(&["data", "x"]).unwrap().bytes);
    }

    #[test]
    fn unknown_kinds_have_none() {
        assert!(of("v1", "Nope").is_none());
        assert!(of("apps/v2", "Deployment").is_none());
    }
}
