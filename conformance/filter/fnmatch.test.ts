import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { compareWithTable } from '../../packages/filter/src/fixtures/fnmatch-table.ts';
import { hasTools } from '../tools/tools.ts';
import { writeFnmatchTable } from './oracles.ts';

const COMMITTED = new URL('../../packages/filter/src/fixtures/fnmatch-table.jsonl', import.meta.url);
const PAIRS = 100_000;

const withPython = test.skipIf(!hasTools('python'));

withPython('100,000 random pairs are answered as by Python', () => {
  const { pairs, matching, wrong } = compareWithTable(writeFnmatchTable('--pairs', String(PAIRS), '--seed', '1'));
  expect(wrong).toEqual([]);
  expect(pairs).toBe(PAIRS);
  expect(matching).toBeGreaterThan(PAIRS * 0.3);
  expect(matching).toBeLessThan(PAIRS * 0.7);
});

withPython('the committed table is what Python answers', () => {
  expect(writeFnmatchTable()).toBe(readFileSync(COMMITTED, 'utf8'));
});
