//! Which objects there are: what must be the same after a loss as before it.

use e2e::Federation;

/// Kind, name and uid of every object of the kinds in a namespace.
pub(crate) fn identities(federation: &Federation, namespace: &str, kinds: &str) -> Vec<String> {
    let list = federation.kubectl_json(&["-n", namespace, "get", kinds]).unwrap();
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            format!(
                "{} {} {}",
                item["kind"], item["metadata"]["name"], item["metadata"]["uid"]
            )
        })
        .collect()
}
