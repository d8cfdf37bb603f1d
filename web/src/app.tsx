// Who sees what: without a session the sign-in page, with one the page at the address over the live federation.
import { useEffect, useState, type ReactElement } from 'react'
import { FederationContext, openFederation, type Federation } from './federation'
import { Clusters } from './pages/clusters'
import { Names } from './pages/names'
import { Overview } from './pages/overview'
import { SignIn } from './pages/sign-in'
import { Unknown } from './pages/unknown'
import { WorkloadDetail } from './pages/workload-detail'
import { Workloads } from './pages/workloads'
import { pageAt } from './paths'
import { usePathname } from './router'
import { signOut, useSession } from './session'
import { Layout } from './ui/layout'

export function App(): ReactElement | null {
  const { token, ended } = useSession()
  const [federation, setFederation] = useState<Federation>()
  useEffect(() => {
    if (!token) return
    const opened = openFederation(token, signOut)
    setFederation(opened)
    return () => {
      opened.close()
      setFederation(undefined)
    }
  }, [token])

  if (!token) return <SignIn ended={ended} />
  if (!federation) return null
  return (
    <FederationContext value={federation}>
      <Layout>
        <CurrentPage />
      </Layout>
    </FederationContext>
  )
}

function CurrentPage(): ReactElement {
  const at = pageAt(usePathname())
  switch (at.page) {
    case 'overview':
      return <Overview />
    case 'clusters':
      return <Clusters />
    case 'workloads':
      return <Workloads />
    case 'workload':
      return <WorkloadDetail key={`${at.namespace}/${at.placement}`} namespace={at.namespace} placement={at.placement} />
    case 'names':
      return <Names />
    case 'unknown':
      return <Unknown />
  }
}
