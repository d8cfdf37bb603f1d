//! Kubernetes quantities (`100m`, `1Gi`, `2e3`) as numbers, so that equal amounts in different spellings are equal and
//! nodes can be summed. In: text. Out: nano-units. Absent: rounding rules beyond the smallest unit.

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const NANO: i128 = 1_000_000_000;

/// An amount, in billionths; text in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(with = "String")]
pub struct Quantity(pub i128);

impl Quantity {
    /// One whole.
    pub const ONE: Self = Self(NANO);

    /// The sum, at most the largest amount there is.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left, never below none.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).max(0))
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format(self.0))
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom(std::format!("{text:?} is not a quantity")))
    }
}

/// The amount in billionths; none for what is not a quantity.
#[must_use]
pub fn parse(text: &str) -> Option<i128> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits_end = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(rest.len());
    let (number, suffix) = rest.split_at_checked(digits_end)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || whole.len() > 20 || fraction.len() > 20 || fraction.contains('.') {
        return None;
    }
    let mut amount = if whole.is_empty() {
        0
    } else {
        whole.parse::<i128>().ok()?
    }
    .checked_mul(NANO)?;
    let mut unit = NANO;
    for digit in fraction.bytes().take(9) {
        unit /= 10;
        amount = amount.checked_add(i128::from(digit - b'0') * unit)?;
    }
    let scaled = scale(amount, suffix)?;
    Some(if negative { -scaled } else { scaled })
}

fn scale(amount: i128, suffix: &str) -> Option<i128> {
    let times = |factor: i128| amount.checked_mul(factor);
    match suffix {
        "" => Some(amount),
        "n" => Some(amount / NANO),
        "u" => Some(amount / 1_000_000),
        "m" => Some(amount / 1_000),
        "k" => times(1_000),
        "M" => times(1_000_000),
        "G" => times(NANO),
        "T" => times(NANO * 1_000),
        "P" => times(NANO * 1_000_000),
        "E" => times(NANO * NANO),
        "Ki" => times(1 << 10),
        "Mi" => times(1 << 20),
        "Gi" => times(1 << 30),
        "Ti" => times(1 << 40),
        "Pi" => times(1 << 50),
        "Ei" => times(1 << 60),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            let factor = 10_i128.checked_pow(exponent.unsigned_abs())?;
            if exponent >= 0 {
                times(factor)
            } else {
                Some(amount / factor)
            }
        }
    }
}

/// An amount as text: whole where it is whole, else in thousandths, rounded up.
#[must_use]
pub fn format(amount: i128) -> String {
    if amount % NANO == 0 {
        return (amount / NANO).to_string();
    }
    let milli = NANO / 1_000;
    format!("{}m", amount / milli + i128::from(amount % milli > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_amounts_are_equal() {
        for (a, b) in [
            ("1000m", "1"),
            ("0.5", "500m"),
            ("1Gi", "1024Mi"),
            ("2e3", "2k"),
            ("1.5Gi", "1536Mi"),
            ("-1", "-1000m"),
        ] {
            assert_eq!(parse(a), parse(b), "{a} {b}");
            assert!(parse(a).is_some(), "{a}");
        }
        for bad in ["", "m", "1.2.3", "one", "1x", "1e", "99999999999999999999999"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn sums_read_well() {
        assert_eq!(format(parse("1500m").unwrap_or_default()), "1500m");
        assert_eq!(format(parse("4").unwrap_or_default()), "4");
        assert_eq!(format(parse("2Gi").unwrap_or_default()), "2147483648");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".{0,40}") {
            if let Some(amount) = parse(&text) {
                assert!(!format(amount).is_empty());
            }
        }
    }
}
