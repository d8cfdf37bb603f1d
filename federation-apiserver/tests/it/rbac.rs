//! Roles and bindings: what they allow, who may make them, what is there from the start.

use federation_apiserver::{Profile, UserInfo};
use serde_json::{Value, json};

use crate::harness::{CONFIGMAPS, DEPLOYMENTS, Hub, MERGE, configmap, deployment};

const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";
const ROLES: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles";
const BINDINGS: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings";

fn user(hub: &Hub, name: &str) -> Hub {
    hub.as_user(UserInfo::new(name, Vec::<String>::new()))
}

fn role(name: &str, rules: Value) -> Value {
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name}, "rules": rules})
}

fn binding(name: &str, kind: &str, role: &str, user: &str) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": name},
        "roleRef": {"kind": kind, "name": role}, "subjects": [{"kind": "User", "name": user}],
    })
}

async fn message(answer: crate::harness::Answer, code: u16) -> String {
    answer.expect(code)["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_role_allows_what_it_says_as_long_as_it_is_bound() {
    let hub = Hub::start().await;
    let (alice, bob) = (user(&hub, "alice"), user(&hub, "bob"));
    alice.get(CONFIGMAPS).await.expect(403);
    let reader = role(
        "reader",
        json!([{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["configmaps"]}]),
    );
    hub.post(ROLES, reader).await.expect(201);
    alice.get(CONFIGMAPS).await.expect(403);
    let made = hub
        .post(BINDINGS, binding("alice", "Role", "reader", "alice"))
        .await
        .expect(201);
    assert_eq!(made["subjects"][0]["apiGroup"], "rbac.authorization.k8s.io");
    assert_eq!(made["roleRef"]["apiGroup"], "rbac.authorization.k8s.io");
    alice.get(CONFIGMAPS).await.expect(200);
    alice.get("/api/v1/namespaces/kube-system/configmaps").await.expect(403);
    alice.get("/api/v1/configmaps").await.expect(403);
    alice.post(CONFIGMAPS, configmap("a", "1")).await.expect(403);
    bob.get(CONFIGMAPS).await.expect(403);
    hub.delete(&format!("{BINDINGS}/alice"), Value::Null).await.expect(200);
    alice.get(CONFIGMAPS).await.expect(403);

    hub.post(BINDINGS, binding("gone", "Role", "nope", "bob"))
        .await
        .expect(201);
    assert_eq!(
        message(bob.get(CONFIGMAPS).await, 403).await,
        "configmaps is forbidden: User \"bob\" cannot list resource \"configmaps\" in API group \"\" in the namespace \
         \"default\": RBAC: role.rbac.authorization.k8s.io \"nope\" not found"
    );
}

#[tokio::test]
async fn names_and_namespaces_bound_a_role() {
    let hub = Hub::start().await;
    let alice = user(&hub, "alice");
    hub.post(CONFIGMAPS, configmap("mine", "1")).await.expect(201);
    let rules = json!([
        {"verbs": ["get", "list", "watch"], "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["mine"]},
        {"verbs": ["get"], "apiGroups": [""], "resources": ["namespaces"]},
    ]);
    hub.post(ROLES, role("mine", rules)).await.expect(201);
    hub.post(BINDINGS, binding("alice", "Role", "mine", "alice"))
        .await
        .expect(201);
    alice.get(&format!("{CONFIGMAPS}/mine")).await.expect(200);
    alice.get(&format!("{CONFIGMAPS}/other")).await.expect(403);
    alice.get(CONFIGMAPS).await.expect(403);
    alice
        .get(&format!("{CONFIGMAPS}?fieldSelector=metadata.name%3Dmine"))
        .await
        .expect(200);
    alice
        .get(&format!("{CONFIGMAPS}?fieldSelector=metadata.name%3Dother"))
        .await
        .expect(403);
    alice.get("/api/v1/namespaces/default").await.expect(200);
    alice.get("/api/v1/namespaces/kube-system").await.expect(403);
}

#[tokio::test]
async fn view_edit_and_admin_in_one_namespace() {
    let hub = Hub::start().await;
    let (vera, eddie, ada) = (user(&hub, "vera"), user(&hub, "eddie"), user(&hub, "ada"));
    for (name, role) in [("vera", "view"), ("eddie", "edit"), ("ada", "admin")] {
        hub.post(BINDINGS, binding(name, "ClusterRole", role, name))
            .await
            .expect(201);
    }
    vera.get(DEPLOYMENTS).await.expect(200);
    vera.get("/api/v1/namespaces/default/secrets").await.expect(403);
    vera.post(DEPLOYMENTS, deployment("web")).await.expect(403);
    eddie.post(DEPLOYMENTS, deployment("web")).await.expect(201);
    eddie.get("/api/v1/namespaces/default/secrets").await.expect(200);
    eddie.get(ROLES).await.expect(403);
    ada.get(ROLES).await.expect(200);
    ada.post("/apis/apps/v1/namespaces/kube-system/deployments", deployment("web"))
        .await
        .expect(403);
    // An administrator of a namespace may hand out what they hold, there.
    ada.post(BINDINGS, binding("more", "ClusterRole", "edit", "bob"))
        .await
        .expect(201);
    ada.post(BINDINGS, binding("too-much", "ClusterRole", "cluster-admin", "ada"))
        .await
        .expect(403);
    let own = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {
        "name": "crds-view", "labels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"}},
        "rules": [{"verbs": ["get"], "apiGroups": ["example.org"], "resources": ["things"]}]});
    hub.post(&format!("{RBAC}/clusterroles"), own).await.expect(201);
    let things = "/apis/example.org/v1/namespaces/default/things/a";
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while eddie.get(things).await.code == 403 {
        assert!(
            std::time::Instant::now() < until,
            "the rule reaches view, and edit through it"
        );
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn nobody_hands_out_what_they_lack() {
    let hub = Hub::start().await;
    let alice = user(&hub, "alice");
    let rules = json!([
        {"verbs": ["create", "update", "patch", "get"], "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["*"]},
        {"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"]},
    ]);
    let maker = json!({"metadata": {"name": "maker"}, "rules": rules});
    hub.post(&format!("{RBAC}/clusterroles"), maker).await.expect(201);
    let bound = binding("alice", "ClusterRole", "maker", "alice");
    hub.post(&format!("{RBAC}/clusterrolebindings"), bound)
        .await
        .expect(201);

    let read =
        |resources: &[&str], verbs: &[&str]| json!([{"verbs": verbs, "apiGroups": [""], "resources": resources}]);
    alice
        .post(ROLES, role("same", read(&["configmaps"], &["get"])))
        .await
        .expect(201);
    assert_eq!(
        message(
            alice
                .post(ROLES, role("x", read(&["configmaps", "secrets"], &["get", "list"])))
                .await,
            403
        )
        .await,
        "roles.rbac.authorization.k8s.io \"x\" is forbidden: user \"alice\" (groups=[\"system:authenticated\"]) is attempting \
         to grant RBAC permissions not currently held:\n\
         {APIGroups:[\"\"], Resources:[\"configmaps\"], Verbs:[\"list\"]}\n\
         {APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\" \"list\"]}"
    );
    let wider = json!({"rules": read(&["secrets"], &["get"])});
    alice
        .patch(&format!("{ROLES}/same"), MERGE, wider.clone())
        .await
        .expect(403);
    let narrower = json!({"rules": []});
    alice.patch(&format!("{ROLES}/same"), MERGE, narrower).await.expect(200);

    alice
        .post(BINDINGS, binding("b", "ClusterRole", "view", "alice"))
        .await
        .expect(403);
    alice
        .post(BINDINGS, binding("b", "ClusterRole", "nope", "alice"))
        .await
        .expect(404);
    alice
        .post(BINDINGS, binding("b", "Role", "same", "alice"))
        .await
        .expect(201);
    let aggregated = json!({"metadata": {"name": "all"}, "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}});
    assert_eq!(
        message(alice.post(&format!("{RBAC}/clusterroles"), aggregated).await, 403).await,
        "clusterroles.rbac.authorization.k8s.io \"all\" is forbidden: must have cluster-admin privileges to use the aggregationRule"
    );

    let more = json!([
        {"verbs": ["escalate"], "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "resourceNames": ["same"]},
        {"verbs": ["bind"], "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "resourceNames": ["view"]},
    ]);
    hub.post(ROLES, role("more", more)).await.expect(201);
    hub.post(BINDINGS, binding("more", "Role", "more", "alice"))
        .await
        .expect(201);
    alice.patch(&format!("{ROLES}/same"), MERGE, wider).await.expect(200);
    alice
        .post(BINDINGS, binding("v", "ClusterRole", "view", "bob"))
        .await
        .expect(201);
}

#[tokio::test]
async fn an_update_that_creates_needs_the_right_to_create() {
    let hub = Hub::start().await;
    let dave = user(&hub, "dave");
    let rules =
        json!([{"verbs": ["update", "patch"], "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"]}]);
    hub.post(ROLES, role("update", rules)).await.expect(201);
    hub.post(BINDINGS, binding("dave", "Role", "update", "dave"))
        .await
        .expect(201);
    let path = format!("{ROLES}/new");
    let refused = message(dave.put(&path, role("new", json!([]))).await, 403).await;
    assert!(
        refused.contains("User \"dave\" cannot create resource \"roles\""),
        "{refused}"
    );
    let applied = format!("{path}?fieldManager=dave");
    dave.patch(&applied, crate::harness::APPLY, role("new", json!([])))
        .await
        .expect(403);
    hub.put(&path, role("new", json!([]))).await.expect(201);
    dave.put(&path, role("new", json!([]))).await.expect(200);
}

#[tokio::test]
async fn bad_roles_and_bindings_are_told_so() {
    let hub = Hub::start().await;
    let bad = role(
        "b",
        json!([{"verbs": [], "apiGroups": [""]}, {"verbs": ["get"], "nonResourceURLs": ["/x"], "resources": ["a"]}]),
    );
    assert_eq!(
        message(hub.post(ROLES, bad).await, 422).await,
        "Role.rbac.authorization.k8s.io \"b\" is invalid: [rules[0].verbs: Required value: verbs must contain at least one \
         value, rules[0].resources: Required value: resource rules must supply at least one resource, \
         rules[1].nonResourceURLs: Invalid value: [\"/x\"]: namespaced rules cannot apply to non-resource URLs, \
         rules[1].nonResourceURLs: Invalid value: [\"/x\"]: rules cannot apply to both regular resources and non-resource URLs]"
    );
    let bad = json!({"metadata": {"name": "b"}, "roleRef": {"kind": "Role", "name": ""}, "subjects": [{"kind": "ServiceAccount", "name": "a"}]});
    assert_eq!(
        message(hub.post(&format!("{RBAC}/clusterrolebindings"), bad).await, 422).await,
        "ClusterRoleBinding.rbac.authorization.k8s.io \"b\" is invalid: [roleRef.kind: Unsupported value: \"Role\": supported \
         values: \"ClusterRole\", roleRef.name: Required value, subjects[0].namespace: Required value]"
    );
    hub.post(BINDINGS, binding("b", "ClusterRole", "view", "a"))
        .await
        .expect(201);
    let other = json!({"roleRef": {"name": "edit"}});
    let refused = message(hub.patch(&format!("{BINDINGS}/b"), MERGE, other).await, 422).await;
    assert!(refused.ends_with("cannot change roleRef"), "{refused}");
}

#[tokio::test]
async fn defaults_are_there_and_come_back() {
    for profile in [Profile::Hub, Profile::Member] {
        let hub = Hub::of(profile).await;
        let admin = hub.get(&format!("{RBAC}/clusterroles/admin")).await.expect(200);
        let has = |resource: &str| {
            let rules = admin["rules"].as_array().unwrap();
            rules
                .iter()
                .any(|rule| rule["resources"].as_array().unwrap().contains(&json!(resource)))
        };
        assert!(
            has("rolebindings") && has("secrets") && has("endpoints"),
            "admin is made of edit, and edit of view"
        );
        let known = user(&hub, "known");
        known.get("/apis").await.expect(200);
        known.get("/openapi/v2").await;
        let nobody = hub.as_user(UserInfo::anonymous());
        nobody.get("/apis").await.expect(403);
        nobody.get("/version").await.expect(200);
    }
}

#[tokio::test]
async fn a_restart_keeps_what_users_added() {
    use federation_apiserver::store::MemoryStore;
    use federation_apiserver::{ApiServer, ServerConfig};
    let store = std::sync::Arc::new(MemoryStore::default());
    let start = || async {
        let server = ApiServer::new(store.clone(), ServerConfig::new(Profile::Hub))
            .await
            .unwrap();
        Hub {
            server,
            user: UserInfo::internal("test"),
        }
    };
    let hub = start().await;
    let (discovery, basic, public) = ("system:discovery", "system:basic-user", "system:public-info-viewer");
    let path = |name: &str| format!("{RBAC}/clusterroles/{name}");
    let own = json!({"rules": [{"verbs": ["get"], "nonResourceURLs": ["/mine"]}]});
    hub.patch(&path(discovery), MERGE, own.clone()).await.expect(200);
    let kept =
        json!({"metadata": {"annotations": {"rbac.authorization.kubernetes.io/autoupdate": "false"}}, "rules": []});
    hub.patch(&path(basic), MERGE, kept).await.expect(200);
    hub.delete(&path(public), Value::Null).await.expect(200);
    drop(hub);
    let hub = start().await;
    let rules = hub.get(&path(discovery)).await.expect(200)["rules"].to_string();
    assert!(rules.contains("/mine") && rules.contains("/apis/*"), "{rules}");
    assert_eq!(hub.get(&path(basic)).await.expect(200)["rules"], Value::Null);
    hub.get(&path(public)).await.expect(200);
}

#[tokio::test]
async fn reviews_tell_why() {
    let hub = Hub::start().await;
    hub.post(BINDINGS, binding("v", "ClusterRole", "view", "vera"))
        .await
        .expect(201);
    let reviews = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    let ask = |user: &str, namespace: &str| {
        json!({"spec": {"user": user, "resourceAttributes":
        {"verb": "get", "resource": "configmaps", "namespace": namespace}}})
    };
    assert_eq!(
        hub.post(reviews, ask("vera", "default")).await.expect(201)["status"],
        json!({"allowed": true, "reason": "RBAC: allowed by RoleBinding \"v/default\" of ClusterRole \"view\" to User \"vera\""})
    );
    assert_eq!(
        hub.post(reviews, ask("vera", "other")).await.expect(201)["status"],
        json!({"allowed": false})
    );
    let rules = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    let vera = user(&hub, "vera");
    let told = |namespace: &str| json!({"spec": {"namespace": namespace}});
    let here = vera.post(rules, told("default")).await.expect(201).to_string();
    let there = vera.post(rules, told("other")).await.expect(201).to_string();
    assert!(here.contains("configmaps") && !there.contains("configmaps"));
    assert!(there.contains("selfsubjectaccessreviews") && there.contains("/apis/*"));
}

#[tokio::test]
async fn who_may_act_for_whom() {
    let hub = Hub::start().await;
    let alice = user(&hub, "alice");
    let rules = json!([
        {"verbs": ["impersonate"], "apiGroups": [""], "resources": ["users"], "resourceNames": ["bob"]},
        {"verbs": ["impersonate"], "apiGroups": [""], "resources": ["serviceaccounts"], "resourceNames": ["ci"]},
    ]);
    hub.post(
        &format!("{RBAC}/clusterroles"),
        json!({"metadata": {"name": "as"}, "rules": rules}),
    )
    .await
    .expect(201);
    hub.post(
        &format!("{RBAC}/clusterrolebindings"),
        binding("as", "ClusterRole", "as", "alice"),
    )
    .await
    .expect(201);
    let who = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let ask = |headers: &'static [(&'static str, &'static str)]| {
        let alice = &alice;
        let headers: Vec<_> = headers
            .iter()
            .copied()
            .chain([("content-type", "application/json")])
            .collect();
        async move { alice.send("POST", who, &headers, "{}").await }
    };
    let told = ask(&[("impersonate-user", "bob")]).await.expect(201);
    assert_eq!(told["status"]["userInfo"]["username"], "bob");
    ask(&[("impersonate-user", "eve")]).await.expect(403);
    ask(&[("impersonate-user", "bob"), ("impersonate-group", "g")])
        .await
        .expect(403);
    ask(&[("impersonate-user", "bob"), ("impersonate-uid", "1")])
        .await
        .expect(403);
    ask(&[("impersonate-user", "bob"), ("impersonate-extra-scopes", "a")])
        .await
        .expect(403);
    let told = ask(&[("impersonate-user", "system:serviceaccount:default:ci")])
        .await
        .expect(201);
    assert_eq!(
        told["status"]["userInfo"]["groups"],
        json!([
            "system:serviceaccounts",
            "system:serviceaccounts:default",
            "system:authenticated"
        ])
    );
    ask(&[("impersonate-user", "system:serviceaccount:default:other")])
        .await
        .expect(403);
}

#[tokio::test]
async fn roles_made_of_one_another_come_to_rest() {
    let hub = Hub::start().await;
    let made = |name: &str, of: &str, path: &str| {
        json!({
            "metadata": {"name": name, "labels": {"part": name}},
            "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"part": of}}]},
            "rules": [{"verbs": ["get"], "nonResourceURLs": [path]}],
        })
    };
    let all = format!("{RBAC}/clusterroles");
    for (name, of, path) in [("a", "b", "/a"), ("b", "a", "/b")] {
        hub.post(&all, made(name, of, path)).await.expect(201);
    }
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let a = hub.get(&format!("{all}/a")).await.expect(200);
        let b = hub.get(&format!("{all}/b")).await.expect(200);
        if a["rules"] == b["rules"] {
            break;
        }
        assert!(std::time::Instant::now() < until, "{a} {b}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
