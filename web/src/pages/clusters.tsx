// Every member: where it is, how it is reached, the two verdicts on it, and what it holds.
import type { ReactElement } from 'react'
import type { Cluster, Heartbeat, Placement } from '../api/kinds'
import { useClusters, useHeartbeats, usePlacements, useResolutions } from '../federation'
import { workloadQuery } from '../filters'
import { paths } from '../paths'
import { Link } from '../router'
import { age } from '../time'
import { useNow } from '../ui/clock'
import { Mark } from '../ui/mark'
import { nothingYet, PageHead } from '../ui/page'
import { Table, type Column } from '../ui/table'
import { readyVerdict, servingVerdict, type Verdict } from '../verdict'

export function Clusters(): ReactElement {
  const clusters = useClusters()
  const placements = usePlacements()
  const resolutions = useResolutions()
  const heartbeats = useHeartbeats()
  const now = useNow()
  const held = objectsHeld(placements.items.values())

  const columns: Column<Cluster>[] = [
    {
      head: 'Cluster',
      names: true,
      cell: ({ metadata, spec }) => (
        <>
          {metadata.name}
          <span className="below quiet">{[spec?.syncMode ?? 'Push', spec?.provider].filter(Boolean).join(', ')}</span>
        </>
      ),
    },
    {
      head: 'Region',
      cell: ({ spec }) => (
        <>
          {spec?.region ?? 'none'}
          {spec?.zones && <span className="below quiet">{spec.zones.join(', ')}</span>}
        </>
      ),
    },
    { head: 'Ready', long: true, cell: (cluster) => <VerdictCell verdict={readyVerdict(cluster)} now={now} /> },
    {
      head: 'Serving',
      long: true,
      cell: (cluster) => <VerdictCell verdict={servingVerdict(cluster, resolutions.items)} now={now} />,
    },
    { head: 'Version', cell: ({ status }) => status?.kubernetesVersion ?? 'not known' },
    {
      head: 'Last heard',
      numeric: true,
      cell: ({ metadata, status }) => lastHeard(heartbeats.items.get(metadata.name), status?.lastHeartbeat, now),
    },
    {
      head: 'Holds',
      numeric: true,
      cell: ({ metadata }) => (
        <Link href={paths.workloads(workloadQuery({ cluster: metadata.name }))}>
          {held.get(metadata.name) ?? 0} {held.get(metadata.name) === 1 ? 'object' : 'objects'}
        </Link>
      ),
    },
  ]
  const rows = [...clusters.items.values()].sort((a, b) => a.metadata.name.localeCompare(b.metadata.name))
  return (
    <>
      <PageHead title="Clusters">
        Ready: its API can be reached. Serving: its addresses answer. Neither follows from the other.
      </PageHead>
      <Table
        caption="Member clusters"
        captionHidden
        columns={columns}
        rows={rows}
        rowKey={(cluster) => cluster.metadata.name}
        empty={nothingYet(clusters.phase, 'No cluster has joined. Next: meridian join NAME --kubeconfig FILE')}
      />
    </>
  )
}

function VerdictCell({ verdict, now }: { verdict: Verdict; now: number }): ReactElement {
  const since = age(verdict.since, now)
  return (
    <>
      <Mark standing={verdict.standing} word={verdict.word} />
      <span className="below quiet">
        {verdict.detail}
        {since && ` (for ${since})`}
      </span>
    </>
  )
}

function lastHeard(heartbeat: Heartbeat | undefined, judged: string | undefined, now: number): string {
  const ago = age(heartbeat?.spec?.received ?? judged, now)
  return ago ? `${ago} ago` : 'never'
}

function objectsHeld(placements: Iterable<Placement>): Map<string, number> {
  const held = new Map<string, number>()
  for (const { status } of placements) {
    for (const row of status?.clusters ?? []) {
      if (row.applied) held.set(row.name, (held.get(row.name) ?? 0) + 1)
    }
  }
  return held
}
