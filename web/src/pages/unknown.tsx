// An address that is no page.
import type { ReactElement } from 'react'
import { paths } from '../paths'
import { Link } from '../router'
import { PageHead } from '../ui/page'

export function Unknown(): ReactElement {
  return (
    <>
      <PageHead title="No such page">The address is none of the console’s.</PageHead>
      <p>
        <Link href={paths.overview()}>Go to the overview</Link>
      </p>
    </>
  )
}
