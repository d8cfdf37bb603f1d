// The one funnel for what goes wrong between console and hub. In: an answer that is not OK, a thrown value, a Status in a
// watch. Out: a HubError that says what the hub said, and what to do next. Absent: where it is shown.
import type { Status } from './api/kinds'

/** Longest text of an answer that is no Status which is worth showing. */
const BODY_SHOWN_MAX = 300

export class HubError extends Error {
  /** HTTP status; 0 where no answer came. */
  readonly code: number
  /** The reason word of a Kubernetes Status; empty where there was none. */
  readonly reason: string

  constructor(code: number, reason: string, message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'HubError'
    this.code = code
    this.reason = reason
  }

  /** The token is not, or no longer, good. */
  get unauthorized(): boolean {
    return this.code === 401
  }

  /** The revision that was asked for is compacted away: list again. */
  get expired(): boolean {
    return this.code === 410
  }

  /** What the reader can do about it. */
  get next(): string {
    if (this.code === 0) return 'It is tried again; check that the hub runs.'
    if (this.unauthorized) return 'Print a token with: meridian token'
    if (this.code === 403) return 'Ask for a token that may read this, for example: meridian token --role viewer'
    if (this.code === 404) return 'Check that the hub is as new as this console.'
    return 'It is tried again.'
  }
}

export function isStatus(value: unknown): value is Status {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'Status'
}

export function fromStatus(status: Status, code = status.code ?? 500): HubError {
  return new HubError(code, status.reason ?? '', status.message || status.reason || `the hub answered ${code}`)
}

/** Reads an answer that is not OK. */
export async function fromResponse(response: Response): Promise<HubError> {
  const text = await response.text().catch(() => '')
  try {
    const body: unknown = JSON.parse(text)
    if (isStatus(body)) return fromStatus(body, response.status)
  } catch {
    // Not JSON: a proxy in between, or no hub at all; its own words are shown.
  }
  const said = text.trim().slice(0, BODY_SHOWN_MAX) || response.statusText || 'no text'
  return new HubError(response.status, '', `the hub answered ${response.status}: ${said}`)
}

/** Reads a thrown value: a HubError stays what it is, everything else means that no whole answer came. */
export function fromThrown(thrown: unknown): HubError {
  if (thrown instanceof HubError) return thrown
  if (thrown instanceof DOMException && thrown.name === 'TimeoutError') {
    return new HubError(0, 'Timeout', 'the hub did not answer in time', thrown)
  }
  return new HubError(0, 'Unreachable', 'the hub cannot be reached', thrown)
}
