// Times as people read them.

const STEPS: readonly [seconds: number, unit: string][] = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
]

/** `4 s`, `3 min`, `2 h`, `5 d`: the age of an RFC 3339 time; empty where it is none. */
export function age(time: string | undefined, now: number): string {
  const then = Date.parse(time ?? '')
  if (Number.isNaN(then)) return ''
  const seconds = Math.max(0, Math.round((now - then) / 1000))
  for (const [size, unit] of STEPS) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`
  }
  return `${seconds} s`
}
