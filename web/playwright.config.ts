// The browser tests: one Chromium that is already on the machine, one worker, because all tests look at one federation.
import { defineConfig } from '@playwright/test'

export default defineConfig({
  testDir: 'browser',
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  // Each failure starts the federation anew: one that cannot start is not tried for every test.
  maxFailures: 5,
  reporter: 'list',
  timeout: 120_000,
  expect: { timeout: 30_000 },
  use: {
    ignoreHTTPSErrors: true,
    trace: 'off',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
})
