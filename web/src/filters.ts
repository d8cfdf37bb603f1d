// What a list is narrowed to, as it stands in the address bar: a link to a filtered list is a link like any other.
import { WORKLOAD_STATES, type Workload, type WorkloadState } from './workloads'

export interface WorkloadFilter {
  text: string
  kind: string
  namespace: string
  cluster: string
  state: WorkloadState | ''
}

const EVERYTHING: WorkloadFilter = { text: '', kind: '', namespace: '', cluster: '', state: '' }

export function workloadFilter(search: string): WorkloadFilter {
  const query = new URLSearchParams(search)
  const state = query.get('state') ?? ''
  return {
    text: query.get('text') ?? '',
    kind: query.get('kind') ?? '',
    namespace: query.get('namespace') ?? '',
    cluster: query.get('cluster') ?? '',
    state: WORKLOAD_STATES.find((one) => one === state) ?? '',
  }
}

/** The query of a filter, `?` included; empty where it narrows nothing. */
export function filterQuery(filter: Partial<Record<string, string>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(filter)) {
    if (value) query.set(name, value)
  }
  const text = query.toString()
  return text ? `?${text}` : ''
}

export function workloadQuery(filter: Partial<WorkloadFilter>): string {
  return filterQuery({ ...EVERYTHING, ...filter })
}

export function matches(workload: Workload, filter: WorkloadFilter): boolean {
  if (filter.kind && workload.kind !== filter.kind) return false
  if (filter.namespace && workload.namespace !== filter.namespace) return false
  if (filter.state && workload.state !== filter.state) return false
  if (filter.cluster && !workload.shares.some((share) => share.cluster === filter.cluster)) return false
  return hasWords(`${workload.namespace}/${workload.name} ${workload.kind} ${workload.reason}`, filter.text)
}

/** Whether every word of `wanted` is somewhere in `text`, whatever its case. */
export function hasWords(text: string, wanted: string): boolean {
  const lower = text.toLowerCase()
  return wanted
    .toLowerCase()
    .split(/\s+/)
    .every((word) => lower.includes(word))
}

/** Different values, sorted, without the empty one: what a choice offers. */
export function choices(values: Iterable<string>): string[] {
  return [...new Set(values)].filter(Boolean).sort()
}
