//! Numbers with a fraction, as Go prints them.

/// The shortest digits that tell the number; with an exponent where it is below a ten-thousandth or a million and more.
pub(crate) fn text(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return number.to_string();
    }
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return number.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn as_go_prints_them() {
        for (number, told) in [
            (1.5, "1.5"),
            (0.0, "0"),
            (2.0, "2"),
            (1_000_000.25, "1.00000025e+06"),
            (123_456.5, "123456.5"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-2.5e30, "-2.5e+30"),
        ] {
            assert_eq!(text(number), told);
        }
    }
}
