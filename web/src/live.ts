// A collection of the hub, kept in step by list and watch.
// In: one list's address and a token. Out: immutable snapshots, and a call whenever there is a newer one. A watch that ends
// is resumed from the last resourceVersion; a revision that is gone, or an ERROR, leads to a new list; failures back off
// with jitter and leave the last snapshot standing, marked as behind. Resource versions are compared with nothing.
// Absent: what the objects mean, and React.
import type { KubeObject } from './api/kinds'
import { fromResponse, fromStatus, fromThrown, HubError, isStatus } from './errors'

const PAGE = 500
const LIST_MAX_MS = 30_000
/** A watch is renewed this often, so that a connection which died in silence is noticed. */
const WATCH_SECONDS = 60
const WATCH_GRACE_MS = 15_000
const BACKOFF_FIRST_MS = 500
const BACKOFF_MAX_MS = 15_000
/** A hub object is at most 3 MiB; a longer line is no watch event. */
const LINE_CHARACTERS_MAX = 8 * 1024 * 1024
/** Changes are gathered this long before they are shown. */
const GATHER_MS = 100

const GARBLED = 'Garbled'

export type Phase = 'loading' | 'live' | 'behind'

export interface Snapshot<T> {
  readonly items: ReadonlyMap<string, T>
  readonly phase: Phase
  readonly error: HubError | undefined
}

/** Before the first list. */
export const nothing: Snapshot<never> = { items: new Map<string, never>(), phase: 'loading', error: undefined }

export interface LiveOptions<T> {
  address: string
  token: string
  /** Called once, on an answer 401; the collection has stopped by then. */
  onUnauthorized?: (error: HubError) => void
  /** Keeps only the newest objects, for lists that grow without end. */
  newest?: { most: number; time: (object: T) => string } | undefined
  fetch?: typeof fetch
  random?: () => number
  wait?: (ms: number, signal: AbortSignal) => Promise<void>
}

export interface Live<T> {
  subscribe(listener: () => void): () => void
  snapshot(): Snapshot<T>
  close(): void
}

interface ListBody<T> {
  metadata?: { resourceVersion?: string; continue?: string }
  items?: T[]
}

interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  object: T
}

export function keyOf(object: KubeObject): string {
  const { namespace, name } = object.metadata
  return namespace ? `${namespace}/${name}` : name
}

/** Milliseconds before try `failures + 1`: doubling, capped, and never the same for two consoles. */
export function backoff(failures: number, random: () => number): number {
  const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.max(0, failures - 1))
  return ceiling / 2 + (random() * ceiling) / 2
}

