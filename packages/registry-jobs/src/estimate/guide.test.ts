import { readFileSync } from 'node:fs';
import { estimateRun, PRICES, PRICES_DATE } from '@soci/registry-jobs';
import { expect, it } from 'vitest';

const DOCS = new URL('../../../../docs/', import.meta.url);
const PAGE = readFileSync(new URL('guide/cost.md', DOCS), 'utf8');

const IMAGES = 1000;
const UNITS: Readonly<Record<string, number>> = { MB: 1e6, GB: 1e9 };
/** The names that the estimate gives to the columns of the table. */
const COLUMNS = ['Lambda', 'storage of indexes, each month', 'Amazon Inspector', 'NAT gateway'];

/** Rows of the table: size of an image in bytes, and the cells. */
const ROWS = [...PAGE.matchAll(/^\| (\d+) ([MG]B) \| ([\d.| ]+) \|$/gm)].map(([, number, unit = '', cells = '']) => ({
  size: Number(number) * (UNITS[unit] ?? Number.NaN),
  cells: cells.split(' | '),
}));

it('the guide has a table of costs', () => {
  expect(ROWS.map(({ size }) => size)).toEqual([100e6, 437e6, 1e9, 5e9, 20e9]);
});

it.each(ROWS)('the guide has the costs of images of $size bytes', ({ size, cells }) => {
  const work = { images: IMAGES, bytes: IMAGES * size };
  const functions = estimateRun(work, { jobs: 10, billed: { memory: 1769, architecture: 'x86_64' } }).costs;
  const commandLine = estimateRun(work, { jobs: 10, billed: 'ecr' }).costs;
  const usdOf = (name: string) => functions.find((item) => item.name === name)?.usd;
  const transfer = commandLine.find(({ name }) => name === 'transfer out')?.usd;
  expect(cells).toEqual([...COLUMNS.map(usdOf), transfer].map((usd) => usd?.toFixed(2)));
});

it('the first paragraph of the guide has the costs of images of 437 MB', () => {
  const row = ROWS.find(({ size }) => size === 437e6)?.cells ?? [];
  expect(PAGE).toContain(`About $${row[0]} once and $${row[1]} a month for 1,000 images of 437 MB`);
});

it('the formula of the guide has the prices and their date', () => {
  const [, formula = ''] = /```text\nseconds([\s\S]*?)```/.exec(PAGE) ?? [];
  for (const { usd } of Object.values(PRICES)) {
    if (usd === PRICES.lambdaArm.usd) continue; // Only in words: a fifth less.
    expect(formula).toMatch(new RegExp(`\\$${usd.toFixed(10).replace(/0+$/, '')}0?\\b`));
  }
  expect(PAGE).toContain(`at list prices of us-east-1 of ${PRICES_DATE}`);
  expect(1 - PRICES.lambdaArm.usd / PRICES.lambdaX86.usd).toBeCloseTo(1 / 5, 3);
});

// Change the page if a new measurement gives other numbers.
it('the guide says after how many starts of the measured image the index has paid for itself', () => {
  const measured = JSON.parse(readFileSync(new URL('benchmarks-runtime.json', DOCS), 'utf8')) as {
    workloads: { name: string; imageSize: number }[];
    cells: { workload: string; variant: string; network: string; seconds: { median: number } }[];
  };
  const secondsOf = (variant: string) =>
    measured.cells.find((c) => c.workload === 'python' && c.variant === variant && c.network === '100-10')?.seconds
      .median ?? Number.NaN;
  const saved = secondsOf('pull') - secondsOf('default');
  const start = (saved * (0.04048 + 2 * 0.004445)) / 3600;
  const bytes = measured.workloads.find(({ name }) => name === 'python')?.imageSize ?? Number.NaN;
  const index = estimateRun({ images: 1, bytes }, { jobs: 1, billed: { memory: 1769, architecture: 'x86_64' } });
  const once = index.costs.filter(({ name }) => name !== 'Step Functions' && !/Inspector|NAT/.test(name));
  const cost = once.reduce((sum, { usd }) => sum + usd, 0);
  const words = PAGE.replaceAll(/\s+/g, ' ');
  expect(words).toContain(`With the ${Math.round(saved)} s that the index saves for \`python -c\``);
  expect(words).toContain(`a task with 1 vCPU and 2 GB saves $${start.toFixed(5)} for each start`);
  expect(words).toContain(`The index of that image costs $${cost.toFixed(4)} in its first month`);
  expect([...words.matchAll(/pays for itself after (\w+) starts/g)].map(([, word]) => word)).toEqual([
    ['one', 'two', 'three', 'four', 'five'][Math.ceil(cost / start) - 1],
  ]);
});
