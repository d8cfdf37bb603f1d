// The regions on a bare globe, unrolled: latitude and longitude as they are, no borders. The list below says the same in
// words; regions without a place are in the list alone.
import type { ReactElement } from 'react'
import type { Cluster, Region } from '../api/kinds'
import { readyVerdict, type Standing } from '../verdict'

const WIDTH = 360
const HEIGHT = 150
/** The poles are left out: nobody serves from there. */
const TOP = 80
const BOTTOM = -70
const MERIDIANS = [-150, -120, -90, -60, -30, 0, 30, 60, 90, 120, 150]
const PARALLELS = [60, 30, 0, -30, -60]

interface Place {
  name: string
  members: string[]
  ready: number
  standing: Standing
  cidrs: string[]
  at: { x: number; y: number } | undefined
}

export function RegionMap({ regions, clusters }: { regions: Region[]; clusters: Cluster[] }): ReactElement {
  const places = regions
    .map((region) => place(region, clusters))
    .sort((a, b) => a.name.localeCompare(b.name))
  if (places.length === 0) return <p className="empty">There are no regions.</p>
  return (
    <div className="map">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
        <g className="grid">
          {MERIDIANS.map((degrees) => (
            <path key={degrees} d={`M${x(degrees)} 0V${HEIGHT}`} />
          ))}
          {PARALLELS.map((degrees) => (
            <path key={degrees} className={degrees === 0 ? 'equator' : undefined} d={`M0 ${y(degrees)}H${WIDTH}`} />
          ))}
        </g>
        {places.map(({ name, at, standing, members }) =>
          at ? (
            <g key={name} className={`spot ${standing}`}>
              <circle cx={at.x} cy={at.y} r={3 + Math.min(members.length, 5)} />
              {standing === 'bad' && <path d={`M${at.x - 2} ${at.y - 2}l4 4m0 -4l-4 4`} />}
              <text x={at.x} y={at.y + 15} textAnchor={anchor(at.x)}>
                {name}
              </text>
            </g>
          ) : null,
        )}
      </svg>
      <ul>
        {places.map(({ name, members, ready, cidrs }) => (
          <li key={name}>
            <strong>{name}</strong>: {members.length === 0 ? 'no cluster' : `${members.join(', ')} (${ready} of ${members.length} ready)`}
            {cidrs.length > 0 && <span className="quiet"> · clients {cidrs.join(', ')}</span>}
          </li>
        ))}
      </ul>
    </div>
  )
}

function place(region: Region, clusters: Cluster[]): Place {
  const { name } = region.metadata
  const { latitude, longitude, cidrs = [] } = region.spec ?? {}
  const members = clusters.filter((cluster) => cluster.spec?.region === name)
  const standings = members.map((cluster) => readyVerdict(cluster).standing)
  const worst = (['bad', 'unknown', 'good'] as const).find((standing) => standings.includes(standing))
  return {
    name,
    members: members.map((cluster) => cluster.metadata.name),
    ready: standings.filter((standing) => standing === 'good').length,
    standing: worst ?? 'unknown',
    cidrs,
    at: latitude === undefined || longitude === undefined ? undefined : { x: x(longitude), y: y(latitude) },
  }
}

function x(longitude: number): number {
  return longitude + WIDTH / 2
}

function y(latitude: number): number {
  return TOP - Math.max(BOTTOM, Math.min(TOP, latitude))
}

function anchor(at: number): 'start' | 'middle' | 'end' {
  if (at < 30) return 'start'
  return at > WIDTH - 30 ? 'end' : 'middle'
}
