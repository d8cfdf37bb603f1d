// The address bar as state: where the reader is, links that do not reload, and filters that replace the query in place.
import { useSyncExternalStore, type ComponentProps, type MouseEvent, type ReactElement } from 'react'

const MOVED = 'meridian:moved'

function subscribe(listener: () => void): () => void {
  window.addEventListener('popstate', listener)
  window.addEventListener(MOVED, listener)
  return () => {
    window.removeEventListener('popstate', listener)
    window.removeEventListener(MOVED, listener)
  }
}

export const usePathname = (): string => useSyncExternalStore(subscribe, () => window.location.pathname)
export const useSearch = (): string => useSyncExternalStore(subscribe, () => window.location.search)

export function navigate(href: string): void {
  window.history.pushState(null, '', href)
  window.dispatchEvent(new CustomEvent(MOVED))
  window.scrollTo(0, 0)
}

/** Narrows the page that is shown: typing makes no history. */
export function replaceQuery(query: string): void {
  window.history.replaceState(null, '', `${window.location.pathname}${query}`)
  window.dispatchEvent(new CustomEvent(MOVED))
}

export function Link({ href, ...rest }: ComponentProps<'a'> & { href: string }): ReactElement {
  function go(event: MouseEvent): void {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    navigate(href)
  }
  return <a href={href} onClick={go} {...rest} />
}
