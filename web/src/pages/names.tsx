// What DNS answers now: per federated Service, for the clients of each region, and every address that could be answered with
// the verdict on it.
import { useState, type ReactElement } from 'react'
import type { Candidate, Resolution } from '../api/kinds'
import { useResolutions } from '../federation'
import { choices, filterQuery, hasWords } from '../filters'
import { keyOf } from '../live'
import { replaceQuery, useSearch } from '../router'
import { Choice, TextFilter } from '../ui/filter-fields'
import { Mark } from '../ui/mark'
import { nothingYet, PageHead } from '../ui/page'
import { Table, type Column } from '../ui/table'

/** Names drawn at first, and with each press of the button. */
const NAMES_STEP = 30
/** Names without an address that are listed; the filters find the others. */
const BARE_MOST = 100

interface Answer {
  place: string
  addresses: string[]
}

const CANDIDATES: Column<Candidate>[] = [
  { head: 'Address', names: true, cell: (row) => <code>{row.address}</code> },
  { head: 'Cluster', cell: (row) => row.cluster },
  {
    head: 'Verdict',
    cell: (row) => <Mark standing={row.serving ? 'good' : 'bad'} word={row.serving ? 'may be answered' : 'held back'} />,
  },
  { head: 'Reason', long: true, cell: (row) => row.reason || <span className="quiet">none given</span> },
]

export function Names(): ReactElement {
  const resolutions = useResolutions()
  const [shown, setShown] = useState(NAMES_STEP)
  const query = new URLSearchParams(useSearch())
  const filter = { text: query.get('text') ?? '', namespace: query.get('namespace') ?? '' }
  const all = [...resolutions.items.values()].sort((a, b) => keyOf(a).localeCompare(keyOf(b)))
  const found = all.filter((one) => matches(one, filter))
  const narrow = (change: Partial<typeof filter>): void => replaceQuery(filterQuery({ ...filter, ...change }))
  const offered = found.filter((one) => one.spec?.candidates?.length)
  const bare = found.filter((one) => !one.spec?.candidates?.length)
  const hidden = offered.length - shown
  return (
    <>
      <PageHead title="Names">What the clients of each region are answered now, and what else there is to answer.</PageHead>
      <search className="filters" aria-label="Names">
        <TextFilter value={filter.text} onChange={(text) => narrow({ text })} />
        <Choice
          label="Namespace"
          value={filter.namespace}
          options={choices(all.map((one) => one.metadata.namespace ?? ''))}
          onChange={(namespace) => narrow({ namespace })}
        />
      </search>
      <p className="count" role="status">
        {found.length === all.length ? `${all.length} names` : `${found.length} of ${all.length} names`}
      </p>
      {offered.slice(0, shown).map((one) => (
        <Name key={keyOf(one)} resolution={one} />
      ))}
      {found.length === 0 && (
        <p className="empty">
          {nothingYet(
            resolutions.phase,
            all.length > 0 ? 'Nothing matches the filters.' : 'No name is answered yet. A federated Service gives one.',
          )}
        </p>
      )}
      {hidden > 0 && (
        <p className="more">
          <button type="button" onClick={() => setShown(shown + NAMES_STEP)}>
            Show {Math.min(hidden, NAMES_STEP)} more
          </button>
          <span className="quiet">{hidden} are not shown</span>
        </p>
      )}
      {bare.length > 0 && <WithoutAddress names={bare.map((one) => one.spec?.name || keyOf(one))} />}
    </>
  )
}

/** Services that no cluster gives an address, ClusterIP Services above all: nothing is wrong with them. */
function WithoutAddress({ names }: { names: string[] }): ReactElement {
  return (
    <section className="name" aria-labelledby="without-address">
      <h2 id="without-address">Names without an address</h2>
      <div className="empty">
        <p>No cluster offers an address for these Services, as is usual for type ClusterIP. Their names exist and answer nothing.</p>
        <ul className="plain">
          {names.slice(0, BARE_MOST).map((name) => (
            <li key={name}>
              <code>{name}</code>
            </li>
          ))}
        </ul>
        {names.length > BARE_MOST && <p className="quiet">and {names.length - BARE_MOST} more</p>}
      </div>
    </section>
  )
}

function matches(one: Resolution, filter: { text: string; namespace: string }): boolean {
  if (filter.namespace && one.metadata.namespace !== filter.namespace) return false
  const addresses = (one.spec?.candidates ?? []).map((candidate) => `${candidate.address} ${candidate.cluster}`)
  return hasWords(`${keyOf(one)} ${one.spec?.name ?? ''} ${addresses.join(' ')}`, filter.text)
}

function Name({ resolution }: { resolution: Resolution }): ReactElement {
  const { spec } = resolution
  const key = keyOf(resolution)
  const id = `name-${key.replace('/', '-')}`
  const candidates = spec?.candidates ?? []
  const owners = new Map(candidates.map((candidate) => [candidate.address, candidate.cluster]))
  const answers: Answer[] = [
    ...Object.entries(spec?.regions ?? {})
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([place, addresses]) => ({ place, addresses })),
    { place: 'elsewhere', addresses: spec?.elsewhere ?? [] },
  ]
  const columns: Column<Answer>[] = [
    { head: 'Clients in', names: true, cell: (row) => row.place },
    { head: 'Are answered', cell: (row) => <Addresses addresses={row.addresses} owners={owners} /> },
  ]
  return (
    <section className="name" aria-labelledby={id}>
      <h2 id={id}>
        <code>{spec?.name || key}</code>
      </h2>
      <div className="pair">
        <Table caption="Answers by region" columns={columns} rows={answers} rowKey={(row) => row.place} empty="" />
        <Table
          caption="Addresses that could be answered"
          columns={CANDIDATES}
          rows={candidates}
          rowKey={(row) => `${row.cluster} ${row.address}`}
          empty=""
        />
      </div>
    </section>
  )
}

function Addresses({ addresses, owners }: { addresses: string[]; owners: Map<string, string> }): ReactElement {
  if (addresses.length === 0) return <Mark standing="bad" word="no address" />
  return (
    <ul className="chips">
      {addresses.map((address) => (
        <li key={address} className="chip">
          <code>{address}</code>
          <span className="quiet">{owners.get(address) ?? ''}</span>
        </li>
      ))}
    </ul>
  )
}
