import { MemoryStore } from '@soci/oci/memory';
import { put, putImage, putLayer } from '@soci/test-content';
import { expect, it } from 'vitest';
import { buildSociIndex } from '../convert/build-index.ts';
import { convertImage } from '../convert/convert-image.ts';
import { openGolden } from '../fixtures/golden.ts';
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
