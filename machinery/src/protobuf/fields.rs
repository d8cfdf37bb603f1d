//! The table of messages and fields, parsed once from `data/protobuf-fields.txt` (its maker documents the format).

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Every message that is known.
pub(super) static TABLE: LazyLock<Table> =
    LazyLock::new(|| Table::parse(include_str!("../../data/protobuf-fields.txt")));

/// Messages, and which of them are kinds.
pub(super) struct Table {
    messages: Vec<Message>,
    kinds: BTreeMap<&'static str, BTreeMap<&'static str, usize>>,
}

/// One message.
pub(super) struct Message {
    /// What it is in JSON.
    pub(super) form: Form,
    /// Its fields by number.
    pub(super) fields: Vec<Field>,
}

/// What a message is in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// An object.
    Object,
    /// The list that is its only field.
    List,
    /// RFC 3339 text with seconds.
    Time,
    /// RFC 3339 text with microseconds.
    MicroTime,
    /// Go's text of a duration.
    Duration,
    /// The text of a quantity.
    Quantity,
    /// A number or a text.
    IntOrString,
    /// Any JSON, carried as bytes of JSON or as a framed object.
    Raw,
    /// Any JSON, carried as bytes of JSON.
    Json,
    /// One of its fields, whichever the JSON fits: an object, a list, or true and false.
    Either,
}

/// One field.
pub(super) struct Field {
    /// Its number.
    pub(super) number: u32,
    /// Its name in JSON.
    pub(super) name: &'static str,
    /// How many values it holds.
    pub(super) count: Count,
    /// What a value is.
    pub(super) kind: Kind,
    /// A pointer in Go: presence means something even of zero values.
    pub(super) pointer: bool,
    /// Not printed in JSON when empty or zero.
    pub(super) omitted: bool,
    /// Its message's fields stand in the parent's JSON object.
    pub(super) inline: bool,
}

/// How many values a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// At most one.
    One,
    /// A list.
    Many,
    /// A map with text keys.
    Map,
}

/// What a value of a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Int32,
    Int64,
    Bool,
    Bytes,
    Double,
    /// A message, by its place in the table.
    Message(usize),
}

impl Message {
    pub(super) fn field(&self, number: u32) -> Option<&Field> {
        self.fields.iter().find(|field| field.number == number)
    }
}

/// Stands for a message that the table does not have; parsing never makes a reference to one.
static NO_MESSAGE: Message = Message {
    form: Form::Object,
    fields: Vec::new(),
};

/// The version of the shared kinds.
const META_VERSION: &str = "meta.k8s.io/v1";

impl Table {
    /// The message of a kind. Shared kinds (`Status`, `DeleteOptions`, ...) exist in every version, and in a group of their
    /// own as which `PartialObjectMetadata` is answered.
    pub(super) fn kind(&self, api_version: &str, kind: &str) -> Option<&Message> {
        let own = self.kinds.get(api_version).and_then(|kinds| kinds.get(kind));
        let shared = || {
            self.kinds
                .get("meta")
                .filter(|_| api_version == META_VERSION || self.kinds.contains_key(api_version))?
                .get(kind)
        };
        own.or_else(shared).and_then(|at| self.messages.get(*at))
    }

    pub(super) fn message(&self, at: usize) -> &Message {
        self.messages.get(at).unwrap_or(&NO_MESSAGE)
    }

    fn parse(text: &'static str) -> Self {
        let lines = || {
            text.lines()
                .filter_map(|line| line.split_once(' ').or(Some((line, ""))))
        };
        let names: BTreeMap<&str, usize> = lines()
            .filter_map(|(first, _)| first.strip_prefix('='))
            .enumerate()
            .map(|(at, name)| (name, at))
            .collect();
        let mut table = Self {
            messages: Vec::new(),
            kinds: BTreeMap::new(),
        };
        let mut versions: BTreeMap<&str, &str> = BTreeMap::new();
        for (first, rest) in lines() {
            if let Some(package) = first.strip_prefix('@') {
                versions.insert(package, if package == "meta.v1" { "meta" } else { rest });
            } else if let Some(name) = first.strip_prefix('=') {
                if rest == "!" {
                    let (package, kind) = name.rsplit_once('.').unwrap_or(("", name));
                    if let Some(version) = versions.get(package) {
                        table
                            .kinds
                            .entry(version)
                            .or_default()
                            .insert(kind, table.messages.len());
                    }
                }
                table.messages.push(Message {
                    form: form(name, rest),
                    fields: Vec::new(),
                });
            } else if let (Ok(number), Some(message)) = (first.parse(), table.messages.last_mut()) {
                message.fields.extend(field(number, rest, &names));
            }
        }
        for message in &mut table.messages {
            message.fields.sort_by_key(|field| field.number);
        }
        table
    }
}

