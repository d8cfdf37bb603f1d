//! The whole path against three real Kubernetes control planes.

use std::cell::RefCell;

use e2e::{ControlPlane, Federation, eventually};

use crate::definitions;
use crate::member_loss::{Versions, lose_and_recover, versions};
use crate::read_through;
use crate::shop;

#[test]
fn the_shop_on_three_real_control_planes() {
    let dir = tempfile::tempdir().unwrap();
    let places = [("us-1", "us-east"), ("eu-1", "eu-west"), ("ap-1", "ap-south")];
    let mut planes: Vec<ControlPlane> = places
        .iter()
        .zip(11..)
        .map(|((name, _), number)| ControlPlane::start(name, number, &dir.path().join(name)).unwrap())
        .collect();
    let mut federation = Federation::start(dir.path(), 0).unwrap();
    federation
        .kubectl(&["apply", "--server-side=false", "-f", "examples/regions.yaml"])
        .unwrap();
    for (plane, (name, region)) in planes.iter().zip(places) {
        let kubeconfig = plane.kubeconfig();
        let zone = format!("{region}-a");
        federation
            .command(&[
                "join",
                name,
                "--kubeconfig",
                &kubeconfig.display().to_string(),
                "--region",
                region,
                "--zone",
                &zone,
            ])
            .unwrap();
    }
    federation
        .kubectl(&["wait", "--for=condition=Ready", "clusters", "--all", "--timeout=60s"])
        .unwrap();
    shop::walk(&federation);
    let pods = planes[0]
        .kubectl(&["-n", "shop", "get", "pods", "-l", "app=web", "-o", "name"])
        .unwrap();
    assert_eq!(
        pods.lines().count(),
        4,
        "the share of web in us-1, as the real controllers made it: {pods}"
    );
    read_through::walk(&federation, "us-1", &planes[0].kubeconfig());
    read_through::commands(&federation);
    restart_writes_nothing(&mut federation, &planes);
    definitions::walk_in_planes(&federation, dir.path(), &planes);
    let (us, others_planes) = planes.split_first_mut().unwrap();
    let us = RefCell::new(us);
    lose_and_recover(
        &federation,
        || others(others_planes),
        || us.borrow_mut().cut_power().unwrap(),
        || us.borrow_mut().restore_power().unwrap(),
    );
}

/// A hub that starts again finds everything as it left it; the first write to a member is the next thing that a user wants.
fn restart_writes_nothing(federation: &mut Federation, planes: &[ControlPlane]) {
    let before = (others(planes), generations(planes));
    federation.stop().unwrap();
    federation.restart().unwrap();
    federation
        .kubectl(&["wait", "--for=condition=Ready", "clusters", "--all", "--timeout=60s"])
        .unwrap();
    federation
        .kubectl(&["-n", "shop", "create", "configmap", "after-the-restart"])
        .unwrap();
    eventually("the new ConfigMap in every member", shop::PATIENCE, || {
        planes
            .iter()
            .try_for_each(|plane| {
                plane
                    .kubectl(&["-n", "shop", "get", "configmap", "after-the-restart"])
                    .map(drop)
            })
            .map_err(|error| error.0)
    });
    let mut after = (others(planes), generations(planes));
    after.0.retain(|name, _| !name.contains("after-the-restart"));
    assert_eq!(after, before, "the restart wrote to members");
    let metrics = federation.kubectl(&["get", "--raw", "/metrics"]).unwrap();
    let deeds = metrics
        .lines()
        .filter(|line| line.starts_with("meridian_sync_apply_duration_seconds_count"))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum::<f64>();
    assert!(
        (deeds - 3.0).abs() < 0.5,
        "{deeds} deeds in three members, for one object"
    );
    federation
        .kubectl(&["-n", "shop", "delete", "configmap", "after-the-restart"])
        .unwrap();
}

/// Generations of the Deployments: their status and annotations are written by the members' own controllers as well.
fn generations(planes: &[ControlPlane]) -> Versions {
    let path = "jsonpath={range .items[*]}{.metadata.name} {.metadata.uid} {.metadata.generation}{\"\\n\"}{end}";
    planes
        .iter()
        .map(|plane| {
            let list = plane
                .kubectl(&["-n", "shop", "get", "deployments", "-o", path])
                .unwrap();
            (plane.name().to_owned(), list)
        })
        .collect()
}

fn others(planes: &[ControlPlane]) -> Versions {
    let mut all = Versions::new();
    for plane in planes {
        let words = [
            "-n",
            "shop",
            "get",
            "configmap,secret,serviceaccount,service",
            "-o",
            "json",
        ];
        let mine = ["-l", "federation.meridian.dev/managed=true"];
        let list = serde_json::from_str(&plane.kubectl(&[&words[..], &mine].concat()).unwrap()).unwrap();
        all.extend(
            versions(&list)
                .into_iter()
                .map(|(name, version)| (format!("{}: {name}", plane.name()), version)),
        );
    }
    all
}
