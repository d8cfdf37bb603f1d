// The federation at a glance: figures, what is not well, the members by region, what happened last.
import { useMemo, type ReactElement } from 'react'
import type { Cluster, Event } from '../api/kinds'
import { concerns, isAnswered, type Concern } from '../concerns'
import { newestFirst, eventTime } from '../events'
import { useClusters, useEvents, usePlacements, useRegions, useResolutions } from '../federation'
import { keyOf } from '../live'
import { paths } from '../paths'
import { Link } from '../router'
import { age } from '../time'
import { useNow } from '../ui/clock'
import { Mark } from '../ui/mark'
import { nothingYet, PageHead } from '../ui/page'
import { RegionMap } from '../ui/region-map'
import { Table, type Column } from '../ui/table'
import { readyVerdict, servingVerdict } from '../verdict'
import { workload } from '../workloads'

const CONCERNS_MOST = 12
const EVENTS_MOST = 15

export function Overview(): ReactElement {
  const clusters = useClusters()
  const regions = useRegions()
  const placements = usePlacements()
  const resolutions = useResolutions()
  const members = [...clusters.items.values()].sort((a, b) => a.metadata.name.localeCompare(b.metadata.name))
  const workloads = useMemo(
    () => [...placements.items.values()].map((one) => workload(one, clusters.items)),
    [placements.items, clusters.items],
  )
  const found = useMemo(
    () => concerns(clusters.items.values(), workloads, resolutions.items),
    [clusters.items, workloads, resolutions.items],
  )
  const loading = [clusters, placements, resolutions].some((one) => one.phase === 'loading')
  const columns: Column<Cluster>[] = [
    { head: 'Cluster', names: true, cell: ({ metadata }) => metadata.name },
    { head: 'Region', cell: ({ spec }) => spec?.region ?? 'none' },
    { head: 'Ready', cell: (cluster) => <VerdictMark {...readyVerdict(cluster)} /> },
    { head: 'Serving', cell: (cluster) => <VerdictMark {...servingVerdict(cluster, resolutions.items)} /> },
  ]
  const well = workloads.filter((one) => one.state === 'well').length
  const answered = [...resolutions.items.values()].filter(isAnswered).length
  const ready = members.filter((one) => readyVerdict(one).standing === 'good').length
  return (
    <>
      <PageHead title="Overview" />
      <ul className="figures" aria-label="Figures">
        <Figure href={paths.clusters()} value={`${ready}/${members.length}`} text="clusters ready" />
        <Figure href={paths.workloads()} value={`${well}/${workloads.length}`} text="workloads well" />
        <Figure href={paths.names()} value={`${answered}/${resolutions.items.size}`} text="names with an address" />
        <Figure href={paths.clusters()} value={String(regions.items.size)} text="regions" />
      </ul>
      <section aria-labelledby="not-well">
        <h2 id="not-well">What is not well</h2>
        <div aria-live="polite">
          {found.length === 0 ? (
            loading ? (
              <p className="empty">Loading…</p>
            ) : (
              <p className="empty">
                <Mark standing="good" word="Everything is well." />
              </p>
            )
          ) : (
            <Concerns found={found} />
          )}
        </div>
      </section>
      <div className="pair">
        <section aria-labelledby="members">
          <h2 id="members">Clusters</h2>
          <Table
            caption="Member clusters and the two verdicts on each"
            captionHidden
            columns={columns}
            rows={members}
            rowKey={(cluster) => cluster.metadata.name}
            empty={nothingYet(clusters.phase, 'No cluster has joined. Next: meridian join NAME --kubeconfig FILE')}
          />
        </section>
        <section aria-labelledby="regions">
          <h2 id="regions">Regions</h2>
          <RegionMap regions={[...regions.items.values()]} clusters={members} />
        </section>
      </div>
      <RecentEvents />
    </>
  )
}

function VerdictMark({ standing, word, detail }: ReturnType<typeof readyVerdict>): ReactElement {
  return <Mark standing={standing} word={word} title={detail} />
}

function Figure({ href, value, text }: { href: string; value: string; text: string }): ReactElement {
  return (
    <li>
      <Link href={href}>
        <span className="value">{value}</span> {text}
      </Link>
    </li>
  )
}

function Concerns({ found }: { found: Concern[] }): ReactElement {
  const hidden = found.length - CONCERNS_MOST
  return (
    <>
      <ul className="concerns">
        {found.slice(0, CONCERNS_MOST).map((concern) => (
          <li key={concern.key}>
            <Mark standing={concern.severity === 'damage' ? 'bad' : 'unknown'} word={concern.severity} />
            <span>
              <Link href={concern.href}>{concern.subject}</Link>: {concern.text}
            </span>
          </li>
        ))}
      </ul>
      {hidden > 0 && <p className="quiet">and {hidden} more</p>}
    </>
  )
}

function RecentEvents(): ReactElement {
  const events = useEvents()
  const now = useNow()
  const rows = useMemo(() => newestFirst(events.items.values(), EVENTS_MOST), [events.items])
  const columns: Column<Event>[] = [
    { head: 'Age', numeric: true, cell: (event) => age(eventTime(event), now) },
    {
      head: 'About',
      names: true,
      cell: ({ involvedObject: about }) =>
        `${about?.kind ?? ''} ${about?.namespace ? `${about.namespace}/` : ''}${about?.name ?? ''}`.trim(),
    },
    {
      head: 'Reason',
      cell: (event) =>
        event.type === 'Warning' ? <Mark standing="unknown" word={`${event.reason ?? ''} (warning)`} /> : (event.reason ?? ''),
    },
    { head: 'Message', long: true, cell: (event) => `${event.message ?? ''}${(event.count ?? 1) > 1 ? ` (${event.count} times)` : ''}` },
  ]
  return (
    <section aria-labelledby="events">
      <h2 id="events">Recent Events</h2>
      <Table
        caption="Recent Events, newest first"
        captionHidden
        columns={columns}
        rows={rows}
        rowKey={keyOf}
        empty={nothingYet(events.phase, 'There are no Events.')}
      />
    </section>
  )
}
