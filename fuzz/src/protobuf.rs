//! Bodies in Kubernetes' protobuf, with the envelope that clients send and inside one that is right.

use machinery::protobuf;

use crate::size;

/// Kinds whose messages are attacked inside of a right envelope; the first byte chooses.
const KINDS: [(&str, &str); 33] = [
    ("v1", "Namespace"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
    ("v1", "Pod"),
    ("v1", "Event"),
    ("v1", "Endpoints"),
    ("v1", "PersistentVolume"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "ResourceQuota"),
    ("v1", "LimitRange"),
    ("v1", "Node"),
    ("v1", "List"),
    ("v1", "Status"),
    ("meta.k8s.io/v1", "DeleteOptions"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "ControllerRevision"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("autoscaling/v1", "Scale"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("networking.k8s.io/v1", "Ingress"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("policy/v1", "PodDisruptionBudget"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("coordination.k8s.io/v1", "Lease"),
    ("certificates.k8s.io/v1", "CertificateSigningRequest"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
];

/// A body as it came.
pub(crate) fn enveloped(body: &[u8]) {
    let Ok(value) = protobuf::decode(body) else { return };
    assert!(size::depth(&value) <= 4 * protobuf::DEPTH_MAX, "too deep");
    // Names of fields are longer than their numbers, and zeros are written out.
    assert!(
        size::bytes(&value) <= 200 * body.len() + 4096,
        "{} bytes of {}",
        size::bytes(&value),
        body.len()
    );
    // Some values can be read and not be sent, as in Go: then it is said, and nothing else.
    let Ok(written) = protobuf::encode(&value) else { return };
    let again = protobuf::decode(&written);
    assert!(
        again.as_ref().is_ok_and(|again| *again == value),
        "{value} became {again:?}"
    );
}

/// A message of the kind that the first byte chooses, in a right envelope.
pub(crate) fn bare(bytes: &[u8]) {
    let Some((choice, message)) = bytes.split_first() else {
        return;
    };
    let Some((api_version, kind)) = KINDS.get(usize::from(*choice) % KINDS.len()) else {
        return;
    };
    let mut type_meta = Vec::new();
    put(&mut type_meta, 1, api_version.as_bytes());
    put(&mut type_meta, 2, kind.as_bytes());
    let mut body = b"k8s\0".to_vec();
    put(&mut body, 1, &type_meta);
    put(&mut body, 2, message);
    enveloped(&body);
}

/// A field of bytes: its tag, its length as a varint, the bytes.
fn put(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    let mut length = bytes.len();
    while length > 0x7f {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(bytes);
}
