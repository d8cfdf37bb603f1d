//! Types of expressions, how they are told, and which fit where.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::shape::{Shape, ShapeKind};

/// The type of an expression.
#[derive(Clone, Debug)]
pub(crate) enum Type {
    Dyn,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    Text,
    Bytes,
    Duration,
    Timestamp,
    /// A type itself.
    Kind,
    List(Box<Type>),
    Map(Box<Type>, Box<Type>),
    Optional(Box<Type>),
    /// An object with known fields, and what its type is called.
    Object(String, Arc<Shape>),
    /// A type of a library, such as `kubernetes.Quantity`.
    Opaque(&'static str),
    /// Any one type, the same wherever the letter stands in a signature.
    Param(char),
    /// What has a fault already.
    Broken,
}

impl Type {
    /// The type of a place. Objects are called after the way to them.
    pub(crate) fn of(shape: &Arc<Shape>, name: &str) -> Self {
        match &shape.kind {
            ShapeKind::Any => Self::Dyn,
            ShapeKind::Bool => Self::Bool,
            ShapeKind::Int => Self::Int,
            ShapeKind::Double => Self::Double,
            ShapeKind::Text => Self::Text,
            ShapeKind::Bytes => Self::Bytes,
            ShapeKind::Duration => Self::Duration,
            ShapeKind::Timestamp => Self::Timestamp,
            ShapeKind::List(item) => Self::List(Box::new(Self::of(item, &format!("{name}.@idx")))),
            ShapeKind::Map(value) => Self::Map(
                Box::new(Self::Text),
                Box::new(Self::of(value, &format!("{name}.@elem"))),
            ),
            ShapeKind::Object(_) => Self::Object(name.to_owned(), Arc::clone(shape)),
        }
    }

    /// The type of a field of an object; none where it has none of that name.
    pub(super) fn field(&self, name: &str) -> Option<Self> {
        let Self::Object(own, shape) = self else { return None };
        let ShapeKind::Object(fields) = &shape.kind else {
            return None;
        };
        let (_, field) = fields.get(name)?;
        Some(Self::of(field, &format!("{own}.{name}")))
    }

    /// Whether values of a type may stand where this one is wanted. Letters are bound on the way.
    pub(super) fn takes(&self, actual: &Self, bound: &mut BTreeMap<char, Self>) -> bool {
        match (self, actual) {
            (Self::Param(letter), actual) => match bound.get(letter).cloned() {
                None | Some(Self::Dyn) => {
                    bound.insert(*letter, actual.clone());
                    true
                }
                Some(known) if known.takes(actual, &mut BTreeMap::new()) => true,
                // What was bound before may be the narrower of the two.
                Some(known) if actual.takes(&known, &mut BTreeMap::new()) => {
                    bound.insert(*letter, actual.clone());
                    true
                }
                Some(_) => false,
            },
            (Self::Dyn | Self::Broken, _) | (_, Self::Dyn | Self::Broken) => true,
            (Self::List(wanted), Self::List(actual)) | (Self::Optional(wanted), Self::Optional(actual)) => {
                wanted.takes(actual, bound)
            }
            (Self::Map(key, value), Self::Map(actual_key, actual_value)) => {
                key.takes(actual_key, bound) && value.takes(actual_value, bound)
            }
            (Self::Object(wanted, _), Self::Object(actual, _)) => wanted == actual,
            (Self::Opaque(wanted), Self::Opaque(actual)) => wanted == actual,
            // Objects and the types of libraries may be null.
            (Self::Object(..) | Self::Opaque(_) | Self::Duration | Self::Timestamp | Self::Optional(_), Self::Null)
            | (Self::Null, Self::Object(..) | Self::Opaque(_) | Self::Duration | Self::Timestamp | Self::Optional(_)) => {
                true
            }
            (wanted, actual) => std::mem::discriminant(wanted) == std::mem::discriminant(actual),
        }
    }

    /// The type with its letters replaced by what they were bound to.
    pub(super) fn filled(&self, bound: &BTreeMap<char, Self>) -> Self {
        match self {
            Self::Param(letter) => bound.get(letter).cloned().unwrap_or(Self::Dyn),
            Self::List(item) => Self::List(Box::new(item.filled(bound))),
            Self::Optional(inner) => Self::Optional(Box::new(inner.filled(bound))),
            Self::Map(key, value) => Self::Map(Box::new(key.filled(bound)), Box::new(value.filled(bound))),
            other => other.clone(),
        }
    }

    /// Whether two types are told alike.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Dyn | Self::Param(_) => "dyn",
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::Text => "string",
            Self::Bytes => "bytes",
            Self::Duration => "duration",
            Self::Timestamp => "timestamp",
            Self::Kind => "type",
            Self::Broken => "!error!",
            Self::Opaque(name) => name,
            Self::Object(name, _) => name,
            Self::List(item) => return write!(f, "list({item})"),
            Self::Map(key, value) => return write!(f, "map({key}, {value})"),
            Self::Optional(inner) => return write!(f, "optional_type({inner})"),
        };
        f.write_str(word)
    }
}

/// Reads a type as signatures spell it.
pub(super) fn read(text: &str) -> Type {
    let text = text.trim();
    let inner = |prefix: &str| text.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(')'));
    if let Some(item) = inner("list(") {
        return Type::List(Box::new(read(item)));
    }
    if let Some(item) = inner("optional(") {
        return Type::Optional(Box::new(read(item)));
    }
    if let Some((key, value)) = inner("map(").and_then(|inner| inner.split_once(',')) {
        return Type::Map(Box::new(read(key)), Box::new(read(value)));
    }
    match text {
        "null" => Type::Null,
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::Text,
        "bytes" => Type::Bytes,
        "duration" => Type::Duration,
        "timestamp" => Type::Timestamp,
        "type" => Type::Kind,
        "quantity" => Type::Opaque("kubernetes.Quantity"),
        "ip" => Type::Opaque("net.IP"),
        "cidr" => Type::Opaque("net.CIDR"),
        "url" => Type::Opaque("kubernetes.URL"),
        "semver" => Type::Opaque("kubernetes.Semver"),
        "format" => Type::Opaque("kubernetes.NamedFormat"),
        // Known by name, so that an expression is told what it lacks: the authorizer itself.
        "authorizer" => Type::Opaque("kubernetes.authorization.Authorizer"),
        "pathcheck" => Type::Opaque("kubernetes.authorization.PathCheck"),
        "groupcheck" => Type::Opaque("kubernetes.authorization.GroupCheck"),
        "resourcecheck" => Type::Opaque("kubernetes.authorization.ResourceCheck"),
        "decision" => Type::Opaque("kubernetes.authorization.Decision"),
        "A" | "B" | "C" => Type::Param(text.chars().next().unwrap_or('A')),
        _ => Type::Dyn,
    }
}
