// What the console knows of the federation: four live collections, opened at sign-in, closed at sign-out; two more, which
// change all the time, only while a page shows them. Over HTTP/1.1 a browser has six connections to a hub: at most five are
// ever held by watches.
import { createContext, useContext, useEffect, useState, useSyncExternalStore } from 'react'
import { addresses } from './api/addresses'
import type { Cluster, Event, Heartbeat, KubeObject, Placement, Region, Resolution } from './api/kinds'
import type { HubError } from './errors'
import { eventTime } from './events'
import { follow, nothing, type Live, type LiveOptions, type Phase, type Snapshot } from './live'

/** Events kept: the newest; older ones are for kubectl. */
const EVENTS_MOST = 200

export interface Federation {
  token: string
  clusters: Live<Cluster>
  regions: Live<Region>
  placements: Live<Placement>
  resolutions: Live<Resolution>
  close(): void
}

export function openFederation(token: string, onUnauthorized: (error: HubError) => void): Federation {
  const source = { token, onUnauthorized }
  const clusters = follow<Cluster>({ ...source, address: addresses.clusters })
  const regions = follow<Region>({ ...source, address: addresses.regions })
  const placements = follow<Placement>({ ...source, address: addresses.placements })
  const resolutions = follow<Resolution>({ ...source, address: addresses.resolutions })
  const all = [clusters, regions, placements, resolutions]
  return { token, clusters, regions, placements, resolutions, close: () => all.forEach((one) => one.close()) }
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
const NEWEST_EVENTS = { most: EVENTS_MOST, time: eventTime }

export const useEvents = (): Snapshot<Event> => useWhileShown<Event>(addresses.events, NEWEST_EVENTS)
/** The members' pulse: it changes every second. */
export const useHeartbeats = (): Snapshot<Heartbeat> => useWhileShown<Heartbeat>(addresses.heartbeats)

function useWhileShown<T extends KubeObject>(address: string, newest?: LiveOptions<T>['newest']): Snapshot<T> {
  const { token } = useFederation()
  const [snapshot, setSnapshot] = useState<Snapshot<T>>(nothing)
  useEffect(() => {
    const live = follow<T>({ token, address, newest })
    live.subscribe(() => setSnapshot(live.snapshot()))
    return live.close
  }, [token, address, newest])
  return snapshot
}

/** The state of the connection as a whole: as bad as its worst collection. */
export function useConnection(): { phase: Phase; error: HubError | undefined } {
  const all: Snapshot<unknown>[] = [useClusters(), useRegions(), usePlacements(), useResolutions()]
  const error = all.find((one) => one.error)?.error
  if (all.some((one) => one.phase === 'behind')) return { phase: 'behind', error }
  return { phase: all.some((one) => one.phase === 'loading') ? 'loading' : 'live', error }
}
