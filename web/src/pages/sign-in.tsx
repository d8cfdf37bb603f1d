// The door: a token in, the hub's own words where it does not let in.
import { useEffect, useId, useRef, useState, type FormEvent, type ReactElement } from 'react'
import type { HubError } from '../errors'
import { signIn } from '../session'
import { PageHead } from '../ui/page'
import { Trouble } from '../ui/trouble'

export function SignIn({ ended }: { ended: HubError | undefined }): ReactElement {
  const id = useId()
  const field = useRef<HTMLInputElement>(null)
  const [token, setToken] = useState('')
  const [asking, setAsking] = useState(false)
  const [refused, setRefused] = useState<HubError>()
  useEffect(() => field.current?.focus(), [])

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault()
    if (asking || !token.trim()) return
    setAsking(true)
    setRefused(undefined)
    const error = await signIn(token.trim())
    // Without an error this page is gone by now.
    if (!error) return
    setAsking(false)
    setRefused(error)
    field.current?.focus()
  }

  const trouble = refused ?? ended
  return (
    <main className="door">
      <p className="brand">Meridian</p>
      <PageHead title="Sign in">One API, many clusters. The console shows what your token may read.</PageHead>
      <form onSubmit={(event) => void submit(event)}>
        <label htmlFor={id}>Token</label>
        <input
          id={id}
          ref={field}
          type="password"
          autoComplete="off"
          spellCheck={false}
          required
          value={token}
          aria-invalid={refused ? true : undefined}
          aria-describedby={`${id}-how`}
          onChange={(event) => setToken(event.target.value)}
        />
        <p id={`${id}-how`} className="quiet">
          Print one on the hub’s machine with <code>meridian token</code>. It stays in this tab only.
        </p>
        {trouble && <Trouble error={trouble} lead={refused ? 'The hub did not let you in' : 'You were signed out'} />}
        <button type="submit" className="primary" disabled={asking}>
          {asking ? 'Asking the hub…' : 'Sign in'}
        </button>
      </form>
    </main>
  )
}
