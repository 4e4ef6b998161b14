// Layers that the snapshotter uses in another way than others: what happens is what our warnings say.
import { join } from 'node:path';
import { concat, Random, TAR_END } from '@soci/test-content';
import { describe, expect, inject, test } from 'vitest';
import { encode } from './images/encodings.ts';
import { type Entry, packArchive, packPaxSparseFile } from './images/entries.ts';
import { makeText } from './images/text.ts';
import { pushLayout, writeImage } from './images/write-image.ts';
import { useSession } from './session.ts';
import { compareTrees, type TreeDifferences } from './tree.ts';

const random = new Random(11);
const TEXT: Entry = { path: 'text', content: makeText(random, 700_000) };
const REGIONS = [
  { offset: 0, content: makeText(random, 5_120) },
  { offset: 3_000_000, content: makeText(random, 70_144) },
];
const SIZE = 5_000_000;

/** An archive without its end, so that others can follow. */
const open = (entries: readonly Entry[]): Uint8Array => packArchive('pax', entries).subarray(0, -TAR_END.length);

/** A layer, the warning about it, and the differences that may be seen then. */
interface RefusedLayer {
  readonly name: string;
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
];

describe.skipIf(inject('programs') === undefined)('a layer with', () => {
  const session = useSession();

  test.each(LAYERS.map((layer, i) => ({ ...layer, repository: `refused${i}` })))(
    '$name: $effect ($code)',
    async ({ archive, code, effect, isWhole, possible, repository }) => {
      const { folder, reference, registry } = session();
      const layout = join(folder, repository);
      const blob = await encode('go', archive, reference);
      await writeImage(layout, { platforms: { 'linux/amd64': [{ archive, blob }] } });
      await pushLayout(layout, registry, repository, 'latest');
      const [layer] = await session().index('convert', repository, ['--min-layer-size', '0', '--span-size', '128KiB']);
      expect(layer?.warnings).toContainEqual(expect.objectContaining({ code, effect }));

      const pull = await session().pullLazily({ repository, tag: 'soci' });
      const isFetchedWhole = pull.atStart.some(({ method, path, range, status }) => {
        return method === 'GET' && path.endsWith(layer?.layer ?? '') && range === undefined && status === 200;
      });
      expect({ fuseMounts: pull.fuseMounts, isFetchedWhole }).toEqual({
        fuseMounts: isWhole ? 0 : 1,
        isFetchedWhole: isWhole,
      });
      const ordinary = await session().pullOrdinarily({ repository, tag: 'latest' });
      expect(possible).toContainEqual(compareTrees(ordinary, pull.tree));
    },
  );
});
