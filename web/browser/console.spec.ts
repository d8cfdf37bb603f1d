// What an operator sees, in a real browser against a real hub: signing in, the members, a workload's division, the names, and
// a member that goes and comes back while the page stays as it is.
import type { Locator, Page } from '@playwright/test'
import { expect, test } from './federation'

const MEMBERS = ['ap-1', 'eu-1', 'us-1']
const NAME = 'hello.default.fed.svc.meridian.internal'

const row = (page: Page, name: string | RegExp): Locator =>
  page.getByRole('row').filter({ has: page.getByRole('rowheader', { name }) })
const go = (page: Page, label: string): Promise<void> =>
  page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: label }).click()
/** The section of the name, and its two tables. */
const nameSection = (page: Page): Locator => page.getByRole('region', { name: NAME })
const answered = (page: Page, region: string): Locator =>
  nameSection(page).getByRole('table', { name: 'Answers by region' }).getByRole('row', { name: region })
const candidate = (page: Page, cluster: string): Locator =>
  nameSection(page).getByRole('table', { name: 'Addresses that could be answered' }).getByRole('row', { name: cluster })

test('a wrong token gets the word of the hub, a right one gets in', async ({ page, federation }) => {
  await page.goto('/console/')
  await page.getByLabel('Token').fill('not-a-token')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('alert')).toContainText('Unauthorized')
  await expect(page.getByLabel('Token')).toBeFocused()

  await page.getByLabel('Token').fill(federation.token)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible()
  await expect(page.getByText('Live', { exact: true })).toBeVisible()

  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Sign in' })).toBeVisible()
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0)
})

test('a token that is no longer good leads back to the door, with the reason', async ({ page }) => {
  await page.addInitScript(() => sessionStorage.setItem('meridian.token', 'was-good-once'))
  await page.goto('/console/workloads')
  await expect(page.getByRole('heading', { level: 1, name: 'Sign in' })).toBeVisible()
  await expect(page.getByRole('alert')).toContainText('You were signed out')
  await expect(page.getByRole('alert')).toContainText('Unauthorized')
})

test('members are shown with both verdicts', async ({ signedIn: page }) => {
  await page.goto('/console/clusters')
  for (const member of MEMBERS) {
    await expect(row(page, new RegExp(`^${member}`))).toContainText('Ready')
    await expect(row(page, new RegExp(`^${member}`)).getByText('Serving', { exact: true })).toBeVisible()
    await expect(row(page, new RegExp(`^${member}`))).toContainText(/v1\.\d+/)
    await expect(row(page, new RegExp(`^${member}`))).toContainText(/\d s ago/)
  }
  await go(page, 'Overview')
  await expect(page.getByRole('link', { name: '3/3 clusters ready' })).toBeVisible()
  await expect(page.getByText('Everything is well.')).toBeVisible()
})

