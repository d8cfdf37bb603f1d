//! `Region`: a place on earth, and the clients that belong to it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metadata::ObjectMeta;

/// A place on earth.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Metadata; the name is the region's label in DNS names.
    pub metadata: ObjectMeta,
    /// Where it is and who belongs to it.
    #[serde(default)]
    pub spec: RegionSpec,
}

/// Where a region is and who belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RegionSpec {
    /// Degrees north.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latitude: Option<f64>,
    /// Degrees east.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longitude: Option<f64>,
    /// Client networks that belong here; the longest match over all regions wins.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cidrs: Vec<String>,
    /// ISO 3166-1 alpha-2 codes of countries that belong here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub countries: Vec<String>,
    /// Two-letter codes of continents that belong here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub continents: Vec<String>,
    /// Regions whose addresses are answered while this one has none, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<String>,
}
