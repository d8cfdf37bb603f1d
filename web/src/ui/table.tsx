// A table that becomes a list of cards on a narrow screen and stays a table for assistive technology: its roles are spelt
// out, because a changed display would take them away.
import { useState, type ReactElement, type ReactNode } from 'react'

/** Rows drawn at first, and with each press of the button. */
const ROWS_STEP = 100

export interface Column<T> {
  head: string
  cell: (row: T) => ReactNode
  /** The cell that names the row. */
  names?: boolean
  numeric?: boolean
  /** Words of any length: may be broken anywhere. */
  long?: boolean
}

export interface TableProps<T> {
  caption: string
  captionHidden?: boolean
  columns: Column<T>[]
  rows: T[]
  rowKey: (row: T) => string
  empty: ReactNode
}

export function Table<T>({ caption, captionHidden, columns, rows, rowKey, empty }: TableProps<T>): ReactElement {
  const [shown, setShown] = useState(ROWS_STEP)
  if (rows.length === 0) return <p className="empty">{empty}</p>
  const hidden = rows.length - shown
  return (
    <>
      <table role="table">
        <caption className={captionHidden ? 'said' : undefined}>{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <th key={column.head} role="columnheader" scope="col" className={look(column)}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.slice(0, shown).map((row) => (
            <tr key={rowKey(row)} role="row">
              {columns.map((column) => cell(column, row))}
            </tr>
          ))}
        </tbody>
      </table>
      {hidden > 0 && (
        <p className="more">
          <button type="button" onClick={() => setShown(shown + ROWS_STEP)}>
            Show {Math.min(hidden, ROWS_STEP)} more
          </button>
          <span className="quiet">{hidden} are not shown</span>
        </p>
      )}
    </>
  )
}

function cell<T>(column: Column<T>, row: T): ReactElement {
  const content = <div className="cell">{column.cell(row)}</div>
  if (column.names) {
    return (
      <th key={column.head} role="rowheader" scope="row" data-head={column.head}>
        {content}
      </th>
    )
  }
  return (
    <td key={column.head} role="cell" data-head={column.head} className={look(column)}>
      {content}
    </td>
  )
}

function look({ numeric, long }: { numeric?: boolean; long?: boolean }): string | undefined {
  if (numeric) return 'numeric'
  return long ? 'long' : undefined
}
