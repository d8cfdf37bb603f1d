// A verdict at a glance: a shape, a colour and a word, so that no one of them carries the meaning alone.
import type { ReactElement } from 'react'
import type { Standing } from '../verdict'
import type { ShareState, WorkloadState } from '../workloads'

export type MarkStanding = Standing | 'working'

const SHAPES: Record<MarkStanding, ReactElement> = {
  good: <path d="M3.5 8.5l3 3 6-7" />,
  bad: <path d="M4 4l8 8M12 4l-8 8" />,
  unknown: <path d="M5.5 6a2.5 2.5 0 1 1 3.4 2.3c-.6.3-.9.7-.9 1.5M8 12.6v.1" />,
  working: <path d="M8 3.5v4.5l3 2M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8" />,
}

export function Mark({ standing, word, title }: { standing: MarkStanding; word: string; title?: string }): ReactElement {
  return (
    <span className={`mark ${standing}`} title={title}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        {SHAPES[standing]}
      </svg>
      {word}
    </span>
  )
}

export const STATE_STANDING: Record<ShareState | WorkloadState, MarkStanding> = {
  well: 'good',
  progressing: 'working',
  leaving: 'working',
  unheard: 'unknown',
  short: 'bad',
  failing: 'bad',
}
