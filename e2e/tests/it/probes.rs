//! What answers at an address, and not only that something does: a member whose data path talks nonsense leaves the names where a policy
//! asks for HTTP.

use e2e::eventually;
use serde_json::json;

use crate::drain::{NAME, REGIONAL, addresses, start, until_answered};
use crate::shop::PATIENCE;

#[test]
fn a_data_path_that_talks_nonsense_is_no_data_path() {
    let dir = tempfile::tempdir().unwrap();
    let federation = start(dir.path());
    let own = addresses(&federation, REGIONAL).unwrap();
    let policy = json!({"apiVersion": "federation.meridian.dev/v1alpha1", "kind": "DNSPolicy",
        "metadata": {"name": "hello", "namespace": "default"},
        "spec": {"services": ["hello"], "probe": {"type": "Http", "path": "/", "failureThreshold": 3}}});
    let file = dir.path().join("policy.json");
    std::fs::write(&file, policy.to_string()).unwrap();
    federation
        .kubectl(&["apply", "-f", &file.display().to_string()])
        .unwrap();
    until_answered(&federation, "all to answer as they should", NAME, |found| {
        found.len() == 3
    });
    let fail = ["simulate", "fail", "us-1", "--what", "data", "--how", "garbage"];
    federation.command(&fail).unwrap();
    until_answered(&federation, "its address to leave", NAME, |found| {
        found.len() == 2 && !found.contains(&own[0])
    });
    eventually("the reason in the explanation", PATIENCE, || {
        let explained = federation.command(&["explain", "dns", NAME]).map_err(|error| error.0)?;
        let says = explained.contains("of cluster us-1 (us-east): probes of the address fail");
        if says { Ok(()) } else { Err(explained) }
    });
    federation.command(&["simulate", "recover", "us-1"]).unwrap();
    until_answered(&federation, "its address to return", NAME, |found| found.len() == 3);
}
