import {
  type Fetcher,
  type Mounter,
  type Prober,
  type Pusher,
  type RangeFetcher,
  type ReferrerLister,
  type Resolver,
  readVerified,
  type Tagger,
  type TagLister,
} from '@soci/oci';
import { collect, smallImage } from '@soci/test-content';
import { expect, test } from 'vitest';
import { openTestRepository, pushBlobs, requestLines } from './fixtures/opened-repository.ts';
import type { Repository } from './repository.ts';

// Fails to compile if Repository no longer satisfies the interfaces of @soci/oci.
null as unknown as Repository satisfies Fetcher &
  RangeFetcher &
  Pusher &
  Prober &
  Resolver &
  Tagger &
  TagLister &
  ReferrerLister &
  Mounter;

test('pushes, tags, resolves and reads an image', async () => {
  const { repository, reopen, server } = await openTestRepository();
  const image = smallImage();
  const { descriptor, bytes } = await pushBlobs(repository, image);
  await repository.push(descriptor, bytes);
  await repository.tag(descriptor, 'v1');

  const reader = reopen();
  expect(await reader.resolve('v1')).toEqual(descriptor);
  expect(await reader.resolve(descriptor.digest)).toEqual(descriptor);
  expect(await readVerified(reader, descriptor)).toEqual(new Uint8Array(bytes));
  for (const blob of image.blobs) {
    expect(await readVerified(reader, blob.descriptor)).toEqual(new Uint8Array(blob.bytes));
    expect(await reader.fetchRange(blob.descriptor, { offset: 1, length: 3 })).toEqual(blob.bytes.slice(1, 4));
  }
  expect(await collect(reader.tags())).toEqual(['v1']);
  expect(server.tags('team/app')).toEqual(['v1']);
});

test('resolves a tag and reads its manifest in one request', async () => {
  const { repository, reopen, server } = await openTestRepository();
  const { descriptor, bytes } = await pushBlobs(repository);
  await repository.pushManifest(descriptor, bytes, { tag: 'v1' });

  const reader = reopen();
  server.clearRequests();
  await readVerified(reader, await reader.resolve('v1'));
  expect(requestLines(server)).toEqual(['GET /v2/team/app/manifests/v1 200']);
});
