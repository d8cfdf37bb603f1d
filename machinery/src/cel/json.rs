//! Values as JSON: what an expression made goes into an object.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map as JsonMap, Number, Value as Json};

use super::value::Value;

impl Value<'_> {
    /// The value as JSON; none for what JSON has no form for.
    pub(crate) fn to_json(&self) -> Option<Json> {
        Some(match self {
            Self::Null => Json::Null,
            Self::Bool(said) => Json::Bool(*said),
            Self::Int(number) => Json::from(*number),
            Self::Uint(number) => Json::from(*number),
            Self::Double(number) => Json::Number(Number::from_f64(*number)?),
            Self::Text(text) => Json::from(text.as_ref()),
            Self::Bytes(bytes) => Json::from(STANDARD.encode(bytes.as_slice())),
            Self::Timestamp(time) => Json::from(time.to_string()),
            Self::List(list) => Json::Array(list.iter().map(|item| item.to_json()).collect::<Option<_>>()?),
            Self::Map(map) => {
                let mut out = JsonMap::new();
                for key in map.keys() {
                    let Self::Text(name) = &key else { return None };
                    out.insert(name.to_string(), map.get(&key)?.to_json()?);
                }
                Json::Object(out)
            }
            Self::Quantity(amount) => Json::from(amount.canonical()),
            Self::Ip(address) => Json::from(address.to_string()),
            Self::Cidr(address, length) => Json::from(format!("{address}/{length}")),
            Self::Optional(Some(inner)) => inner.to_json()?,
            Self::Optional(None)
            | Self::Duration(_)
            | Self::Type(_)
            | Self::Url(_)
            | Self::Semver(_)
            | Self::Format(_)
            | Self::Question(_) => return None,
        })
    }
}
