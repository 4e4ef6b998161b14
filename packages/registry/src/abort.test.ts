import { getEventListeners } from 'node:events';
import { type CallOptions, MEDIA_TYPE_OCI_IMAGE_INDEX, MEDIA_TYPE_OCI_LAYER_GZIP } from '@soci/oci';
import { collect, contentOf, noise, smallImage, streamOf } from '@soci/test-content';
import { expect, test } from 'vitest';
import { openTestRepository, pushBlobs } from './fixtures/opened-repository.ts';
import type { Repository } from './repository.ts';

const blob = contentOf(MEDIA_TYPE_OCI_LAYER_GZIP, noise(20_000_000));
const small = contentOf(MEDIA_TYPE_OCI_LAYER_GZIP, 'a small blob');
const image = smallImage();
const referrer = contentOf(MEDIA_TYPE_OCI_IMAGE_INDEX, {
  schemaVersion: 2,
  manifests: [],
  subject: image.manifest.descriptor,
});

/** Maximum number of requests of an operation. Each run aborts it after one more request, until it completes first. */
const MAX_REQUESTS = 20;

test.each<[string, (repository: Repository, call: CallOptions) => Promise<unknown>]>([
  ['resolving', (repository, call) => repository.resolve('v1', call)],
  ['reading a blob', (repository, call) => collect(repository.fetch(blob.descriptor, call))],
  ['reading a range', (repository, call) => repository.fetchRange(blob.descriptor, { offset: 1, length: 9e6 }, call)],
  ['pushing bytes', (repository, call) => repository.push(small.descriptor, small.bytes, call)],
  ['pushing a stream', (repository, call) => repository.push(blob.descriptor, streamOf(blob.bytes), call)],
  ['tagging', (repository, call) => repository.tag(image.manifest.descriptor, 'v2', call)],
  ['pushing a referrer', (repository, call) => repository.pushManifest(referrer.descriptor, referrer.bytes, call)],
  ['listing tags', (repository, call) => collect(repository.tags(call))],
  [
    'listing referrers',
    (repository, call) => collect(repository.referrers(image.manifest.descriptor, undefined, call)),
  ],
])('%s rejects with the reason of its signal at any request, and removes its listeners', async (name, operate) => {
  const { server, repository, reopen } = await openTestRepository({
    redirects: true,
    referrers: false,
    auth: { username: 'name', password: 'word' },
  });
  await pushBlobs(repository, image);
  await repository.pushManifest(image.manifest.descriptor, image.manifest.bytes, { tag: 'v1' });
  if (!name.includes('stream')) await server.putBlob('team/app', blob.bytes);
  let ended = 0;
  for (let last = 1; last <= MAX_REQUESTS; last += 1) {
    const controller = new AbortController();
    const reason = new Error('aborted');
    let requests = 0;
    const onRequest = () => {
      requests += 1;
      if (requests === last) controller.abort(reason);
    };
    const outcome = await operate(reopen({ onRequest }), { signal: controller.signal }).catch(
      (error: unknown) => error,
    );
    if (controller.signal.aborted && outcome === reason) ended += 1;
    else expect(outcome).not.toBeInstanceOf(Error);
    await expect.poll(() => getEventListeners(controller.signal, 'abort')).toEqual([]);
    if (requests < last) break;
  }
  expect(ended).toBeGreaterThan(0);
});
