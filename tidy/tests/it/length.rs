//! A file that one can know: most stay under 400 lines, none over 500.

use crate::tree;

const LINES_MAX: usize = 500;

#[test]
fn no_file_is_too_long_to_know() {
    let long: Vec<String> = tree::files(&[".rs", ".ts", ".tsx", ".sh", ".sql"])
        .iter()
        .map(|path| (path, tree::text(path).lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(
        long.is_empty(),
        "over {LINES_MAX} lines; split by purpose:\n{}",
        long.join("\n")
    );
}
