// Every page against the rules of axe: light and dark, on a desk and on a phone of 360 pixels, where nothing may be wider than
// the screen.
import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { expect, test } from './federation'

const SCREENS = [
  { colorScheme: 'light', width: 1280, height: 900 },
  { colorScheme: 'dark', width: 1280, height: 900 },
  { colorScheme: 'light', width: 360, height: 740 },
  { colorScheme: 'dark', width: 360, height: 740 },
] as const

const PAGES = [
  { address: '/console/', shows: '3/3' },
  { address: '/console/clusters', shows: 'us-1' },
  { address: '/console/workloads', shows: 'default/hello' },
  { address: '/console/workloads/default/deployment-hello', shows: 'How it was decided' },
  { address: '/console/workloads/default/service-hello', shows: 'How it was decided' },
  { address: '/console/names', shows: 'hello.default.fed.svc.meridian.internal' },
  { address: '/console/nowhere', shows: 'No such page' },
]

/** The same page on every screen: loaded once, then turned. */
async function check(page: Page): Promise<void> {
  for (const { colorScheme, width, height } of SCREENS) {
    await test.step(`${colorScheme}, ${width} wide`, async () => {
      await page.setViewportSize({ width, height })
      // Without motion there is no moment in which a colour is between two.
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      const { violations } = await new AxeBuilder({ page }).analyze()
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`)).toEqual([])
      const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
      expect(tooWide).toBeLessThanOrEqual(0)
    })
  }
}

test('the door', async ({ page }) => {
  await page.goto('/console/')
  await page.getByLabel('Token').fill('not-a-token')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('alert')).toBeVisible()
  await check(page)
})

for (const { address, shows } of PAGES) {
  test(address, async ({ signedIn: page }) => {
    await page.goto(address)
    await expect(page.getByText(shows).first()).toBeVisible()
    await check(page)
  })
}
