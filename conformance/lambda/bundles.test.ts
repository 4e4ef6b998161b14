// The shipped zips: their contents, their sizes, and that builds are reproducible.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FILTER_BUNDLE, type FunctionBundle, GENERATOR_BUNDLE, JOBS_BUNDLE } from '@soci/functions';
import { describe, expect, test } from 'vitest';
import { REPORTS } from '../run-report.ts';
import { buildElsewhere, reachedFiles } from './bundle/rebuild.ts';
import { unzip } from './bundle/unpacked.ts';

interface ShippedBundle {
  readonly name: string;
  readonly bundle: Pick<FunctionBundle, 'folder' | 'zip'>;
  /** The first one is measured at the start of a function. */
  readonly entries: readonly [string, ...string[]];
  /** Maximum sizes in bytes: of the code that is read at the start, and of all code. */
  readonly maxAtStart: number;
  readonly maxSize: number;
}

const BUNDLES: readonly ShippedBundle[] = [
  { name: 'filter', bundle: FILTER_BUNDLE, entries: ['index.js'], maxAtStart: 27_000, maxSize: 320_000 },
  {
    name: 'generator',
    bundle: GENERATOR_BUNDLE,
    entries: ['index.js', 'deploy.js', 'layer-worker.js'],
    maxAtStart: 55_000,
    maxSize: 740_000,
  },
  {
    name: 'jobs',
    bundle: JOBS_BUNDLE,
    entries: ['list.js', 'collect.js', 'merge.js', 'plan.js', 'report.js'],
    maxAtStart: 400_000,
    maxSize: 540_000,
  },
];

describe.each(BUNDLES)('$name', ({ name, bundle, entries, maxAtStart, maxSize }) => {
  const files = unzip(readFileSync(bundle.zip));
  const sizeOf = (names: readonly string[]) =>
    files.filter((file) => names.includes(file.name)).reduce((sum, { content }) => sum + content.length, 0);

  test('the zip contains exactly the files of the folder, readable for all users', () => {
    expect(files.map((file) => file.name).sort()).toEqual(readdirSync(bundle.folder).sort());
    for (const { name: file, content, mode } of files) {
      expect(Buffer.compare(content, readFileSync(join(bundle.folder, file)))).toBe(0);
      expect(mode).toBe(0o644);
    }
  });

  test('each file is imported by another one or is an entry', () => {
    const scripts = files.filter((file) => file.name.endsWith('.js')).map((file) => file.name);
    expect(reachedFiles(bundle.folder, entries, { lazily: true })).toEqual(scripts.sort());
  });

  test('the zip is within its size limit', () => {
    const atStart = sizeOf(reachedFiles(bundle.folder, [entries[0]], { lazily: false }));
    const all = sizeOf(files.map((file) => file.name).filter((file) => file.endsWith('.js')));
    REPORTS.lambda.measured(`size of the ${name}, bytes`, {
      'read at the start': atStart,
      JavaScript: all,
      zip: readFileSync(bundle.zip).length,
    });
    expect(atStart).toBeLessThanOrEqual(maxAtStart);
    expect(all).toBeLessThanOrEqual(maxSize);
  });
});

test('a build in another folder and time zone makes the same zips', async () => {
  const folder = await buildElsewhere({ TZ: 'Pacific/Kiritimati', LC_ALL: 'tr_TR.UTF-8' });
  for (const { name, bundle } of BUNDLES) {
    expect(Buffer.compare(readFileSync(join(folder, `${name}.zip`)), readFileSync(bundle.zip))).toBe(0);
  }
});
