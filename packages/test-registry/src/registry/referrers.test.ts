import { MEDIA_TYPE_OCI_IMAGE_INDEX, MEDIA_TYPE_OCI_IMAGE_MANIFEST } from '@soci/oci';
import { expect, test } from 'vitest';
import { type SeededImage, seedImage } from '../fixtures/image.ts';
import { startForTest } from '../fixtures/running.ts';
import { refusalOf } from '../fixtures/upload.ts';
import type { TestRegistry } from '../test-registry.ts';

interface Listing {
  readonly manifests: readonly { readonly digest: string; readonly artifactType?: string }[];
}

async function seedAbout(registry: TestRegistry, image: SeededImage, artifactType: string): Promise<SeededImage> {
  const subject = { mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, digest: image.digest, size: image.manifest.length };
  const annotations = { about: artifactType };
  return seedImage(registry, 'app', undefined, 'signature', { subject, artifactType, annotations });
}

const list = (registry: TestRegistry, digest: string, query = '') =>
  fetch(`${registry.url}/v2/app/referrers/${digest}${query}`);

test('manifests about another are listed, with artifact type and annotations', async () => {
  const registry = await startForTest();
  const image = await seedImage(registry, 'app', 'v1');
  const about = await seedAbout(registry, image, 'text/a');
  const answer = await list(registry, image.digest);
  expect(answer.headers.get('content-type')).toBe(MEDIA_TYPE_OCI_IMAGE_INDEX);
  expect(answer.headers.get('oci-filters-applied')).toBeNull();
  expect(await answer.json()).toEqual({
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX,
    manifests: [
      {
        mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST,
        digest: about.digest,
        size: about.manifest.length,
        artifactType: 'text/a',
        annotations: { about: 'text/a' },
      },
    ],
  });
});

test('by artifact type, which the answer confirms', async () => {
  const registry = await startForTest();
  const image = await seedImage(registry, 'app', 'v1');
  await seedAbout(registry, image, 'text/a');
  const about = await seedAbout(registry, image, 'text/b');
  const answer = await list(registry, image.digest, '?artifactType=text%2Fb');
  expect(answer.headers.get('oci-filters-applied')).toBe('artifactType');
  expect(((await answer.json()) as Listing).manifests.map(({ digest }) => digest)).toEqual([about.digest]);
});

test('a page at a time, the filter kept', async () => {
  const registry = await startForTest({ pageSize: 1 });
  const image = await seedImage(registry, 'app', 'v1');
  const first = await seedAbout(registry, image, 'text/a');
  const second = await seedImage(registry, 'app', undefined, 'more', {
    subject: { mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, digest: image.digest, size: image.manifest.length },
    artifactType: 'text/a',
  });
  await seedAbout(registry, image, 'text/b');
  const found: (string | undefined)[] = [];
  let next: string | undefined = `/v2/app/referrers/${image.digest}?artifactType=text%2Fa`;
  while (next !== undefined) {
    const answer: Response = await fetch(`${registry.url}${next}`);
    found.push(...((await answer.json()) as Listing).manifests.map(({ digest }) => digest));
    next = /^<(.+)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1];
  }
  expect(found).toEqual([first.digest, second.digest]);
});

test('what nobody is about has an empty list, in a repository that is not there too', async () => {
  const registry = await startForTest();
  const image = await seedImage(registry, 'other', 'v1');
  const answer = await list(registry, image.digest);
  expect([answer.status, ((await answer.json()) as Listing).manifests]).toEqual([200, []]);
});

test('the list forgets what was deleted', async () => {
  const registry = await startForTest();
  const image = await seedImage(registry, 'app', 'v1');
  const about = await seedAbout(registry, image, 'text/a');
  await fetch(`${registry.url}/v2/app/manifests/${about.digest}`, { method: 'DELETE' });
  expect(((await (await list(registry, image.digest)).json()) as Listing).manifests).toEqual([]);
});

test('switched off, it is not there', async () => {
  const registry = await startForTest({ referrers: false });
  const image = await seedImage(registry, 'app', 'v1');
  expect((await refusalOf(await list(registry, image.digest)))[0]).toBe(404);
});

test('it is asked by digest', async () => {
  const registry = await startForTest();
  expect(await refusalOf(await list(registry, 'v1'))).toEqual([400, 'DIGEST_INVALID']);
});
