//! Names that say what is inside, and layouts that editors can tell apart.

use crate::tree;

/// Names of drawers: a function lives with its noun.
const DRAWERS: [&str; 9] = [
    "utils", "util", "helpers", "helper", "common", "misc", "manager", "manager2", "shared",
];

#[test]
fn no_drawers() {
    let drawers: Vec<String> = tree::files(&[".rs", ".ts", ".tsx"])
        .iter()
        .filter(|path| {
            path.components().any(|part| {
                let name = part.as_os_str().to_string_lossy();
                DRAWERS.contains(&name.split('.').next().unwrap_or_default())
            })
        })
        .map(|path| path.display().to_string())
        .collect();
    assert!(
        drawers.is_empty(),
        "named after a drawer, not after a purpose:\n{}",
        drawers.join("\n")
    );
}

#[test]
fn modules_have_names_of_their_own() {
    let mods: Vec<String> = tree::files(&["/mod.rs"])
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    assert!(mods.is_empty(), "x.rs beside x/, not x/mod.rs:\n{}", mods.join("\n"));
}
