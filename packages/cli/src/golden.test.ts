import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Descriptor } from '@soci/oci';
import { digestOf } from '@soci/oci';
import {
  type GoldenRun,
  goldenLayerPath,
  goldenLayoutPath,
  readGoldenLayers,
  readGoldenRuns,
} from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, it } from 'vitest';
import { jsonLines, runCli } from './fixtures/run-cli.ts';

const LAYERS = Object.entries(readGoldenLayers());
const LAYOUTS = Object.entries(readGoldenRuns());

const folder = temporaryFolder();

describe('ztoc create writes the same zTOCs as the reference', () => {
  const spanSizes = ['4096', '65536', '4194304'];

  it.each(spanSizes)('for every golden layer, with spans of %s bytes', async (spanSize) => {
    const out = join(folder, `ztocs-${spanSize}`);
    const argv = [
      'ztoc',
      'create',
      '--json',
      '--span-size',
      spanSize,
      '-o',
      out,
      ...LAYERS.map(([name]) => goldenLayerPath(name)),
    ];
    const run = await runCli(argv);
    const lines = jsonLines<Record<string, unknown>>(run);
    expect(run.code).toBe(1);
    expect(lines).toHaveLength(LAYERS.length);
    for (const [index, [name, golden]] of LAYERS.entries()) {
      const line = lines[index] as { layer: string; digest?: string; error?: { code: string; message: string } };
      const ztoc = golden.ztocs[spanSize];
      if (golden.refused !== undefined) {
        expect(line, name).toEqual({ layer: name, path: goldenLayerPath(name), error: expect.anything() });
        expect(line.error?.message, name).toContain(name);
        expect(existsSync(join(out, `${name}.ztoc`)), name).toBe(false);
      } else if (ztoc) {
        expect(line, name).toMatchObject({ layer: name, ...ztoc });
        expect(digestOf(await readFile(join(out, `${name}.ztoc`))), name).toBe(ztoc.digest);
      }
    }
  });

  it.each(LAYERS.filter(([, { refused }]) => refused === undefined))(
    'for %s, with --compression',
    async (name, golden) => {
      const [spanSize = '', ztoc] = Object.entries(golden.ztocs)[0] ?? [];
      const argv = [
        'ztoc',
        'create',
        '--json',
        '--compression',
        golden.algorithm,
        '--span-size',
        spanSize,
        goldenLayerPath(name),
      ];
      const run = await runCli(argv);
      expect(run.code).toBe(0);
      expect(jsonLines(run)).toEqual([expect.objectContaining({ layer: name, ...ztoc })]);
    },
  );
});

describe('convert and create write the same images as the reference', () => {
  const runs = LAYOUTS.flatMap(([name, all]) => all.map((golden, index) => ({ name, golden, index })));
  const made = runs.filter(({ golden }) => golden.refused === undefined);
  const rejected = runs.filter(({ golden }) => golden.refused !== undefined);

  it.each(made)('$name $golden.run', async ({ name, golden, index }) => {
    const out = join(folder, `${name}-${index}`);
    // Uses threads only once, because they need a second to start from sources.
    const jobs = index === 0 && name === 'single-oci' ? [] : ['--jobs', '1'];
    const run = await runCli([...commandLine(golden), ...jobs, `oci:${goldenLayoutPath(name)}`, `oci:${out}:made`]);
    expect(run).toMatchObject({ code: 0 });
    const [result] = jsonLines<{ root?: Descriptor; indexes: Descriptor[] }>(run);
    expect(golden.run.v === 2 ? [result?.root] : result?.indexes).toEqual(golden.printed);
    const added = golden.added ?? {};
    const blobs = await readdir(join(out, 'blobs', 'sha256'));
    const source = await readdir(join(goldenLayoutPath(name), 'blobs', 'sha256'));
    expect(new Set(blobs.filter((hex) => !source.includes(hex)).map((hex) => `sha256:${hex}`))).toEqual(
      new Set(Object.keys(added)),
    );
    for (const [digest, { size }] of Object.entries(added)) {
      expect((await stat(join(out, 'blobs', 'sha256', digest.slice(7)))).size).toBe(size);
    }
    const listed = JSON.parse(await readFile(join(out, 'index.json'), 'utf8')) as { manifests: Descriptor[] };
    expect(listed.manifests.map(({ digest }) => digest)).toEqual(
      expect.arrayContaining((golden.printed ?? []).map(({ digest }) => digest)),
    );
  });

  it.each(rejected)('$name $golden.run: rejected', async ({ name, golden, index }) => {
    const out = join(folder, `${name}-${index}`);
    const run = await runCli([
      ...commandLine(golden),
      '--jobs',
      '1',
      `oci:${goldenLayoutPath(name)}`,
      `oci:${out}:made`,
    ]);
    const isNothingToIndex = /no ztocs created/.test(golden.refused ?? '');
    expect(run.code).toBe(isNothingToIndex ? 3 : 1);
    expect(jsonLines(run)).toEqual([
      isNothingToIndex
        ? expect.objectContaining({ outcome: 'nothing-to-index' })
        : { error: expect.objectContaining({ code: expect.any(String) }) },
    ]);
    expect((await readdir(folder)).filter((entry) => entry.includes(`${name}-${index}`))).toEqual([]);
  });
});

function commandLine({ run }: GoldenRun): string[] {
  return [
    ...(run.v === 2 ? ['convert'] : ['create']),
    ...['--json', '--compat', 'soci-cli', '--span-size', String(run.span), '--min-layer-size', String(run.min)],
    ...(run.xattr ? ['--optimizations', 'xattr'] : []),
    ...run.prefetch.flatMap((path) => ['--prefetch-file', path]),
  ];
}
