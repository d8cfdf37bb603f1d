//! Printing: tables for people, JSON and YAML for programs.

use serde::Serialize;

use crate::cli::OutputFormat;

/// Rows under headings, columns as wide as their widest cell, as kubectl prints them.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: Vec<&str>| {
        let mut text = String::new();
        for (index, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            if index > 0 {
                text.push_str("   ");
            }
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count())));
        }
        text.trim_end().to_owned() + "\n"
    };
    let mut text = line(headings.to_vec());
    for row in rows {
        text.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    text
}

/// A value as JSON or YAML; none where the format is one for people.
pub(crate) fn data<T: Serialize>(format: OutputFormat, value: &T) -> Option<Result<String, String>> {
    match format {
        OutputFormat::Json => Some(
            serde_json::to_string_pretty(value)
                .map(|text| text + "\n")
                .map_err(|error| error.to_string()),
        ),
        OutputFormat::Yaml => Some(serde_saphyr::to_string(value).map_err(|error| error.to_string())),
        OutputFormat::Text | OutputFormat::Wide | OutputFormat::Name => None,
    }
}

/// An error and its causes on one line; a cause that its error already quotes is not said twice.
pub(crate) fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let refused = refusal(error);
        let said = refused.map_or_else(|| error.to_string(), str::to_owned);
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        // A refusal has no deeper cause: below it is the same once more, as a structure.
        cause = if refused.is_some() { None } else { error.source() };
    }
    text
}

/// The words of a server that refused something.
fn refusal<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a str> {
    let boxed = error.downcast_ref::<Box<kube::Error>>().map(|error| &**error);
    match boxed.or_else(|| error.downcast_ref::<kube::Error>()) {
        Some(kube::Error::Api(status)) => Some(&status.message),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = vec![
            vec!["us-1".into(), "True".into()],
            vec!["a-long-name".into(), "False".into()],
        ];
        assert_eq!(
            table(&["NAME", "READY"], &rows),
            "NAME          READY\nus-1          True\na-long-name   False\n"
        );
    }
}
