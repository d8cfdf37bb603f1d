// How the console is built and tested: below /console/, without a single inline script, so that the hub's content security
// policy can forbid them.
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

const hub = { target: 'https://127.0.0.1:7443', secure: false }

export default defineConfig({
  base: '/console/',
  plugins: [react()],
  build: { outDir: 'dist', assetsDir: 'assets', emptyOutDir: true, modulePreload: { polyfill: false } },
  server: { proxy: { '/api': hub, '/apis': hub, '/version': hub, '/readyz': hub } },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
})
