//! Bounds of numbers. Whole numbers are compared with the whole part of a bound.

use serde_json::{Number, Value};

use super::{Judge, Outcome, is_whole};
use crate::custom::number;
use crate::custom::structural::Structural;
use crate::schema::Form;
use crate::status::Cause;

impl Judge<'_> {
    pub(super) fn number(&self, schema: &Structural, found: &Number, place: &str) -> Outcome {
        let bounds = &schema.bounds;
        let mut out = Outcome::default();
        let value = Value::Number(found.clone());
        let (whole, real) = (found.as_i64(), found.as_f64().unwrap_or_default());
        let format = bounds.format.as_ref().map_or("", |format| format.name.as_str());
        if schema.form == Form::Integer {
            let fits = match (format, whole) {
                ("int32", Some(whole)) => i32::try_from(whole).is_ok(),
                (_, Some(_)) => true,
                (_, None) => is_whole(real) && real.abs() < 9.2e18,
            };
            if !fits {
                let (sentence, cause) = self.no_integer("Checked", format, place);
                out.push(sentence, cause);
            }
            // Bounds too must be of the type of what they bound.
            for (what, bound) in [
                ("MultipleOf", bounds.multiple_of),
                ("Minimum boundary", bounds.minimum),
                ("Maximum boundary", bounds.maximum),
            ] {
                if bound.is_some_and(|bound| !is_integer(bound, format)) {
                    let (sentence, cause) = self.no_integer(what, format, place);
                    out.push(sentence, cause);
                }
            }
        }
        let mut found = Vec::new();
        let mut fault = |words: &str, bound: String| {
            found.push(self.invalid(place, &value, format!("{place} in body should be {words} {bound}")));
        };
        // Whole numbers are compared with the whole part of a bound.
        let fractional = |bound: f64| schema.form == Form::Integer && !is_integer(bound, format);
        let bound = |bound: f64| match whole {
            Some(_) if !fractional(bound) => Bound::Whole(saturate(bound)),
            Some(_) | None => Bound::Real(bound),
        };
        if let Some(factor) = bounds.multiple_of {
            match (whole.filter(|_| !fractional(factor)), saturate(factor)) {
                // The whole part of the factor counts, and nothing is a multiple of nothing.
                (Some(_), divisor) if divisor <= 0 => {
                    let sentence = format!("factor MultipleOf declared for {place} must be positive: {divisor}");
                    let (sentence, cause) = self.invalid(place, &Value::from(divisor), sentence);
                    out.push(sentence, cause);
                }
                (Some(whole), divisor) if whole % divisor != 0 => fault("a multiple of", divisor.to_string()),
                (None, _)
                    if !is_whole(if factor < 1.0 {
                        1.0 / factor * real
                    } else {
                        real / factor
                    }) =>
                {
                    fault("a multiple of", number::text(factor));
                }
                (Some(_) | None, _) => {}
            }
        }
        if let Some(least) = bounds.minimum {
            let least = bound(least);
            match (bounds.exclusive_minimum, least.compare(whole, real)) {
                (false, std::cmp::Ordering::Less) => fault("greater than or equal to", least.to_string()),
                (true, std::cmp::Ordering::Less | std::cmp::Ordering::Equal) => {
                    fault("greater than", least.to_string())
                }
                _ => {}
            }
        }
        if let Some(most) = bounds.maximum {
            let most = bound(most);
            match (bounds.exclusive_maximum, most.compare(whole, real)) {
                (false, std::cmp::Ordering::Greater) => fault("less than or equal to", most.to_string()),
                (true, std::cmp::Ordering::Greater | std::cmp::Ordering::Equal) => fault("less than", most.to_string()),
                _ => {}
            }
        }
        for (sentence, cause) in found {
            out.push(sentence, cause);
        }
        out.matches += 1;
        out
    }

    /// A number of a schema or a value that is no integer, as it is told of no field.
    fn no_integer(&self, what: &str, format: &str, place: &str) -> (String, Cause) {
        let named = match format {
            "" => "(default format)".to_owned(),
            format => format!("with format {format}"),
        };
        self.bare(format!("{what} value must be of type integer {named} in {place}"))
    }
}

/// Whether a bound of integers is one itself.
fn is_integer(bound: f64, format: &str) -> bool {
    let limit = if format == "int32" {
        2_147_483_648.0
    } else {
        9.223_372_036_854_775e18
    };
    bound.fract() == 0.0 && (-limit..limit).contains(&bound)
}

/// A bound in the form in which it is compared and told.
#[derive(Clone, Copy)]
enum Bound {
    Whole(i64),
    Real(f64),
}

impl Bound {
    /// How the value stands to the bound.
    fn compare(self, whole: Option<i64>, real: f64) -> std::cmp::Ordering {
        match (self, whole) {
            (Self::Whole(bound), Some(whole)) => whole.cmp(&bound),
            (Self::Whole(bound), None) => real.total_cmp(&(bound as f64)),
            (Self::Real(bound), _) => real.partial_cmp(&bound).unwrap_or(std::cmp::Ordering::Equal),
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(bound) => write!(f, "{bound}"),
            Self::Real(bound) => f.write_str(&number::text(*bound)),
        }
    }
}

/// The whole part of a number, or the nearest that there is.
fn saturate(number: f64) -> i64 {
    // A cast of floats saturates, which is what is wanted.
    number as i64
}
