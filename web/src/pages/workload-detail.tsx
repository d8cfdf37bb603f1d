// One Placement in full: the decision with its reasons, as the hub explains it, and the last truth of every cluster.
import type { ReactElement, ReactNode } from 'react'
import type { Placement } from '../api/kinds'
import { useClusters, usePlacements } from '../federation'
import { paths } from '../paths'
import { Link } from '../router'
import { Mark, STATE_STANDING } from '../ui/mark'
import { nothingYet, PageHead } from '../ui/page'
import { Table, type Column } from '../ui/table'
import { workload, type Share } from '../workloads'

type Excluded = NonNullable<NonNullable<Placement['spec']>['excluded']>[number]

const EXCLUDED: Column<Excluded>[] = [
  { head: 'Cluster', names: true, cell: (row) => row.name },
  { head: 'Reason', cell: (row) => row.reason },
  { head: 'Message', long: true, cell: (row) => row.message || <span className="quiet">none</span> },
]

export function WorkloadDetail({ namespace, placement }: { namespace: string; placement: string }): ReactElement {
  const placements = usePlacements()
  const clusters = useClusters()
  const found = placements.items.get(`${namespace}/${placement}`)
  if (!found) {
    return (
      <>
        <PageHead title={placement}>{nothingYet(placements.phase, `There is no Placement ${namespace}/${placement} now.`)}</PageHead>
        <p>
          <Link href={paths.workloads()}>All workloads</Link>
        </p>
      </>
    )
  }
  const { spec } = found
  const one = workload(found, clusters.items)
  return (
    <>
      <p className="crumb">
        <Link href={paths.workloads()}>Workloads</Link>
      </p>
      <PageHead title={`${one.kind} ${one.namespace ? `${one.namespace}/` : ''}${one.name}`}>{one.reason}</PageHead>
      <dl className="facts">
        <Fact name="State">
          <Mark standing={STATE_STANDING[one.state]} word={one.state} />
        </Fact>
        <Fact name="Policy">{spec?.policy || 'none; the default of its kind'}</Fact>
        <Fact name="Replicas">{replicas(one.shares, spec?.unplacedReplicas ?? 0)}</Fact>
        {spec?.rollout?.phase && spec.rollout.phase !== 'Done' && (
          <Fact name="Rollout">
            {spec.rollout.phase}: {spec.rollout.message}
          </Fact>
        )}
        {spec?.kept && <Fact name="Kept">No cluster fits any more; the last good placement stays until one does.</Fact>}
        {spec?.deleted && <Fact name="Deleted">It is gone on the hub; it stays here until every member has let go.</Fact>}
      </dl>
      <section aria-labelledby="where">
        <h2 id="where">In each cluster</h2>
        <Table
          caption="What became of it in each cluster"
          captionHidden
          columns={shareColumns(one.kind === 'Service')}
          rows={one.shares}
          rowKey={(share) => share.cluster}
          empty="It is in no cluster."
        />
      </section>
      <div className="pair">
        <section aria-labelledby="how">
          <h2 id="how">How it was decided</h2>
          {spec?.steps?.length ? (
            <ol className="steps">
              {spec.steps.map((step, index) => (
                <li key={index}>{step}</li>
              ))}
            </ol>
          ) : (
            <p className="empty">No steps were recorded.</p>
          )}
        </section>
        <section aria-labelledby="not-chosen">
          <h2 id="not-chosen">Clusters not chosen</h2>
          <Table
            caption="Clusters that were not chosen, and why"
            captionHidden
            columns={EXCLUDED}
            rows={spec?.excluded ?? []}
            rowKey={(row) => row.name}
            empty="None: every cluster was chosen."
          />
          {spec?.excludedMore?.map((more) => (
            <p key={more.reason} className="quiet">
              and {more.clusters} more: {more.reason}
            </p>
          ))}
        </section>
      </div>
    </>
  )
}

function shareColumns(isService: boolean): Column<Share>[] {
  const columns: Column<Share>[] = [
    { head: 'Cluster', names: true, cell: (share) => share.cluster },
    { head: 'State', cell: (share) => <Mark standing={STATE_STANDING[share.state]} word={share.word} /> },
  ]
  if (isService) {
    columns.push(
      {
        head: 'Addresses',
        cell: ({ row }) => (row?.addresses?.length ? <code>{row.addresses.join(', ')}</code> : <span className="quiet">none</span>),
      },
      { head: 'Ready endpoints', numeric: true, cell: ({ row }) => row?.readyEndpoints ?? 'not reported' },
    )
  } else {
    columns.push({
      head: 'Ready replicas',
      numeric: true,
      cell: ({ replicas: wanted, readyReplicas }) => (wanted === undefined ? 'no replicas' : `${readyReplicas ?? 0} of ${wanted}`),
    })
  }
  columns.push({ head: 'Error', long: true, cell: ({ row }) => row?.error || <span className="quiet">none</span> })
  return columns
}

function replicas(shares: Share[], unplaced: number): string {
  const wanted = shares.filter((share) => share.replicas !== undefined)
  if (wanted.length === 0) return 'not a matter of replicas'
  const sum = (value: (share: Share) => number | undefined): number => wanted.reduce((all, share) => all + (value(share) ?? 0), 0)
  const ready = `${sum((share) => share.readyReplicas)} of ${sum((share) => share.replicas)} ready`
  return unplaced > 0 ? `${ready}; ${unplaced} fit nowhere` : ready
}

function Fact({ name, children }: { name: string; children: ReactNode }): ReactElement {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
