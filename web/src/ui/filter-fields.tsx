// The fields that narrow a list.
import { useId, type ReactElement } from 'react'

export function TextFilter({ value, onChange }: { value: string; onChange: (value: string) => void }): ReactElement {
  const id = useId()
  return (
    <div className="field grows">
      <label htmlFor={id}>Text</label>
      <input id={id} type="search" value={value} onChange={(event) => onChange(event.target.value)} />
    </div>
  )
}

interface ChoiceProps {
  label: string
  value: string
  options: readonly string[]
  onChange: (value: string) => void
}

export function Choice({ label, value, options, onChange }: ChoiceProps): ReactElement {
  const id = useId()
  // A value from an old link is still shown, so that one sees what narrows the list.
  const offered = value && !options.includes(value) ? [...options, value] : options
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">all</option>
        {offered.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
    </div>
  )
}