/** The lines of a stream, without the empty ones. */
export async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      rest += done ? decoder.decode() : decoder.decode(value, { stream: true })
      let start = 0
      for (let end = rest.indexOf('\n', start); end >= 0; end = rest.indexOf('\n', start)) {
        if (end > start) yield rest.slice(start, end)
        start = end + 1
      }
      rest = rest.slice(start)
      if (rest.length > LINE_CHARACTERS_MAX) throw new HubError(0, 'TooLong', 'the hub sent a line that is too long')
      if (done) {
        if (rest) yield rest
        return
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

export function follow<T extends KubeObject>(options: LiveOptions<T>): Live<T> {
  const { address, token, onUnauthorized, newest, random = Math.random, wait = sleep } = options
  const request = options.fetch ?? ((input: RequestInfo | URL, init?: RequestInit) => fetch(input, init))
  const stop = new AbortController()
  const listeners = new Set<() => void>()
  let items = new Map<string, T>()
  let current: Snapshot<T> = nothing
  let phase: Phase = 'loading'
  let error: HubError | undefined
  let gathering: ReturnType<typeof setTimeout> | undefined

  function publish(): void {
    gathering ??= setTimeout(() => {
      gathering = undefined
      trim()
      current = { items: new Map(items), phase, error }
      for (const listener of listeners) listener()
    }, GATHER_MS)
  }

  function trim(): void {
    if (!newest || items.size <= newest.most) return
    const sorted = [...items].sort(([, a], [, b]) => newest.time(b).localeCompare(newest.time(a)))
    items = new Map(sorted.slice(0, newest.most))
  }

  async function get(query: Record<string, string>, deadlineMs: number): Promise<Response> {
    const response = await request(`${address}?${new URLSearchParams(query)}`, {
      headers: { Authorization: `Bearer ${token}`, Accept: 'application/json' },
      cache: 'no-store',
      signal: AbortSignal.any([stop.signal, AbortSignal.timeout(deadlineMs)]),
    })
    if (!response.ok) throw await fromResponse(response)
    return response
  }

  /** Replaces everything by what the hub has now; gives the revision of the list. */
  async function list(): Promise<string> {
    const listed = new Map<string, T>()
    let next: string | undefined
    for (;;) {
      const query: Record<string, string> = { limit: String(PAGE) }
      if (next) query.continue = next
      const body = parse<ListBody<T>>(await (await get(query, LIST_MAX_MS)).text())
      for (const object of body.items ?? []) listed.set(keyOf(object), object)
      next = body.metadata?.continue
      if (next) continue
      const version = body.metadata?.resourceVersion
      if (!version) throw new HubError(0, 'NoRevision', `the hub's list of ${address} has no resourceVersion`)
      items = listed
      return version
    }
  }

  /** Follows one watch to its end; gives the revision to resume from. */
  async function watch(from: string, progress: (version: string) => void): Promise<void> {
    const query = {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: from,
      timeoutSeconds: String(WATCH_SECONDS),
    }
    const response = await get(query, WATCH_SECONDS * 1000 + WATCH_GRACE_MS)
    if (!response.body) throw new HubError(0, 'NoBody', 'the hub sent no stream')
    phase = 'live'
    error = undefined
    publish()
    for await (const line of lines(response.body)) {
      const event = parse<WatchEvent<T>>(line)
      switch (event.type) {
        case 'ADDED':
        case 'MODIFIED':
          items.set(keyOf(event.object), event.object)
          break
        case 'DELETED':
          items.delete(keyOf(event.object))
          break
        case 'BOOKMARK':
          break
        case 'ERROR':
          throw isStatus(event.object) ? fromStatus(event.object) : new HubError(500, '', 'the watch failed')
      }
      const version = event.object.metadata.resourceVersion
      if (version) progress(version)
      if (event.type !== 'BOOKMARK') publish()
    }
  }

  async function run(): Promise<void> {
    let version: string | undefined
    let failures = 0
    while (!stop.signal.aborted) {
      try {
        if (version === undefined) {
          version = await list()
          publish()
        }
        const begun = version
        await watch(version, (reached) => {
          version = reached
          failures = 0
        })
        // A watch that ends at once, again and again, must not become a storm.
        failures = version === begun ? failures + 1 : 0
        if (failures > 1) await wait(backoff(failures - 1, random), stop.signal)
      } catch (thrown) {
        if (stop.signal.aborted) return
        const failed = fromThrown(thrown)
        if (failed.unauthorized) {
          close()
          onUnauthorized?.(failed)
          return
        }
        // No answer: the revision is still good. Any word of the hub against the watch, or a garbled one: list again.
        if (failed.code !== 0 || failed.reason === GARBLED) version = undefined
        failures += 1
        if (!(failed.expired && failures === 1)) {
          phase = current.phase === 'loading' && items.size === 0 ? 'loading' : 'behind'
          error = failed
          publish()
          await wait(backoff(failures, random), stop.signal)
        }
      }
    }
  }

  function close(): void {
    stop.abort()
    clearTimeout(gathering)
    listeners.clear()
  }

  void run()
  return {
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    snapshot: () => current,
    close,
  }
}

function parse<V>(text: string): V {
  try {
    return JSON.parse(text) as V
  } catch (cause) {
    throw new HubError(0, GARBLED, 'the hub sent something that is not JSON', cause)
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms)
    function done(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done)
  })
}
