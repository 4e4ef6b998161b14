import { readFileSync } from 'node:fs';
import { estimateRun, PRICES, PRICES_DATE } from '@soci/registry-jobs';
import { expect, it } from 'vitest';

const PAGE = readFileSync(new URL('../../../../docs/guide/cost.md', import.meta.url), 'utf8');

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
