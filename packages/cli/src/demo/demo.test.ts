import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layoutPath } from '../fixtures/golden.ts';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';
import { planLayers } from './machine-layers.ts';
import { makeImage } from './make-image.ts';
import { listTree, treeSize } from './tree.ts';

const folder = temporaryFolder();
const { signal } = new AbortController();

describe('the plan of an image of this machine', () => {
  it('has Node, the dependencies of a folder, and this program', async () => {
    const modules = join(folder, 'project', 'node_modules');
    mkdirSync(join(modules, 'package'), { recursive: true });
    mkdirSync(join(modules, '.cache'));
    writeFileSync(join(modules, 'package', 'index.js'), 'export {};');
    writeFileSync(join(modules, '.cache', 'large'), 'x');
    const plans = await planLayers(join(folder, 'project'));
    expect(plans[0]?.title).toBe(`Node ${process.version}`);
    expect(plans.map(({ entries }) => treeSize(entries)).reduce((a, b) => a + b)).toBeGreaterThan(50e6);
    const dependencies = plans.find(({ title }) => title === 'dependencies');
    expect(dependencies?.entries.filter(({ kind }) => kind === 'file').map(({ name }) => name)).toEqual([
      'app/node_modules/package/index.js',
    ]);
    expect(plans.at(-1)?.entries.map(({ name }) => name)).toContain('app/package.json');
  });
});

describe('an image that is made', () => {
  it('holds what the machine holds', async () => {
    const tree = join(folder, 'tree');
    const long = `${'d'.repeat(60)}/${'e'.repeat(60)}`;
    mkdirSync(join(tree, long), { recursive: true });
    writeFileSync(join(tree, long, 'file'), 'behind a long path');
    writeFileSync(join(tree, 'empty'), '');
    writeFileSync(join(tree, 'two-blocks'), 'x'.repeat(1024));
    symlinkSync('f'.repeat(120), join(tree, 'link'));
    const image = join(folder, 'image');
    let packed = 0;
    await makeImage(image, [{ title: 'tree', entries: await listTree(tree, 'tree') }], {
      signal,
      onBytes: (bytes) => {
        packed += bytes;
      },
    });
    expect(packed % 512).toBe(0);
    const names = jsonLines<{ name: string }>(await runCli(['ls', '--json', `oci:${image}`, 'tree']));
    expect(names.map(({ name }) => name)).toEqual([
      `tree/${'d'.repeat(60)}/`,
      'tree/empty',
      'tree/link',
      'tree/two-blocks',
    ]);
    expect((await runCli(['cat', `oci:${image}:latest`, `tree/${long}/file`])).stdout).toBe('behind a long path');
    expect((await runCli(['cat', `oci:${image}`, 'tree/two-blocks'])).stdout).toBe('x'.repeat(1024));
  });

  it('is not there when it is not complete', async () => {
    const parent = join(folder, 'partial');
    mkdirSync(parent);
    const stopped = makeImage(join(parent, 'image'), [{ title: 'tree', entries: await listTree(folder, 'x') }], {
      signal: AbortSignal.abort(new Error('stopped')),
      onBytes: () => {},
    });
    await expect(stopped).rejects.toThrow();
    expect(readdirSync(parent)).toEqual([]);
  });
});

describe('demo SRC', () => {
  it('reports how little of an image must be fetched to read one file', async () => {
    const tree = join(folder, 'app');
    mkdirSync(tree);
    // Random bytes do not shrink: the layer is large enough to be indexed.
    writeFileSync(join(tree, 'large'), randomBytes(24 << 20));
    writeFileSync(join(tree, 'small'), 'x'.repeat(100));
    const entries = await listTree(tree, 'app');
    await makeImage(join(folder, 'own'), [{ title: 'app', entries }], { signal, onBytes: () => {} });
    const argv = ['demo', '--dir', join(folder, 'out'), `oci:${join(folder, 'own')}`];

    const { code, stdout } = await runCli(argv);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Index .*^Proof +2 files read back .* every byte right/ms);
    expect(stdout).toMatch(
      /^ +127\.0\.0\.1:\d+\/app:latest-soci\n +2[4-9][\d.]* MiB read, .* sent, in \d+ requests; nothing on disk$/m,
    );
    expect(stdout).toMatch(/^Again +the same again is recognized, in [1-4] requests and [\d.]+ KiB/m);
    expect(stdout).toMatch(/^Read +[\d.]+ [KM]iB \(\d+ % of the image\) in \d+ requests/m);
    expect(stdout).toMatch(/^ {2}▏?[█░▏▎▍▌▋▊▉]+ +\d+ % +[\d.]+ MiB {2}app\/small, 100 B$/m);
    expect(stdout).toMatch(/^ {2}█{20} +100 % +24 MiB {2}any file, without the index$/m);
    const [told] = jsonLines<{
      reading: { name: string; size: number; bytesToFetch: number }[];
      registry: Record<'push' | 'index' | 'again' | 'cat', { requests: number; bytesIn: number; bytesOut: number }>;
    }>(await runCli([...argv, '--json']));
    expect(told?.registry.push.bytesIn).toBeGreaterThan(24 << 20);
    expect(told?.registry.index.bytesIn).toBeLessThan(1 << 20);
    expect(told?.registry.cat.bytesOut).toBeLessThan(16 << 20);
    expect(await runCli(['verify', '-q', `oci:${join(folder, 'out', 'soci')}`])).toMatchObject({ code: 0 });
    expect(told?.reading.find(({ name }) => name === 'app/small')?.bytesToFetch).toBeLessThan(12 << 20);
  });

  it('says why there is nothing to index', async () => {
    const argv = ['demo', '--dir', join(folder, 'nothing'), `oci:${layoutPath('small-layers')}`];
    const run = await runCli(argv);
    expect(run.code).toBe(3);
    expect(run.stdout).toContain('skipped: < 10 MiB');
  });
});
