//! Every label, annotation, field manager and fixed name that Meridian reads or writes. Each string stands here once.

/// API group of Meridian's own kinds.
pub const GROUP: &str = "federation.meridian.dev";
/// The one version of [`GROUP`] that is served.
pub const VERSION: &str = "v1alpha1";
/// `apiVersion` of Meridian's own kinds.
pub const API_VERSION: &str = "federation.meridian.dev/v1alpha1";

/// API group of ServiceExport and ServiceImport (the Multi-Cluster Services API).
pub const MULTICLUSTER_GROUP: &str = "multicluster.x-k8s.io";
/// `apiVersion` of the two as they are stored.
pub const MULTICLUSTER_API_VERSION: &str = "multicluster.x-k8s.io/v1beta1";

/// Field manager of everything Meridian applies in members.
pub const FIELD_MANAGER: &str = "meridian";

/// Label on objects in members that Meridian owns; value [`MANAGED_VALUE`].
pub const MANAGED_LABEL: &str = "federation.meridian.dev/managed";
/// Value of [`MANAGED_LABEL`].
pub const MANAGED_VALUE: &str = "true";
/// Annotation on objects in members: `NAMESPACE/NAME` of the Placement that put them there.
pub const PLACEMENT_ANNOTATION: &str = "federation.meridian.dev/placement";
/// Annotation on objects in members: the hash of the manifest that was applied last, so that a relist settles without a write.
pub const MANIFEST_HASH_ANNOTATION: &str = "federation.meridian.dev/manifest-hash";
/// Annotation on objects in members: the hub object's `metadata.generation` that was applied last.
pub const HUB_GENERATION_ANNOTATION: &str = "federation.meridian.dev/hub-generation";
/// Annotation on objects in members whose versions are rolled out: the version that was applied last.
pub const TEMPLATE_ANNOTATION: &str = "federation.meridian.dev/template";
/// Annotation on objects in members: the uid of the hub's object that was applied last. Another one means that the hub's object
/// was deleted and made anew.
pub const HUB_UID_ANNOTATION: &str = "federation.meridian.dev/hub-uid";
/// Annotation on a member's namespace `kube-system`: the federation it belongs to, by the uid of the hub's `kube-system`.
pub const FEDERATION_ANNOTATION: &str = "federation.meridian.dev/federation";
/// Label on hub objects that must stay on the hub (`"true"`); set by users, never by Meridian.
pub const HUB_ONLY_LABEL: &str = "federation.meridian.dev/hub-only";
/// Label on hub workloads whose replicas belong to the members (`"true"`): each copy is made with its share and keeps what its
/// member says from then on; set by users, for autoscalers that only members know.
pub const RETAIN_REPLICAS_LABEL: &str = "federation.meridian.dev/retain-replicas";
/// Label on what the hub reads from members: the cluster that it is in.
pub const CLUSTER_LABEL: &str = "federation.meridian.dev/cluster";
/// Label on a Cluster object; `"true"` marks a member that `meridian up --simulate` made.
pub const SIMULATED_LABEL: &str = "federation.meridian.dev/simulated";

/// Namespace of Meridian's own objects on the hub: credentials of members, Placements of cluster-scoped objects.
pub const SYSTEM_NAMESPACE: &str = "meridian-system";

/// Federation v1: JSON replica preferences of a Deployment.
pub const V1_DEPLOYMENT_PREFERENCES: &str = "federation.kubernetes.io/deployment-preferences";
/// Federation v1: JSON replica preferences of a ReplicaSet.
pub const V1_REPLICA_SET_PREFERENCES: &str = "federation.kubernetes.io/replica-set-preferences";
/// Federation v1: JSON array of requirements over Cluster labels.
pub const V1_CLUSTER_SELECTOR: &str = "federation.alpha.kubernetes.io/cluster-selector";

/// User name prefix of a member's syncer; the cluster's name follows.
pub const CLUSTER_USER_PREFIX: &str = "system:meridian:cluster:";
/// Group of all syncers.
pub const CLUSTERS_GROUP: &str = "system:meridian:clusters";
/// Signer of the certificates of syncers that run in their members: CN [`CLUSTER_USER_PREFIX`] and the cluster's name, O
/// [`CLUSTERS_GROUP`].
pub const CLUSTER_SIGNER: &str = "federation.meridian.dev/cluster";
/// Group of bootstrap tokens that a syncer asks for its first certificate with.
pub const BOOTSTRAP_GROUP: &str = "system:bootstrappers:meridian";
/// Prefix of the group of such a token that names its cluster; the cluster's name follows.
pub const BOOTSTRAP_CLUSTER_PREFIX: &str = "system:bootstrappers:meridian:";
/// Annotation of a bootstrap token's Secret: the CertificateSigningRequest that it was used up for.
pub const SPENT_ANNOTATION: &str = "federation.meridian.dev/spent-for";
/// Protocol that a syncer switches its connection to, so that the hub asks the member through it.
pub const TUNNEL_PROTOCOL: &str = "meridian-tunnel";
/// User name of the DNS servers.
pub const DNS_USER: &str = "system:meridian:dns";
/// Group of Kubernetes super-users; allowed everything.
pub const MASTERS_GROUP: &str = "system:masters";

