// One cluster's share of a workload in a few words: `us-1 3/3 ready`.
import type { ReactElement } from 'react'
import type { Share } from '../workloads'
import { Mark, STATE_STANDING } from './mark'

export function ShareChip({ share }: { share: Share }): ReactElement {
  const { cluster, replicas, readyReplicas, state, word } = share
  const figures = replicas === undefined ? '' : `${readyReplicas ?? 0}/${replicas} `
  return (
    <span className="chip">
      <span className="chip-name">{cluster}</span>
      <Mark standing={STATE_STANDING[state]} word={`${figures}${word}`} title={share.row?.error || undefined} />
    </span>
  )
}