test('a workload shows its division, and a change of it without a reload', async ({ signedIn: page, federation }) => {
  await page.goto('/console/workloads?kind=Deployment')
  const hello = row(page, /default\/hello/)
  await expect(hello.getByText('2/2 ready')).toHaveCount(3)
  await page.getByLabel('Text').fill('no such thing')
  await expect(page).toHaveURL(/text=no\+such\+thing/)
  await expect(page.getByText('Nothing matches the filters.')).toBeVisible()
  await page.reload()
  await expect(page.getByLabel('Text')).toHaveValue('no such thing')
  await page.getByLabel('Text').fill('')

  await hello.getByRole('link', { name: 'default/hello' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Deployment default/hello' })).toBeVisible()
  await expect(page.getByText('6 of 6 ready')).toBeVisible()
  await expect(page.getByRole('region', { name: 'How it was decided' }).getByRole('listitem').first()).toBeVisible()

  await federation.kubectl('scale', 'deployment', 'hello', '--replicas=9')
  await expect(page.getByText('9 of 9 ready')).toBeVisible()
  for (const member of MEMBERS) await expect(row(page, member)).toContainText('3 of 3')
  await federation.kubectl('scale', 'deployment', 'hello', '--replicas=6')
  await expect(page.getByText('6 of 6 ready')).toBeVisible()
})

test('an object comes and goes while one looks', async ({ signedIn: page, federation }) => {
  await page.goto('/console/workloads?kind=ConfigMap')
  await expect(page.getByRole('status').filter({ hasText: 'objects' })).toBeVisible()
  await federation.kubectl('create', 'configmap', 'seen-live', '--from-literal=a=b')
  await expect(row(page, /default\/seen-live/).getByText('applied', { exact: true })).toHaveCount(3)
  await federation.kubectl('delete', 'configmap', 'seen-live')
  await expect(row(page, /default\/seen-live/)).toHaveCount(0)
})

test('a member that goes leaves the names, and comes back', async ({ signedIn: page, federation }) => {
  await page.goto('/console/names')
  const own = { 'us-east': 'us-1', 'eu-west': 'eu-1', 'ap-south': 'ap-1' }
  for (const [region, member] of Object.entries(own)) await expect(answered(page, region)).toContainText(member)
  const address = (await candidate(page, 'us-1').locator('code').innerText()).trim()
  await expect(answered(page, 'us-east')).toContainText(address)
  // The mark of this document: gone if anything reloads it.
  await page.evaluate(() => document.body.setAttribute('data-first', 'yes'))

  await federation.meridian('simulate', 'fail', 'us-1')
  await expect(candidate(page, 'us-1')).toContainText('held back')
  await expect(answered(page, 'us-east')).not.toContainText(address)
  await expect(answered(page, 'us-east')).toContainText(/eu-1|ap-1/)
  await go(page, 'Overview')
  const notWell = page.getByRole('region', { name: 'What is not well' })
  await expect(notWell).toContainText(/Cluster us-1.*not ready/)
  await expect(page.getByRole('link', { name: '2/3 clusters ready' })).toBeVisible()
  await go(page, 'Clusters')
  await expect(row(page, /^us-1/)).toContainText('Not serving')
  await expect(row(page, /^eu-1/)).not.toContainText('Not')
  await go(page, 'Workloads')
  await expect(row(page, /default\/hello/).first()).toContainText('not heard')

  await federation.meridian('simulate', 'recover', 'us-1')
  await go(page, 'Names')
  await expect(answered(page, 'us-east')).toContainText(address)
  await expect(candidate(page, 'us-1')).toContainText('may be answered')
  await go(page, 'Overview')
  await expect(page.getByText('Everything is well.')).toBeVisible()
  await expect(page.locator('body[data-first=yes]')).toHaveCount(1)
})

test('the hub’s content security policy is kept, and nothing fails aloud', async ({ signedIn: page, federation }) => {
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('request', (request) => {
    if (!request.url().startsWith(federation.address) && !request.url().startsWith('data:')) complaints.push(request.url())
  })
  const response = await page.goto('/console/')
  expect(response?.headers()['content-security-policy']).toContain("script-src 'self'")
  for (const label of ['Clusters', 'Workloads', 'Names', 'Overview']) {
    await go(page, label)
    await expect(page.getByRole('heading', { level: 1, name: label })).toBeVisible()
  }
  expect(complaints).toEqual([])
})

test('the keyboard alone is enough', async ({ signedIn: page }) => {
  await page.goto('/console/')
  await expect(page.getByText('Live', { exact: true })).toBeVisible()
  await page.keyboard.press('Tab')
  await expect(page.getByRole('link', { name: 'Skip to the page' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page.locator('main')).toBeFocused()
  await page.getByRole('link', { name: 'Names', exact: true }).focus()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 1, name: 'Names' })).toBeVisible()
  await expect(page.locator('main')).toBeFocused()
  await expect(page).toHaveTitle('Names · Meridian')
  await page.goBack()
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible()
})

test('an address that is no page says so', async ({ signedIn: page }) => {
  await page.goto('/console/nowhere')
  await expect(page.getByRole('heading', { level: 1, name: 'No such page' })).toBeVisible()
  await page.goto('/console/workloads/default/deployment-nothing')
  await expect(page.getByText('There is no Placement default/deployment-nothing now.')).toBeVisible()
})
