//! What clients read, word for word.

use super::*;

#[test]
fn messages_are_kube_apiservers() {
    let one = vec![Cause::new(
        CauseReason::FieldValueRequired,
        "spec.ports",
        "Required value",
    )];
    let two = vec![
        Cause::new(
            CauseReason::FieldValueInvalid,
            "metadata.name",
            "Invalid value: \"A\": bad",
        ),
        Cause::new(CauseReason::FieldValueRequired, "spec.selector", "Required value"),
        Cause::new(CauseReason::FieldValueRequired, "spec.selector", "Required value"),
    ];
    let table = [
        (
            Status::not_found("", "configmaps", "x"),
            404,
            "configmaps \"x\" not found",
        ),
        (
            Status::not_found("apps", "deployments", "web"),
            404,
            "deployments.apps \"web\" not found",
        ),
        (
            Status::already_exists("", "namespaces", "shop"),
            409,
            "namespaces \"shop\" already exists",
        ),
        (
            Status::modified("", "configmaps", "w"),
            409,
            "Operation cannot be fulfilled on configmaps \"w\": the object has been modified; please apply your changes \
             to the latest version and try again",
        ),
        (
            Status::invalid("", "Service", "s", one),
            422,
            "Service \"s\" is invalid: spec.ports: Required value",
        ),
        (
            Status::invalid("apps", "Deployment", "d", two),
            422,
            "Deployment.apps \"d\" is invalid: [metadata.name: Invalid value: \"A\": bad, spec.selector: Required value]",
        ),
        (
            Status::forbidden("", "configmaps", "", "no"),
            403,
            "configmaps is forbidden: no",
        ),
        (Status::forbidden("", "", "", "no"), 403, "forbidden: no"),
        (
            Status::too_large(3_145_728),
            413,
            "Request entity too large: limit is 3145728",
        ),
        (
            Status::resource_version_too_large(9, 3),
            504,
            "Timeout: Too large resource version: 9, current: 3",
        ),
    ];
    for (status, code, message) in table {
        assert_eq!((status.code, status.message.as_str()), (code, message));
    }
}

#[test]
fn json_has_what_clients_read_and_nothing_empty() {
    let status = Status::not_found("apps", "deployments", "web");
    assert_eq!(
        status.to_value(),
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 404,
            "reason": "NotFound", "message": "deployments.apps \"web\" not found",
            "details": {"name": "web", "group": "apps", "kind": "deployments"}})
    );
    let status = Status::resource_version_too_large(9, 3).to_value();
    assert_eq!(
        status["details"],
        json!({"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1})
    );
    assert!(Status::unauthorized().to_value().get("details").is_none());
    assert_eq!(
        deleted("", "configmaps", "x", "u1")["details"],
        json!({"name": "x", "kind": "configmaps", "uid": "u1"})
    );
}
