// The pages of the console and their addresses: one function a page, and the way back from an address to a page.

const BASE = '/console/'

export const paths = {
  overview: () => BASE,
  clusters: () => `${BASE}clusters`,
  workloads: (query = '') => `${BASE}workloads${query}`,
  workload: (namespace: string, placement: string) =>
    `${BASE}workloads/${encodeURIComponent(namespace)}/${encodeURIComponent(placement)}`,
  names: (query = '') => `${BASE}names${query}`,
}

export type Page =
  | { page: 'overview' }
  | { page: 'clusters' }
  | { page: 'workloads' }
  | { page: 'workload'; namespace: string; placement: string }
  | { page: 'names' }
  | { page: 'unknown' }

/** The page at a pathname; `unknown` for anything that is none. */
export function pageAt(pathname: string): Page {
  if (pathname === BASE || pathname === BASE.slice(0, -1)) return { page: 'overview' }
  if (!pathname.startsWith(BASE)) return { page: 'unknown' }
  const parts = pathname.slice(BASE.length).replace(/\/$/, '').split('/').map(decoded)
  const [first, namespace, placement] = parts
  if (parts.length === 1) {
    if (first === 'clusters' || first === 'workloads' || first === 'names') return { page: first }
  }
  if (parts.length === 3 && first === 'workloads' && namespace && placement) {
    return { page: 'workload', namespace, placement }
  }
  return { page: 'unknown' }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
