//! Every reason for which a cluster is not chosen has a page for the person who reads it.

use crate::tree;

#[test]
fn every_reason_has_a_page() {
    let source = tree::text("api/src/reason.rs".as_ref());
    let body = source
        .split("pub enum Reason {")
        .nth(1)
        .and_then(|rest| rest.split('}').next())
        .unwrap_or_default();
    let reasons: Vec<&str> = body
        .lines()
        .map(|line| line.trim().trim_end_matches(','))
        .filter(|l| !l.is_empty() && !l.starts_with("///"))
        .collect();
    assert!(reasons.len() > 3, "no reasons were read, the reader is broken");
    for reason in reasons {
        let page = tree::text(format!("docs/reasons/{reason}.md").as_ref());
        assert!(page.lines().count() > 3, "docs/reasons/{reason}.md is missing or empty");
    }
}
