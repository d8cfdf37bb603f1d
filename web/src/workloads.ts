// A Placement as one reads it: the decision and what became of it, joined per cluster.
// In: Placement, clusters. Out: shares (one a cluster) and the state of the whole. Nothing is decided again here.
import type { Cluster, PlacedCluster, Placement } from './api/kinds'
import { readyVerdict } from './verdict'

export const SHARE_STATES = ['well', 'progressing', 'unheard', 'leaving', 'failing'] as const
/** well; not there yet; its cluster cannot be asked, the last truth is shown; on its way out; the member refused it. */
export type ShareState = (typeof SHARE_STATES)[number]

export const WORKLOAD_STATES = ['well', 'progressing', 'unheard', 'short', 'leaving', 'failing'] as const
/** A share's states, and `short`: some of it fits nowhere, or no cluster fits any more. Later ones are worse. */
export type WorkloadState = (typeof WORKLOAD_STATES)[number]

export interface Share {
  cluster: string
  chosen: boolean
  replicas: number | undefined
  readyReplicas: number | undefined
  state: ShareState
  word: string
  row: PlacedCluster | undefined
}

export interface Workload {
  key: string
  namespace: string
  placement: string
  kind: string
  name: string
  reason: string
  shares: Share[]
  state: WorkloadState
  source: Placement
}

export function workload(placement: Placement, clusters: ReadonlyMap<string, Cluster>): Workload {
  const { metadata, spec } = placement
  const names = new Set<string>()
  for (const target of spec?.clusters ?? []) names.add(target.name)
  for (const row of placement.status?.clusters ?? []) names.add(row.name)
  const shares = [...names].sort().map((name) => share(name, placement, clusters.get(name)))
  return {
    key: `${metadata.namespace ?? ''}/${metadata.name}`,
    namespace: spec?.resource?.namespace ?? '',
    placement: metadata.name,
    kind: spec?.resource?.kind ?? '',
    name: spec?.resource?.name ?? metadata.name,
    reason: spec?.reason ?? '',
    shares,
    state: whole(placement, shares),
    source: placement,
  }
}

function share(name: string, placement: Placement, cluster: Cluster | undefined): Share {
  const target = placement.spec?.clusters?.find((one) => one.name === name)
  const row = placement.status?.clusters?.find((one) => one.name === name)
  const status = row?.status ?? undefined
  const state = shareState(target !== undefined, row, cluster)
  return {
    cluster: name,
    chosen: target !== undefined,
    replicas: target?.replicas,
    readyReplicas: target?.replicas === undefined ? undefined : (status?.readyReplicas ?? 0),
    state,
    word: shareWord(state, row),
    row,
  }
}

function shareState(chosen: boolean, row: PlacedCluster | undefined, cluster: Cluster | undefined): ShareState {
  if (row?.error) return cluster && readyVerdict(cluster).standing !== 'good' ? 'unheard' : 'failing'
  if (cluster && readyVerdict(cluster).standing !== 'good') return 'unheard'
  if (!chosen) return 'leaving'
  if (!row?.applied || row.ready === false) return 'progressing'
  return 'well'
}

function shareWord(state: ShareState, row: PlacedCluster | undefined): string {
  switch (state) {
    case 'well':
      return row?.ready === undefined ? 'applied' : 'ready'
    case 'progressing':
      return row?.applied ? 'applied, not ready' : 'not applied yet'
    case 'unheard':
      return 'not heard'
    case 'leaving':
      return 'leaving'
    case 'failing':
      return 'failing'
  }
}

function whole(placement: Placement, shares: Share[]): WorkloadState {
  if (placement.spec?.deleted) return 'leaving'
  let worst: WorkloadState = shares.length === 0 || isShort(placement) ? 'short' : 'well'
  for (const { state } of shares) {
    if (WORKLOAD_STATES.indexOf(state) > WORKLOAD_STATES.indexOf(worst)) worst = state
  }
  return worst
}

function isShort(placement: Placement): boolean {
  return placement.spec?.kept === true || (placement.spec?.unplacedReplicas ?? 0) > 0
}

export function byName(a: Workload, b: Workload): number {
  return a.namespace.localeCompare(b.namespace) || a.name.localeCompare(b.name) || a.kind.localeCompare(b.kind)
}
