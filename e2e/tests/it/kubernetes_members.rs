//! The whole path against three real Kubernetes control planes.

use std::cell::RefCell;

use e2e::{ControlPlane, Federation};

use crate::member_loss::{Versions, lose_and_recover, versions};
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
    let federation = Federation::start(dir.path(), 0).unwrap();
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
    let (us, others_planes) = planes.split_first_mut().unwrap();
    let us = RefCell::new(us);
    lose_and_recover(
        &federation,
        || others(others_planes),
        || us.borrow_mut().cut_power().unwrap(),
        || us.borrow_mut().restore_power().unwrap(),
    );
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
