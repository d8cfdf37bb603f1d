//! What a URL path means: a resource and its parts, a fixed page, or nothing. Pure; percent-decoding included.

use std::borrow::Cow;

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A resource of a group and version.
    Resource(ResourcePath),
    /// `/api`, `/apis`, `/api/v1`, `/apis/GROUP`, `/apis/GROUP/VERSION`.
    Discovery(DiscoveryPath),
    /// Anything else, by its whole path.
    Page(String),
}

/// A discovery document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiscoveryPath {
    /// `/api`: versions of the core group.
    Core,
    /// `/apis`: all groups.
    Groups,
    /// `/apis/GROUP`.
    Group(String),
    /// Resources of a group and version.
    Version(String, String),
}

/// A resource path, split.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourcePath {
    /// Group, empty for core.
    pub group: String,
    /// Version.
    pub version: String,
    /// Namespace; empty for cluster-scoped objects and for all namespaces.
    pub namespace: String,
    /// Resource, in the plural.
    pub resource: String,
    /// Object name; empty for a collection.
    pub name: String,
    /// Subresource and what follows it, joined by `/`; empty for the object itself. Of `proxy` without what follows.
    pub subresource: String,
    /// The deprecated `/watch/` prefix was used.
    pub watch: bool,
}

/// Reads a path. None for malformed percent-encoding.
#[must_use]
pub fn parse(path: &str) -> Option<Target> {
    let page = || Some(Target::Page(path.to_owned()));
    let segments: Vec<Cow<'_, str>> = path
        .split('/')
        .filter(|s| !s.is_empty())
        .map(|s| decode(s, false))
        .collect::<Option<_>>()?;
    let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    match segments.as_slice() {
        ["api"] => Some(Target::Discovery(DiscoveryPath::Core)),
        ["apis"] => Some(Target::Discovery(DiscoveryPath::Groups)),
        ["apis", group] => Some(Target::Discovery(DiscoveryPath::Group((*group).to_owned()))),
        ["api", version] => Some(Target::Discovery(DiscoveryPath::Version(
            String::new(),
            (*version).to_owned(),
        ))),
        ["apis", group, version] => Some(Target::Discovery(DiscoveryPath::Version(
            (*group).to_owned(),
            (*version).to_owned(),
        ))),
        ["api", version, rest @ ..] => Some(Target::Resource(resource("", version, rest))),
        ["apis", group, version, rest @ ..] => Some(Target::Resource(resource(group, version, rest))),
        _ => page(),
    }
}

fn resource(group: &str, version: &str, rest: &[&str]) -> ResourcePath {
    let (watch, rest) = match rest {
        ["watch", rest @ ..] if !rest.is_empty() => (true, rest),
        _ => (false, rest),
    };
    let (namespace, rest) = match rest {
        ["namespaces", _, "status" | "finalize"] | ["namespaces"] | ["namespaces", _] => ("", rest),
        ["namespaces", namespace, rest @ ..] => (*namespace, rest),
        _ => ("", rest),
    };
    ResourcePath {
        group: group.to_owned(),
        version: version.to_owned(),
        namespace: namespace.to_owned(),
        resource: rest.first().copied().unwrap_or_default().to_owned(),
        name: rest.get(1).copied().unwrap_or_default().to_owned(),
        subresource: match rest.get(2..).unwrap_or_default() {
            // What follows is another server's to understand.
            ["proxy", ..] => "proxy".to_owned(),
            parts => parts.join("/"),
        },
        watch,
    }
}

/// Decodes `%XX`, and `+` as a space where `plus` is set. None for malformed or non-UTF-8 text.
pub(crate) fn decode(text: &str, plus: bool) -> Option<Cow<'_, str>> {
    let encoded = text.contains('%') || (plus && text.contains('+'));
    if !encoded {
        return Some(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                out.push(u8::try_from(high * 16 + low).ok()?);
            }
            b'+' if plus => out.push(b' '),
            other => out.push(other),
        }
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources() {
        let check = |path: &str, group: &str, namespace: &str, resource: &str, name: &str, sub: &str| {
            let Some(Target::Resource(found)) = parse(path) else {
                panic!("{path} is no resource")
            };
            assert_eq!(
                (
                    &*found.group,
                    &*found.namespace,
                    &*found.resource,
                    &*found.name,
                    &*found.subresource
                ),
                (group, namespace, resource, name, sub),
                "{path}"
            );
        };
        check("/api/v1/namespaces", "", "", "namespaces", "", "");
        check("/api/v1/namespaces/shop", "", "", "namespaces", "shop", "");
        check("/api/v1/namespaces/shop/status", "", "", "namespaces", "shop", "status");
        check(
            "/api/v1/namespaces/shop/finalize",
            "",
            "",
            "namespaces",
            "shop",
            "finalize",
        );
        check("/api/v1/namespaces/shop/pods", "", "shop", "pods", "", "");
        check("/api/v1/pods", "", "", "pods", "", "");
        check(
            "/apis/apps/v1/namespaces/a/deployments/web/scale",
            "apps",
            "a",
            "deployments",
            "web",
            "scale",
        );
        check(
            "/apis/g/v1/clusters/eu-1/manifests",
            "g",
            "",
            "clusters",
            "eu-1",
            "manifests",
        );
        check(
            "/api/v1/namespaces/a/configmaps/x%2dy",
            "",
            "a",
            "configmaps",
            "x-y",
            "",
        );
        check("/api/v1/watch/namespaces/a/configmaps", "", "a", "configmaps", "", "");
    }

    #[test]
    fn pages() {
        assert_eq!(parse("/"), Some(Target::Page("/".into())));
        assert_eq!(parse("/livez/ping"), Some(Target::Page("/livez/ping".into())));
        assert_eq!(
            parse("/apis/apps"),
            Some(Target::Discovery(DiscoveryPath::Group("apps".into())))
        );
        assert_eq!(parse("/api/%zz"), None);
    }
}
