// What the console knows of the federation: one live collection a kind, opened at sign-in, closed at sign-out.
import { createContext, useContext, useEffect, useState, useSyncExternalStore } from 'react'
import { addresses } from './api/addresses'
import type { Cluster, Event, Heartbeat, Placement, Region, Resolution } from './api/kinds'
import type { HubError } from './errors'
import { eventTime } from './events'
import { follow, type Live, type Phase, type Snapshot } from './live'

/** Events kept: the newest; older ones are for kubectl. */
const EVENTS_MOST = 200

export interface Federation {
  token: string
  clusters: Live<Cluster>
  regions: Live<Region>
  placements: Live<Placement>
  resolutions: Live<Resolution>
  events: Live<Event>
  close(): void
}

export function openFederation(token: string, onUnauthorized: (error: HubError) => void): Federation {
  const source = { token, onUnauthorized }
  const clusters = follow<Cluster>({ ...source, address: addresses.clusters })
  const regions = follow<Region>({ ...source, address: addresses.regions })
  const placements = follow<Placement>({ ...source, address: addresses.placements })
  const resolutions = follow<Resolution>({ ...source, address: addresses.resolutions })
  const events = follow<Event>({
    ...source,
    address: addresses.events,
    newest: { most: EVENTS_MOST, time: eventTime },
  })
  const all = [clusters, regions, placements, resolutions, events]
  return { token, clusters, regions, placements, resolutions, events, close: () => all.forEach((one) => one.close()) }
}

export const FederationContext = createContext<Federation | undefined>(undefined)

export function useFederation(): Federation {
  const federation = useContext(FederationContext)
  if (!federation) throw new Error('pages are shown only to who is signed in')
  return federation
}

export function useLive<T>(live: Live<T>): Snapshot<T> {
  return useSyncExternalStore(live.subscribe, live.snapshot)
}

export const useClusters = (): Snapshot<Cluster> => useLive(useFederation().clusters)
export const useRegions = (): Snapshot<Region> => useLive(useFederation().regions)
export const usePlacements = (): Snapshot<Placement> => useLive(useFederation().placements)
export const useResolutions = (): Snapshot<Resolution> => useLive(useFederation().resolutions)
export const useEvents = (): Snapshot<Event> => useLive(useFederation().events)

const NO_HEARTBEATS: ReadonlyMap<string, Heartbeat> = new Map()

/** The members' pulse, followed only while somebody looks: it changes every second. */
export function useHeartbeats(): ReadonlyMap<string, Heartbeat> {
  const { token } = useFederation()
  const [items, setItems] = useState(NO_HEARTBEATS)
  useEffect(() => {
    const live = follow<Heartbeat>({ token, address: addresses.heartbeats })
    live.subscribe(() => setItems(live.snapshot().items))
    return () => live.close()
  }, [token])
  return items
}

/** The state of the connection as a whole: as bad as its worst collection. */
export function useConnection(): { phase: Phase; error: HubError | undefined } {
  const all: Snapshot<unknown>[] = [useClusters(), useRegions(), usePlacements(), useResolutions(), useEvents()]
  const error = all.find((one) => one.error)?.error
  if (all.some((one) => one.phase === 'behind')) return { phase: 'behind', error }
  return { phase: all.some((one) => one.phase === 'loading') ? 'loading' : 'live', error }
}
