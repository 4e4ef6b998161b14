import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { FILTER_BUNDLE, type FunctionBundle, GENERATOR_BUNDLE, JOBS_BUNDLE } from '../bundles.ts';
import { zipFiles } from './bundle-files.ts';

const KB = 1000;

type Bundle = Pick<FunctionBundle, 'folder' | 'zip'>;

function filesOf({ folder }: Bundle): Map<string, Uint8Array> {
  return new Map(readdirSync(folder).map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]));
}

/** Returns the size of the code that is loaded at start: the entry and its static imports, in bytes. */
function startSizeOf(bundle: Bundle): number {
  const files = filesOf(bundle);
  const read = new Set<string>();
  const visit = (name: string): void => {
    if (read.has(name)) return;
    read.add(name);
    const code = Buffer.from(files.get(name) ?? []).toString();
    for (const [, next = ''] of code.matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)) visit(next);
  };
  visit('index.js');
  return [...read].reduce((sum, name) => sum + (files.get(name)?.length ?? 0), 0);
}

const sizeOf = (bundle: Bundle) => [...filesOf(bundle).values()].reduce((sum, { length }) => sum + length, 0);

describe.each([
  ['filter', FILTER_BUNDLE, 'valibot', 'Copyright (c) Fabian Hiller'],
  ['generator', GENERATOR_BUNDLE, 'valibot', 'Copyright (c) Fabian Hiller'],
  ['jobs', JOBS_BUNDLE, '@aws-sdk/client-s3', 'Copyright 2018-2020 Amazon.com'],
])('the zip of the %s', (_, bundle, dependency, copyright) => {
  it('contains exactly the files of its folder', () => {
    const unzipped = unzipSync(readFileSync(bundle.zip));
    const files = filesOf(bundle);
    expect(Object.keys(unzipped).sort()).toEqual([...files.keys()].sort());
    for (const [name, content] of files) expect(Buffer.compare(unzipped[name] ?? Buffer.of(), content)).toBe(0);
    const entries =
      bundle === JOBS_BUNDLE ? ['collect.js', 'list.js', 'merge.js', 'plan.js', 'report.js'] : ['index.js'];
    expect([...files.keys()]).toEqual(expect.arrayContaining(entries));
    expect([...files.keys()].filter((name) => name.endsWith('.map'))).toEqual([]);
  });

  it('has the licenses of the packages in it', () => {
    const notices = Buffer.from(filesOf(bundle).get('THIRD-PARTY-LICENSES.txt') ?? []).toString();
    expect(notices).toContain(`\n${dependency} `);
    expect(notices).toContain(copyright);
    expect(notices).toContain('Apache License');
  });

  it('has an SBOM with its hash', () => {
    const sbom = JSON.parse(readFileSync(bundle.zip.replace(/zip$/, 'cdx.json'), 'utf8'));
    const digest = createHash('sha256').update(readFileSync(bundle.zip)).digest('hex');
    expect(sbom.metadata.component.hashes).toEqual([{ alg: 'SHA-256', content: digest }]);
    expect(sbom.components.map(({ purl }: { purl: string }) => purl)).toContainEqual(
      expect.stringMatching(/^pkg:npm\/%40smithy\/core@\d/),
    );
  });

  it('is reproducible', () => {
    expect(Buffer.compare(zipFiles(filesOf(bundle)), readFileSync(bundle.zip))).toBe(0);
  });
});

describe('the code', () => {
  it('of the filter loads at most 27 KB at start', () => {
    expect(startSizeOf(FILTER_BUNDLE)).toBeLessThanOrEqual(27 * KB);
    expect(sizeOf(FILTER_BUNDLE)).toBeGreaterThan(100 * KB);
  });

  it('of the generator loads at most 55 KB at start', () => {
    expect(startSizeOf(GENERATOR_BUNDLE)).toBeLessThanOrEqual(55 * KB);
  });

  it('of the generator has at most 750 KB in total', () => {
    expect(sizeOf(GENERATOR_BUNDLE)).toBeLessThanOrEqual(750 * KB);
  });

  it('of the jobs has at most 540 KB in total', () => {
    expect(sizeOf(JOBS_BUNDLE)).toBeLessThanOrEqual(540 * KB);
  });

  it('reads no export of node:http that loads undici', () => {
    for (const bundle of [FILTER_BUNDLE, GENERATOR_BUNDLE, JOBS_BUNDLE]) {
      const codes = [...filesOf(bundle).values()].map((content) => Buffer.from(content).toString());
      expect(codes.filter((code) => /\.(?:WebSocket|CloseEvent|MessageEvent)\b/.test(code))).toEqual([]);
    }
  });

  it('contains no path of the build machine', () => {
    for (const bundle of [FILTER_BUNDLE, GENERATOR_BUNDLE, JOBS_BUNDLE]) {
      for (const content of filesOf(bundle).values()) {
        expect(Buffer.from(content).includes(process.cwd())).toBe(false);
      }
    }
  });
});

it('a zip depends only on its files, not on their order', () => {
  const [a, b] = [Buffer.from('a'), Buffer.from('b')];
  const zip = zipFiles(
    new Map([
      ['a', a],
      ['b', b],
    ]),
  );
  expect(
    zipFiles(
      new Map([
        ['b', b],
        ['a', a],
      ]),
    ),
  ).toEqual(zip);
  expect(zipFiles(new Map([['a', a]]))).not.toEqual(zip);
});
