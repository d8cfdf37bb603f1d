// When an Event happened, and Events in the order of reading: newest first.
import type { Event } from './api/kinds'

/** RFC 3339 time of the last occurrence; whichever of its four times the writer has set. */
export function eventTime(event: Event): string {
  return event.lastTimestamp || event.eventTime || event.firstTimestamp || event.metadata.creationTimestamp || ''
}

export function newestFirst(events: Iterable<Event>, most: number): Event[] {
  return [...events].sort((a, b) => eventTime(b).localeCompare(eventTime(a))).slice(0, most)
}
