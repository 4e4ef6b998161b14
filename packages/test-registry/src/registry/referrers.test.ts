import { MEDIA_TYPE_OCI_IMAGE_INDEX, MEDIA_TYPE_OCI_IMAGE_MANIFEST } from '@soci/oci';
import { expect, test } from 'vitest';
import { type SeededImage, seedImage } from '../fixtures/image.ts';
import { startForTest } from '../fixtures/start-for-test.ts';
import { errorOf } from '../fixtures/upload.ts';
import type { TestRegistry } from '../test-registry.ts';

interface Listing {
  readonly manifests: readonly { readonly digest: string; readonly artifactType?: string }[];
}

async function seedReferrer(registry: TestRegistry, image: SeededImage, artifactType: string): Promise<SeededImage> {
  const subject = { mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, digest: image.digest, size: image.manifest.length };
  const annotations = { note: artifactType };
  return seedImage(registry, 'app', undefined, 'signature', { subject, artifactType, annotations });
}

const list = (registry: TestRegistry, digest: string, query = '') =>
  fetch(`${registry.url}/v2/app/referrers/${digest}${query}`);

test('lists referrers with artifact type and annotations', async () => {
  const registry = await startForTest();
  const image = await seedImage(registry, 'app', 'v1');
  const referrer = await seedReferrer(registry, image, 'text/a');
  const response = await list(registry, image.digest);
  expect(response.headers.get('content-type')).toBe(MEDIA_TYPE_OCI_IMAGE_INDEX);
  expect(response.headers.get('oci-filters-applied')).toBeNull();
  expect(await response.json()).toEqual({
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX,
    manifests: [
      {
        mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST,
        digest: referrer.digest,
        size: referrer.manifest.length,
        artifactType: 'text/a',
        annotations: { note: 'text/a' },
      },
    ],
  });
});

test('filters by artifact type and reports the filter', async () => {
  const registry = await startForTest();
  const image = await seedImage(registry, 'app', 'v1');
  await seedReferrer(registry, image, 'text/a');
  const referrer = await seedReferrer(registry, image, 'text/b');
  const response = await list(registry, image.digest, '?artifactType=text%2Fb');
  expect(response.headers.get('oci-filters-applied')).toBe('artifactType');
  expect(((await response.json()) as Listing).manifests.map(({ digest }) => digest)).toEqual([referrer.digest]);
});

test('lists pages that preserve the filter', async () => {
  const registry = await startForTest({ pageSize: 1 });
  const image = await seedImage(registry, 'app', 'v1');
  const first = await seedReferrer(registry, image, 'text/a');
  const second = await seedImage(registry, 'app', undefined, 'more', {
    subject: { mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, digest: image.digest, size: image.manifest.length },
    artifactType: 'text/a',
  });
  await seedReferrer(registry, image, 'text/b');
  const found: (string | undefined)[] = [];
  let next: string | undefined = `/v2/app/referrers/${image.digest}?artifactType=text%2Fa`;
  while (next !== undefined) {
    const response: Response = await fetch(`${registry.url}${next}`);
    found.push(...((await response.json()) as Listing).manifests.map(({ digest }) => digest));
    next = /^<(.+)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1];
  }
  expect(found).toEqual([first.digest, second.digest]);
});

test('returns an empty list without referrers, and for a missing repository', async () => {
  const registry = await startForTest();
  const image = await seedImage(registry, 'other', 'v1');
  const response = await list(registry, image.digest);
  expect([response.status, ((await response.json()) as Listing).manifests]).toEqual([200, []]);
});

test('does not list deleted referrers', async () => {
  const registry = await startForTest();
  const image = await seedImage(registry, 'app', 'v1');
  const referrer = await seedReferrer(registry, image, 'text/a');
  await fetch(`${registry.url}/v2/app/manifests/${referrer.digest}`, { method: 'DELETE' });
  expect(((await (await list(registry, image.digest)).json()) as Listing).manifests).toEqual([]);
});

test('responds with 404 if the API is disabled', async () => {
  const registry = await startForTest({ referrers: false });
  const image = await seedImage(registry, 'app', 'v1');
  expect((await errorOf(await list(registry, image.digest)))[0]).toBe(404);
});

test('rejects a reference that is not a digest', async () => {
  const registry = await startForTest();
  expect(await errorOf(await list(registry, 'v1'))).toEqual([400, 'DIGEST_INVALID']);
});
