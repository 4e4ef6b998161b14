import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Descriptor } from '@soci/oci';
import { createLayout, openLayout } from '@soci/oci/layout';
import { MemoryStore } from '@soci/oci/memory';
import { putImage, putIndex, putLayer } from '@soci/test-content';
import { decodeZtoc, encodeZtoc } from '@soci/ztoc';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSociIndex } from '../convert/build-index.ts';
import { CountingStore } from '../fixtures/observed-stores.ts';
import type { ZtocSource } from '../options.ts';
import { verifySociIndex } from '../verify/verify-index.ts';
import { indexImage } from './index-image.ts';
import type { IndexImageOptions, PublishProgress } from './options.ts';

const AMD64 = { architecture: 'amd64', os: 'linux' };
const SMALL = { minLayerSize: 1000, jobs: 1 } satisfies IndexImageOptions;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'publish-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Creates a store with an image tagged `v1`. */
async function storeWithImage(name = 'app'): Promise<{ store: CountingStore; image: Descriptor }> {
  const store = new CountingStore();
  const layers = [await putLayer(store, `${name}-base`, 5000), await putLayer(store, name, 3000)];
  const image = await putImage(store, AMD64, layers);
  await store.tag(image, 'v1');
  return { store, image };
}

describe('indexImage within one store', () => {
  it('publishes a tagged SOCI-enabled image, and recognizes it in the next run', async () => {
    const { store, image } = await storeWithImage();
    const source = { store, reference: 'v1' };
    const target = { store, tag: 'v1-soci' };
    const result = await indexImage(source, target, SMALL);
    if (result.outcome !== 'indexed') throw new Error(result.message);
    expect(result).toMatchObject({ version: 2, image, tag: 'v1-soci', indexes: [{}], layers: [{}, {}] });
    expect(await store.resolve('v1-soci')).toMatchObject({ digest: result.root?.digest });
    expect((await verifySociIndex(store, result.root as Descriptor)).outcome).toBe('valid');
    expect(result.bytesRead).toBe(result.layers.reduce((sum, { size }) => sum + size, 0));

    const again = await indexImage(source, target, SMALL);
    expect(again).toMatchObject({ outcome: 'already-indexed', root: { digest: result.root?.digest }, tag: 'v1-soci' });
    expect(await indexImage(source, target, { ...SMALL, force: true })).toMatchObject({ outcome: 'indexed' });
  });

  it('publishes version 1 indexes that refer to the image, and recognizes them in the next run', async () => {
    const { store, image } = await storeWithImage();
    const result = await indexImage({ store, reference: 'v1' }, { store }, { ...SMALL, version: 1 });
    expect(result).toMatchObject({ outcome: 'indexed', version: 1, image, indexes: [{}] });
    expect(result).not.toHaveProperty('root');
    const referrers = [];
    for await (const referrer of store.referrers(image)) referrers.push(referrer.digest);
    expect(referrers).toEqual('indexes' in result ? result.indexes.map(({ digest }) => digest) : []);
    const again = await indexImage({ store, reference: image.digest }, { store }, { ...SMALL, version: 1 });
    expect(again).toMatchObject({ outcome: 'already-indexed', version: 1 });
  });

  it('reports its steps in order', async () => {
    const { store } = await storeWithImage();
    const types: PublishProgress['type'][] = [];
    const onProgress = ({ type }: PublishProgress) => void (types.at(-1) === type || types.push(type));
    const options = { ...SMALL, proof: 'read-back', onProgress } as const;
    const result = await indexImage({ store, reference: 'v1' }, { store, tag: 'v1-soci' }, options);
    expect(result).toMatchObject({ outcome: 'indexed', proof: { filesRead: 2 } });
    const steps = types.filter((type) => !/^layer|-progress$/.test(type));
    expect(steps).toEqual(['resolved', 'planned', 'proving', 'pushing']);
  });

  it('writes nothing if no layer can be indexed', async () => {
    const { store } = await storeWithImage();
    const index = await putIndex(store, []);
    const none = await putImage(store, AMD64, []);
    const run = (reference: string) => indexImage({ store, reference }, { store, tag: 'x' }, { minLayerSize: 9999 });
    expect(await run('v1')).toMatchObject({
      outcome: 'nothing-to-index',
      reason: 'layers-too-small',
      message: 'none of its 2 layers is indexed: 2 smaller than 9999 bytes',
    });
    expect(await run(index.digest)).toMatchObject({ outcome: 'nothing-to-index', reason: 'no-platform' });
    expect(await run(none.digest)).toMatchObject({ outcome: 'nothing-to-index', reason: 'no-layers' });
    await expect(store.resolve('x')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('indexImage with several tags', () => {
  const [source, target] = [{ reference: 'v1' }, { tag: 'v1-soci', otherTags: ['latest-soci', 'v1-soci', ''] }];

  it.each([1, 2] as const)(
    'writes each once, and recognizes the result by all of them: version %s',
    async (version) => {
      const { store } = await storeWithImage();
      const to = new MemoryStore();
      const run = () => indexImage({ store, ...source }, { store: to, ...target }, { ...SMALL, version });
      expect(await run()).toMatchObject({ outcome: 'indexed', tag: 'v1-soci' });
      expect((await to.resolve('latest-soci')).digest).toBe((await to.resolve('v1-soci')).digest);
      expect(await run()).toMatchObject({ outcome: 'already-indexed' });
    },
  );

  it('adds a tag that is missing, and moves one that names an earlier result', async () => {
    const { store } = await storeWithImage();
    const run = (tag: string, ...otherTags: string[]) =>
      indexImage({ store, ...source }, { store, tag, otherTags }, SMALL);
    const first = await run('v1-soci');
    await indexImage({ store, ...source }, { store, tag: 'old' }, { ...SMALL, spanSize: 1024 });
    expect(await run('v1-soci', 'new', 'old')).toMatchObject({ outcome: 'indexed' });
    const { digest } = ('root' in first && first.root) as Descriptor;
    for (const tag of ['v1-soci', 'new', 'old']) expect((await store.resolve(tag)).digest).toBe(digest);
  });

  it('writes none of them if one is taken or too long', async () => {
    const { store } = await storeWithImage();
    const other = await storeWithImage('other');
    const to = new MemoryStore();
    await indexImage({ store: other.store, reference: 'v1' }, { store: to, tag: 'taken' }, { ...SMALL, version: 1 });
    const result = await indexImage({ store, ...source }, { store: to, tag: 'a', otherTags: ['taken'] }, SMALL);
    expect(result).toMatchObject({ outcome: 'refused', reason: 'tag-taken', message: /^the tag taken names/ });
    await expect(to.resolve('a')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('lists the result in a layout with each of them', async () => {
    const { store } = await storeWithImage();
    const draft = await createLayout(join(folder, 'tags'));
    await indexImage({ store, ...source }, { store: draft, ...target }, SMALL);
    await draft.commit();
    const layout = await openLayout(join(folder, 'tags'));
    expect((await layout.resolve('v1-soci')).digest).toBe((await layout.resolve('latest-soci')).digest);
    expect(await layout.roots()).toHaveLength(2);
  });
});

describe('a tag of the source image', () => {
  it('is overwritten with overwriteSource, which overwrites no other image', async () => {
    const { store, image } = await storeWithImage();
    const other = await putImage(store, AMD64, [await putLayer(store, 'other', 4000)]);
    await store.tag(other, 'other');
    const source = { store, reference: 'v1' };
    const run = (tag: string, options: IndexImageOptions) =>
      indexImage(source, { store, tag }, { ...SMALL, ...options });
    expect(await run('v1', {})).toMatchObject({ outcome: 'refused', reason: 'tag-taken' });
    expect(await run('other', { overwriteSource: true })).toMatchObject({ outcome: 'refused' });
    expect((await store.resolve('v1')).digest).toBe(image.digest);
    const result = await run('v1', { overwriteSource: true });
    expect(result).toMatchObject({ outcome: 'indexed' });
    expect(await store.resolve('v1')).toMatchObject({ digest: 'root' in result ? result.root?.digest : '' });
    expect(await run('v1', { overwriteSource: true, reindex: true })).toMatchObject({ outcome: 'already-indexed' });
  });
});

describe('a reused zTOC', () => {
  it('is built again from its layer if the verification fails', async () => {
    const { store, image } = await storeWithImage();
    const first = await buildSociIndex(store, image, SMALL);
    if (first.outcome !== 'indexed') throw new Error(first.reason);
    /** Returns a well-formed zTOC with wrong span digests for each layer. */
    const reuse: ZtocSource = {
      async find({ digest }) {
        const layer = first.layers.find((each) => each.digest === digest);
        const of = layer?.outcome === 'indexed' ? layer.ztoc.digest : undefined;
        const { content = new Uint8Array() } = first.artifacts.find(({ descriptor }) => descriptor.digest === of) ?? {};
        const ztoc = decodeZtoc(content);
        return encodeZtoc({ ...ztoc, spanDigests: ztoc.spanDigests.map(() => `sha256:${'0'.repeat(64)}`) });
      },
    };
    const events: PublishProgress[] = [];
    const result = await indexImage(
      { store, reference: 'v1' },
      { store, tag: 'v1-soci' },
      { ...SMALL, reuse, proof: { spans: 4 }, onProgress: (event) => void events.push(event) },
    );
    if (result.outcome !== 'indexed') throw new Error(result.message);
    expect(events.filter(({ type }) => type === 'rebuilding')).toMatchObject([
      { problem: { code: 'span-digest-mismatch' } },
    ]);
    const indexed = result.layers.filter((layer) => layer.outcome === 'indexed');
    expect(indexed.map(({ origin }) => origin)).toEqual(['built', 'built']);
    expect((await verifySociIndex(store, result.root as Descriptor)).outcome).toBe('valid');
  });
});

describe('options of indexImage', () => {
  it.each([{ concurrency: 0 }, { version: 3 as never }, { spanSize: 0 }, { proof: { spans: -1 } }])(
    'are validated: %j',
    async (options) => {
      const { store } = await storeWithImage();
      const indexing = indexImage({ store, reference: 'v1' }, { store, tag: 'x' }, { ...SMALL, ...options });
      await expect(indexing).rejects.toMatchObject({ code: 'OPTION_INVALID' });
    },
  );

  it('include a signal whose abort reason is thrown', async () => {
    const { store } = await storeWithImage();
    const reason = new Error('enough');
    const abort = new AbortController();
    const onProgress = ({ type }: PublishProgress) => type === 'layer-started' && abort.abort(reason);
    const options = { ...SMALL, signal: abort.signal, onProgress };
    const indexing = indexImage({ store, reference: 'v1' }, { store, tag: 'x' }, options as IndexImageOptions);
    await expect(indexing).rejects.toBe(reason);
    await expect(store.resolve('x')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('indexImage from one store to another', () => {
  it.each([1, 2] as const)('copies the image with its index of version %s', async (version) => {
    const { store, image } = await storeWithImage();
    const to = new MemoryStore();
    const target = { store: to, tag: 'copy' };
    const result = await indexImage({ store, reference: 'v1' }, target, { ...SMALL, version });
    if (result.outcome !== 'indexed') throw new Error(result.message);
    const named = await to.resolve('copy');
    expect(named.digest).toBe(version === 2 ? result.root?.digest : image.digest);
    for (const root of version === 2 ? [named] : result.indexes)
      expect((await verifySociIndex(to, root)).outcome).toBe('valid');
    const again = await indexImage({ store, reference: 'v1' }, target, { ...SMALL, version });
    expect(again).toMatchObject({ outcome: 'already-indexed' });
  });

  it('writes to a layout, which lists untagged results', async () => {
    const { store } = await storeWithImage();
    for (const version of [1, 2] as const) {
      const path = join(folder, `layout-${version}`);
      const draft = await createLayout(path);
      const result = await indexImage({ store, reference: 'v1' }, { store: draft }, { ...SMALL, version });
      if (result.outcome !== 'indexed') throw new Error(result.message);
      await draft.commit();
      const layout = await openLayout(path);
      const { image, root, indexes } = result;
      expect((await layout.roots()).map(({ digest }) => digest)).toEqual(
        (root ? [root] : [image, ...indexes]).map(({ digest }) => digest),
      );
      for (const each of root ? [root] : indexes) expect((await verifySociIndex(layout, each)).outcome).toBe('valid');
      // A draft of the same layout adds an index and keeps the image.
      const again = await createLayout(path);
      const { digest } = root ?? image;
      const target = { store: again, holdsImage: true };
      const added = await indexImage({ store: layout, reference: digest }, target, {
        ...SMALL,
        version,
        force: true,
        spanSize: 1024,
      });
      expect(added.outcome).toBe('indexed');
      await again.commit();
      expect(await layout.roots()).toHaveLength(version === 1 ? 3 : 2);
    }
  });
});
