//! The whole path against simulated members.

use std::process::Command;

use e2e::federation::output;
use e2e::{Federation, tools};

use crate::member_loss::{Versions, lose_and_recover, versions};
use crate::read_through;
use crate::shop;

#[test]
fn the_shop_from_apply_to_the_loss_of_a_member() {
    let dir = tempfile::tempdir().unwrap();
    let federation = Federation::start(dir.path(), 3).unwrap();
    shop::walk(&federation);
    read_through::walk(&federation, "us-1", &federation.data_dir().join("kubeconfig"));
    read_through::commands(&federation);
    read_through::one_member_away(&federation);
    lose_and_recover(
        &federation,
        || others(&federation),
        || println!("{}", federation.command(&["simulate", "fail", "us-1"]).unwrap()),
        || println!("{}", federation.command(&["simulate", "recover", "us-1"]).unwrap()),
    );
}

/// What the other members hold of what we applied there.
fn others(federation: &Federation) -> Versions {
    let mut all = Versions::new();
    for member in ["eu-1", "ap-1"] {
        let mut command = Command::new(tools::cached("kubectl").unwrap());
        command
            .arg("--kubeconfig")
            .arg(federation.data_dir().join("kubeconfig"))
            .args([
                "--context",
                member,
                "-n",
                "shop",
                "get",
                "configmap,secret,serviceaccount,service",
                "-o",
                "json",
            ])
            .args(["-l", "federation.meridian.dev/managed=true"]);
        let list = serde_json::from_str(&output(command).unwrap()).unwrap();
        all.extend(
            versions(&list)
                .into_iter()
                .map(|(name, version)| (format!("{member}: {name}"), version)),
        );
    }
    all
}
