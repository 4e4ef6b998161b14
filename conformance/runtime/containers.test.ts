// Containers that start lazily: same output as after an ordinary pull, and only part of the image is fetched.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '@soci/test-content';
import { describe, expect, inject, test } from 'vitest';
import { tryImage } from '../../packages/test-runtime/src/fixtures/readme-example.ts';
import { runWell } from '../registries/run-program.ts';
import { REPORTS } from '../run-report.ts';
import { sumBytes } from './evidence.ts';
import { encode } from './images/encodings.ts';
import { makeText, packArchive } from './images/entries.ts';
import { pushLayout, writeImage } from './images/write-image.ts';
import { SOCI_INDEX, useSession } from './session.ts';

/** Folder that the container lists. */
const LISTED = '/data/listed';

describe.skipIf(inject('programs') === undefined)('a container', () => {
  const session = useSession();

  /** Pushes an image with a static program, what it reads, and much that it does not read. */
  async function push(registry: string, repository: string): Promise<void> {
    const random = new Random(5);
    const program = readFileSync(inject('programs')?.listTree ?? '');
    const base = packArchive('pax', [
      { path: 'bin/', type: 'folder' },
      ...Array.from({ length: 20 }, (_, i) => ({ path: `bin/unused${i}`, content: random.bytes(700_000) })),
      { path: 'bin/list-tree', content: program, mode: 0o755 },
    ]);
    const data = packArchive('pax', [
      { path: 'data/', type: 'folder' },
      { path: 'data/listed/', type: 'folder' },
      { path: 'data/listed/file', content: makeText(random, 100_000), xattrs: { 'user.a': 'b' } },
      ...Array.from({ length: 20 }, (_, i) => ({ path: `data/unread${i}`, content: makeText(random, 900_000) })),
    ]);
    const { reference, folder } = session();
    const layers = await Promise.all(
      [base, data].map(async (archive) => ({ archive, blob: await encode('go', archive, reference) })),
    );
    const layout = join(folder, repository);
    await writeImage(layout, { platforms: { 'linux/amd64': layers } });
    await pushLayout(layout, registry, repository, 'latest');
    const spans = ['--min-layer-size', '0', '--span-size', '512KiB'];
    const [source, target] = ['latest', 'soci'].map((tag) => `${registry}/${repository}:${tag}`) as [string, string];
    await runWell(process.execPath, [SOCI_INDEX, 'convert', '-q', ...spans, source, target]);
  }

  test('that starts lazily has the output of one that starts after an ordinary pull, and fetches less', async () => {
    const { registry, runtime, proxy } = session();
    await push(registry, 'container');
    const command = ['/bin/list-tree', LISTED];
    const start = async (tag: string, snapshotter: 'overlayfs' | 'soci') => {
      await runtime.wipe({ logLevel: 'info' });
      proxy.clear();
      const image = { image: `${proxy.host}/container:${tag}`, snapshotter } as const;
      await runtime.pull(image);
      const { code, stdout } = await runtime.run(image, command);
      return { code, stdout, fetched: sumBytes(proxy.requests) };
    };
    const ordinary = await start('latest', 'overlayfs');
    const lazy = await start('soci', 'soci');
    expect(ordinary).toMatchObject({ code: 0, stdout: expect.stringContaining('"path":"/file"') });
    expect(lazy).toMatchObject({ code: 0, stdout: ordinary.stdout });
    expect(lazy.fetched).toBeLessThan(ordinary.fetched / 2);
    REPORTS.runtime.measured('start of a container', {
      'MB lazily': lazy.fetched / 1e6,
      'MB whole': ordinary.fetched / 1e6,
    });
  });

  test('runs as the README of @soci/test-runtime says', async () => {
    const pushed = async (registry: string) => {
      await push(registry, 'readme');
      return { repository: 'readme', tag: 'soci' };
    };
    expect(await tryImage(pushed, ['/bin/list-tree', LISTED])).toMatchObject({
      stdout: expect.stringContaining('"path":"/file"'),
      lazyLayers: 2,
      fetched: expect.any(Number),
    });
  });
});
