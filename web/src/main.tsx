// Entry: puts the console into its page.
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app'
import './ui/style.css'
import './ui/table.css'

const root = document.getElementById('console')
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  )
}
