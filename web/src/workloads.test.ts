// A Placement's shares and its state as a whole; and the filters of the list, there and back through the address.
import { expect, test } from 'vitest'
import type { Cluster, PlacedCluster, Placement } from './api/kinds'
import { choices, matches, workloadFilter, workloadQuery, type WorkloadFilter } from './filters'
import { workload } from './workloads'

const CLUSTERS = new Map<string, Cluster>(
  (['True', 'False'] as const).map((status) => {
    const name = status === 'True' ? 'eu-1' : 'us-1'
    return [name, { metadata: { name }, status: { conditions: [{ type: 'Ready', status }] } }]
  }),
)

function placed(targets: string[], rows: PlacedCluster[], spec: Placement['spec'] = {}): Placement {
  return {
    metadata: { name: 'deployment-web', namespace: 'shop' },
    spec: {
      resource: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' },
      reason: 'The default places it in 2 clusters.',
      clusters: targets.map((name) => ({ name, replicas: 3 })),
      ...spec,
    },
    status: { clusters: rows },
  }
}

const WELL: PlacedCluster = { name: 'eu-1', applied: true, ready: true, status: { readyReplicas: 3 } }

test.each<[string, Placement, string, string]>([
  ['well', placed(['eu-1'], [WELL]), 'well', 'eu-1 3/3 ready'],
  ['a kind without readiness', placed(['eu-1'], [{ name: 'eu-1', applied: true }]), 'well', 'eu-1 0/3 applied'],
  ['chosen, no row yet', placed(['eu-1'], []), 'progressing', 'eu-1 0/3 not applied yet'],
  ['applied, not ready', placed(['eu-1'], [{ ...WELL, ready: false }]), 'progressing', 'eu-1 3/3 applied, not ready'],
  ['refused', placed(['eu-1'], [{ ...WELL, error: 'forbidden' }]), 'failing', 'eu-1 3/3 failing'],
  ['last truth of a cluster that is away', placed(['us-1'], [{ ...WELL, name: 'us-1' }]), 'unheard', 'us-1 3/3 not heard'],
  ['no longer chosen', placed([], [WELL]), 'leaving', 'eu-1 -/- leaving'],
  ['placed nowhere', placed([], []), 'short', ''],
  ['does not fit', placed(['eu-1'], [WELL], { unplacedReplicas: 1 }), 'short', 'eu-1 3/3 ready'],
  ['deleted on the hub', placed([], [WELL], { deleted: true }), 'leaving', 'eu-1 -/- leaving'],
  ['the worst share decides', placed(['eu-1', 'us-1'], [WELL]), 'unheard', 'eu-1 3/3 ready, us-1 0/3 not heard'],
  ['a cluster that is unknown here', placed(['xx-1'], [{ ...WELL, name: 'xx-1' }]), 'well', 'xx-1 3/3 ready'],
])('%s', (_, placement, state, shares) => {
  const one = workload(placement, CLUSTERS)
  const words = one.shares.map((s) => `${s.cluster} ${s.readyReplicas ?? '-'}/${s.replicas ?? '-'} ${s.word}`)
  expect([one.state, words.join(', ')]).toEqual([state, shares])
})

const NOTHING: WorkloadFilter = { text: '', kind: '', namespace: '', cluster: '', state: '' }

test.each<[string, Partial<WorkloadFilter>]>([
  ['', {}],
  ['?text=web+front', { text: 'web front' }],
  ['?kind=Deployment&namespace=shop&cluster=us-1&state=failing', { kind: 'Deployment', namespace: 'shop', cluster: 'us-1', state: 'failing' }],
])('the address %j and the filter are one', (query, filter) => {
  expect(workloadFilter(query)).toEqual({ ...NOTHING, ...filter })
  expect(workloadQuery(filter)).toBe(query)
})

test('a state that there is not narrows nothing', () => {
  expect(workloadFilter('?state=sleepy')).toEqual(NOTHING)
})

test.each<[Partial<WorkloadFilter>, boolean]>([
  [{}, true],
  [{ text: 'SHOP/we' }, true],
  [{ text: 'default deployment' }, true],
  [{ text: 'web missing' }, false],
  [{ kind: 'Service' }, false],
  [{ namespace: 'shop', cluster: 'eu-1', state: 'well' }, true],
  [{ cluster: 'us-1' }, false],
  [{ state: 'failing' }, false],
])('%j', (filter, expected) => {
  expect(matches(workload(placed(['eu-1'], [WELL]), CLUSTERS), { ...NOTHING, ...filter })).toBe(expected)
})

test('choices are sorted, once each, and never empty', () => {
  expect(choices(['b', '', 'a', 'b'])).toEqual(['a', 'b'])
})
