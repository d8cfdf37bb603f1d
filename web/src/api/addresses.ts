// Where the hub serves what the console reads: each list once, over all namespaces.

const FEDERATION = '/apis/federation.meridian.dev/v1alpha1'

export const addresses = {
  clusters: `${FEDERATION}/clusters`,
  heartbeats: `${FEDERATION}/heartbeats`,
  regions: `${FEDERATION}/regions`,
  placements: `${FEDERATION}/placements`,
  resolutions: `${FEDERATION}/resolutions`,
  events: '/api/v1/events',
} as const
