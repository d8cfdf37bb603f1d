//! Which images can be pulled: all but those of a registry in the top-level domain `invalid`, which no name server knows (RFC 2606). So
//! a version that never becomes ready can be played.

use serde_json::Value;

/// Whether every image of a pod can be pulled.
pub(super) fn can_be_pulled(pod: &Value) -> bool {
    let lists = ["initContainers", "containers"].into_iter();
    let containers = lists.filter_map(|list| pod.get(list)?.as_array()).flatten();
    let mut images = containers.filter_map(|container| container.get("image")?.as_str());
    images.all(is_known)
}

/// Whether the registry of an image can be found.
pub(super) fn is_known(image: &str) -> bool {
    let registry = image.split_once('/').map_or("", |(registry, _)| registry);
    let host = registry.split(':').next().unwrap_or_default();
    host != "invalid" && !host.ends_with(".invalid")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn registries() {
        for (image, known) in [
            ("web:1", true),
            ("library/web", true),
            ("registry.example.com:5000/web:1", true),
            ("registry.invalid/web:1", false),
            ("registry.invalid:5000/team/web", false),
            ("invalid/web", false),
            ("example.com/invalid", true),
        ] {
            assert_eq!(is_known(image), known, "{image}");
        }
        let pod = |first: &str| json!({"initContainers": [{"image": first}], "containers": [{"image": "web:1"}]});
        assert!(can_be_pulled(&pod("a:1")) && !can_be_pulled(&pod("x.invalid/a:1")));
    }
}
