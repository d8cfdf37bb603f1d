//! Parts of a container image reference: `[REGISTRY/]REPOSITORY[:TAG|@DIGEST]`.
//! In: a reference and one change. Out: the changed reference. Absent: looking images up anywhere.

use api::overrides::{ImageComponent, OverriderOperator};

/// Why a reference cannot be changed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// A reference needs a repository.
    #[error("an image reference cannot be without a repository")]
    NoRepository,
}

struct Reference {
    registry: String,
    repository: String,
    /// With its separator, `:` or `@`.
    tag: String,
}

/// The first part is a registry only if it looks like a host: with a dot or a port, or `localhost`.
fn parse(text: &str) -> Reference {
    let (registry, rest) = match text.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
        _ => ("", text),
    };
    let cut = rest
        .find('@')
        .or_else(|| rest.rfind(':').filter(|at| !rest[*at..].contains('/')))
        .unwrap_or(rest.len());
    let (repository, tag) = rest.split_at(cut);
    Reference {
        registry: registry.to_owned(),
        repository: repository.to_owned(),
        tag: tag.to_owned(),
    }
}

/// Changes one part of an image reference.
pub(super) fn change(
    image: &str,
    component: ImageComponent,
    operator: OverriderOperator,
    value: &str,
) -> Result<String, ImageError> {
    let mut reference = parse(image);
    let part = match component {
        ImageComponent::Registry => &mut reference.registry,
        ImageComponent::Repository => &mut reference.repository,
        ImageComponent::Tag => &mut reference.tag,
    };
    match operator {
        OverriderOperator::Add => part.push_str(value),
        OverriderOperator::Remove => part.clear(),
        OverriderOperator::Replace => value.clone_into(part),
    }
    let tag = &mut reference.tag;
    if component == ImageComponent::Tag && !tag.is_empty() && !tag.starts_with([':', '@']) {
        // A digest names its algorithm, `sha256:...`; a tag has no colon.
        tag.insert(0, if tag.contains(':') { '@' } else { ':' });
    }
    if reference.repository.is_empty() {
        return Err(ImageError::NoRepository);
    }
    let separator = if reference.registry.is_empty() { "" } else { "/" };
    Ok(format!(
        "{}{separator}{}{}",
        reference.registry, reference.repository, reference.tag
    ))
}

#[cfg(test)]
mod tests {
    use ImageComponent::{Registry, Repository, Tag};
    use OverriderOperator::{Add, Remove, Replace};

    use super::*;

    #[test]
    fn parts_of_references() {
        let rows = [
            ("nginx", Registry, Replace, "eu.example.com", "eu.example.com/nginx"),
            (
                "library/nginx:1.2",
                Registry,
                Add,
                "eu.example.com:5000",
                "eu.example.com:5000/library/nginx:1.2",
            ),
            ("us.example.com/a/b:1", Registry, Remove, "", "a/b:1"),
            ("localhost/a", Registry, Replace, "r.io", "r.io/a"),
            ("host:5000/a/b", Tag, Replace, "2", "host:5000/a/b:2"),
            ("a/b:1", Tag, Add, "-eu", "a/b:1-eu"),
            ("a/b:1", Tag, Remove, "", "a/b"),
            ("a/b:1", Tag, Replace, "sha256:abc", "a/b@sha256:abc"),
            ("a/b@sha256:abc", Tag, Replace, "2", "a/b:2"),
            ("a/b:1", Repository, Replace, "c", "c:1"),
        ];
        for (image, component, operator, value, expected) in rows {
            assert_eq!(
                change(image, component, operator, value).as_deref(),
                Ok(expected),
                "{image} {value}"
            );
        }
        assert_eq!(change("a", Repository, Remove, ""), Err(ImageError::NoRepository));
    }
}
