import { describeContent, drain, toBytes } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { afterAll, describe, expect, test } from 'vitest';
import type { ArchiveStore } from './archive/archive-store.ts';
import { openArchive } from './archive/archive-store.ts';
import { writeArchive } from './archive/archive-writer.ts';
import type { Fetcher, Prober, Pusher, RangeFetcher, ReferrerLister, Resolver, Tagger } from './content.ts';
import { copyImage } from './copy.ts';
import { makeImage } from './fixtures/image.ts';
import { createLayout, type LayoutDraft } from './layout/layout-draft.ts';
import { type LayoutStore, openLayout } from './layout/layout-store.ts';
import type { MemoryStore } from './memory-store.ts';
import type { OverlayStore } from './overlay.ts';

type Readable = Fetcher & RangeFetcher & Prober & Resolver & ReferrerLister;
type Writable = Pusher & Tagger;

// Type tests: this file does not compile if a store no longer satisfies its interfaces.
null as unknown as MemoryStore satisfies Readable & Writable;
null as unknown as LayoutStore satisfies Readable & Writable;
null as unknown as ArchiveStore satisfies Readable;
null as unknown as LayoutDraft satisfies Fetcher & RangeFetcher & Prober & Writable;
null as unknown as OverlayStore satisfies Fetcher & RangeFetcher & Prober & Pusher;

const temp = temporaryFolder();

const stores: readonly (readonly [string, () => Promise<Readable>])[] = [
  ['MemoryStore', async () => (await makeImage()).store],
  ['LayoutStore', makeLayout],
  ['ArchiveStore', makeArchive],
];

describe.each(stores)('%s implements the interfaces', (_, open) => {
  test('content can be fetched, read in ranges and resolved', async () => {
    const store = await open();
    const { root } = await makeImage();
    const bytes = await drain(store.fetch(root));
    expect(describeContent(root.mediaType, bytes)).toEqual(root);
    const part = await store.fetchRange(root, { offset: 2, length: 5 });
    expect(Buffer.from(part)).toEqual(bytes.subarray(2, 7));
    expect(await store.resolve(root.digest)).toMatchObject(root);
    expect(await store.exists(root)).toBe(true);
  });

  test('missing content is NOT_FOUND', async () => {
    const store = await open();
    const missing = describeContent('application/x', toBytes('missing'));
    const error = { code: 'NOT_FOUND' };
    await expect(drain(store.fetch(missing))).rejects.toMatchObject(error);
    await expect(store.fetchRange(missing, { offset: 0, length: 1 })).rejects.toMatchObject(error);
    await expect(store.resolve('missing')).rejects.toMatchObject(error);
    expect(await store.exists(missing)).toBe(false);
  });

  test('a range past the end is RANGE_INVALID', async () => {
    const store = await open();
    const { root } = await makeImage();
    const past = { offset: root.size, length: 1 };
    await expect(store.fetchRange(root, past)).rejects.toMatchObject({ code: 'RANGE_INVALID' });
  });

  test('every call throws the reason of an aborted signal', async () => {
    const store = await open();
    const { root } = await makeImage();
    const reason = new Error('stopped');
    const options = { signal: AbortSignal.abort(reason) };
    await expect(drain(store.fetch(root, options))).rejects.toBe(reason);
    await expect(store.fetchRange(root, { offset: 0, length: 1 }, options)).rejects.toBe(reason);
    await expect(store.exists(root, options)).rejects.toBe(reason);
    await expect(store.resolve(root.digest, options)).rejects.toBe(reason);
  });
});

async function makeLayout(): Promise<LayoutStore> {
  const { store, root } = await makeImage();
  const folder = `${temp}/layout`;
  const draft = await createLayout(folder);
  await copyImage(store, draft, root);
  await draft.tag(root, 'v1');
  await draft.commit();
  return openLayout(folder);
}

async function makeArchive(): Promise<ArchiveStore> {
  const { store, root } = await makeImage();
  await writeArchive(`${temp}/image.tar`, store, [{ target: root, reference: 'v1' }]);
  const archive = await openArchive(`${temp}/image.tar`);
  afterAll(() => archive.close());
  return archive;
}
