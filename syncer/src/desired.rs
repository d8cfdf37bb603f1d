//! What to do next about one object, given what the hub wants and what was seen in the member. Pure.
//!
//! In: the manifest, the live object, what the last write established. Out: one [`Next`]. Absent: I/O, clocks, retries.
//! Rules: only an explicit `Absent` removes; what carries another Placement's mark is a conflict; equal hashes need no write
//! unless a rendered field was changed in the member.

use api::manifest::ManifestAction;
use api::policy::ConflictResolution;
use api::{Manifest, PlacementKey};

use crate::cover::{self, Fingerprint};
use crate::initial;
use crate::live::Live;

/// What the last write, or the check after a start, established about the member's copy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Held {
    /// Hash of the manifest that it holds.
    pub(crate) hash: String,
    /// Hub generation of that manifest.
    pub(crate) hub_generation: i64,
    /// What the live object says in the rendered fields when all is well; unknown where nothing was rendered.
    pub(crate) fingerprint: Option<Fingerprint>,
    /// The live object's version that was found to be well; the same version need not be looked at again.
    pub(crate) verified: String,
    /// The member's `metadata.generation` right after.
    pub(crate) generation: i64,
    /// The live object's uid.
    pub(crate) uid: String,
}

impl Held {
    /// What a live object that holds the manifest establishes.
    pub(crate) fn new(manifest: &Manifest, live: &Live) -> Self {
        Self {
            hash: manifest.spec.hash.clone(),
            hub_generation: manifest.spec.hub_generation,
            fingerprint: Some(cover::fingerprint(&initial::compared(manifest), &live.value)),
            verified: live.resource_version.clone(),
            generation: live.generation(),
            uid: live.uid.clone(),
        }
    }
}

/// Everything a decision may look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) key: &'a PlacementKey,
    pub(crate) manifest: &'a Manifest,
    pub(crate) live: Option<&'a Live>,
    pub(crate) held: Option<&'a Held>,
    /// This manifest's `Absent` or `Release` is done and confirmed.
    pub(crate) gone: bool,
    /// The object's namespace is being applied first.
    pub(crate) namespace_awaited: bool,
    /// The object is a namespace in which something is wanted.
    pub(crate) inhabited: bool,
}

/// Why something is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The member does not hold it, as far as we saw.
    Missing,
    /// The hub wants something else.
    Changed,
    /// A rendered field was changed in the member.
    Drifted,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Next {
    /// Nothing: it is as it should be, or must be left alone.
    Rest,
    /// Nothing yet: another object comes first, or the old one is still going.
    Wait,
    /// The live object holds the manifest already; remember that.
    Accept(Held),
    /// Apply the manifest.
    Apply(Why),
    /// Remove the object, if it is ours.
    Remove,
    /// Strip our marks, if it is ours.
    Release,
    /// Something that is not ours is in the way.
    Conflict(String),
}

/// Decides.
pub(crate) fn next(seen: &Seen<'_>) -> Next {
    match seen.manifest.spec.action {
        ManifestAction::Hold => keep(seen),
        ManifestAction::Absent | ManifestAction::Release if seen.gone && !came_back(seen) => Next::Rest,
        // Deleting it would delete what the hub wants to be in it.
        ManifestAction::Absent if seen.inhabited => Next::Wait,
        ManifestAction::Absent => Next::Remove,
        ManifestAction::Release => Next::Release,
        ManifestAction::Apply => hold(seen),
    }
}

/// A write that was under way when it was confirmed gone has landed after all.
fn came_back(seen: &Seen<'_>) -> bool {
    let key = seen.key.to_string();
    seen.live
        .is_some_and(|live| live.belongs_to(&key) && !live.is_terminating())
}

/// Nothing could be rendered: what is there stays, and is only remembered.
fn keep(seen: &Seen<'_>) -> Next {
    match (seen.held, seen.live) {
        (None, Some(live)) if live.belongs_to(&seen.key.to_string()) => Next::Accept(Held {
            hash: live.manifest_hash().unwrap_or_default().to_owned(),
            hub_generation: 0,
            fingerprint: None,
            verified: String::new(),
            generation: live.generation(),
            uid: live.uid.clone(),
        }),
        (_, _) => Next::Rest,
    }
}

