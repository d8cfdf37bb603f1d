//! What must not stand in the repository: unfinished work, paths of somebody's machine, warnings that are switched off
//! without a word.

use crate::tree;

fn places(endings: &[&str], wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for path in tree::files(endings) {
        if path.starts_with("tidy") {
            continue;
        }
        for (number, line) in tree::text(&path).lines().enumerate() {
            if wrong(line) {
                found.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    found
}

#[test]
fn nothing_is_left_for_later() {
    let found = places(&[".rs", ".ts", ".tsx", ".sh", ".sql"], |line| {
        ["TODO", "FIXME", "todo!(", "unimplemented!("]
            .iter()
            .any(|word| line.contains(word))
    });
    assert!(
        found.is_empty(),
        "do it, or write it into the issue:\n{}",
        found.join("\n")
    );
}

#[test]
fn no_tests_that_do_not_run() {
    let found = places(&[".rs"], |line| line.trim_start().starts_with("#[ignore"));
    assert!(
        found.is_empty(),
        "a test that is not run is not a test:\n{}",
        found.join("\n")
    );
}

#[test]
fn no_paths_of_a_machine() {
    let found = places(&[".rs", ".ts", ".tsx", ".sh", ".md", ".toml", ".yaml"], |line| {
        line.contains("/root/") || line.contains("/home/")
    });
    assert!(found.is_empty(), "paths of one machine:\n{}", found.join("\n"));
}
