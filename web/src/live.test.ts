// The list and watch of a collection against scripted answers of a hub: what it asks, what it shows, when it lists again.
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { KubeObject } from './api/kinds'
import { backoff, follow, keyOf, lines, type Live } from './live'

type Thing = KubeObject & { value?: number }

const thing = (name: string, version: string, value = 0): Thing => ({
  metadata: { name, namespace: 'shop', resourceVersion: version },
  value,
})
const listOf = (version: string, items: Thing[], next?: string): Response =>
  Response.json({ metadata: { resourceVersion: version, continue: next }, items })
const status = (code: number, reason: string, message: string): Response =>
  Response.json({ kind: 'Status', code, reason, message }, { status: code })
const event = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`

/** A watch that sends what it is told and then ends, or stays open. */
function stream(chunks: string[], open = false): Response {
  return new Response(
    new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk))
        if (!open) controller.close()
      },
    }),
  )
}

/** A hub that gives its answers in order, then keeps the last watch open. */
function hub(...answers: (Response | Error)[]) {
  const asked: URLSearchParams[] = []
  const waits: number[] = []
  const request = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const url = new URL(String(input), 'https://hub.test')
    asked.push(url.searchParams)
    expect(new Headers(init?.headers).get('Authorization')).toBe('Bearer secret')
    const answer = answers.shift() ?? stream([], true)
    if (answer instanceof Error) throw answer
    return answer
  }
  const wait = async (ms: number): Promise<void> => {
    waits.push(ms)
  }
  return { asked, waits, options: { address: '/things', token: 'secret', fetch: request, wait, random: () => 1 } }
}

let opened: Live<Thing> | undefined
afterEach(() => opened?.close())

function open(options: Parameters<typeof follow<Thing>>[0]): Live<Thing> {
  opened = follow<Thing>(options)
  return opened
}

const values = (live: Live<Thing>) => Object.fromEntries([...live.snapshot().items].map(([key, one]) => [key, one.value]))

describe('follow', () => {
  test('lists every page, then watches from the revision of the list', async () => {
    const { asked, options } = hub(listOf('7', [thing('a', '1', 1)], 'more'), listOf('7', [thing('b', '2', 2)]))
    const live = open(options)
    expect(live.snapshot().phase).toBe('loading')
    await vi.waitFor(() => expect(live.snapshot().phase).toBe('live'))
    expect(values(live)).toEqual({ 'shop/a': 1, 'shop/b': 2 })
    expect(asked.map((query) => query.get('continue'))).toEqual([null, 'more', null])
    expect(asked[2]?.get('watch')).toBe('true')
    expect(asked[2]?.get('resourceVersion')).toBe('7')
  })

  test('folds events, also when one comes in pieces', async () => {
    const changed = event('MODIFIED', thing('a', '9', 5))
    const { options } = hub(
      listOf('7', [thing('a', '1', 1), thing('b', '2', 2)]),
      stream([event('ADDED', thing('c', '8', 3)), changed.slice(0, 20), changed.slice(20), event('DELETED', thing('b', '10'))], true),
    )
    const live = open(options)
    await vi.waitFor(() => expect(values(live)).toEqual({ 'shop/a': 5, 'shop/c': 3 }))
  })

  test('resumes a watch that ended from the last revision, bookmarks included, without a list', async () => {
    const { asked, waits, options } = hub(
      listOf('7', []),
      stream([event('ADDED', thing('a', '8')), event('BOOKMARK', { metadata: { resourceVersion: '30' } })]),
    )
    const live = open(options)
    await vi.waitFor(() => expect(asked.length).toBe(3))
    expect(asked[2]?.get('resourceVersion')).toBe('30')
    expect(waits).toEqual([])
    await vi.waitFor(() => expect(live.snapshot().items.size).toBe(1))
  })

  test('resumes after a broken connection, keeps what it has and says that it is behind', async () => {
    const { asked, waits, options } = hub(listOf('7', [thing('a', '1', 1)]), new TypeError('network'), new TypeError('network'))
    const live = open(options)
    const phases: string[] = []
    live.subscribe(() => phases.push(`${live.snapshot().phase} ${live.snapshot().items.size}`))
    await vi.waitFor(() => expect(live.snapshot().phase).toBe('live'))
    expect(asked.slice(1).map((query) => query.get('resourceVersion'))).toEqual(['7', '7', '7'])
    expect(waits).toEqual([500, 1000])
    expect(live.snapshot().error).toBeUndefined()
    expect(phases.every((phase) => phase.endsWith(' 1'))).toBe(true)
  })

  test.each([
    ['an answer 410', status(410, 'Expired', 'too old resource version')],
    ['an ERROR 410', stream([event('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' })])],
  ])('lists again at once after %s', async (_, gone) => {
    const { asked, waits, options } = hub(listOf('7', [thing('a', '1', 1)]), gone, listOf('50', [thing('b', '49', 2)]))
    const live = open(options)
    await vi.waitFor(() => expect(values(live)).toEqual({ 'shop/b': 2 }))
    await vi.waitFor(() => expect(asked.length).toBe(4))
    expect(asked[2]?.get('limit')).not.toBeNull()
    expect(asked[3]?.get('resourceVersion')).toBe('50')
    expect(waits).toEqual([])
  })

  test.each([
    ['an ERROR of another kind', stream([event('ERROR', { kind: 'Status', code: 500, reason: 'InternalError', message: 'no' })])],
    ['a line that is no JSON', stream(['<html>\n'])],
    ['an answer 503', status(503, 'ServiceUnavailable', 'starting')],
  ])('waits and lists again after %s', async (_, bad) => {
    const { asked, waits, options } = hub(listOf('7', []), bad, listOf('8', []))
    open(options)
    await vi.waitFor(() => expect(asked.length).toBe(4))
    expect(asked[2]?.get('limit')).not.toBeNull()
    expect(waits).toEqual([500])
  })

  test('stops at 401 and gives the word of the hub', async () => {
    const { asked, options } = hub(status(401, 'Unauthorized', 'Unauthorized'))
    const said: string[] = []
    open({ ...options, onUnauthorized: (error) => said.push(error.message) })
    await vi.waitFor(() => expect(said).toEqual(['Unauthorized']))
    expect(asked.length).toBe(1)
  })

  test('does not turn watches that end at once into a storm', async () => {
    const { waits, asked, options } = hub(listOf('7', []), stream([]), stream([]), stream([]))
    open(options)
    await vi.waitFor(() => expect(asked.length).toBe(5))
    expect(waits).toEqual([500, 1000])
  })

  test('keeps only the newest where the list has no end', async () => {
    const many = Array.from({ length: 9 }, (_, index) => thing(`n${index}`, '1', index))
    const { options } = hub(listOf('7', many))
    const live = open({ ...options, newest: { most: 2, time: (one) => String(one.value) } })
    await vi.waitFor(() => expect(values(live)).toEqual({ 'shop/n7': 7, 'shop/n8': 8 }))
  })

  test('says nothing once closed', async () => {
    const { options } = hub(listOf('7', [thing('a', '1')]))
    const live = open(options)
    const listener = vi.fn()
    live.subscribe(listener)
    live.close()
    await new Promise((resolve) => setTimeout(resolve, 120))
    expect(listener).not.toHaveBeenCalled()
  })
})

test('backoff doubles, is capped and never under half', () => {
  for (const [failures, least, most] of [
    [1, 250, 500],
    [2, 500, 1000],
    [4, 2000, 4000],
    [40, 7500, 15_000],
  ] as const) {
    expect(backoff(failures, () => 0)).toBe(least)
    expect(backoff(failures, () => 1)).toBe(most)
  }
})

test('lines survive any cut, multi-byte letters included', async () => {
  const bytes = new TextEncoder().encode('één\n\ntwee\ndrie')
  for (let cut = 0; cut <= bytes.length; cut++) {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes.slice(0, cut))
        controller.enqueue(bytes.slice(cut))
        controller.close()
      },
    })
    const read: string[] = []
    for await (const line of lines(body)) read.push(line)
    expect(read).toEqual(['één', 'twee', 'drie'])
  }
})

test('keys', () => {
  expect(keyOf({ metadata: { name: 'us-1' } })).toBe('us-1')
  expect(keyOf(thing('a', '1'))).toBe('shop/a')
})