fn hold(seen: &Seen<'_>) -> Next {
    if seen.namespace_awaited {
        return Next::Wait;
    }
    let Some(live) = seen.live else {
        return Next::Apply(Why::Missing);
    };
    if live.is_terminating() {
        return Next::Wait;
    }
    let key = seen.key.to_string();
    if !live.belongs_to(&key) && seen.manifest.spec.conflict_resolution == ConflictResolution::Abort {
        return Next::Conflict(conflict(live, &key));
    }
    let spec = &seen.manifest.spec;
    match seen.held {
        Some(held) if held.uid == live.uid && held.fingerprint.is_some() => {
            if held.hash != spec.hash {
                Next::Apply(Why::Changed)
            } else if held.verified == live.resource_version {
                Next::Rest
            } else if Some(cover::fingerprint(&initial::compared(seen.manifest), &live.value)) != held.fingerprint {
                Next::Apply(Why::Drifted)
            } else {
                Next::Rest
            }
        }
        Some(_) | None => {
            if !live.belongs_to(&key) || live.manifest_hash() != Some(&spec.hash) {
                Next::Apply(Why::Changed)
            } else if cover::covers(&initial::compared(seen.manifest), &live.value) {
                Next::Accept(Held::new(seen.manifest, live))
            } else {
                Next::Apply(Why::Drifted)
            }
        }
    }
}

/// Names what is in the way, and the next step.
pub(crate) fn conflict(live: &Live, key: &str) -> String {
    let owner = match live.placement().filter(|_| live.is_managed()) {
        Some(other) => format!("belongs to the Placement {other}"),
        None => "was not put there by Meridian".to_owned(),
    };
    let (kind, name) = (&live.id.kind.kind, &live.id.name);
    let object = if live.id.namespace.is_empty() {
        name.clone()
    } else {
        format!("{}/{name}", live.id.namespace)
    };
    format!(
        "{kind} {object} is already there and {owner}; it is left as it is. Next: remove or rename it there, or set \
         conflictResolution: Overwrite in the policy of {key}"
    )
}

#[cfg(test)]
mod tests {
    use api::well_known::{MANAGED_LABEL, MANIFEST_HASH_ANNOTATION, PLACEMENT_ANNOTATION};
    use api::{ManifestSpec, ObjectRef};
    use kube::api::DynamicObject;
    use serde_json::{Value, json};

    use super::*;
    use crate::kinds::KindId;

    fn key() -> PlacementKey {
        PlacementKey {
            namespace: "shop".into(),
            name: "deployment-web".into(),
        }
    }

