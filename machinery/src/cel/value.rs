//! Values of expressions. What comes from an object is read where it stands, and only when it is asked for.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;
use std::rc::Rc;

use jiff::Timestamp;
use serde_json::{Map as JsonMap, Value as Json};

use super::authority::Question;
use super::functions::{semver::Semver, time, url::Url};
use super::shape::{Shape, ShapeKind};
use crate::quantity::Quantity;
use crate::schema::ListType;

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(Cow<'a, str>),
    Bytes(Rc<Vec<u8>>),
    /// Nanoseconds.
    Duration(i64),
    Timestamp(Timestamp),
    List(List<'a>),
    Map(Map<'a>),
    Optional(Option<Rc<Value<'a>>>),
    Type(&'static str),
    Quantity(Rc<Quantity>),
    Ip(IpAddr),
    /// An address and the length of its prefix.
    Cidr(IpAddr, u8),
    Url(Rc<Url>),
    Semver(Rc<Semver>),
    Format(&'static str),
    Question(Rc<Question<'a>>),
}

#[derive(Clone, Debug)]
pub(crate) enum List<'a> {
    Json(&'a [Json], &'a Shape),
    Own(Rc<Vec<Value<'a>>>),
}

#[derive(Clone, Debug)]
pub(crate) enum Map<'a> {
    Json(&'a JsonMap<String, Json>, &'a Shape),
    Own(Rc<Vec<(Value<'a>, Value<'a>)>>),
}

/// What a place of unknown shape holds.
static ANY: std::sync::LazyLock<Shape> = std::sync::LazyLock::new(Shape::any);

/// The name of a type that expressions may speak of.
pub(super) fn type_named(name: &str) -> Option<&'static str> {
    [
        "bool",
        "bytes",
        "double",
        "google.protobuf.Duration",
        "int",
        "list",
        "map",
        "null_type",
        "optional_type",
        "string",
        "google.protobuf.Timestamp",
        "type",
        "uint",
    ]
    .into_iter()
    .find(|known| *known == name)
}

impl<'a> Value<'a> {
    /// Reads JSON by its shape; a value that does not fit is read as what it is.
    pub(crate) fn read(json: &'a Json, shape: &'a Shape) -> Self {
        match (&shape.kind, json) {
            (_, Json::Null) => Self::Null,
            (_, Json::Bool(said)) => Self::Bool(*said),
            (ShapeKind::Double, Json::Number(number)) => Self::Double(number.as_f64().unwrap_or_default()),
            (_, Json::Number(number)) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Self::Int(whole),
                (None, real) => Self::Double(real.unwrap_or_default()),
            },
            (ShapeKind::Bytes, Json::String(text)) => Self::Bytes(Rc::new(time::bytes(text))),
            (ShapeKind::Duration, Json::String(text)) => match time::lenient_duration(text) {
                Some(nanoseconds) => Self::Duration(nanoseconds),
                None => Self::Text(Cow::Borrowed(text)),
            },
            (ShapeKind::Timestamp, Json::String(text)) => match time::parse_timestamp(text) {
                Some(time) => Self::Timestamp(time),
                None => Self::Text(Cow::Borrowed(text)),
            },
            (_, Json::String(text)) => Self::Text(Cow::Borrowed(text)),
            (_, Json::Array(items)) => Self::List(List::Json(items, shape)),
            (_, Json::Object(map)) => Self::Map(Map::Json(map, shape)),
        }
    }

    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn list(items: Vec<Value<'a>>) -> Self {
        Self::List(List::Own(Rc::new(items)))
    }

    pub(super) fn some(value: Value<'a>) -> Self {
        Self::Optional(Some(Rc::new(value)))
    }

    /// The name of its type.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::Text(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Optional(_) => "optional_type",
            Self::Type(_) => "type",
            Self::Quantity(_) => "kubernetes.Quantity",
            Self::Ip(_) => "net.IP",
            Self::Cidr(..) => "net.CIDR",
            Self::Url(_) => "kubernetes.URL",
            Self::Semver(_) => "kubernetes.Semver",
            Self::Format(_) => "kubernetes.NamedFormat",
            Self::Question(_) => "kubernetes.authorization.Authorizer",
        }
    }

    /// Characters, items or entries; one of what has none.
    pub(super) fn size(&self) -> u64 {
        let size = match self {
            Self::Text(text) => text.chars().count(),
            Self::Bytes(bytes) => bytes.len(),
            Self::List(list) => list.len(),
            Self::Map(map) => map.len(),
            _ => 1,
        };
        size as u64
    }

    /// Whether two values are the same; of different kinds they are not, but numbers are compared as numbers.
    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Type(a), Self::Type(b)) => a == b,
            (Self::Ip(a), Self::Ip(b)) => a == b,
            (Self::Cidr(a, length), Self::Cidr(b, other)) => a == b && length == other,
            (Self::Url(a), Self::Url(b)) => a == b,
            (Self::Format(a), Self::Format(b)) => a == b,
            (Self::Optional(a), Self::Optional(b)) => match (a, b) {
                (None, None) => true,
                (Some(a), Some(b)) => a.same(b),
                _ => false,
            },
            (Self::List(a), Self::List(b)) => a.same(b),
            (Self::Map(a), Self::Map(b)) => a.same(b),
            (a, b) => a.compare(b) == Some(Ordering::Equal),
        }
    }

    /// The order of two values; none where there is none.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Uint(a), Self::Uint(b)) => Some(a.cmp(b)),
            (Self::Int(a), Self::Uint(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
            (Self::Uint(a), Self::Int(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Bytes(a), Self::Bytes(b)) => Some(a.cmp(b)),
            (Self::Duration(a), Self::Duration(b)) => Some(a.cmp(b)),
            (Self::Timestamp(a), Self::Timestamp(b)) => Some(a.cmp(b)),
            (Self::Quantity(a), Self::Quantity(b)) => Some(a.cmp(b)),
            (Self::Semver(a), Self::Semver(b)) => Some(a.cmp(b)),
            (a, b) => a.number()?.partial_cmp(&b.number()?),
        }
    }

    /// A number of any kind.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Uint(number) => Some(*number as f64),
            Self::Double(number) => Some(*number),
            _ => None,
        }
    }
}

