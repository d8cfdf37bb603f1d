// What is not well, worst first. In: everything the console follows. Out: one concern a cluster, workload or name, each with
// the page that says more. Doubt is listed after damage and never called damage.
import type { Cluster, Resolution } from './api/kinds'
import { workloadQuery } from './filters'
import { paths } from './paths'
import { readyVerdict, servingVerdict } from './verdict'
import type { Workload } from './workloads'

export interface Concern {
  key: string
  severity: 'damage' | 'doubt'
  subject: string
  text: string
  href: string
}

export function concerns(
  clusters: Iterable<Cluster>,
  workloads: Iterable<Workload>,
  resolutions: ReadonlyMap<string, Resolution>,
): Concern[] {
  const found: Concern[] = []
  for (const cluster of clusters) found.push(...clusterConcerns(cluster, resolutions))
  for (const one of workloads) found.push(...workloadConcerns(one))
  for (const [key, resolution] of resolutions) found.push(...nameConcerns(key, resolution))
  const rank = { damage: 0, doubt: 1 }
  return found.sort((a, b) => rank[a.severity] - rank[b.severity] || a.key.localeCompare(b.key))
}

function clusterConcerns(cluster: Cluster, resolutions: ReadonlyMap<string, Resolution>): Concern[] {
  const { name } = cluster.metadata
  const found: Concern[] = []
  const concern = (about: string, severity: Concern['severity'], text: string): void => {
    found.push({ key: `cluster/${name}/${about}`, severity, subject: `Cluster ${name}`, text, href: paths.clusters() })
  }
  const ready = readyVerdict(cluster)
  if (ready.standing === 'bad') concern('ready', 'damage', `not ready: ${ready.detail}`)
  if (ready.standing === 'unknown') concern('ready', 'doubt', `readiness not known: ${ready.detail}`)
  const serving = servingVerdict(cluster, resolutions)
  if (serving.standing === 'bad') concern('serving', 'damage', `not serving: ${serving.detail}`)
  if (cluster.metadata.deletionTimestamp) concern('leaving', 'doubt', 'leaving the federation')
  return found
}

function workloadConcerns(workload: Workload): Concern[] {
  const subject = `${workload.kind} ${workload.namespace ? `${workload.namespace}/` : ''}${workload.name}`
  const { metadata, spec } = workload.source
  const href = paths.workload(metadata.namespace ?? '', metadata.name)
  const found: Concern[] = []
  const concern = (about: string, severity: Concern['severity'], text: string): void => {
    found.push({ key: `workload/${workload.key}/${about}`, severity, subject, text, href })
  }
  for (const share of workload.shares) {
    if (share.state === 'failing') concern(share.cluster, 'damage', `in ${share.cluster}: ${share.row?.error ?? 'failing'}`)
  }
  const unplaced = spec?.unplacedReplicas ?? 0
  if (unplaced > 0) concern('unplaced', 'damage', `${unplaced} ${unplaced === 1 ? 'replica fits' : 'replicas fit'} nowhere`)
  if (spec?.kept) concern('kept', 'doubt', 'no cluster fits any more; the last good placement stays')
  else if (workload.shares.length === 0 && !spec?.deleted) concern('nowhere', 'damage', spec?.reason || 'it is placed nowhere')
  return found
}

/** Whether clients anywhere are answered an address. */
export function isAnswered({ spec }: Resolution): boolean {
  return [...Object.values(spec?.regions ?? {}), spec?.elsewhere ?? []].some((list) => list.length > 0)
}

function nameConcerns(key: string, resolution: Resolution): Concern[] {
  const { spec } = resolution
  // A Service that offers no address yet has no name to lose.
  if (!spec?.candidates?.length || isAnswered(resolution)) return []
  const subject = spec.name || key
  const href = paths.names(workloadQuery({ text: key }))
  return [{ key: `name/${key}`, severity: 'damage', subject, text: 'no client is answered an address', href }]
}
