//! What a policy says of where objects go, seen at work.

use serde_json::{Value, json};

use crate::hub::{Hub, OURS, condition};
use crate::placing::{DEPLOYMENTS, deployment, placements, shares};

async fn policy(hub: &Hub, name: &str, placement: Value) {
    let policy = json!({
        "apiVersion": "federation.meridian.dev/v1alpha1", "kind": "PropagationPolicy",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": name}],
            "placement": placement,
        },
    });
    let collection = format!("{OURS}/namespaces/shop/propagationpolicies");
    hub.create(&collection, policy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_are_spread_and_what_cannot_be_is_told() {
    let hub = Hub::start().await;
    let _members = [hub.join("eu-1").await, hub.join("eu-2").await, hub.join("us-1").await];
    hub.namespace("shop").await;
    let region = |min: i64| json!({"spreadByField": "region", "minGroups": min});
    let two = json!([region(2), {"spreadByField": "cluster", "maxGroups": 2}]);
    policy(&hub, "web", json!({"spreadConstraints": two})).await;
    policy(&hub, "api", json!({"spreadConstraints": [region(3)]})).await;
    hub.create(DEPLOYMENTS, deployment("web", 4)).await;
    hub.create(DEPLOYMENTS, deployment("api", 4)).await;

    let spread = |placement: Option<&Value>| {
        placement.is_some_and(|placement| {
            let shares = shares(placement);
            shares.len() == 2 && shares.last() == Some(&("us-1".to_owned(), 2))
        })
    };
    hub.until("two regions", &placements("shop"), "deployment-web", spread)
        .await;
    let told = |placement: Option<&Value>| condition(placement, "Scheduled") == "False";
    let stuck = hub
        .until("it is told", &placements("shop"), "deployment-api", told)
        .await
        .unwrap();
    let unmet = json!([{"constraint": "region", "wanted": 3, "found": 2}]);
    assert_eq!(stuck["spec"]["unmetConstraints"], unmet);
    assert_eq!(shares(&stuck), []);

    let _third = hub.join("ap-1").await;
    hub.until("a third region", &placements("shop"), "deployment-api", |placement| {
        placement.is_some_and(|placement| shares(placement).len() == 4) && condition(placement, "Scheduled") == "True"
    })
    .await;
    let web = hub.get(&placements("shop"), "deployment-web").await;
    assert!(spread(web.as_ref()), "what is placed stays: {web:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_group_holds_it_while_the_first_does_not_fit() {
    let hub = Hub::start().await;
    let _members = [hub.join("eu-1").await, hub.join("us-1").await];
    hub.namespace("shop").await;
    let group = |name: &str| json!({"affinityName": name, "clusterNames": [name]});
    let ordered = json!({"clusterAffinities": [group("eu-1"), group("us-1")], "clusterAffinityReturnSeconds": 1});
    policy(&hub, "web", ordered).await;
    hub.create(DEPLOYMENTS, deployment("web", 2)).await;
    let within = |group: &str| {
        let wanted = [(group.to_owned(), 2)];
        let group = group.to_owned();
        move |placement: Option<&Value>| {
            placement
                .is_some_and(|placement| shares(placement) == wanted && placement["spec"]["affinity"]["name"] == group)
        }
    };
    let whereabouts = placements("shop");
    hub.until("the first", &whereabouts, "deployment-web", within("eu-1"))
        .await;
    let clusters = format!("{OURS}/clusters");
    let taints = |taints: Value| json!({"spec": {"taints": taints}});
    let broken = json!([{"key": "broken", "effect": "NoExecute"}]);
    hub.merge(&clusters, "eu-1", taints(broken)).await;
    hub.until("the second", &whereabouts, "deployment-web", within("us-1"))
        .await;
    hub.merge(&clusters, "eu-1", taints(json!([]))).await;
    hub.until("it will go back", &whereabouts, "deployment-web", |placement| {
        placement.is_some_and(|placement| placement["spec"]["affinity"]["returningTo"] == "eu-1")
    })
    .await;
    hub.until("the first again", &whereabouts, "deployment-web", within("eu-1"))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_go_where_there_is_room_and_a_shortage_is_made_good() {
    let hub = Hub::start().await;
    let members = [hub.join("eu-1").await, hub.join("us-1").await];
    let clusters = format!("{OURS}/clusters");
    let room = async |member: usize, cpus: i64| {
        *members[member].free.lock().unwrap() = Some(cpus);
        let name = ["eu-1", "us-1"][member];
        hub.until("its room is known", &clusters, name, |cluster| {
            let free = cluster.and_then(|cluster| cluster.pointer("/status/capacity/groups/0/free/0/resources/cpu"));
            free == Some(&json!(cpus.to_string()))
        })
        .await;
    };
    room(0, 4).await;
    room(1, 2).await;
    hub.namespace("shop").await;
    let dynamic = json!({"replicaScheduling": {"replicaDivisionPreference": "Weighted",
        "weightPreference": {"dynamicWeight": "AvailableReplicas"}}});
    policy(&hub, "web", dynamic).await;
    let mut web = deployment("web", 8);
    web["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "1"}});
    hub.create(DEPLOYMENTS, web).await;
    let shared = |eu: i64, us: i64| {
        let wanted = [("eu-1".to_owned(), eu), ("us-1".to_owned(), us)];
        move |placement: Option<&Value>| placement.is_some_and(|placement| shares(placement) == wanted)
    };
    let whereabouts = placements("shop");
    let short = hub
        .until("what fits", &whereabouts, "deployment-web", |placement| {
            shared(4, 2)(placement) && condition(placement, "Scheduled") == "False"
        })
        .await
        .unwrap();
    assert_eq!(short["spec"]["unplacedReplicas"], 2);

    room(1, 5).await;
    hub.until("the rest", &whereabouts, "deployment-web", |placement| {
        shared(4, 4)(placement) && condition(placement, "Scheduled") == "True"
    })
    .await;

    // Room alone moves nothing; a request does.
    room(0, 0).await;
    room(1, 16).await;
    let before = hub.get(&whereabouts, "deployment-web").await.unwrap();
    assert!(shared(4, 4)(Some(&before)), "{before}");
    let asked = json!({"metadata": {"annotations": {"federation.meridian.dev/rebalance": "1"}}});
    hub.merge(DEPLOYMENTS, "web", asked).await;
    // Room for 12 more counts there: the member that is played never takes the room that was given away.
    hub.until("divided anew", &whereabouts, "deployment-web", shared(2, 6))
        .await;
    let held = members[1].holds.lock().unwrap().clone();
    let copy = held.values().find(|object| object["kind"] == "Deployment").unwrap();
    assert!(
        copy["metadata"]["annotations"]["federation.meridian.dev/rebalance"].is_null(),
        "{copy}"
    );
}