impl<'a> List<'a> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Json(items, _) => items.len(),
            Self::Own(items) => items.len(),
        }
    }

    pub(super) fn get(&self, index: usize) -> Option<Value<'a>> {
        match self {
            Self::Json(items, shape) => items.get(index).map(|item| Value::read(item, item_shape(shape))),
            Self::Own(items) => items.get(index).cloned(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Value<'a>> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// The order of sets and of map lists is of no account.
    fn same(&self, other: &Self) -> bool {
        if self.len() != other.len() {
            return false;
        }
        match self {
            Self::Json(_, shape) if shape.list_type != ListType::Atomic => {
                self.iter().all(|item| other.iter().any(|one| item.same(&one)))
            }
            _ => self.iter().zip(other.iter()).all(|(a, b)| a.same(&b)),
        }
    }

    /// One list after the other; a set takes no item twice, and a map list one of each key, the later.
    pub(super) fn join(&self, other: &Self) -> Value<'a> {
        let mut out: Vec<Value<'a>> = self.iter().collect();
        let (kind, keys): (ListType, &[String]) = match self {
            Self::Json(_, shape) => (shape.list_type, &shape.keys),
            Self::Own(_) => (ListType::Atomic, &[]),
        };
        for item in other.iter() {
            let twin = |one: &Value<'a>| match (kind, one, &item) {
                (ListType::Set, one, item) => one.same(item),
                (ListType::Map, Value::Map(one), Value::Map(item)) => keys.iter().all(|key| {
                    let key = Value::text(key.clone());
                    match (one.get(&key), item.get(&key)) {
                        (Some(a), Some(b)) => a.same(&b),
                        (a, b) => a.is_none() && b.is_none(),
                    }
                }),
                _ => false,
            };
            match out.iter().position(twin) {
                Some(index) => {
                    if let Some(place) = out.get_mut(index) {
                        *place = item;
                    }
                }
                None => out.push(item),
            }
        }
        Value::list(out)
    }
}

fn item_shape(shape: &Shape) -> &Shape {
    match &shape.kind {
        ShapeKind::List(item) => item,
        _ => &ANY,
    }
}

impl<'a> Map<'a> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Json(map, _) => map.len(),
            Self::Own(entries) => entries.len(),
        }
    }

    /// The value of a key, or of a field by the name it has in expressions.
    pub(super) fn get(&self, key: &Value<'a>) -> Option<Value<'a>> {
        match self {
            Self::Json(map, shape) => {
                let Value::Text(key) = key else { return None };
                self.field(key, map, shape)
            }
            Self::Own(entries) => entries
                .iter()
                .find(|(known, _)| known.same(key))
                .map(|(_, value)| value.clone()),
        }
    }

    fn field(&self, key: &str, map: &'a JsonMap<String, Json>, shape: &'a Shape) -> Option<Value<'a>> {
        match &shape.kind {
            ShapeKind::Object(fields) => {
                let (name, shape) = fields.get(key)?;
                map.get(name).map(|value| Value::read(value, shape))
            }
            ShapeKind::Map(values) => map.get(key).map(|value| Value::read(value, values)),
            _ => map.get(key).map(|value| Value::read(value, &ANY)),
        }
    }

    pub(super) fn keys(&self) -> Vec<Value<'a>> {
        match self {
            Self::Json(map, shape) => match &shape.kind {
                ShapeKind::Object(fields) => fields
                    .iter()
                    .filter(|(_, (name, _))| map.contains_key(name))
                    .map(|(key, _)| Value::text(key.clone()))
                    .collect(),
                _ => map.keys().map(|key| Value::text(key.as_str())).collect(),
            },
            Self::Own(entries) => entries.iter().map(|(key, _)| key.clone()).collect(),
        }
    }

    fn same(&self, other: &Self) -> bool {
        let keys = self.keys();
        keys.len() == other.keys().len()
            && keys.iter().all(|key| match (self.get(key), other.get(key)) {
                (Some(a), Some(b)) => a.same(&b),
                _ => false,
            })
    }
}
