import { MemoryStore } from '@soci/oci/memory';
import { put, putImage, putIndex, putLayer } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { buildSociIndex } from '../convert/build-index.ts';
import { convertImage } from '../convert/convert-image.ts';
import { openImageFilesystem } from '../filesystem/open-image-filesystem.ts';
import { openGolden } from '../fixtures/golden.ts';
import { CountingStore } from '../fixtures/observed-stores.ts';
import { verifySociIndex } from '../verify/verify-index.ts';
import { inspectImage } from './inspect-image.ts';

const AMD64 = { architecture: 'amd64', os: 'linux' };

it('lists the SOCI index of each manifest of a SOCI-enabled image', async () => {
  const { store, image } = await openGolden('attested');
  const result = await convertImage(store, image, { minLayerSize: 0, jobs: 1 });
  if (result.outcome !== 'indexed') throw new Error(result.reason);
  for (const { descriptor, content } of result.artifacts) await store.push(descriptor, content);

  const { isConverted, entries } = await inspectImage(store, result.root);

  expect(isConverted).toBe(true);
  expect(entries.map(({ kind }) => kind)).toEqual(['image', 'attestation', 'soci-index']);
  const [own, attestation, index] = entries;
  expect(attestation).toMatchObject({ manifest: own?.descriptor.digest });
  expect(index).toMatchObject({ manifest: own?.descriptor.digest, index: { version: 2 } });
  expect(own).toMatchObject({
    indexes: [{ descriptor: { digest: index?.descriptor.digest }, ztocs: [{ layerDigest: result.layers[0]?.digest }] }],
  });
});

it('finds v1 indexes if the store lists referrers', async () => {
  const store = new MemoryStore();
  const image = await putImage(store, AMD64, [await putLayer(store, 'a', 100)]);
  expect(await inspectImage(store, image)).toMatchObject({
    isConverted: false,
    entries: [{ kind: 'image', indexes: [] }],
  });
  const result = await buildSociIndex(store, image, { minLayerSize: 0 });
  if (result.outcome !== 'indexed') throw new Error(result.reason);
  for (const { descriptor, content } of result.artifacts) await store.push(descriptor, content);
  expect(await inspectImage(store, image)).toMatchObject({
    isConverted: false,
    entries: [{ kind: 'image', indexes: [{ version: 1, subject: image, ztocs: [{ spanSize: 1 << 22 }] }] }],
  });
});

it('lists artifacts and missing content', async () => {
  const store = new MemoryStore();
  const blob = await put(store, 'application/vnd.example', { a: 1 });
  const absent = {
    ...blob,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: `sha256:${'0'.repeat(64)}`,
  };
  const index = await put(store, 'application/vnd.oci.image.index.v1+json', {
    schemaVersion: 2,
    manifests: [blob, absent],
  });
  const { entries } = await inspectImage(store, index);
  expect(entries.map(({ kind }) => kind)).toEqual(['artifact', 'missing']);
});

describe('an image index with 9,000 manifests', () => {
  const many = <T>(make: (i: number) => T) => Array.from({ length: 9000 }, (_, i) => make(i));

  it('is read with one request for each manifest', async () => {
    const store = new CountingStore();
    const manifests = await Promise.all(
      many(async (i) => ({
        ...(await putImage(store, AMD64, [], { annotations: { i: String(i) } })),
        platform: AMD64,
      })),
    );
    const image = await putIndex(store, manifests);
    const { entries } = await inspectImage(store, image);
    expect(entries).toHaveLength(9000);
    expect([...store.fetches.values()]).toEqual(Array(9001).fill(1));
  });

  it('is rejected if it has more platforms than the limit, without reading a manifest', async () => {
    const store = new CountingStore();
    const manifest = await putImage(store, AMD64, []);
    const platform = (i: number) => ({ os: 'linux', architecture: `a${i}` });
    const image = await putIndex(
      store,
      many((i) => ({ ...manifest, platform: platform(i) })),
    );
    const error = { code: 'LIMIT_EXCEEDED', message: `image ${image.digest} has 9000 platforms, the limit is 128` };
    await expect(inspectImage(store, image)).rejects.toMatchObject(error);
    await expect(openImageFilesystem(store, image, { platform: platform(1) })).rejects.toMatchObject(error);
    await expect(verifySociIndex(store, image)).rejects.toMatchObject(error);
    expect(store.fetches.get(manifest.digest)).toBeUndefined();
    expect((await inspectImage(store, image, { limits: { maxPlatforms: 9000 } })).entries).toHaveLength(9000);
  });
});
