// What is called not well, and how badly: one small federation a row, with one thing changed.
import { describe, expect, test } from 'vitest'
import type { Candidate, Cluster, ConditionStatus, Placement, Resolution } from './api/kinds'
import { concerns } from './concerns'
import { readyVerdict, servingVerdict } from './verdict'
import { workload } from './workloads'

function cluster(name: string, ready: ConditionStatus = 'True', serving?: ConditionStatus): Cluster {
  const conditions = [{ type: 'Ready', status: ready, message: 'its API' }]
  if (serving) conditions.push({ type: 'Serving', status: serving, message: 'its data path' })
  return { metadata: { name }, status: { conditions } }
}

function placement(change: Partial<NonNullable<Placement['spec']>> = {}, error = ''): Placement {
  return {
    metadata: { name: 'deployment-web', namespace: 'shop' },
    spec: {
      resource: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' },
      clusters: [{ name: 'eu-1', replicas: 3 }],
      ...change,
    },
    status: { clusters: [{ name: 'eu-1', applied: !error, ready: true, error, status: { readyReplicas: 3 } }] },
  }
}

function resolution(eu: string[], candidates: Candidate[]): Resolution {
  return {
    metadata: { name: 'web', namespace: 'shop' },
    spec: { name: 'web.shop.fed.svc.meridian.internal', regions: { 'eu-west': eu }, elsewhere: eu, candidates },
  }
}

const GOOD = { address: '127.0.0.9', cluster: 'eu-1', serving: true }
const HELD = { ...GOOD, serving: false, reason: 'probes of the address fail' }

function said(clusters: Cluster[], placements: Placement[], resolutions: Resolution[]): string[] {
  const byName = new Map(clusters.map((one) => [one.metadata.name, one]))
  const workloads = placements.map((one) => workload(one, byName))
  const names = new Map(resolutions.map((one) => [`${one.metadata.namespace}/${one.metadata.name}`, one]))
  return concerns(clusters, workloads, names).map((one) => `${one.severity}: ${one.subject}: ${one.text}`)
}

describe('concerns', () => {
  test.each<[string, Cluster[], Placement[], Resolution[], string[]]>([
    ['all is well', [cluster('eu-1')], [placement()], [resolution([GOOD.address], [GOOD])], []],
    ['a cluster is not ready', [cluster('eu-1', 'False')], [placement()], [], ['damage: Cluster eu-1: not ready: its API']],
    ['unknown is doubt', [cluster('eu-1', 'Unknown')], [], [], ['doubt: Cluster eu-1: readiness not known: its API']],
    [
      'ready and not serving are two things',
      [cluster('eu-1', 'True', 'False')],
      [],
      [],
      ['damage: Cluster eu-1: not serving: its data path'],
    ],
    [
      'a name without an answer',
      [cluster('eu-1')],
      [],
      [resolution([], [HELD])],
      [
        'damage: Cluster eu-1: not serving: 0 of 1 address may be answered',
        'damage: web.shop.fed.svc.meridian.internal: no client is answered an address',
      ],
    ],
    ['a name that offers nothing yet', [cluster('eu-1')], [], [resolution([], [])], []],
    [
      'a member refuses',
      [cluster('eu-1')],
      [placement({}, 'forbidden (patch)')],
      [],
      ['damage: Deployment shop/web: in eu-1: forbidden (patch)'],
    ],
    ['an error of a cluster that is away is told once', [cluster('eu-1', 'False')], [placement({}, 'no answer')], [], [
      'damage: Cluster eu-1: not ready: its API',
    ]],
    ['a shortage', [cluster('eu-1')], [placement({ unplacedReplicas: 2 })], [], ['damage: Deployment shop/web: 2 replicas fit nowhere']],
    [
      'kept in place',
      [cluster('eu-1')],
      [placement({ kept: true })],
      [],
      ['doubt: Deployment shop/web: no cluster fits any more; the last good placement stays'],
    ],
    ['damage comes before doubt', [cluster('a', 'Unknown'), cluster('b', 'False')], [], [], [
      'damage: Cluster b: not ready: its API',
      'doubt: Cluster a: readiness not known: its API',
    ]],
  ])('%s', (_, clusters, placements, resolutions, expected) => {
    expect(said(clusters, placements, resolutions)).toEqual(expected)
  })
})

test.each<[string, ConditionStatus | undefined, Candidate[], string]>([
  ['the hub has a word', 'False', [GOOD], 'Not serving'],
  ['one address is enough', undefined, [GOOD, HELD], 'Serving'],
  ['the hub does not know, DNS does', 'Unknown', [HELD], 'Not serving'],
  ['nothing to judge', undefined, [], 'Not known'],
  ['an address of another cluster says nothing', undefined, [{ ...HELD, cluster: 'us-1' }], 'Not known'],
])('serving: %s', (_, condition, candidates, word) => {
  expect(servingVerdict(cluster('eu-1', 'True', condition), new Map([['shop/web', resolution([], candidates)]])).word).toBe(word)
})

test('a cluster nothing is known of is not called bad', () => {
  expect(readyVerdict({ metadata: { name: 'new' } })).toMatchObject({ standing: 'unknown', word: 'Not known' })
})
