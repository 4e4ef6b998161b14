// Images of each kind, loaded lazily through our indexes by containerd and soci-snapshotter, compared with ordinary pulls.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '@soci/test-content';
import type { SnapshotterSettings } from '@soci/test-runtime';
import { describe, expect, inject, test, vi } from 'vitest';
import { REPORTS } from '../run-report.ts';
import { evidenceOf, lazyEvidence, sumBytes } from './evidence.ts';
import { ENCODINGS, encode } from './images/encodings.ts';
import { makeOddArchives } from './images/odd-image.ts';
import { makeUsualArchives, START_FILE } from './images/usual-image.ts';
import { type ImageSources, type Layer, pushLayout, writeImage } from './images/write-image.ts';
import { type KnownImage, knownDifferences } from './known-differences.ts';
import { type LazyPull, type PullRequest, useSession } from './session.ts';
import { compareTrees, type TreeDifferences, type TreeEntry } from './tree.ts';

/** Small spans, so that a layer has many. */
const SPANS = ['--min-layer-size', '0', '--span-size', '256KiB'];

/** How an image is indexed and pulled, and what is expected. */
interface LazyCase {
  /** @default 'convert' */
  readonly command?: 'convert' | 'create';
  /** Options of the command. @default those of {@link SPANS} */
  readonly options?: readonly string[];
  readonly settings?: SnapshotterSettings;
  readonly beforeReading?: () => Promise<void>;
  readonly platform?: string;
  /** Layers of the platform. @default all that were indexed */
  readonly layers?: readonly Layer[];
  /** @default none */
  readonly differences?: TreeDifferences;
}

