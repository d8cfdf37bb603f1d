// The beginning of a page: its heading, its title in the tab, one line on what it shows.
import { useEffect, type ReactElement, type ReactNode } from 'react'

export function PageHead({ title, children }: { title: string; children?: ReactNode }): ReactElement {
  useEffect(() => {
    document.title = `${title} · Meridian`
  }, [title])
  return (
    <div className="page-head">
      <h1>{title}</h1>
      {children && <p className="quiet">{children}</p>}
    </div>
  )
}

/** What stands in place of a list that has no rows: not there yet, or not there. */
export function nothingYet(phase: 'loading' | 'live' | 'behind', text: string): string {
  return phase === 'loading' ? 'Loading…' : text
}
