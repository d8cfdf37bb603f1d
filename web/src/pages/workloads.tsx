// Every federated object: where it runs, how much of it, how it stands there. Filters live in the address.
import { useMemo, type ReactElement } from 'react'
import { useClusters, usePlacements } from '../federation'
import { choices, matches, workloadFilter, workloadQuery, type WorkloadFilter } from '../filters'
import { paths } from '../paths'
import { Link, replaceQuery, useSearch } from '../router'
import { Choice, TextFilter } from '../ui/filter-fields'
import { Mark, STATE_STANDING } from '../ui/mark'
import { nothingYet, PageHead } from '../ui/page'
import { ShareChip } from '../ui/share-chip'
import { Table, type Column } from '../ui/table'
import { byName, WORKLOAD_STATES, workload, type Workload } from '../workloads'

const COLUMNS: Column<Workload>[] = [
  {
    head: 'Workload',
    names: true,
    cell: (row) => (
      <>
        <Link href={paths.workload(row.source.metadata.namespace ?? '', row.placement)}>
          {row.namespace ? `${row.namespace}/` : ''}
          {row.name}
        </Link>
        <span className="below quiet">{row.kind}</span>
      </>
    ),
  },
  { head: 'State', cell: (row) => <Mark standing={STATE_STANDING[row.state]} word={row.state} /> },
  {
    head: 'Clusters',
    cell: (row) =>
      row.shares.length === 0 ? (
        <span className="quiet">nowhere</span>
      ) : (
        <ul className="chips">
          {row.shares.map((share) => (
            <li key={share.cluster}>
              <ShareChip share={share} />
            </li>
          ))}
        </ul>
      ),
  },
  { head: 'Why', long: true, cell: (row) => <span className="quiet">{row.reason}</span> },
]

export function Workloads(): ReactElement {
  const placements = usePlacements()
  const clusters = useClusters()
  const filter = workloadFilter(useSearch())
  const all = useMemo(
    () => [...placements.items.values()].map((one) => workload(one, clusters.items)).sort(byName),
    [placements.items, clusters.items],
  )
  const rows = all.filter((row) => matches(row, filter))
  const narrow = (change: Partial<WorkloadFilter>): void => replaceQuery(workloadQuery({ ...filter, ...change }))
  return (
    <>
      <PageHead title="Workloads">Each object of the hub that is placed in member clusters, and how it stands in each.</PageHead>
      <search className="filters" aria-label="Workloads">
        <TextFilter value={filter.text} onChange={(text) => narrow({ text })} />
        <Choice
          label="Kind"
          value={filter.kind}
          options={choices(all.map((row) => row.kind))}
          onChange={(kind) => narrow({ kind })}
        />
        <Choice
          label="Namespace"
          value={filter.namespace}
          options={choices(all.map((row) => row.namespace))}
          onChange={(namespace) => narrow({ namespace })}
        />
        <Choice
          label="Cluster"
          value={filter.cluster}
          options={choices(all.flatMap((row) => row.shares.map((share) => share.cluster)))}
          onChange={(cluster) => narrow({ cluster })}
        />
        <Choice
          label="State"
          value={filter.state}
          options={WORKLOAD_STATES}
          onChange={(state) => narrow({ state: WORKLOAD_STATES.find((one) => one === state) ?? '' })}
        />
      </search>
      <p className="count" role="status">
        {rows.length === all.length ? `${all.length} objects` : `${rows.length} of ${all.length} objects`}
      </p>
      <Table
        caption="Federated objects"
        captionHidden
        columns={COLUMNS}
        rows={rows}
        rowKey={(row) => row.key}
        empty={nothingYet(
          placements.phase,
          all.length > 0 ? 'Nothing matches the filters.' : 'Nothing is federated yet. Next: kubectl apply to the hub.',
        )}
      />
    </>
  )
}
