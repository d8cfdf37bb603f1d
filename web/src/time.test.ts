// Ages as people read them.
import { expect, test } from 'vitest'
import { newestFirst } from './events'
import { age } from './time'

const NOW = Date.parse('2026-05-01T12:00:00Z')

test.each([
  ['2026-05-01T12:00:00Z', '0 s'],
  ['2026-05-01T11:59:18Z', '42 s'],
  ['2026-05-01T11:58:59Z', '1 min'],
  ['2026-05-01T09:00:00Z', '3 h'],
  ['2026-04-01T12:00:00Z', '30 d'],
  ['2026-05-01T12:00:09Z', '0 s'],
  ['soon', ''],
  [undefined, ''],
])('%s is %s', (time, expected) => {
  expect(age(time, NOW)).toBe(expected)
})

test('Events: newest first, by whichever time they carry', () => {
  const events = [
    { metadata: { name: 'a', creationTimestamp: '2026-05-01T10:00:00Z' } },
    { metadata: { name: 'b' }, lastTimestamp: '2026-05-01T12:00:00Z' },
    { metadata: { name: 'c' }, lastTimestamp: null, eventTime: '2026-05-01T11:00:00Z' },
  ]
  expect(newestFirst(events, 2).map((one) => one.metadata.name)).toEqual(['b', 'c'])
})
