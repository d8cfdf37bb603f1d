//! What a member is found to be before it joins: too old, with a wrong clock, without kinds, with an account that may not do its work.
//!
//! In: a few questions to the member. Out: [`Finding`]s, each with its next step. The judgement is pure ([`findings`]).

use std::collections::BTreeSet;
use std::time::Duration;

use api::ClusterName;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use k8s_openapi::api::authorization::v1::{ResourceRule, SelfSubjectRulesReview, SelfSubjectRulesReviewSpec};
use kube::api::PostParams;
use kube::{Api, Client};
use placement::federated_kinds::KINDS;

/// Oldest minor version of Kubernetes 1 that can be a member.
const MINOR_MIN: u32 = 31;
/// Difference of clocks, in seconds, from which certificates and tokens begin to fail.
const SKEW_MAX: i64 = 30;
/// How long each question may take. What is not answered is not judged.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// A namespace that nobody has: what is allowed there is allowed everywhere.
const NOWHERE: &str = "meridian-preflight";
const VERBS: [&str; 6] = ["create", "delete", "get", "list", "patch", "watch"];

/// What was found out.
#[derive(Clone, Debug, Default)]
struct Facts {
    /// `gitVersion`.
    version: String,
    /// Seconds by which the member's clock is ahead of ours.
    skew: Option<i64>,
    /// `group/plural` of what is served.
    served: Option<BTreeSet<String>>,
    /// What the account may do in the whole cluster.
    rules: Option<Vec<ResourceRule>>,
}

/// Something that somebody should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// It keeps the cluster from joining.
    pub(crate) grave: bool,
    /// What, and the next step.
    pub(crate) message: String,
}

/// Asks a member and judges it. `account` tells whether the account that asks is the one that will work there.
pub(crate) async fn look(cluster: &ClusterName, member: &Client, version: &str, account: bool) -> Vec<Finding> {
    let facts = Facts {
        version: version.to_owned(),
        skew: within(skew(member)).await,
        served: within(served(member)).await,
        rules: if account { within(rules(member)).await } else { None },
    };
    findings(cluster, &facts)
}

async fn within<T>(asked: impl Future<Output = Option<T>>) -> Option<T> {
    tokio::time::timeout(ANSWER_WITHIN, asked).await.ok().flatten()
}

async fn skew(member: &Client) -> Option<i64> {
    let request = http::Request::get("/version").body(kube::client::Body::empty()).ok()?;
    let before = Timestamp::now();
    let answer = member.send(request).await.ok()?;
    let after = Timestamp::now();
    let date = answer.headers().get(http::header::DATE)?.to_str().ok()?;
    let theirs = rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?.as_second();
    Some(theirs - (before.as_second() + after.as_second()) / 2)
}

async fn served(member: &Client) -> Option<BTreeSet<String>> {
    let core = member.list_core_api_resources("v1").await.ok()?;
    let mut served: BTreeSet<String> = core.resources.iter().map(|kind| format!("/{}", kind.name)).collect();
    let versions: BTreeSet<&str> = KINDS
        .iter()
        .map(|kind| kind.api_version)
        .filter(|version| version.contains('/'))
        .collect();
    for version in versions {
        let group = version.split('/').next().unwrap_or_default();
        match member.list_api_group_resources(version).await {
            Ok(list) => served.extend(list.resources.iter().map(|kind| format!("{group}/{}", kind.name))),
            Err(kube::Error::Api(status)) if status.is_not_found() => {}
            Err(_) => return None,
        }
    }
    Some(served)
}

async fn rules(member: &Client) -> Option<Vec<ResourceRule>> {
    let review = SelfSubjectRulesReview {
        spec: SelfSubjectRulesReviewSpec {
            namespace: Some(NOWHERE.to_owned()),
        },
        ..SelfSubjectRulesReview::default()
    };
    let reviews: Api<SelfSubjectRulesReview> = Api::all(member.clone());
    let status = reviews.create(&PostParams::default(), &review).await.ok()?.status?;
    // An authorizer that cannot list its rules may allow more.
    (!status.incomplete).then_some(status.resource_rules)
}

