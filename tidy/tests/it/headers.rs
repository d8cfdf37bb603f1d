//! Every Rust file says at its top what it is for.

use crate::tree;

#[test]
fn every_file_opens_with_its_purpose() {
    let bare: Vec<String> = tree::files(&[".rs"])
        .iter()
        .filter(|path| !tree::text(path).starts_with("//!"))
        .map(|path| path.display().to_string())
        .collect();
    assert!(
        bare.is_empty(),
        "no //! header that says what is decided, in and out:\n{}",
        bare.join("\n")
    );
}

#[test]
fn every_crate_has_a_paragraph() {
    let short: Vec<String> = tree::files(&["/src/lib.rs"])
        .iter()
        .filter(|path| {
            tree::text(path)
                .lines()
                .take_while(|line| line.starts_with("//!"))
                .count()
                < 3
        })
        .map(|path| path.display().to_string())
        .collect();
    assert!(
        short.is_empty(),
        "a crate's lib.rs opens with a paragraph:\n{}",
        short.join("\n")
    );
}
