//! Schedules of CronJobs: five fields of minute, hour, day, month and weekday, or one of the words that stand for them.

/// A field of a schedule: its least and greatest value, and the names of values.
struct Bounds {
    least: u32,
    most: u32,
    names: &'static [&'static str],
    /// The value of the first name.
    first: u32,
}

const MONTHS: &[&str] = &[
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: [Bounds; 5] = [
    Bounds {
        least: 0,
        most: 59,
        names: &[],
        first: 0,
    },
    Bounds {
        least: 0,
        most: 23,
        names: &[],
        first: 0,
    },
    Bounds {
        least: 1,
        most: 31,
        names: &[],
        first: 0,
    },
    Bounds {
        least: 1,
        most: 12,
        names: MONTHS,
        first: 1,
    },
    Bounds {
        least: 0,
        most: 6,
        names: DAYS,
        first: 0,
    },
];
const WORDS: [&str; 7] = [
    "@yearly",
    "@annually",
    "@monthly",
    "@weekly",
    "@daily",
    "@midnight",
    "@hourly",
];

/// What is wrong with a schedule, if anything.
pub(super) fn fault(schedule: &str) -> Option<String> {
    if schedule.starts_with('@') {
        return match schedule.strip_prefix("@every ") {
            Some(time) if is_duration(time) => None,
            Some(time) => Some(format!(
                "failed to parse duration {schedule}: time: invalid duration {}",
                crate::field::quoted(time)
            )),
            None if WORDS.contains(&schedule) => None,
            None => Some(format!("unrecognized descriptor: {schedule}")),
        };
    }
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        let found = fields.len();
        return Some(format!(
            "expected exactly 5 fields, found {found}: [{}]",
            fields.join(" ")
        ));
    }
    let each = fields.iter().zip(&FIELDS);
    each.flat_map(|(text, bounds)| {
        text.split(',')
            .filter(|part| !part.is_empty())
            .map(move |part| (part, bounds))
    })
    .find_map(|(part, bounds)| range_fault(part, bounds))
}

fn range_fault(text: &str, bounds: &Bounds) -> Option<String> {
    let steps: Vec<&str> = text.split('/').collect();
    let ends: Vec<&str> = steps
        .first()
        .map(|range| range.split('-').collect())
        .unwrap_or_default();
    let (mut start, mut end) = (bounds.least, bounds.most);
    let mut single = false;
    match ends.as_slice() {
        ["*" | "?"] => {}
        [from, rest @ ..] if !matches!(*from, "*" | "?") => {
            start = match value(from, bounds) {
                Ok(value) => value,
                Err(fault) => return Some(fault),
            };
            end = match rest {
                [] => {
                    single = true;
                    start
                }
                [to] => match value(to, bounds) {
                    Ok(value) => value,
                    Err(fault) => return Some(fault),
                },
                _ => return Some(format!("too many hyphens: {text}")),
            };
        }
        _ => {}
    }
    let step = match steps.as_slice() {
        [_] => 1,
        [_, step] => match number(step) {
            Ok(step) => {
                if single {
                    end = bounds.most;
                }
                step
            }
            Err(fault) => return Some(fault),
        },
        _ => return Some(format!("too many slashes: {text}")),
    };
    let (least, most) = (bounds.least, bounds.most);
    if start < least {
        Some(format!("beginning of range ({start}) below minimum ({least}): {text}"))
    } else if end > most {
        Some(format!("end of range ({end}) above maximum ({most}): {text}"))
    } else if start > end {
        Some(format!(
            "beginning of range ({start}) beyond end of range ({end}): {text}"
        ))
    } else if step == 0 {
        Some(format!("step of range should be a positive number: {text}"))
    } else {
        None
    }
}

fn value(text: &str, bounds: &Bounds) -> Result<u32, String> {
    let lower = text.to_lowercase();
    match (bounds.first..).zip(bounds.names).find(|(_, name)| **name == lower) {
        Some((value, _)) => Ok(value),
        None => number(text),
    }
}

fn number(text: &str) -> Result<u32, String> {
    match text.parse::<i64>() {
        Ok(number) if number < 0 => Err(format!("negative number ({number}) not allowed: {text}")),
        Ok(number) => Ok(u32::try_from(number).unwrap_or(u32::MAX)),
        Err(_) => Err(format!(
            "failed to parse int from {text}: strconv.Atoi: parsing {}: invalid syntax",
            crate::field::quoted(text)
        )),
    }
}

/// `1h30m`, as Go writes times.
fn is_duration(text: &str) -> bool {
    let mut rest = text.trim_start_matches(['+', '-']);
    if rest == "0" {
        return true;
    }
    let mut any = false;
    while !rest.is_empty() {
        let amount = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let unit = ["ns", "us", "µs", "ms", "s", "m", "h"]
            .iter()
            .find_map(|unit| amount.strip_prefix(unit));
        match unit {
            Some(next) if amount.len() < rest.len() => rest = next,
            Some(_) | None => return false,
        }
        any = true;
    }
    any
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn good_and_bad_schedules() {
        for good in [
            "* * * * *",
            "*/5 0-6,8 1,15 JAN-mar mon",
            "5/10 ? * * 0",
            "@daily",
            "@every 1h30m",
            "0  0 1 1 *",
        ] {
            assert_eq!(fault(good), None, "{good}");
        }
        for bad in [
            "",
            "* * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 7",
            "1-2-3 * * * *",
            "a * * * *",
            "1/2/3 * * * *",
            "-1 * * * *",
            "@every",
            "@every 1",
            "@every h",
            "@Daily",
            "*/x * * * *",
            "9-3 * * * *",
        ] {
            assert!(fault(bad).is_some(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[0-9a-z*/,@ -]{0,24}") {
            let _ = fault(&text);
        }
    }
}
