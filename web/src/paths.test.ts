// Every page's address leads back to its page.
import { expect, test } from 'vitest'
import { pageAt, paths } from './paths'

test.each([
  [paths.overview(), { page: 'overview' }],
  ['/console', { page: 'overview' }],
  [paths.clusters(), { page: 'clusters' }],
  ['/console/clusters/', { page: 'clusters' }],
  [paths.workloads(), { page: 'workloads' }],
  [paths.names(), { page: 'names' }],
  [paths.workload('shop', 'deployment-web'), { page: 'workload', namespace: 'shop', placement: 'deployment-web' }],
  [paths.workload('shop', 'clusterrole-system:a/b'), { page: 'workload', namespace: 'shop', placement: 'clusterrole-system:a/b' }],
  ['/console/workloads/shop', { page: 'unknown' }],
  ['/console/%E0%A4%A', { page: 'unknown' }],
  ['/elsewhere', { page: 'unknown' }],
])('%s', (address, page) => {
  expect(pageAt(address)).toEqual(page)
})
