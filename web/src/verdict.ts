// The two verdicts on a cluster, never mixed: can its API be reached (Ready), does its data path answer (Serving).
// In: Cluster conditions, and the verdicts of DNS on the cluster's addresses. Out: a mark with its words.
import { condition, type Candidate, type Cluster, type Resolution } from './api/kinds'

/** How a thing stands. Unknown is never read as bad. */
export type Standing = 'good' | 'bad' | 'unknown'

export interface Verdict {
  standing: Standing
  word: string
  detail: string
  since: string | undefined
}

const STANDINGS = { True: 'good', False: 'bad', Unknown: 'unknown' } as const

export function readyVerdict(cluster: Cluster): Verdict {
  const ready = condition(cluster.status?.conditions, 'Ready')
  const standing = STANDINGS[ready?.status ?? 'Unknown']
  const words = { good: 'Ready', bad: 'Not ready', unknown: 'Not known' }
  return {
    standing,
    word: words[standing],
    detail: ready?.message || ready?.reason || 'nothing was heard of it yet',
    since: ready?.lastTransitionTime,
  }
}

type Resolutions = ReadonlyMap<string, Resolution>

/** Snapshots never change, so that each is sorted by cluster once, however many ask. */
const sorted = new WeakMap<Resolutions, Map<string, Candidate[]>>()

function candidatesByCluster(resolutions: Resolutions): Map<string, Candidate[]> {
  const known = sorted.get(resolutions)
  if (known) return known
  const found = new Map<string, Candidate[]>()
  for (const { spec } of resolutions.values()) {
    for (const candidate of spec?.candidates ?? []) {
      const others = found.get(candidate.cluster)
      if (others) others.push(candidate)
      else found.set(candidate.cluster, [candidate])
    }
  }
  sorted.set(resolutions, found)
  return found
}

/** The hub's word where it has one; else what DNS thinks of the addresses that the cluster offers. */
export function servingVerdict(cluster: Cluster, resolutions: Resolutions): Verdict {
  const words = { good: 'Serving', bad: 'Not serving', unknown: 'Not known' }
  const said = condition(cluster.status?.conditions, 'Serving')
  if (said && said.status !== 'Unknown') {
    const standing = STANDINGS[said.status]
    return { standing, word: words[standing], detail: said.message || said.reason || '', since: said.lastTransitionTime }
  }
  const candidates = candidatesByCluster(resolutions).get(cluster.metadata.name) ?? []
  const good = candidates.filter((one) => one.serving).length
  const all = candidates.length
  if (all === 0) {
    return { standing: 'unknown', word: words.unknown, detail: 'it offers no address yet', since: undefined }
  }
  const standing = good === 0 ? 'bad' : 'good'
  const detail = `${good} of ${all} ${all === 1 ? 'address' : 'addresses'} may be answered`
  return { standing, word: words[standing], detail, since: undefined }
}
