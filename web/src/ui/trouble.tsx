// An error of the hub, in the hub's words, with the next step.
import type { ReactElement } from 'react'
import type { HubError } from '../errors'

export function Trouble({ error, lead }: { error: HubError; lead: string }): ReactElement {
  const reason = [error.code || '', error.reason].filter(Boolean).join(' ')
  return (
    <div className="trouble" role="alert">
      <p>
        <strong>{lead}.</strong> {error.message}
        {reason && <span className="quiet"> ({reason})</span>}
      </p>
      <p className="quiet">{error.next}</p>
    </div>
  )
}
