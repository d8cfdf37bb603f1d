// The kinds the console reads, as they are on the wire. Every field that the hub may leave out is optional here; nothing is
// decided in this file.

export interface ObjectMeta {
  name: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
}

export interface KubeObject {
  metadata: ObjectMeta
}

export type ConditionStatus = 'True' | 'False' | 'Unknown'

export interface Condition {
  type: string
  status: ConditionStatus
  reason?: string
  message?: string
  lastTransitionTime?: string
}

export interface Cluster extends KubeObject {
  spec?: {
    syncMode?: 'Push' | 'Pull'
    apiEndpoint?: string
    region?: string
    zones?: string[]
    provider?: string
    taints?: { key: string; value?: string; effect: string }[]
  }
  status?: {
    conditions?: Condition[]
    kubernetesVersion?: string
    nodeSummary?: { totalNum?: number; readyNum?: number }
    lastHeartbeat?: string
  }
}

export interface Heartbeat extends KubeObject {
  spec?: { received?: string; reachable?: boolean; message?: string }
}

export interface Region extends KubeObject {
  spec?: { latitude?: number; longitude?: number; cidrs?: string[]; countries?: string[]; fallbacks?: string[] }
}

export interface ObjectRef {
  apiVersion: string
  kind: string
  namespace?: string
  name: string
}

export interface PlacedCluster {
  name: string
  applied?: boolean
  observedHubGeneration?: number
  hash?: string
  ready?: boolean
  addresses?: string[]
  readyEndpoints?: number
  error?: string
  status?: { replicas?: number; readyReplicas?: number; updatedReplicas?: number } | null
}

export interface Placement extends KubeObject {
  spec?: {
    resource?: ObjectRef
    clusters?: { name: string; replicas?: number }[]
    excluded?: { name: string; reason: string; message?: string }[]
    rollout?: { phase?: string; wave?: string; message?: string; updated?: string[] }
    excludedMore?: { reason: string; clusters: number }[]
    reason?: string
    policy?: string
    steps?: string[]
    kept?: boolean
    unplacedReplicas?: number
    deleted?: boolean
  }
  status?: { conditions?: Condition[]; clusters?: PlacedCluster[] }
}

export interface Candidate {
  address: string
  cluster: string
  serving?: boolean
  reason?: string
}

export interface Resolution extends KubeObject {
  spec?: {
    name?: string
    regions?: Record<string, string[]>
    elsewhere?: string[]
    candidates?: Candidate[]
  }
}

export interface Event extends KubeObject {
  type?: string
  reason?: string
  message?: string
  count?: number
  firstTimestamp?: string | null
  lastTimestamp?: string | null
  eventTime?: string | null
  involvedObject?: { kind?: string; namespace?: string; name?: string }
  source?: { component?: string }
  reportingComponent?: string
}

/** The hub's answer where something is wrong. */
export interface Status {
  kind: 'Status'
  code?: number
  reason?: string
  message?: string
}

export function condition(conditions: Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((one) => one.type === type)
}
