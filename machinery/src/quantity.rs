//! `resource.Quantity`: amounts such as `500m` and `1Gi`, exact, with their canonical text.
//!
//! In: text, or a number of a request. Out: amounts that can be compared, and the text a typed server answers with.

use std::cmp::Ordering;

use serde_json::Value;

/// What the error of a broken quantity says.
pub const PATTERN_ERROR: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/// An exact amount in billionths, with the family of suffixes it was written in.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    nanos: i128,
    family: Family,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Binary,
    Decimal,
    Exponent,
}

const NANO: i128 = 1_000_000_000;
/// 2^63-1, the largest amount, in billionths.
const MOST: i128 = (i64::MAX as i128) * NANO;

const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];
const DECIMAL: [(&str, i32); 10] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];

impl Quantity {
    /// Reads a quantity. Amounts beyond 2^63-1 are capped, digits below a billionth rounded away from zero.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, suffix) = rest.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || number.len() > 64 {
            return None;
        }
        let mut digits = format!("{whole}{fraction}");
        let mut ten = -i32::try_from(fraction.len()).ok()?;
        let mut two = 0;
        let family = if let Some((_, power)) = BINARY.iter().find(|(name, _)| *name == suffix) {
            two = *power;
            Family::Binary
        } else if let Some((_, power)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
            ten += power;
            Family::Decimal
        } else {
            let exponent = suffix.strip_prefix(['e', 'E'])?;
            ten += exponent
                .strip_prefix('+')
                .unwrap_or(exponent)
                .parse::<i32>()
                .ok()?
                .clamp(-64, 64);
            Family::Exponent
        };
        // In billionths: digits x 10^(ten + 9) x 2^two, with what falls off rounded up.
        ten += 9;
        let mut rounded = false;
        while ten < 0 && !digits.is_empty() {
            rounded |= digits.pop().is_some_and(|d| d != '0');
            ten += 1;
        }
        let mut nanos = digits
            .trim_start_matches('0')
            .parse::<i128>()
            .or_else(|e| match e.kind() {
                std::num::IntErrorKind::Empty => Ok(0),
                _ => Err(e),
            });
        if nanos.is_err() {
            nanos = Ok(MOST);
        }
        let mut nanos = nanos.ok()?;
        for _ in 0..ten.max(0) {
            nanos = nanos.saturating_mul(10).min(MOST);
        }
        nanos = nanos.saturating_mul(1_i128 << two);
        if rounded {
            nanos = nanos.saturating_add(1);
        }
        let nanos = nanos.min(MOST);
        Some(Self {
            nanos: if negative { -nanos } else { nanos },
            family,
        })
    }

    /// The sum with a whole number of another's; capped as when read.
    #[must_use]
    pub fn plus(&self, other: &Self, times: i128) -> Self {
        let nanos = self.nanos.saturating_add(other.nanos.saturating_mul(times));
        Self {
            nanos: nanos.clamp(-MOST, MOST),
            family: self.family,
        }
    }

    /// A whole number.
    #[must_use]
    pub fn of(number: i64) -> Self {
        Self {
            nanos: i128::from(number) * NANO,
            family: Family::Decimal,
        }
    }

    /// The amount as a whole number, where it is one.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        (self.nanos % NANO == 0)
            .then(|| i64::try_from(self.nanos / NANO).ok())
            .flatten()
    }

    /// Reads a quantity from JSON: text, or a number.
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::parse(text),
            Value::Number(number) => Self::parse(&number.to_string()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// Whether it is less than zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.nanos < 0
    }

    /// Whether it is more than zero.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        self.nanos > 0
    }

    /// Whether it has no fraction.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.nanos % NANO == 0
    }

    /// The nearest floating-point number.
    #[must_use]
    pub fn as_f64(&self) -> f64 {
        self.nanos as f64 / NANO as f64
    }

    /// The sum; written in the family of the first, or of the second where the first is nothing.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            nanos: self.nanos.saturating_add(other.nanos),
            family: if self.nanos == 0 { other.family } else { self.family },
        }
    }

    /// What is left when something is taken away, but never less than nothing.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self {
            nanos: self.nanos.saturating_sub(other.nanos).max(0),
            family: if self.nanos == 0 { other.family } else { self.family },
        }
    }

    /// A whole number of things.
    #[must_use]
    pub fn count(number: usize) -> Self {
        Self {
            nanos: i128::try_from(number).unwrap_or(MOST / NANO).saturating_mul(NANO),
            family: Family::Decimal,
        }
    }

    /// The same, rounded up to thousandths.
    #[must_use]
    pub fn up_to_thousandths(self) -> Self {
        const MILLI: i128 = NANO / 1000;
        let above = self.nanos.rem_euclid(MILLI);
        let nanos = if above == 0 {
            self.nanos
        } else {
            self.nanos + MILLI - above
        };
        Self { nanos, ..self }
    }

    /// The canonical text: the largest suffix of its family that needs no fraction.
    #[must_use]
    pub fn canonical(&self) -> String {
        if self.nanos == 0 {
            return "0".to_owned();
        }
        let one_binary = self.nanos % NANO == 0 && (self.nanos / NANO).abs() >= 1024;
        if self.family == Family::Binary && one_binary {
            let units = self.nanos / NANO;
            for (suffix, power) in BINARY.iter().rev() {
                if units % (1_i128 << power) == 0 {
                    return format!("{}{suffix}", units >> power);
                }
            }
            return units.to_string();
        }
        for (suffix, power) in DECIMAL.iter().rev() {
            let unit = 10_i128.pow(u32::try_from(power + 9).unwrap_or(0));
            if self.nanos % unit == 0 {
                let amount = self.nanos / unit;
                return match (self.family, power) {
                    (Family::Exponent, 0) => amount.to_string(),
                    (Family::Exponent, power) => format!("{amount}e{power}"),
                    (Family::Binary | Family::Decimal, _) => format!("{amount}{suffix}"),
                };
            }
        }
        format!("{}n", self.nanos)
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_text() {
        for (text, canonical) in [
            ("0", "0"),
            ("0.5", "500m"),
            ("1.5", "1500m"),
            ("1000m", "1"),
            ("100m", "100m"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("1024", "1024"),
            ("1000", "1k"),
            ("1e3", "1e3"),
            ("12E2", "1200"),
            ("0.5Mi", "512Ki"),
            ("512", "512"),
            ("0.0000000001", "1n"),
            ("-1.5", "-1500m"),
            ("+2", "2"),
            ("1E", "1E"),
            (".5", "500m"),
            ("5.", "5"),
            ("128974848", "128974848"),
            ("100000E", "9223372036854775807"),
        ] {
            assert_eq!(Quantity::parse(text).unwrap().canonical(), canonical, "{text}");
        }
    }

    #[test]
    fn broken_text() {
        for text in ["", "abc", "1x", "1..2", "1.2.3", "Ki", "--1", "1 Gi", "1e", "1KI", "."] {
            assert!(Quantity::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn order_ignores_spelling() {
        let q = |t| Quantity::parse(t).unwrap();
        assert_eq!(q("1Ki"), q("1024"));
        assert!(q("1G") < q("1Gi") && q("-1") < q("0"));
    }

    proptest::proptest! {
        #[test]
        fn canonical_is_stable(text in "[+-]?[0-9]{1,12}(\\.[0-9]{0,6})?(Ki|Mi|m|k|M|G|u|n|e3)?") {
            let one = Quantity::parse(&text).unwrap();
            let two = Quantity::parse(&one.canonical()).unwrap();
            proptest::prop_assert_eq!(one, two);
            proptest::prop_assert_eq!(one.canonical(), two.canonical());
        }

        #[test]
        fn never_panics(text in "\\PC{0,40}") {
            let _ = Quantity::parse(&text).map(|q| q.canonical());
        }
    }
}
