// Changes of verdicts, said politely to who does not see them: which cluster, and what it is now.
import { useEffect, useRef, useState, type ReactElement } from 'react'
import { useClusters, useResolutions } from '../federation'
import { readyVerdict, servingVerdict } from '../verdict'

export function Announcements(): ReactElement {
  const clusters = useClusters()
  const resolutions = useResolutions()
  const before = useRef(new Map<string, string>())
  const [news, setNews] = useState('')
  useEffect(() => {
    const said: string[] = []
    const now = new Map<string, string>()
    for (const [name, cluster] of clusters.items) {
      const ready = readyVerdict(cluster)
      const serving = servingVerdict(cluster, resolutions.items)
      const words = `${ready.word}, ${serving.word}`
      now.set(name, words)
      const old = before.current.get(name)
      if (old !== undefined && old !== words) said.push(`Cluster ${name}: ${words}.`)
    }
    before.current = now
    if (said.length > 0) setNews(said.join(' '))
  }, [clusters, resolutions])
  return (
    <p className="said" role="status" aria-live="polite">
      {news}
    </p>
  )
}
