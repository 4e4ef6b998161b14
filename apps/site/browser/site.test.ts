import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { findChromium } from '@soci/test-content';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { serve } from 'vitepress';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findLowContrast, readFacts } from './page-facts.ts';

const SITE = join(import.meta.dirname, '..');
const BASE = '/soci/';
/** Pages of each kind: documents, long tables, code, a diagram, and the API reference. */
const SAMPLES = [
  '',
  'guide/',
  'cli',
  'architecture',
  'api/ztoc/ZtocReader/',
  'api/index/indexImage/',
  'api/construct/SociIndexBuilderProps/',
];
const NARROW = { width: 360, height: 740 };
const NARROW_PAGES = [
  ...SAMPLES,
  'guide/cost',
  'guide/comparison',
  'benchmarks',
  'outcomes',
  'registry-jobs',
  'formats',
];

const executablePath = findChromium();

describe.skipIf(executablePath === undefined)('the site in Chromium', () => {
  let browser: Browser;
  let server: Awaited<ReturnType<typeof serve>>;
  let origin: string;
  const foreignRequests = new Set<string>();
  const consoleErrors: string[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox', '--disable-gpu'] });
    server = await serve({ root: SITE, base: BASE, port: 0 });
    origin = `http://localhost:${((server.server as Server).address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await browser.close();
    server.server?.close();
  });

  /** Runs `work` with a page in a new profile. */
  async function withPage<T>(options: BrowserContextOptions, work: (page: Page) => Promise<T>): Promise<T> {
    const context = await browser.newContext(options);
    context.on('request', (request) => {
      if (!/^(data|blob):/.test(request.url()) && new URL(request.url()).origin !== origin)
        foreignRequests.add(request.url());
    });
    context.on('weberror', (error) => consoleErrors.push(`${error.page()?.url()}: ${error.error()}`));
    context.on('console', (message) => {
      if (message.location().url.endsWith('/none')) return; // The test of a missing page.
      if (message.type() === 'error' || message.type() === 'warning')
        consoleErrors.push(`${message.page()?.url()}: ${message.text()}`);
    });
    try {
      return await work(await context.newPage());
    } finally {
      await context.close();
    }
  }

  it('shows no page of the documents wider than a screen of 360 pixels', () =>
    withPage({ viewport: NARROW, javaScriptEnabled: false }, async (page) => {
      const wide: string[] = [];
      for (const path of NARROW_PAGES) {
        await page.goto(origin + BASE + path, { waitUntil: 'load' });
        const { title, headings, overflow } = await page.evaluate(readFacts);
        expect(title).toContain('SOCI');
        expect(headings).toHaveLength(1);
        if (overflow > 0) wide.push(`${path}: ${overflow}`);
      }
      expect(wide).toEqual([]);
    }));

  describe.each(['light', 'dark'] as const)('in %s mode', (colorScheme) => {
    it.each(SAMPLES)('/%s has readable text', (path) =>
      withPage({ colorScheme, viewport: { width: 1280, height: 900 } }, async (page) => {
        await page.goto(origin + BASE + path);
        expect(await page.locator('html').evaluate((html) => html.classList.contains('dark'))).toBe(
          colorScheme === 'dark',
        );
        const { texts, problems } = await page.evaluate(findLowContrast);
        expect(texts).toBeGreaterThan(30);
        expect(problems).toEqual([]);
      }),
    );
  });

  it('keeps the mode that the reader chooses', () =>
    withPage({ colorScheme: 'light' }, async (page) => {
      await page.goto(origin + BASE);
      await page.locator('.VPSwitchAppearance').first().click();
      await page.reload();
      expect(await page.locator('html').evaluate((html) => html.classList.contains('dark'))).toBe(true);
    }));

  it('shows the navigation on a narrow screen', () =>
    withPage({ viewport: NARROW }, async (page) => {
      await page.goto(origin + BASE);
      await page.getByRole('button', { name: 'Menu' }).click();
      await page.getByRole('link', { name: 'Command reference' }).click();
      await page.waitForURL(`${origin}${BASE}cli`);
      await page.locator('h1', { hasText: 'soci-index' }).waitFor();
    }));

  it('finds the command convert', () =>
    withPage({}, async (page) => {
      await page.goto(origin + BASE);
      await page.getByRole('button', { name: 'Search' }).first().click();
      await page.locator('#localsearch-input').fill('convert');
      const result = page.locator(`.results a[href="${BASE}cli#convert-src-dst"]`);
      await result.click();
      await page.waitForURL(`${origin}${BASE}cli#convert-src-dst`);
      await page.locator('#convert-src-dst').waitFor();
    }));

  it('finds an exported name', () =>
    withPage({}, async (page) => {
      await page.goto(origin + BASE);
      await page.getByRole('button', { name: 'Search' }).first().click();
      await page.locator('#localsearch-input').fill('indexImage');
      const result = page.locator('.results a').first();
      expect(await result.getAttribute('href')).toBe(`${BASE}api/index/indexImage/#function-indeximage`);
    }));

  it('says which page does not exist', () =>
    withPage({ javaScriptEnabled: false }, async (page) => {
      expect((await page.goto(`${origin}${BASE}none`))?.status()).toBe(404);
    }));

  it('writes no error or warning to the console', () => {
    expect(consoleErrors).toEqual([]);
  });

  it('requests nothing from other hosts', () => {
    expect([...foreignRequests]).toEqual([]);
  });
});