describe.skipIf(inject('programs') === undefined)('lazy pulls', () => {
  const session = useSession();
  const ordinary = new Map<string, readonly TreeEntry[]>();

  /** Writes an image to a layout and pushes it as `latest`. Returns the path of the layout. */
  async function pushImage(repository: string, sources: ImageSources): Promise<string> {
    const layout = join(session().folder, repository);
    await writeImage(layout, sources);
    await pushLayout(layout, session().registry, repository, 'latest');
    return layout;
  }

  async function encodeAll(encoding: (typeof ENCODINGS)[number], archives: readonly Uint8Array[]): Promise<Layer[]> {
    const { reference } = session();
    return Promise.all(
      archives.map(async (archive) => ({ archive, blob: await encode(encoding, archive, reference) })),
    );
  }

  async function ordinaryTree(request: PullRequest): Promise<readonly TreeEntry[]> {
    const key = JSON.stringify(request);
    const tree = ordinary.get(key) ?? (await session().pullOrdinarily(request));
    ordinary.set(key, tree);
    return tree;
  }

  /** Indexes `latest` of a repository, loads it lazily, and checks the mounts, the requests and the files. */
  async function checkLazyPull(repository: string, lazyCase: LazyCase = {}): Promise<LazyPull> {
    const { command = 'convert', options = SPANS, settings = {}, platform, beforeReading, differences = {} } = lazyCase;
    const indexed = await session().index(command, repository, options);
    const selected = platform === undefined ? { repository } : { repository, platform };
    const tag = command === 'convert' ? 'soci' : 'latest';
    const pull = await session().pullLazily({ ...selected, tag, settings, ...(beforeReading && { beforeReading }) });
    const blobs = lazyCase.layers?.map(({ blob }) => sha256(blob));
    const layers = indexed.filter(({ layer }) => blobs === undefined || blobs.includes(layer));
    const isFetchedInBackground = settings.backgroundFetch !== undefined;
    expect(evidenceOf(pull, layers, isFetchedInBackground)).toEqual(lazyEvidence(layers));
    expect(compareTrees(await ordinaryTree({ ...selected, tag: 'latest' }), pull.tree)).toEqual(differences);
    return pull;
  }

  describe('of a usual image', () => {
    const archives = makeUsualArchives(1);

    test.each(ENCODINGS)('whose layers are encoded by %s', async (encoding) => {
      const repository = `usual-${encoding.replace(' -', '')}`;
      const layers = await encodeAll(encoding, archives);
      await pushImage(repository, { platforms: { 'linux/amd64': layers } });
      const pull = await checkLazyPull(repository);
      REPORTS.runtime.measured(`start of the image encoded by ${encoding}`, {
        'MB fetched': sumBytes(pull.atStart) / 1e6,
        'MB of layers': layers.reduce((sum, { blob }) => sum + blob.length, 0) / 1e6,
      });
    });

    test('with an index of version 1', async () => {
      await pushImage('v1', { platforms: { 'linux/amd64': await encodeAll('go', archives) } });
      await checkLazyPull('v1', { command: 'create' });
    });

    test.each(['convert', 'create'] as const)('with the media types of Docker, by %s', async (command) => {
      const repository = `docker-${command}`;
      await pushImage(repository, { platforms: { 'linux/amd64': await encodeAll('pigz', archives) }, isDocker: true });
      await checkLazyPull(repository, { command });
    });

    test.each(['linux/amd64', 'linux/arm64'] as const)('for several platforms: %s', async (platform) => {
      const platforms = {
        'linux/amd64': await encodeAll('go', archives),
        'linux/arm64': await encodeAll('zlib', makeUsualArchives(2)),
      };
      await pushImage('platforms', { platforms });
      await checkLazyPull('platforms', { platform, layers: platforms[platform] });
    });

    test('that has a layer without zTOC', async () => {
      await pushImage('small-layer', { platforms: { 'linux/amd64': await encodeAll('go', archives) } });
      await checkLazyPull('small-layer', { options: ['--min-layer-size', '100KiB', '--span-size', '256KiB'] });
    });

    test.each(['4KiB', '4MiB'])('with spans of %s', async (size) => {
      await pushImage('spans', { platforms: { 'linux/amd64': await encodeAll('go', archives) } });
      await checkLazyPull('spans', { options: ['--min-layer-size', '0', '--span-size', size] });
    });

    test('with prefetching', async () => {
      await pushImage('prefetch', { platforms: { 'linux/amd64': await encodeAll('go', archives) } });
      const pull = await checkLazyPull('prefetch', {
        options: [...SPANS, '--prefetch-file', START_FILE],
        settings: { prefetch: true },
      });
      expect(pull.log).toMatch(/Successfully loaded prefetch artifact with [1-9]\d* span ranges/);
    });

    test.each(['go', 'none'] as const)('with spans that follow a profile (%s)', async (encoding) => {
      await pushImage('guided', { platforms: { 'linux/amd64': await encodeAll(encoding, archives) } });
      const profile = join(session().folder, 'profile.txt');
      writeFileSync(profile, `${START_FILE}\n/usr/bin/tool0\n`);
      await checkLazyPull('guided', { options: ['--min-layer-size', '0', '--profile', profile] });
    });

    test('while the snapshotter fetches the rest in the background', async () => {
      const layers = await encodeAll('go', archives);
      await pushImage('background', { platforms: { 'linux/amd64': layers } });
      const blobs = layers.map(({ blob }) => ({ digest: sha256(blob), size: blob.length }));
      const pull = await checkLazyPull('background', {
        settings: { backgroundFetch: 'eager' },
        async beforeReading() {
          const isFetched = ({ digest, size }: (typeof blobs)[number]) =>
            sumBytes(session().proxy.requests.filter(({ path }) => path.endsWith(digest))) >= size;
          await vi.waitUntil(() => blobs.every(isFetched), { timeout: 60_000, interval: 50 });
        },
      });
      // Everything is in the snapshotter's cache.
      expect(pull.whileReading).toEqual([]);
    });
  });

  describe('of an odd image', () => {
    const { base, upper } = makeOddArchives();
    const CASES = [
      { name: 'version 2', known: 'odd image', lazy: {} },
      { name: 'version 1', known: 'odd image', lazy: { command: 'create' } },
      { name: 'small spans', known: 'odd image', lazy: { options: ['--min-layer-size', '0', '--span-size', '64KiB'] } },
      {
        name: 'the xattr optimization',
        known: 'odd image with the xattr optimization',
        lazy: { options: [...SPANS, '--optimizations', 'xattr'] },
      },
      { name: 'background fetching', known: 'odd image', lazy: { settings: { backgroundFetch: 'eager' } } },
    ] as const satisfies ReadonlyArray<{ name: string; known: KnownImage; lazy: LazyCase }>;

    test.each(CASES)('with $name', async ({ known, lazy }) => {
      await pushImage('odd', { platforms: { 'linux/amd64': await oddLayers() } });
      await checkLazyPull('odd', { ...lazy, differences: knownDifferences(known) });
    });

    test('with spans that follow a profile', async () => {
      await pushImage('odd', { platforms: { 'linux/amd64': await oddLayers() } });
      const profile = join(session().folder, 'odd-profile.txt');
      writeFileSync(profile, '/data/text3.txt\n/d/text1.txt\n/l/hcap\n/c/hard2\n');
      await checkLazyPull('odd', {
        options: ['--min-layer-size', '0', '--profile', profile],
        differences: knownDifferences('odd image'),
      });
    });

    test.each([
      { known: 'odd image', options: [] },
      { known: 'odd image with the xattr optimization', options: ['-xattr'] },
    ] as const)(
      'with the index of the reference, which has the same differences: $known',
      async ({ known, options }) => {
        const repository = options.length === 0 ? 'odd-reference' : 'odd-reference-xattr';
        const layout = await pushImage(repository, { platforms: { 'linux/amd64': await oddLayers() } });
        const spans = ['-v', '2', '-min', '0', '-span', String(256 << 10)];
        await session().indexWithReference(layout, repository, 'reference', [...spans, ...options]);
        const pull = await session().pullLazily({ repository, tag: 'reference' });
        expect(pull.fuseMounts).toBe(1 + upper.length);
        const tree = await ordinaryTree({ repository, tag: 'latest' });
        expect(compareTrees(tree, pull.tree)).toEqual(knownDifferences(known));
      },
    );

    /** The layers are encoded in different ways. */
    async function oddLayers(): Promise<Layer[]> {
      const encodings = ['members', 'pigz', 'gzip -9', 'none'] as const;
      const { reference } = session();
      return Promise.all(
        [base, ...upper].map(async (archive, i) => {
          return { archive, blob: await encode(encodings[i] ?? 'go', archive, reference) };
        }),
      );
    }
  });
});
