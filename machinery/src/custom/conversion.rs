//! ConversionReview: what a conversion webhook is asked, and what its answer means.
//!
//! In: a definition's `spec.conversion`, objects, the bytes of an answer. Out: JSON of `apiextensions.k8s.io`, the converted
//! objects, or why the answer is none, in kube-apiserver's words. A hook changes what a version says, never which object it is:
//! of metadata it may touch labels and annotations alone.

use serde_json::{Map, Value, json};

const KIND: &str = "ConversionReview";
/// Versions of reviews that can be sent, best first.
const REVIEW_VERSIONS: &[&str] = &["v1", "v1beta1"];

/// How objects get from one version into another, where somebody has to be asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Hooked {
    /// Where to ask: a `clientConfig`.
    pub client: Value,
    /// `apiVersion` of the reviews that the hook understands; none where it understands none of ours.
    pub review_api_version: Option<String>,
}

/// The hook of a definition; none where versions differ in their name alone.
pub(super) fn read(spec: &Value) -> Option<Hooked> {
    let conversion = spec.get("conversion")?;
    if conversion.get("strategy").and_then(Value::as_str) != Some("Webhook") {
        return None;
    }
    let webhook = conversion.get("webhook").unwrap_or(&Value::Null);
    let understood = webhook.get("conversionReviewVersions").and_then(Value::as_array);
    // The hook names them in the order in which it prefers them.
    let review = understood
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .find(|version| REVIEW_VERSIONS.contains(version));
    Some(Hooked {
        client: webhook.get("clientConfig").cloned().unwrap_or_default(),
        review_api_version: review.map(|version| format!("apiextensions.k8s.io/{version}")),
    })
}

/// A review that asks for objects in another version.
#[must_use]
pub fn asking(review_api_version: &str, uid: &str, desired: &str, objects: &[Value]) -> Value {
    json!({ "kind": KIND, "apiVersion": review_api_version,
        "request": { "uid": uid, "desiredAPIVersion": desired, "objects": objects } })
}

/// Reads an answer to the review `uid` of these objects.
///
/// # Errors
/// It is no answer, it says that the hook failed, or it changes what a hook may not.
pub fn answered(
    review_api_version: &str,
    uid: &str,
    desired: &str,
    objects: &[Value],
    answer: &[u8],
) -> Result<Vec<Value>, String> {
    let mut review: Value = serde_json::from_slice(answer)
        .map_err(|error| format!("couldn't get version/kind; json parse error: {error}"))?;
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (version, kind) = (text(&review, "apiVersion"), text(&review, "kind"));
    if version != review_api_version || kind != KIND {
        return Err(format!(
            "expected webhook response of {review_api_version}, Kind={KIND}, got {version}, Kind={kind}"
        ));
    }
    let Some(response) = review.get_mut("response").filter(|response| !response.is_null()) else {
        return Err("no response provided".to_owned());
    };
    let own = text(response, "uid");
    if own != uid {
        return Err(format!("expected response.uid={uid:?}, got {own:?}"));
    }
    let result = response.get("result").unwrap_or(&Value::Null);
    let status = text(result, "status");
    if status != "Success" {
        let message = text(result, "message");
        return Err(if message.is_empty() {
            format!("response.result.status was '{status}', not 'Success'")
        } else {
            message
        });
    }
    let converted = match response.get_mut("convertedObjects").map(Value::take) {
        Some(Value::Array(converted)) => converted,
        _ => Vec::new(),
    };
    if converted.len() != objects.len() {
        return Err(format!(
            "returned {} objects, expected {}",
            converted.len(),
            objects.len()
        ));
    }
    converted
        .into_iter()
        .zip(objects)
        .enumerate()
        .map(|(index, (after, before))| {
            restored(after, before, desired)
                .map_err(|why| format!("returned invalid converted object at index {index}: {why}"))
        })
        .collect()
}

