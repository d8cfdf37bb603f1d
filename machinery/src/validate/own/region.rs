//! Rules about Regions.

use std::collections::BTreeSet;

use crate::field;
use crate::status::Cause;

use super::super::at::At;
use super::super::format;
use super::super::metadata::push;
use super::labels_once;

const CONTINENTS: [&str; 7] = ["AF", "AN", "AS", "EU", "NA", "OC", "SA"];

pub(super) fn region(spec: &At<'_>, name: &str, faults: &mut Vec<Cause>) {
    let (latitude, longitude) = (spec.get("latitude"), spec.get("longitude"));
    for (at, most, other) in [(&latitude, 90.0, &longitude), (&longitude, 180.0, &latitude)] {
        match at.value.as_f64() {
            Some(degrees) if degrees.abs() > most => {
                let detail = format!("must be between -{most} and {most}, inclusive");
                faults.push(field::invalid(&at.path, at.value, &detail));
            }
            Some(_) => {}
            None if other.is_set() => {
                faults.push(field::required(&at.path, "a place has both `latitude` and `longitude`"));
            }
            None => {}
        }
    }
    let mut seen = BTreeSet::new();
    for network in spec.get("cidrs").items() {
        push(&network, format::cidr(network.text()), faults);
        if !seen.insert(network.text()) {
            faults.push(field::duplicate(&network.path, network.value));
        }
    }
    for country in spec.get("countries").items() {
        if country.text().len() != 2 || !country.text().chars().all(|c| c.is_ascii_uppercase()) {
            faults.push(field::invalid(
                &country.path,
                country.value,
                "must be an ISO 3166-1 alpha-2 code, for example 'DE'",
            ));
        }
    }
    for continent in spec.get("continents").items() {
        if !CONTINENTS.contains(&continent.text()) {
            faults.push(field::not_supported(&continent.path, continent.value, &CONTINENTS));
        }
    }
    let fallbacks = spec.get("fallbacks");
    labels_once(&fallbacks, faults);
    for fallback in fallbacks.items().filter(|fallback| fallback.text() == name) {
        faults.push(field::invalid(
            &fallback.path,
            fallback.value,
            "a region cannot be its own fallback",
        ));
    }
}
