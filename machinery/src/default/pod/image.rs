//! Image references, as far as the pull policy depends on them.

/// `Always` for the tag `latest`, told or implied; `IfNotPresent` for every other tag, for digests, and for text that is
/// no reference.
pub(super) fn pull_policy(image: &str) -> &'static str {
    if tag(image) == Some("latest") {
        "Always"
    } else {
        "IfNotPresent"
    }
}

fn tag(image: &str) -> Option<&str> {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    let last = name.rfind('/').map_or(0, |slash| slash + 1);
    let (repository, tag) = match name.get(last..)?.find(':') {
        Some(colon) => (name.get(..last + colon)?, name.get(last + colon + 1..)),
        None => (name, None),
    };
    // A host may have capitals and a port; a path may not.
    let path = repository
        .split_once('/')
        .filter(|(host, _)| host.contains(['.', ':']) || *host == "localhost");
    let path = path.map_or(repository, |(_, path)| path);
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-' | '/');
    if path.is_empty() || !path.chars().all(lower) || path.split('/').any(str::is_empty) {
        return None;
    }
    match (tag, digest) {
        (Some(tag), _) => Some(tag),
        (None, None) => Some("latest"),
        (None, Some(_)) => None,
    }
}
