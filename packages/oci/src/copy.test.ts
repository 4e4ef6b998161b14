import { expect, test } from 'vitest';
import { type CopyProgress, copyImage } from './copy.ts';
import type { Descriptor } from './descriptor.ts';
import { bytesOf, describe as describeContent, jsonBytes, makeImage, put } from './fixtures/image.ts';
import { OCI_EMPTY, OCI_IMAGE_MANIFEST, OCI_LAYER_GZIP } from './media-types.ts';
import { MemoryStore } from './memory/memory-store.ts';
import { OverlayStore } from './overlay.ts';

test('copies everything, leaves first', async () => {
  const { store, root } = await makeImage();
  const target = new MemoryStore();
  const seen: CopyProgress[] = [];
  const result = await copyImage(store, target, root, { onProgress: (progress) => seen.push(progress) });
  expect(result).toEqual({
    copied: 8,
    bytes: seen.reduce((sum, { descriptor }) => sum + descriptor.size, 0),
    present: 0,
  });
  expect(seen.at(-1)).toEqual({ descriptor: root, outcome: 'copied' });
  expect(await target.resolve(root.digest)).toEqual(root);
});

test('skips what the target has', async () => {
  const { store, root, manifests } = await makeImage();
  const target = new MemoryStore();
  await copyImage(store, target, manifests[0] as Descriptor);
  expect(await copyImage(store, target, root)).toMatchObject({ copied: 4, present: 4 });
  expect(await copyImage(store, target, root)).toMatchObject({ copied: 0, bytes: 0, present: 8 });
});

test('a layer that the source does not hold fails the copy before its manifest is written', async () => {
  const { store, root, missing } = await imageWithout(OCI_LAYER_GZIP);
  const target = new MemoryStore();
  await expect(copyImage(store, target, root)).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining(missing.digest),
  });
  expect(await target.exists(root)).toBe(false);
});

test('a non-distributable layer may be elsewhere', async () => {
  const { store, root, missing } = await imageWithout('application/vnd.oci.image.layer.nondistributable.v1.tar+gzip');
  const seen: CopyProgress[] = [];
  await copyImage(store, new MemoryStore(), root, { onProgress: (progress) => seen.push(progress) });
  expect(seen).toContainEqual({ descriptor: missing, outcome: 'elsewhere' });
});

test('an overlay is read as one store and written only above', async () => {
  const { store: lower, root } = await makeImage();
  const upper = new MemoryStore();
  const overlay = new OverlayStore(upper, lower);
  const extra = bytesOf('made on top');
  const added = describeContent('application/octet-stream', extra);
  await overlay.push(added, extra);
  await overlay.push(root, bytesOf('ignored: it is there already'));

  expect([await upper.exists(added), await lower.exists(added)]).toEqual([true, false]);
  expect([await upper.exists(root), await overlay.exists(root)]).toEqual([false, true]);
  expect(await overlay.fetchRange(added, { offset: 8, length: 3 })).toEqual(bytesOf('top'));
  expect(await overlay.fetchRange(root, { offset: 0, length: 2 })).toEqual(bytesOf('{"'));
  const target = new MemoryStore();
  await copyImage(overlay, target, added);
  expect(await copyImage(overlay, target, root)).toMatchObject({ copied: 8 });
});

/** An image whose only layer, of this type, is not in the store. */
async function imageWithout(mediaType: string) {
  const store = new MemoryStore();
  const config = await put(store, OCI_EMPTY, bytesOf('{}'));
  const missing = describeContent(mediaType, bytesOf('not there'));
  const manifest = { schemaVersion: 2, mediaType: OCI_IMAGE_MANIFEST, config, layers: [missing] };
  return { store, missing, root: await put(store, OCI_IMAGE_MANIFEST, jsonBytes(manifest)) };
}
