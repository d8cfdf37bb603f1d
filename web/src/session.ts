// Who is signed in: the bearer token of this browser tab, and why the last session ended. Kept in sessionStorage, so that it
// goes with the tab and no other tab reads it.
import { useSyncExternalStore } from 'react'
import { addresses } from './api/addresses'
import { fromResponse, fromThrown, type HubError } from './errors'

const KEY = 'meridian.token'
const CHECK_MAX_MS = 15_000

interface Session {
  token: string | undefined
  ended: HubError | undefined
}

let session: Session = { token: sessionStorage.getItem(KEY) ?? undefined, ended: undefined }
const listeners = new Set<() => void>()

function become(next: Session): void {
  session = next
  if (next.token) sessionStorage.setItem(KEY, next.token)
  else sessionStorage.removeItem(KEY)
  for (const listener of listeners) listener()
}

/** Asks the hub whether the token may read clusters; gives the hub's word where it may not. */
export async function signIn(token: string): Promise<HubError | undefined> {
  try {
    const response = await fetch(`${addresses.clusters}?limit=1`, {
      headers: { Authorization: `Bearer ${token}`, Accept: 'application/json' },
      cache: 'no-store',
      signal: AbortSignal.timeout(CHECK_MAX_MS),
    })
    if (!response.ok) return await fromResponse(response)
  } catch (thrown) {
    return fromThrown(thrown)
  }
  become({ token, ended: undefined })
  return undefined
}

export function signOut(ended?: HubError): void {
  become({ token: undefined, ended })
}

export function useSession(): Session {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => session,
  )
}
