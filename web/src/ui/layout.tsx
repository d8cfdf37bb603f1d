// The frame around every page: where one can go, whether what is shown is live, and news said aloud.
import { useEffect, useRef, type ReactElement, type ReactNode } from 'react'
import { useConnection } from '../federation'
import { pageAt, paths } from '../paths'
import { Link, usePathname } from '../router'
import { signOut } from '../session'
import { Announcements } from './announcements'
import { Mark } from './mark'
import { Trouble } from './trouble'

const PAGES = [
  { page: 'overview', label: 'Overview', href: paths.overview() },
  { page: 'clusters', label: 'Clusters', href: paths.clusters() },
  { page: 'workloads', label: 'Workloads', href: paths.workloads() },
  { page: 'names', label: 'Names', href: paths.names() },
] as const

export function Layout({ children }: { children: ReactNode }): ReactElement {
  const pathname = usePathname()
  const main = useRef<HTMLElement>(null)
  const first = useRef(true)
  // A new page begins at its heading, for those who hear it as for those who see it.
  useEffect(() => {
    if (first.current) first.current = false
    else main.current?.focus()
  }, [pathname])
  const { page } = pageAt(pathname)
  return (
    <>
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <header className="top">
        <div className="top-inner">
          <Link className="brand" href={paths.overview()}>
            Meridian
          </Link>
          <nav aria-label="Pages">
            <ul>
              {PAGES.map((one) => {
                const here = one.page === page || (one.page === 'workloads' && page === 'workload')
                return (
                  <li key={one.page}>
                    <Link href={one.href} aria-current={here ? 'page' : undefined}>
                      {one.label}
                    </Link>
                  </li>
                )
              })}
            </ul>
          </nav>
          <div className="top-end">
            <Connection />
            <button type="button" onClick={() => signOut()}>
              Sign out
            </button>
          </div>
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <ConnectionTrouble />
        {children}
      </main>
      <Announcements />
    </>
  )
}

function Connection(): ReactElement {
  const { phase } = useConnection()
  switch (phase) {
    case 'live':
      return <Mark standing="good" word="Live" />
    case 'loading':
      return <Mark standing="working" word="Loading" />
    case 'behind':
      return <Mark standing="unknown" word="Behind" />
  }
}

function ConnectionTrouble(): ReactElement | null {
  const { phase, error } = useConnection()
  if (!error) return null
  return <Trouble error={error} lead={phase === 'behind' ? 'What is shown is behind' : 'The federation cannot be shown yet'} />
}
