// The funnel: whatever comes back, the reader gets the hub's words and a next step.
import { expect, test } from 'vitest'
import { fromResponse, fromThrown, HubError } from './errors'

test.each([
  ['a Status', Response.json({ kind: 'Status', message: 'no such thing', reason: 'NotFound' }, { status: 404 }), 404, 'no such thing'],
  ['a page of a proxy', new Response('<h1>Bad gateway</h1>', { status: 502 }), 502, 'the hub answered 502: <h1>Bad gateway</h1>'],
  ['JSON that is no Status', Response.json({ a: 1 }, { status: 500 }), 500, 'the hub answered 500: {"a":1}'],
  ['nothing', new Response('', { status: 500 }), 500, 'the hub answered 500: no text'],
])('%s', async (_, response, code, message) => {
  const error = await fromResponse(response)
  expect([error.code, error.message]).toEqual([code, message])
  expect(error.next).not.toBe('')
})

test('thrown values', () => {
  const own = new HubError(403, 'Forbidden', 'no')
  expect(fromThrown(own)).toBe(own)
  expect(fromThrown(new TypeError('fetch failed')).message).toBe('the hub cannot be reached')
  expect(fromThrown(new DOMException('late', 'TimeoutError')).message).toBe('the hub did not answer in time')
})