/// A converted object with the metadata that is not the hook's to change.
fn restored(mut after: Value, before: &Value, desired: &str) -> Result<Value, String> {
    let text = |value: &Value, pointer: &str| {
        value
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let version = text(&after, "/apiVersion");
    if version != desired {
        return Err(format!("invalid groupVersion (expected {desired}, received {version})"));
    }
    for (pointer, name) in [
        ("/kind", "kind"),
        ("/metadata/name", "name"),
        ("/metadata/namespace", "namespace"),
        ("/metadata/uid", "UID"),
    ] {
        let (wanted, found) = (text(before, pointer), text(&after, pointer));
        if wanted != found {
            return Err(format!("must have the same {name}: {found} != {wanted}"));
        }
    }
    let mut metadata = match before.get("metadata") {
        Some(Value::Object(metadata)) => metadata.clone(),
        _ => Map::new(),
    };
    let given = after.get("metadata").and_then(Value::as_object);
    for key in ["labels", "annotations"] {
        match given.and_then(|given| given.get(key)) {
            Some(Value::Object(texts)) => {
                if let Some((name, _)) = texts.iter().find(|(_, value)| !value.is_string()) {
                    return Err(format!("metadata.{key}.{name}: must be a string"));
                }
                metadata.insert(key.to_owned(), Value::Object(texts.clone()));
            }
            Some(Value::Null) | None => {
                metadata.remove(key);
            }
            Some(_) => return Err(format!("metadata.{key}: must be a map of strings")),
        }
    }
    if let Some(object) = after.as_object_mut() {
        object.insert("metadata".to_owned(), Value::Object(metadata));
    }
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REVIEW: &str = "apiextensions.k8s.io/v1";
    const V2: &str = "example.com/v2";

    fn before() -> Value {
        json!({"apiVersion": "example.com/v1", "kind": "Widget", "spec": {"size": "1x2"},
            "metadata": {"name": "a", "namespace": "shop", "uid": "u", "labels": {"k": "v"}, "finalizers": ["f/g"]}})
    }

    fn told(response: Value) -> Result<Vec<Value>, String> {
        let answer = json!({"kind": KIND, "apiVersion": REVIEW, "response": response}).to_string();
        answered(REVIEW, "1", V2, &[before()], answer.as_bytes())
    }

    fn success(object: Value) -> Result<Vec<Value>, String> {
        told(json!({"uid": "1", "result": {"status": "Success"}, "convertedObjects": [object]}))
    }

    fn after() -> Value {
        json!({"apiVersion": V2, "kind": "Widget", "spec": {"width": 1, "height": 2},
            "metadata": {"name": "a", "namespace": "shop", "uid": "u", "annotations": {"was": "1x2"}}})
    }

    #[test]
    fn the_object_stays_the_same_one() {
        let converted = success(after()).unwrap();
        assert_eq!(
            converted[0]["metadata"],
            json!({"name": "a", "namespace": "shop", "uid": "u", "finalizers": ["f/g"], "annotations": {"was": "1x2"}})
        );
        assert_eq!(converted[0]["spec"], after()["spec"]);
    }

    #[test]
    fn what_is_no_answer_is_told() {
        let with = |pointer: &str, value: Value| {
            let mut object = after();
            *object.pointer_mut(pointer).unwrap() = value;
            success(object).unwrap_err()
        };
        assert_eq!(
            with("/metadata/name", json!("b")),
            "returned invalid converted object at index 0: must have the same name: b != a"
        );
        assert_eq!(
            with("/apiVersion", json!("example.com/v3")),
            "returned invalid converted object at index 0: invalid groupVersion (expected example.com/v2, received \
             example.com/v3)"
        );
        assert!(with("/metadata/annotations", json!({"a": 1})).contains("must be a string"));
        let told_of = |response: Value| told(response).unwrap_err();
        assert_eq!(
            told_of(json!({"uid": "2", "result": {"status": "Success"}})),
            "expected response.uid=\"1\", got \"2\""
        );
        assert_eq!(
            told_of(json!({"uid": "1", "result": {"status": "Failed", "message": "no"}})),
            "no"
        );
        assert_eq!(
            told_of(json!({"uid": "1", "result": {"status": "Success"}})),
            "returned 0 objects, expected 1"
        );
        assert!(
            answered(REVIEW, "1", V2, &[], b"<html>")
                .unwrap_err()
                .contains("json parse error")
        );
        assert!(
            answered(REVIEW, "1", V2, &[], b"{}")
                .unwrap_err()
                .starts_with("expected webhook response")
        );
    }

    #[test]
    fn a_hook_chooses_the_reviews_that_it_reads() {
        let spec = |versions: Value| {
            json!({"conversion": {"strategy": "Webhook", "webhook": {"clientConfig": {"url": "https://a"},
                "conversionReviewVersions": versions}}})
        };
        let review = |versions: Value| read(&spec(versions)).unwrap().review_api_version;
        assert_eq!(
            review(json!(["v2", "v1beta1", "v1"])).as_deref(),
            Some("apiextensions.k8s.io/v1beta1")
        );
        assert_eq!(review(json!(["v9"])), None);
        assert_eq!(read(&json!({"conversion": {"strategy": "None"}})), None);
        assert_eq!(read(&json!({})), None);
    }
}