    fn marked(replicas: i64, hash: &str, placement: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"namespace": "shop", "name": "web", "labels": {MANAGED_LABEL: "true"},
                "annotations": {PLACEMENT_ANNOTATION: placement, MANIFEST_HASH_ANNOTATION: hash}},
            "spec": {"replicas": replicas}})
    }

    fn manifest(action: ManifestAction, replicas: i64, hash: &str) -> Manifest {
        let resource = ObjectRef {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            namespace: "shop".into(),
            name: "web".into(),
            uid: String::new(),
        };
        let object = marked(replicas, hash, "shop/deployment-web");
        let spec = ManifestSpec {
            action,
            resource,
            object,
            hash: hash.into(),
            hub_generation: 1,
            ..Default::default()
        };
        Manifest {
            spec,
            ..Default::default()
        }
    }

    fn live(mut value: Value, uid: &str) -> Live {
        value["metadata"]["uid"] = json!(uid);
        value["metadata"]["resourceVersion"] = json!("7");
        let object: DynamicObject = serde_json::from_value(value).unwrap();
        Live::new(&KindId::new("apps/v1", "Deployment"), object)
    }

    fn decide(manifest: &Manifest, live: Option<&Live>, held: Option<&Held>) -> Next {
        next(&Seen {
            key: &key(),
            manifest,
            live,
            held,
            gone: false,
            namespace_awaited: false,
            inhabited: false,
        })
    }

    #[test]
    fn a_restart_writes_nothing_where_the_hash_is_equal() {
        let wanted = manifest(ManifestAction::Apply, 3, "h1");
        let there = live(marked(3, "h1", "shop/deployment-web"), "u1");
        let accepted = decide(&wanted, Some(&there), None);
        let Next::Accept(held) = accepted else {
            panic!("{accepted:?}")
        };
        assert_eq!(decide(&wanted, Some(&there), Some(&held)), Next::Rest);
    }

    #[test]
    fn applies_what_is_missing_changed_or_drifted() {
        let wanted = manifest(ManifestAction::Apply, 3, "h1");
        assert_eq!(decide(&wanted, None, None), Next::Apply(Why::Missing));
        let old = live(marked(2, "h0", "shop/deployment-web"), "u1");
        assert_eq!(decide(&wanted, Some(&old), None), Next::Apply(Why::Changed));
        let drifted = Live {
            resource_version: "8".into(),
            ..live(marked(9, "h1", "shop/deployment-web"), "u1")
        };
        assert_eq!(decide(&wanted, Some(&drifted), None), Next::Apply(Why::Drifted));
        let held = Held::new(&wanted, &live(marked(3, "h1", "shop/deployment-web"), "u1"));
        assert_eq!(decide(&wanted, Some(&drifted), Some(&held)), Next::Apply(Why::Drifted));
        let newer = manifest(ManifestAction::Apply, 4, "h2");
        let there = live(marked(3, "h1", "shop/deployment-web"), "u1");
        assert_eq!(decide(&newer, Some(&there), Some(&held)), Next::Apply(Why::Changed));
    }

    #[test]
    fn what_is_left_to_the_member_is_no_drift() {
        let mut wanted = manifest(ManifestAction::Apply, 3, "h1");
        wanted.spec.initial_fields = vec!["/spec/replicas".into()];
        let scaled = |replicas, version: &str| Live {
            resource_version: version.into(),
            ..live(marked(replicas, "h1", "shop/deployment-web"), "u1")
        };
        let accepted = decide(&wanted, Some(&scaled(9, "7")), None);
        let Next::Accept(held) = accepted else {
            panic!("{accepted:?}")
        };
        assert_eq!(decide(&wanted, Some(&scaled(2, "8")), Some(&held)), Next::Rest);
        let other = Live {
            resource_version: "9".into(),
            ..live(marked(2, "edited", "shop/deployment-web"), "u1")
        };
        assert_eq!(decide(&wanted, Some(&other), Some(&held)), Next::Apply(Why::Drifted));
        wanted.spec.initial_fields.clear();
        wanted.spec.hash = "h2".into();
        assert_eq!(
            decide(&wanted, Some(&scaled(2, "8")), Some(&held)),
            Next::Apply(Why::Changed),
            "the hub takes them back"
        );
    }

    #[test]
    fn foreign_objects_are_conflicts_unless_overwrite_is_asked() {
        let mut wanted = manifest(ManifestAction::Apply, 3, "h1");
        let mut plain = marked(3, "h1", "shop/deployment-web");
        plain["metadata"]["labels"] = json!({});
        for there in [live(marked(3, "h1", "shop/deployment-other"), "u1"), live(plain, "u2")] {
            let Next::Conflict(message) = decide(&wanted, Some(&there), None) else {
                panic!()
            };
            assert!(
                message.contains("Deployment shop/web") && message.contains("Overwrite"),
                "{message}"
            );
        }
        wanted.spec.conflict_resolution = ConflictResolution::Overwrite;
        let there = live(marked(3, "h1", "shop/deployment-other"), "u1");
        assert_eq!(decide(&wanted, Some(&there), None), Next::Apply(Why::Changed));
    }

    #[test]
    fn only_an_explicit_absent_removes() {
        let there = live(marked(3, "h1", "shop/deployment-web"), "u1");
        assert_eq!(
            decide(&manifest(ManifestAction::Absent, 3, "h1"), Some(&there), None),
            Next::Remove
        );
        assert_eq!(
            decide(&manifest(ManifestAction::Absent, 3, "h1"), None, None),
            Next::Remove
        );
        assert_eq!(
            decide(&manifest(ManifestAction::Release, 3, "h1"), Some(&there), None),
            Next::Release
        );
        let kept = manifest(ManifestAction::Hold, 3, "h1");
        assert!(
            matches!(decide(&kept, Some(&there), None), Next::Accept(_)),
            "what is there is remembered"
        );
        assert_eq!(decide(&kept, None, None), Next::Rest);
        let done = manifest(ManifestAction::Absent, 3, "h1");
        let seen = Seen {
            key: &key(),
            manifest: &done,
            live: None,
            held: None,
            gone: true,
            namespace_awaited: false,
            inhabited: false,
        };
        assert_eq!(next(&seen), Next::Rest);
        assert_eq!(
            next(&Seen {
                live: Some(&there),
                ..seen
            }),
            Next::Remove,
            "a late write brought it back"
        );
        let inhabited = Seen {
            gone: false,
            inhabited: true,
            ..seen
        };
        assert_eq!(next(&inhabited), Next::Wait, "what the hub wants in it would go along");
    }

    #[test]
    fn waits_for_its_namespace_and_for_a_dying_object() {
        let wanted = manifest(ManifestAction::Apply, 3, "h1");
        let seen = Seen {
            key: &key(),
            manifest: &wanted,
            live: None,
            held: None,
            gone: false,
            namespace_awaited: true,
            inhabited: false,
        };
        assert_eq!(next(&seen), Next::Wait);
        let mut dying = marked(3, "h0", "shop/deployment-web");
        dying["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert_eq!(decide(&wanted, Some(&live(dying, "u1")), None), Next::Wait);
    }
}
