// A real federation for the browser tests: `meridian up` with three simulated members, on ports and in a directory of its
// own, one for all tests of a run; and the tools pointed at it. Nothing in between is played.
import { test as base, type Page } from '@playwright/test'
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { get } from 'node:https'
import { createServer, type AddressInfo } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

/** The hub may have to make its database first. */
const START_MAX_MS = 120_000
const STOP_MAX_MS = 30_000
const COMMAND_MAX_MS = 60_000
const POLL_MS = 200
const LOG_SHOWN_MAX = 4_000

const REPOSITORY = resolve(import.meta.dirname, '..', '..')
const run = promisify(execFile)

export interface Federation {
  address: string
  token: string
  kubectl(...words: string[]): Promise<string>
  meridian(...words: string[]): Promise<string>
}

export const test = base.extend<{ signedIn: Page }, { federation: Federation }>({
  federation: [
    async ({}, use) => {
      const started = await start()
      try {
        await use(started.federation)
      } finally {
        await started.stop()
      }
    },
    { scope: 'worker', timeout: START_MAX_MS + COMMAND_MAX_MS + STOP_MAX_MS },
  ],
  baseURL: async ({ federation }, use) => use(federation.address),
  /** A page whose tab already has a token. */
  signedIn: async ({ page, federation }, use) => {
    await page.addInitScript((token) => sessionStorage.setItem('meridian.token', token), federation.token)
    await use(page)
  },
})

export { expect } from '@playwright/test'

async function start(): Promise<{ federation: Federation; stop: () => Promise<void> }> {
  const binary = binaryPath()
  const directory = mkdtempSync(join(tmpdir(), 'meridian-browser-'))
  // Where the tests run as root, PostgreSQL runs as a user who must be able to pass through.
  chmodSync(directory, 0o755)
  const data = join(directory, 'hub')
  const log = join(directory, 'up.log')
  const [api, dns] = [await freePort(), await freePort()]
  const environment = { ...process.env, MERIDIAN_DATA_DIR: data, MERIDIAN_DNS_ADDRESS: `127.0.0.1:${dns}` }
  const words = ['up', '--simulate', '3', '--address', `127.0.0.1:${api}`, '--dns-address', `127.0.0.1:${dns}`]
  const hub = spawn(binary, words, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  const written = createWriteStream(log)
  hub.stdout.pipe(written, { end: false })
  hub.stderr.pipe(written, { end: false })

  const stop = async (): Promise<void> => {
    await stopped(hub)
    written.end()
    rmSync(directory, { recursive: true, force: true })
  }
  const command = async (program: string, ...arguments_: string[]): Promise<string> => {
    const { stdout } = await run(program, arguments_, { cwd: REPOSITORY, env: environment, timeout: COMMAND_MAX_MS })
    return stdout.trim()
  }
  const address = `https://127.0.0.1:${api}`
  const kubectl = (...rest: string[]): Promise<string> =>
    command(kubectlPath(), '--kubeconfig', join(data, 'kubeconfig'), '--context', 'federation', ...rest)
  try {
    await eventually('the hub is ready and has written its kubeconfig', START_MAX_MS, async () => {
      if (hub.exitCode !== null) throw new Error(`meridian up ended with ${hub.exitCode}`)
      return (await statusOf(`${address}/readyz`)) === 200 && existsSync(join(data, 'kubeconfig'))
    })
    const token = await command(binary, 'token')
    await kubectl('apply', '--server-side=false', '-f', 'examples/hello.yaml')
    const federation = { address, token, kubectl, meridian: (...rest: string[]) => command(binary, ...rest) }
    return { federation, stop }
  } catch (error) {
    const said = lastWords(log)
    await stop()
    throw new Error(`the federation did not start; its last words: ${said}`, { cause: error })
  }
}

function binaryPath(): string {
  const path = process.env.MERIDIAN_BIN ?? join(REPOSITORY, 'target', 'debug', 'meridian')
  if (!existsSync(path)) throw new Error(`finds no ${path}; run make build, or set MERIDIAN_BIN`)
  return path
}

function kubectlPath(): string {
  const cache = process.env.MERIDIAN_CACHE_DIR ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'meridian')
  const path = join(cache, 'bin', 'kubectl')
  if (!existsSync(path)) throw new Error(`finds no ${path}; run scripts/install-kubectl.sh`)
  return path
}

function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer()
    server.once('error', failed)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => done(port))
    })
  })
}

/** The status of an answer; 0 where there is none. */
function statusOf(url: string): Promise<number> {
  return new Promise((done) => {
    const request = get(url, { rejectUnauthorized: false, timeout: 2_000 }, (response) => {
      response.resume()
      done(response.statusCode ?? 0)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => done(0))
  })
}

async function eventually(what: string, most: number, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + most
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${most / 1000} s`)
    await new Promise((done) => setTimeout(done, POLL_MS))
  }
}

function lastWords(log: string): string {
  return existsSync(log) ? readFileSync(log, 'utf8').slice(-LOG_SHOWN_MAX) : ''
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((done) => child.once('exit', () => done()))
  child.kill('SIGTERM')
  const killer = setTimeout(() => child.kill('SIGKILL'), STOP_MAX_MS)
  await ended
  clearTimeout(killer)
}
