// `npm run test:browser`: the package's build at work in headless Chromium, in a page and in a worker. Ends with its counts;
// where there is no Chromium, the checks in it count as one that was skipped.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import type { CheckResult } from './checks.ts';
import type { PageChecks } from './page.ts';
import { bundleScripts, refusesNodeEntry, servePage } from './serve.ts';

/** Far more than the seconds that it takes: a browser that hangs is a failure, not a wait. */
const TIME_LIMIT_MS = 180_000;

const OFF = ['gpu', 'quic', 'background-networking', 'component-update', 'sync'].map((name) => `--disable-${name}`);
const FLAGS = ['--headless', '--no-sandbox', '--no-first-run', ...OFF];

/** Chromium as Debian, other distributions and Google name it. */
const CHROMIUM_NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

const counts = { passed: 0, failed: 0, skipped: 0 };

const scripts = await bundleScripts();
report('the core bundles for a browser', []);
report('the entry for Node does not', (await refusesNodeEntry()) ? [] : ['it bundles, so the bundler takes anything']);

const executablePath = findChromium();
if (executablePath === undefined) {
  counts.skipped++;
  const remedy = 'Debian: apt-get install chromium; or set CHROMIUM to one';
  console.log(`  skipped: the checks in a browser, as no chromium is on PATH (${remedy})`);
} else {
  await runInChromium(executablePath);
}
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
if (counts.failed > 0) process.exitCode = 1;

/** Starts a browser with a new, empty profile, and stops it. */
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

/** The path of an installed Chromium: the one that CHROMIUM names, else the first on PATH. */
function findChromium(): string | undefined {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = (process.env.PATH ?? '').split(delimiter);
  return CHROMIUM_NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
