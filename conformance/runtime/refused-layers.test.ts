// Layers that the snapshotter uses in another way than others: what happens is what our warnings say.
import { join } from 'node:path';
import { concat, Random, TAR_END } from '@soci/test-content';
import { describe, expect, inject, test } from 'vitest';
import { encode } from './images/encodings.ts';
import { type Entry, makeText, packArchive, packPaxSparseFile } from './images/entries.ts';
import { pushLayout, writeImage } from './images/write-image.ts';
import { type IndexedLayer, useSession } from './session.ts';
import { compareTrees, type TreeDifferences } from './tree.ts';

const random = new Random(11);
const TEXT: Entry = { path: 'text', content: makeText(random, 700_000) };
const REGIONS = [
  { offset: 0, content: makeText(random, 5_120) },
  { offset: 3_000_000, content: makeText(random, 70_144) },
];
const SIZE = 5_000_000;

/** A layer with a symbolic link to a folder. */
const LOWER = packArchive('pax', [
  { path: 'usr/', type: 'folder' },
  { path: 'usr/lib/', type: 'folder' },
  { path: 'usr/lib/a', content: 'lower' },
  { path: 'lib', type: 'symlink', target: 'usr/lib', mode: 0o777 },
]);

/** An archive without its end, so that others can follow. */
const open = (entries: readonly Entry[]): Uint8Array => packArchive('pax', entries).subarray(0, -TAR_END.length);

/** A layer, the warning about it, and the differences that may be seen then. */
interface RefusedLayer {
  readonly name: string;
  /** Archive of the layer below. @default none */
  readonly lower?: Uint8Array;
  readonly archive: Uint8Array;
  readonly code: string;
  readonly effect: string;
  /** Whether the runtime pulls the layer whole. */
  readonly isWhole: boolean;
  /** Each result that can occur. */
  readonly possible: readonly TreeDifferences[];
}

const LAYERS: readonly RefusedLayer[] = [
  {
    name: 'a sparse file of PAX',
    archive: concat(open([TEXT]), packPaxSparseFile('sparse', SIZE, REGIONS), packArchive('pax', [{ path: 'after' }])),
    code: 'entries-overlap',
    effect: 'pulled-whole',
    isWhole: true,
    possible: [{}],
  },
  {
    name: 'a sparse file at the end',
    archive: concat(open([TEXT]), packPaxSparseFile('sparse', SIZE, REGIONS), TAR_END),
    code: 'sparse-file',
    effect: 'unreadable-files',
    isWhole: false,
    possible: [{ 'content (error: input/output error)': ['/sparse'] }],
  },
  {
    name: 'several attributes, one of them empty',
    archive: packArchive('pax', [
      TEXT,
      { path: 'attributes', content: 'text', xattrs: { 'user.a': '1', 'user.empty': '', 'user.b': '2' } },
    ]),
    code: 'xattr-empty',
    effect: 'unreadable-files',
    isWhole: false,
    // The snapshotter stores the first attribute, in random order, in another way than the others.
    possible: [{}, { 'content (error: input/output error)': ['/attributes'], xattrs: ['/attributes'] }],
  },
  {
    name: 'an owner above 32 bits',
    archive: packArchive('pax', [TEXT, { path: 'owner', content: 'text', records: [['uid', String(2 ** 32 + 7)]] }]),
    code: 'attributes-differ',
    effect: 'unreadable-files',
    isWhole: false,
    possible: [{ 'content (error: input/output error)': ['/owner'] }],
  },
  {
    name: 'a file below a symbolic link of the layer below',
    lower: LOWER,
    archive: packArchive('pax', [TEXT, { path: 'lib/b', content: 'upper' }]),
    code: 'writes-through-symlink',
    effect: 'shown-differently',
    isWhole: false,
    // The overlayfs of containerd replaces the link by a folder, too. Only the time of the folder differs.
    possible: [{ time: ['/lib'] }],
  },
];

describe.skipIf(inject('programs') === undefined)('a layer with', () => {
  const session = useSession();

  /** Pushes and converts an image. Returns the result for its highest layer. */
  async function pushConverted(repository: string, archives: readonly Uint8Array[]): Promise<IndexedLayer | undefined> {
    const { folder, reference, registry } = session();
    const layout = join(folder, repository);
    const layers = await Promise.all(
      archives.map(async (archive) => ({ archive, blob: await encode('go', archive, reference) })),
    );
    await writeImage(layout, { platforms: { 'linux/amd64': layers } });
    await pushLayout(layout, registry, repository, 'latest');
    const spans = ['--min-layer-size', '0', '--span-size', '128KiB'];
    return (await session().index('convert', repository, spans)).at(-1);
  }

  test.each(LAYERS.map((layer, i) => ({ ...layer, repository: `refused${i}` })))(
    '$name: $effect ($code)',
    async ({ archive, lower, code, effect, isWhole, possible, repository }) => {
      const archives = lower === undefined ? [archive] : [lower, archive];
      const layer = await pushConverted(repository, archives);
      expect(layer?.warnings).toContainEqual(expect.objectContaining({ code, effect }));

      const pull = await session().pullLazily({ repository, tag: 'soci' });
      const isFetchedWhole = pull.atStart.some(({ method, path, range, status }) => {
        return method === 'GET' && path.endsWith(layer?.layer ?? '') && range === undefined && status === 200;
      });
      expect({ fuseMounts: pull.fuseMounts, isFetchedWhole }).toEqual({
        fuseMounts: archives.length - (isWhole ? 1 : 0),
        isFetchedWhole: isWhole,
      });
      const ordinary = await session().pullOrdinarily({ repository, tag: 'latest' });
      expect(possible).toContainEqual(compareTrees(ordinary, pull.tree));
    },
  );

  test('a hard link to a file of the layer below: pulled-whole, and containerd can unpack it in neither way', async () => {
    const archive = packArchive('pax', [TEXT, { path: 'link', type: 'link', target: 'usr/lib/a' }]);
    const layer = await pushConverted('hard-link', [LOWER, archive]);
    expect(layer?.warnings).toContainEqual(
      expect.objectContaining({ code: 'hard-link-target-missing', effect: 'pulled-whole' }),
    );
    const failure = { code: 'PROGRAM_FAILED', message: expect.stringContaining('failed to extract layer') };
    const repository = 'hard-link';
    await expect(session().pullLazily({ repository, tag: 'soci' })).rejects.toMatchObject(failure);
    await expect(session().pullOrdinarily({ repository, tag: 'latest' })).rejects.toMatchObject(failure);
  });
});