fn form(name: &str, marks: &str) -> Form {
    match name {
        "meta.v1.Time" => Form::Time,
        "meta.v1.MicroTime" => Form::MicroTime,
        "meta.v1.Duration" => Form::Duration,
        "resource.Quantity" => Form::Quantity,
        "intstr.IntOrString" => Form::IntOrString,
        "runtime.RawExtension" | "meta.v1.FieldsV1" => Form::Raw,
        "apiextensions.v1.JSON" => Form::Json,
        "apiextensions.v1.JSONSchemaPropsOrArray"
        | "apiextensions.v1.JSONSchemaPropsOrBool"
        | "apiextensions.v1.JSONSchemaPropsOrStringArray" => Form::Either,
        _ if marks == "[" => Form::List,
        _ => Form::Object,
    }
}

fn field(number: u32, rest: &'static str, names: &BTreeMap<&str, usize>) -> Option<Field> {
    let mut words = rest.split(' ');
    let (name, type_) = (words.next()?, words.next()?);
    let marks = words.next().unwrap_or_default();
    let (count, type_) = match (type_.strip_prefix('['), type_.strip_prefix('{')) {
        (Some(item), _) => (Count::Many, item),
        (None, Some(value)) => (Count::Map, value),
        (None, None) => (Count::One, type_),
    };
    let kind = match type_ {
        "s" => Kind::Text,
        "i" => Kind::Int32,
        "l" => Kind::Int64,
        "b" => Kind::Bool,
        "y" => Kind::Bytes,
        "d" => Kind::Double,
        message => Kind::Message(*names.get(message)?),
    };
    let omitted = marks.contains(['o', 'z']);
    Some(Field {
        number,
        name,
        count,
        kind,
        pointer: marks.contains('p'),
        omitted,
        inline: marks.contains('>'),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_understood() {
        let text = include_str!("../../data/protobuf-fields.txt");
        let fields = text
            .lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
            .count();
        let parsed: usize = TABLE.messages.iter().map(|message| message.fields.len()).sum();
        assert_eq!(parsed, fields);
        for message in &TABLE.messages {
            assert!(message.form != Form::List || message.fields.len() == 1);
            let mut names: Vec<_> = message.fields.iter().map(|field| field.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), message.fields.len(), "two fields share a JSON name");
        }
    }

    #[test]
    fn kinds_are_found() {
        for (api_version, kind) in [
            ("v1", "Namespace"),
            ("v1", "Service"),
            ("v1", "Secret"),
            ("v1", "Event"),
            ("v1", "Status"),
            ("meta.k8s.io/v1", "PartialObjectMetadataList"),
            ("apps/v1", "DeploymentList"),
            ("apps/v1", "DeleteOptions"),
            ("coordination.k8s.io/v1", "Lease"),
            ("autoscaling/v2", "HorizontalPodAutoscaler"),
            ("authentication.k8s.io/v1", "TokenRequest"),
            ("authorization.k8s.io/v1", "SelfSubjectAccessReview"),
            ("discovery.k8s.io/v1", "EndpointSlice"),
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ] {
            assert!(TABLE.kind(api_version, kind).is_some(), "{api_version} {kind}");
        }
        assert!(TABLE.kind("v1", "PodSpec").is_none());
        assert!(TABLE.kind("federation.meridian.dev/v1alpha1", "Cluster").is_none());
        assert!(TABLE.kind("nowhere/v1", "Status").is_none());
    }
}
