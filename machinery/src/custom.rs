//! Kinds that a CustomResourceDefinition declares: what a stored definition means for the objects of its kind.
//!
//! In: definitions, as JSON of `apiextensions.k8s.io/v1` that passed validation, and custom objects. Out: compiled
//! [`Version`]s that prune, default, judge, print and publish objects, and the status that a definition is to have.
//! Whether a definition itself is allowed is decided in [`crate::validate`]; which definitions there are, what is
//! served, calls to webhooks and the deletion of objects are the server's business.

mod bounds;
mod columns;
mod conversion;
pub(crate) mod correlate;
mod defaults;
pub(crate) mod format;
pub(crate) mod lists;
pub(crate) mod metadata;
pub(crate) mod number;
mod path;
pub(crate) mod pattern;
mod prune;
mod publish;
pub(crate) mod read;
pub(crate) mod rules;
mod scale;
mod status;
pub(crate) mod structural;
pub(crate) mod values;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::decode::{DecodeError, check_types};
use crate::schema::{Schema, builtin};
use crate::status::Cause;

pub use columns::PrinterColumn;
pub use conversion::{Hooked, answered as converted, asking as asking_to_convert};
pub(crate) use defaults::{Defaulted, judge_default};
pub use read::DefinitionError;
pub use read::compare as compare_versions;
pub use status::next_status;

use rules::Rules;
use structural::Structural;

/// What a CustomResourceDefinition declares.
#[derive(Clone, Debug)]
pub struct Definition {
    /// API group.
    pub group: String,
    /// Names of the kind.
    pub names: Names,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// All versions, served or not, in the order of discovery: Kubernetes' version priority.
    pub versions: Vec<Arc<Version>>,
    /// Who converts objects between versions; none where versions differ in `apiVersion` alone.
    pub hooked: Option<Hooked>,
}

/// The names of a custom kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Resource name, as in paths.
    pub plural: String,
    /// Singular resource name.
    pub singular: String,
    /// Kind.
    pub kind: String,
    /// Kind of a list.
    pub list_kind: String,
    /// Short resource names.
    pub short_names: Vec<String>,
    /// Groups of resources that it belongs to, such as `all`.
    pub categories: Vec<String>,
}

/// The scale subresource of a version, as JSON pointers into its objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Where the wanted replicas stand.
    pub replicas: String,
    /// Where the observed replicas stand.
    pub status_replicas: String,
    /// Where the label selector stands, as text.
    pub selector: Option<String>,
}

/// What is to be said of an object that replaces another.
#[derive(Debug, Default)]
pub struct Judgement {
    /// What is wrong with it.
    pub faults: Vec<Cause>,
    /// What is wrong and was before: the client is warned.
    pub warnings: Vec<String>,
}

impl Judgement {
    fn of(faults: Vec<Cause>) -> Self {
        Self {
            faults,
            warnings: Vec::new(),
        }
    }
}

/// One version of a custom kind.
#[derive(Debug)]
pub struct Version {
    /// Its name, such as `v1beta1`.
    pub name: String,
    /// Whether it is served.
    pub served: bool,
    /// Whether objects are stored in it.
    pub storage: bool,
    /// The text of the warning that answers requests to it carry, where it is deprecated.
    pub deprecation: Option<String>,
    /// Whether it has the status subresource.
    pub status: bool,
    /// Its scale subresource.
    pub scale: Option<Scale>,
    /// Names of its field selectors beside those of every kind, such as `spec.color`.
    pub selectable: Vec<String>,
    /// Its columns in tables, after the name.
    pub columns: Vec<PrinterColumn>,
    group: String,
    names: Names,
    namespaced: bool,
    structural: Structural,
    rules: Option<Rules>,
    published: Value,
    schema: Schema,
}

impl Definition {
    /// Compiles a stored CustomResourceDefinition.
    ///
    /// # Errors
    /// The object is no definition: a name or the list of versions is missing. Of one that passed validation none is.
    pub fn read(crd: &Value) -> Result<Self, DefinitionError> {
        read::definition(crd)
    }

    /// The version of that name.
    #[must_use]
    pub fn version(&self, name: &str) -> Option<&Arc<Version>> {
        self.versions.iter().find(|version| version.name == name)
    }
}

impl Version {
    /// The schema of the whole object, with `metadata` as every kind has it: what server-side apply and patches walk.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Checks the JSON types of what a custom object has in common with all others. What its own schema says about the
    /// types of the rest is a matter of validation (422), for the request can be read.
    ///
    /// # Errors
    /// The first value of `metadata`, also of embedded objects, that has a wrong type.
    pub fn check_types(&self, value: &Value) -> Result<(), DecodeError> {
        let metadata = value.get("metadata").unwrap_or(&Value::Null);
        check_types(object_meta(), metadata).map_err(|error| error.below("metadata"))?;
        prune::check_embedded(&self.structural, value)
    }

