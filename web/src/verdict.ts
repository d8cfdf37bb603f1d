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

export function candidatesOf(cluster: string, resolutions: Iterable<Resolution>): Candidate[] {
  const found: Candidate[] = []
  for (const resolution of resolutions) {
    for (const candidate of resolution.spec?.candidates ?? []) {
      if (candidate.cluster === cluster) found.push(candidate)
    }
  }
  return found
}

/** The hub's word where it has one; else what DNS thinks of the addresses that the cluster offers. */
export function servingVerdict(cluster: Cluster, resolutions: Iterable<Resolution>): Verdict {
  const words = { good: 'Serving', bad: 'Not serving', unknown: 'Not known' }
  const said = condition(cluster.status?.conditions, 'Serving')
  if (said && said.status !== 'Unknown') {
    const standing = STANDINGS[said.status]
    return { standing, word: words[standing], detail: said.message || said.reason || '', since: said.lastTransitionTime }
  }
  const candidates = candidatesOf(cluster.metadata.name, resolutions)
  const good = candidates.filter((one) => one.serving).length
  const all = candidates.length
  if (all === 0) {
    return { standing: 'unknown', word: words.unknown, detail: 'it offers no address yet', since: undefined }
  }
  const standing = good === 0 ? 'bad' : 'good'
  const detail = `${good} of ${all} ${all === 1 ? 'address' : 'addresses'} may be answered`
  return { standing, word: words[standing], detail, since: undefined }
}