/// Cluster condition: its API can be reached and used (the *manageable* verdict).
pub const CONDITION_READY: &str = "Ready";
/// Cluster condition: its data path answers (the *serving* verdict).
pub const CONDITION_SERVING: &str = "Serving";
/// Cluster condition: it is dead for all that is known, and its replicas run elsewhere.
pub const CONDITION_FAILED: &str = "Failed";
/// Cluster condition: more objects were to go from it at once than may unasked; they stay until an operator confirms.
pub const CONDITION_REMOVALS_HELD: &str = "RemovalsHeld";
/// Key of the taint that a failed cluster has for as long as it is failed; policies tolerate it like any other.
pub const FAILED_TAINT: &str = "federation.meridian.dev/failed";
/// Key of the taint, effect `NoExecute`, of a cluster that is being drained: its addresses leave the names at once, its replicas
/// when the names had time to be forgotten. The value is that time in seconds; [`DRAIN_SECONDS`] where it is none.
pub const DRAIN_TAINT: &str = "federation.meridian.dev/drain";
/// Seconds from a drain to the departure of replicas where the taint does not say: an answer with the TTL that is given out where no
/// policy says otherwise is forgotten, and the DNS servers had [`DRAIN_MARGIN_SECONDS`] to hear of the drain.
pub const DRAIN_SECONDS: i64 = crate::dns_policy::TTL_DEFAULT as i64 + DRAIN_MARGIN_SECONDS;
/// Seconds beyond the TTL of a name: news take a moment to reach every DNS server, and clocks differ by a little.
pub const DRAIN_MARGIN_SECONDS: i64 = 5;
/// Placement condition: a decision was made and what it says.
pub const CONDITION_SCHEDULED: &str = "Scheduled";
/// Placement condition: every chosen cluster holds the object as rendered.
pub const CONDITION_APPLIED: &str = "Applied";
/// Placement condition: every chosen cluster's copy is healthy.
pub const CONDITION_HEALTHY: &str = "Healthy";

/// Secret key of a member's bearer token.
pub const SECRET_TOKEN: &str = "token";
/// Secret key of a member's client certificate (PEM).
pub const SECRET_CLIENT_CERTIFICATE: &str = "tls.crt";
/// Secret key of a member's client key (PEM).
pub const SECRET_CLIENT_KEY: &str = "tls.key";
/// Annotation on the Cluster object of a simulated member: the fault that is played, `WHAT/HOW` (`all/refuse`); absent
/// when it is well.
pub const SIMULATED_FAULT_ANNOTATION: &str = "federation.meridian.dev/simulated-fault";
/// Finalizer of a Cluster: it goes only when its member let go of everything that Meridian put there.
pub const UNJOIN_FINALIZER: &str = "federation.meridian.dev/unjoin";

/// Annotation of a Cluster, `true`: when it leaves, what Meridian put there stays, without its marks.
pub const KEEP_ANNOTATION: &str = "federation.meridian.dev/keep-objects";

/// Annotation of a Cluster: until when (RFC 3339) objects may be removed from it however many they are. An operator sets it.
pub const REMOVALS_CONFIRMED_ANNOTATION: &str = "federation.meridian.dev/removals-confirmed-until";

/// Label, `true`, of Reports, Heartbeats and Resolutions that an API server has from another one of the same hub.
pub const RELAYED_LABEL: &str = "federation.meridian.dev/relayed";
/// Annotation of Reports: when the API server that they were sent to received them, in microseconds.
pub const RECEIVED_ANNOTATION: &str = "federation.meridian.dev/received";
/// Annotation of an API server's Lease: the HOST:PORT at which the hub's other API servers reach it.
pub const ADDRESS_ANNOTATION: &str = "federation.meridian.dev/address";

/// Annotation of a CustomResourceDefinition on the hub: whether a copy of one of its objects does its work, a CEL expression over
/// `self.status`, what the member says of it, and `self.object`, the hub's object.
pub const HEALTH_RULE_ANNOTATION: &str = "federation.meridian.dev/health-rule";
/// Annotation of a CustomResourceDefinition on the hub: what the status of the hub's object is, a CEL expression that gives a map, over
/// `self.clusters` (`name`, `status`, `ready`, `replicas` of each that has spoken), `self.wanted`, how many there are to be, and
/// `self.object`.
pub const STATUS_RULE_ANNOTATION: &str = "federation.meridian.dev/status-rule";

/// Annotation of a workload on the hub: another value than before asks that its replicas be divided anew by what the members have
/// room for now.
pub const REBALANCE_ANNOTATION: &str = "federation.meridian.dev/rebalance";
