import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { METADATA_BOMBS } from '@soci/test-content';
import { expect, it } from 'vitest';
import { DEFAULT_SPAN_SIZE } from '../ztoc.ts';
import { buildZtoc } from './build-ztoc.ts';

interface BuildReport {
  /** Peak memory of the process, in MB. */
  readonly peak: number;
  /** Size of the zTOC, in MB. */
  readonly size: number;
  /** `built` or `decoded`, or the code of the error. */
  readonly code: string;
}

/** Builds the zTOC of a layer in a new process: a bomb by its name, or a number of ordinary entries. */
const buildInProcess = (layer: string): BuildReport =>
  runFixture(new URL('../fixtures/build-bomb.ts', import.meta.url), layer);

function runFixture(url: URL, argument: string): BuildReport {
  const script = fileURLToPath(url);
  // V8 grows its space for new objects to 64 MB in some runs, depending on when it collects garbage. The limit makes the
  // peak repeatable: it then varies by 15 MB.
  const flags = ['--max-semi-space-size=1', '--conditions=@soci/source', '--no-warnings'];
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, script, argument], { encoding: 'utf8' });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

/** Peak of a process that builds a small layer. Much of it is Node compiling TypeScript. */
const base = buildInProcess('1').peak;

it('needs little more memory than the zTOC for a million entries', () => {
  const { code, peak, size } = buildInProcess('1000000');
  expect(code).toBe('built');
  expect(size).toBeGreaterThan(150);
  expect(peak - base - size).toBeLessThan(45);
});

it('needs at most 40 MB for candidates, and little more to refine a zTOC', () => {
  const url = new URL('../fixtures/build-large.ts', import.meta.url);
  const fixed = runFixture(url, String(DEFAULT_SPAN_SIZE));
  const auto = runFixture(url, 'auto');
  expect(auto.size).toBeGreaterThan(15);
  expect(auto.size).toBeLessThan(40);
  expect(auto.peak - fixed.peak).toBeLessThan(75);
});

it.each(['GNU long names', 'extended attributes'])('needs at most 350 MB for a bomb of %s', (bomb) => {
  const { code, peak } = buildInProcess(bomb);
  expect(code).toBe('LIMIT_EXCEEDED');
  expect(peak - base).toBeLessThan(350);
});

it.each([
  ['all files', 'LIMIT_EXCEEDED', 1300],
  ['one file at a time', 'decoded', 250],
  ['reference', 'decoded', 400],
])('decoding %s of a zTOC with 3.6 million tiny records ends with %s, in at most %i MB', (reader, code, limit) => {
  const report = runFixture(new URL('../fixtures/decode-hostile.ts', import.meta.url), reader);
  expect(report.size).toBeGreaterThan(100);
  expect(report.code).toBe(code);
  expect(report.peak - base).toBeLessThan(limit);
});

it.each(Object.entries(METADATA_BOMBS))('names the limit that a bomb of %s exceeds', async (_, layer) => {
  await expect(buildZtoc(layer(), { limits: { maxMetadataSize: 1 << 23 } })).rejects.toMatchObject({
    code: 'LIMIT_EXCEEDED',
    message: expect.stringContaining('exceed maxMetadataSize (8388608 bytes)'),
  });
});
