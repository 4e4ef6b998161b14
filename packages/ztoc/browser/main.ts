// `npm run test:browser`: tests the build of the package in headless Chromium, in a page and in a worker, and prints
// the counts. If Chromium is not installed, its checks count as one skipped check.
import { findChromium } from '@soci/test-content';
import { chromium, type Page } from 'playwright-core';
import type { CheckResult } from './checks.ts';
import type { PageChecks } from './page.ts';
import { bundleScripts, rejectsNodeEntry, servePage } from './serve.ts';

/** Far more than the few seconds that the checks need, so that a browser that hangs fails the run. */
const TIME_LIMIT_MS = 180_000;

const DISABLED = ['gpu', 'quic', 'background-networking', 'component-update', 'sync'].map(
  (name) => `--disable-${name}`,
);
const FLAGS = ['--headless', '--no-sandbox', '--no-first-run', ...DISABLED];

const counts = { passed: 0, failed: 0, skipped: 0 };

const scripts = await bundleScripts();
report('the main entry can be bundled for a browser', []);
report('the Node.js entry cannot', (await rejectsNodeEntry()) ? [] : ['it can: the bundler accepts Node.js modules']);

const executablePath = findChromium();
if (executablePath === undefined) {
  counts.skipped++;
  const remedy = 'Debian: apt-get install chromium; or set CHROMIUM to its path';
  console.log(`  skipped: the checks in a browser, because no Chromium is on PATH (${remedy})`);
} else {
  await runInChromium(executablePath);
}
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
if (counts.failed > 0) process.exitCode = 1;

/** Runs the checks in a browser with an empty profile. */
async function runInChromium(executablePath: string): Promise<void> {
  const server = await servePage(scripts);
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  const limit = setTimeout(() => void browser.close(), TIME_LIMIT_MS);
  try {
    console.log(`Chromium ${browser.version()}`);
    const page = await browser.newPage();
    await page.goto(server.url);
    await reportAll('page', page, () => (globalThis as unknown as PageChecks).runChecks());
    await reportAll('worker', page, () => (globalThis as unknown as PageChecks).runChecksInWorker());
  } finally {
    clearTimeout(limit);
    await browser.close();
    server.close();
  }
}

async function reportAll(where: string, page: Page, run: () => Promise<readonly CheckResult[]>): Promise<void> {
  try {
    const results = await page.evaluate(run);
    for (const { subject, problems } of results) report(`${where}: ${subject}`, problems);
  } catch (error) {
    report(`${where}: runs`, [String(error)]);
  }
}

function report(subject: string, problems: readonly string[]): void {
  for (const problem of problems) console.log(`fail  ${subject}: ${problem}`);
  if (problems.length === 0) console.log(`pass  ${subject}`);
  counts[problems.length === 0 ? 'passed' : 'failed']++;
}