    /// Removes what the schema does not know, also inside embedded resources, and returns the paths of it as strict
    /// decoding names them. `metadata` takes the form it would have had through a typed server, and nulls go where the
    /// schema does not allow them and has no default.
    pub fn prune(&self, value: &mut Value) -> Vec<String> {
        prune::prune(&self.structural, value)
    }

    /// Writes the defaults of the schema into a value.
    pub fn fill_defaults(&self, value: &mut Value) {
        defaults::fill(&self.structural, value);
    }

    /// The faults of an object that is to be created.
    #[must_use]
    pub fn create(&self, new: &Value) -> Vec<Cause> {
        let mut faults = self.type_meta(new);
        if !faults.is_empty() {
            return faults;
        }
        metadata::create(self.namespaced, new, &mut faults);
        faults.extend(values::judge(&self.structural, new, None, None));
        faults.extend(self.scale.iter().flat_map(|scale| scale::judge(scale, new, true)));
        faults.extend(metadata::embedded(&self.structural, new));
        faults.extend(lists::judge(&self.structural, new));
        self.ask_rules(new, None, faults).faults
    }

    /// What is wrong with an object that is to replace another. Faults of what did not change are forgiven.
    #[must_use]
    pub fn update(&self, new: &Value, old: &Value) -> Judgement {
        let mut faults = self.type_meta(new);
        if !faults.is_empty() {
            return Judgement::of(faults);
        }
        metadata::update(new, old, &mut faults);
        faults.extend(values::judge(&self.structural, new, Some(old), None));
        faults.extend(self.scale.iter().flat_map(|scale| scale::judge(scale, new, true)));
        faults.extend(metadata::embedded(&self.structural, new));
        self.judge_lists(new, old, &mut faults);
        self.ask_rules(new, Some(old), faults)
    }

    /// What is wrong with an object whose status is to replace another's; all but its status is the other's.
    #[must_use]
    pub fn update_status(&self, new: &Value, old: &Value) -> Judgement {
        let mut faults = self.type_meta(new);
        if !faults.is_empty() {
            return Judgement::of(faults);
        }
        metadata::update(new, old, &mut faults);
        if let (Some(schema), Some(status)) = (self.structural.properties.get("status"), new.get("status")) {
            faults.extend(values::judge(schema, status, old.get("status"), Some("status")));
        }
        faults.extend(self.scale.iter().flat_map(|scale| scale::judge(scale, new, false)));
        self.judge_lists(new, old, &mut faults);
        self.ask_rules(new, Some(old), faults)
    }

    fn type_meta(&self, new: &Value) -> Vec<Cause> {
        metadata::type_meta(&format!("{}/{}", self.group, self.name), &self.names.kind, new)
    }

    /// Lists that were wrong before may stay so.
    fn judge_lists(&self, new: &Value, old: &Value, faults: &mut Vec<Cause>) {
        if lists::judge(&self.structural, old).is_empty() {
            faults.extend(lists::judge(&self.structural, new));
        }
    }

    /// The rules in CEL, unless the object is not of a shape that they could be asked of.
    fn ask_rules(&self, new: &Value, old: Option<&Value>, faults: Vec<Cause>) -> Judgement {
        let mut judgement = Judgement::of(faults);
        if let Some(rules) = &self.rules {
            match metadata::blocking(&judgement.faults) {
                Some(blocking) => judgement.faults.push(blocking),
                None => {
                    let answers = rules.ask(&self.structural, new, old, None);
                    judgement.faults.extend(answers.faults);
                    let told = answers.forgiven.iter();
                    judgement
                        .warnings
                        .extend(told.map(|fault| format!("{}: {}", fault.field, fault.message)));
                }
            }
        }
        judgement
    }

    /// The cells of an object: its name, then one a column.
    #[must_use]
    pub fn cells(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        columns::cells(&self.columns, object, now)
    }

    /// What a field selector of [`Version::selectable`] sees in an object; empty where the field is absent.
    #[must_use]
    pub fn selected(&self, object: &Value, name: &str) -> String {
        path::plain(object, name)
    }

    /// The OpenAPI v3 schema of the kind. References are bare definition names, as in the embedded table.
    #[must_use]
    pub fn openapi(&self) -> Value {
        self.published.clone()
    }
}

/// The schema of `metadata`.
fn object_meta() -> &'static Schema {
    builtin::definition(publish::OBJECT_META).unwrap_or(builtin::anything())
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
