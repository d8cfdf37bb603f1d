//! Rows of what runs pods, and of what scales and protects them.

use std::borrow::Cow;

use super::kubernetes::core;
use super::{GenerationRule, PLAIN, Row, ScalePaths, Strategy};

/// A status that only its subresource writes, and a generation that counts changes of `spec`.
pub(super) const OBSERVED: Strategy = Strategy {
    status: true,
    generation: GenerationRule::Spec,
    ..PLAIN
};

const SCALED: Strategy = Strategy {
    scale: Some(ScalePaths {
        replicas: Cow::Borrowed("/spec/replicas"),
        status_replicas: Cow::Borrowed("/status/replicas"),
        selector: Some(Cow::Borrowed("/spec/selector")),
    }),
    ..OBSERVED
};

fn all(group: &'static str, strategy: Strategy, row: Row) -> Row {
    Row {
        group,
        categories: &["all"],
        strategy,
        ..row
    }
}

/// The rows, one group after the other.
pub(super) fn rows() -> Vec<Row> {
    let history = Strategy {
        generation: GenerationRule::SpecOrAnnotations,
        ..SCALED
    };
    vec![
        Row {
            group: "apps",
            ..core("ControllerRevision", "controllerrevisions", "controllerrevision", &[])
        },
        all("apps", OBSERVED, core("DaemonSet", "daemonsets", "daemonset", &["ds"])),
        all(
            "apps",
            history,
            core("Deployment", "deployments", "deployment", &["deploy"]),
        ),
        all("apps", SCALED, core("ReplicaSet", "replicasets", "replicaset", &["rs"])),
        all(
            "apps",
            SCALED,
            core("StatefulSet", "statefulsets", "statefulset", &["sts"]),
        ),
        all("batch", OBSERVED, core("CronJob", "cronjobs", "cronjob", &["cj"])),
        Row {
            fields: &["status.successful"],
            ..all("batch", OBSERVED, core("Job", "jobs", "job", &[]))
        },
        autoscaler("v2"),
        autoscaler("v1"),
        Row {
            group: "policy",
            strategy: Strategy {
                unconditional_update: false,
                ..OBSERVED
            },
            ..core(
                "PodDisruptionBudget",
                "poddisruptionbudgets",
                "poddisruptionbudget",
                &["pdb"],
            )
        },
    ]
}

/// HorizontalPodAutoscalers, which Kubernetes builds in twice.
fn autoscaler(version: &'static str) -> Row {
    let row = core(
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        "horizontalpodautoscaler",
        &["hpa"],
    );
    Row {
        version,
        ..all("autoscaling", Strategy { status: true, ..PLAIN }, row)
    }
}