/// Judges what was found out.
fn findings(cluster: &ClusterName, facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |grave, message| findings.push(Finding { grave, message });
    if let Some(minor) = minor(&facts.version)
        && minor < MINOR_MIN
    {
        let version = &facts.version;
        say(
            true,
            format!("cluster {cluster} is Kubernetes {version}; members are 1.{MINOR_MIN} or newer; next: upgrade it"),
        );
    }
    if let Some(skew) = facts.skew.filter(|skew| skew.abs() > SKEW_MAX) {
        let way = if skew > 0 { "ahead" } else { "behind" };
        let seconds = skew.abs();
        say(
            false,
            format!(
                "cluster {cluster}: its clock is {seconds} s {way} of this machine's; certificates and tokens may not be valid there; next: synchronize both"
            ),
        );
    }
    let group_of = |version: &'static str| version.rsplit_once('/').map_or("", |(group, _)| group);
    let names = |wanted: &dyn Fn(&str, &str) -> bool| -> Vec<&str> {
        let kinds = KINDS
            .iter()
            .filter(|kind| wanted(group_of(kind.api_version), kind.plural));
        kinds.map(|kind| kind.plural).collect()
    };
    if let Some(served) = &facts.served {
        let missing = names(&|group, plural| !served.contains(&format!("{group}/{plural}")));
        if !missing.is_empty() {
            let missing = missing.join(", ");
            say(
                false,
                format!("cluster {cluster} does not serve {missing}; what is of these kinds is not placed there"),
            );
        }
    }
    if let Some(rules) = &facts.rules {
        let served = |group: &str, plural: &str| {
            let key = format!("{group}/{plural}");
            facts.served.as_ref().is_none_or(|served| served.contains(&key))
        };
        let refused =
            names(&|group, plural| served(group, plural) && !VERBS.iter().all(|verb| may(rules, verb, group, plural)));
        if !refused.is_empty() {
            let refused = refused.join(", ");
            say(
                false,
                format!(
                    "cluster {cluster}: the credentials may not {} {refused} everywhere; next: kubectl apply -f deploy/member/roles.yaml there, and join with its account",
                    VERBS.join(", ")
                ),
            );
        }
        if !["users", "groups"]
            .iter()
            .all(|what| may(rules, "impersonate", "", what))
        {
            say(
                false,
                format!(
                    "cluster {cluster}: the credentials may not impersonate users and groups: its Pods and their logs are not shown through the hub"
                ),
            );
        }
    }
    findings
}

/// The minor version of Kubernetes 1; none where the text says something else.
fn minor(version: &str) -> Option<u32> {
    let rest = version.strip_prefix("v1.")?;
    rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

fn may(rules: &[ResourceRule], verb: &str, group: &str, resource: &str) -> bool {
    let has = |list: &[String], wanted: &str| list.iter().any(|one| one == "*" || one == wanted);
    let all = |list: &Option<Vec<String>>, wanted: &str| list.as_deref().is_some_and(|list| has(list, wanted));
    rules.iter().any(|rule| {
        has(&rule.verbs, verb)
            && all(&rule.api_groups, group)
            && all(&rule.resources, resource)
            && rule.resource_names.as_ref().is_none_or(Vec::is_empty)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(verbs: &[&str], groups: &[&str], resources: &[&str], names: &[&str]) -> ResourceRule {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        ResourceRule {
            verbs: texts(verbs),
            api_groups: Some(texts(groups)),
            resources: Some(texts(resources)),
            resource_names: Some(texts(names)),
        }
    }

    fn good() -> Facts {
        let group = |version: &str| {
            version
                .rsplit_once('/')
                .map_or(String::new(), |(group, _)| group.to_owned())
        };
        Facts {
            version: "v1.31.0".to_owned(),
            skew: Some(2),
            served: Some(
                KINDS
                    .iter()
                    .map(|kind| format!("{}/{}", group(kind.api_version), kind.plural))
                    .collect(),
            ),
            rules: Some(vec![rule(&["*"], &["*"], &["*"], &[])]),
        }
    }

    fn found(change: impl FnOnce(&mut Facts)) -> Vec<Finding> {
        let mut facts = good();
        change(&mut facts);
        findings(&ClusterName::parse("eu-1").unwrap(), &facts)
    }

    #[test]
    fn nothing_is_said_of_what_is_well_or_not_known() {
        assert_eq!(found(|_| {}), []);
        assert_eq!(found(|facts| *facts = Facts::default()), []);
        assert_eq!(found(|facts| facts.version = "v1.36.3+meridian-0.1.0".to_owned()), []);
    }

    #[test]
    fn what_is_found() {
        // change | grave | words
        let one = |findings: Vec<Finding>| {
            assert_eq!(findings.len(), 1, "{findings:?}");
            findings.into_iter().next().unwrap()
        };
        let old = one(found(|facts| facts.version = "v1.30.9-gke.1".to_owned()));
        assert!(old.grave && old.message.contains("1.31 or newer"), "{old:?}");
        let behind = one(found(|facts| facts.skew = Some(-90)));
        assert!(!behind.grave && behind.message.contains("90 s behind"), "{behind:?}");
        let kind = one(found(|facts| {
            facts.served.as_mut().unwrap().remove("batch/cronjobs");
        }));
        assert!(
            !kind.grave && kind.message.contains("does not serve cronjobs;"),
            "{kind:?}"
        );
        let reads = one(found(|facts| {
            facts.rules = Some(vec![
                rule(&["get", "list", "watch"], &["*"], &["*"], &[]),
                rule(&["create", "delete", "patch"], &[""], &["*"], &[]),
                rule(&["*"], &["apps"], &["deployments"], &["web"]),
                rule(&["impersonate"], &[""], &["users", "groups"], &[]),
            ]);
        }));
        assert!(
            reads.message.contains(" deployments, ") && !reads.message.contains("configmaps"),
            "{reads:?}"
        );
        let alone = one(found(|facts| {
            facts.rules = Some(vec![rule(&VERBS, &["*"], &["*"], &[])]);
        }));
        assert!(alone.message.contains("impersonate"), "{alone:?}");
    }
}
