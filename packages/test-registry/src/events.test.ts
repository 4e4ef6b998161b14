import { digestOf, MEDIA_TYPE_OCI_IMAGE_INDEX, MEDIA_TYPE_OCI_IMAGE_MANIFEST } from '@soci/oci';
import { expect, test } from 'vitest';
import type { EcrImageActionEvent } from './events.ts';
import { makeManifest, pushManifest, putIndex, seedImage } from './fixtures/image.ts';
import { startForTest } from './fixtures/start-for-test.ts';

test('a push raises the event that EventBridge receives', async () => {
  const registry = await startForTest({ account: '111122223333', region: 'eu-central-1' });
  const image = await seedImage(registry, 'team/app', 'v1');
  expect(registry.events).toEqual([
    {
      version: '0',
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-/),
      'detail-type': 'ECR Image Action',
      source: 'aws.ecr',
      account: '111122223333',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      region: 'eu-central-1',
      resources: [],
      detail: {
        result: 'SUCCESS',
        'repository-name': 'team/app',
        'image-digest': image.digest,
        'action-type': 'PUSH',
        'image-tag': 'v1',
        'manifest-media-type': MEDIA_TYPE_OCI_IMAGE_MANIFEST,
        'artifact-media-type': 'application/vnd.oci.image.config.v1+json',
      },
    },
  ]);
});

test('a multi-platform image raises an event per child, then one for the index without an artifact type', async () => {
  const registry = await startForTest();
  const received: EcrImageActionEvent[] = [];
  const end = registry.onEvent((event) => received.push(event));
  const images = [
    await seedImage(registry, 'app', undefined, 'amd64'),
    await seedImage(registry, 'app', undefined, 'arm64'),
  ];
  const index = await putIndex(registry, 'app', 'v1', images);
  end();
  await seedImage(registry, 'app', 'later', 'later');
  expect(received.map(({ detail }) => [detail['image-digest'], detail['image-tag']])).toEqual([
    [images[0]?.digest, ''],
    [images[1]?.digest, ''],
    [index, 'v1'],
  ]);
  expect(received[2]?.detail['manifest-media-type']).toBe(MEDIA_TYPE_OCI_IMAGE_INDEX);
  expect(received[2]?.detail).not.toHaveProperty('artifact-media-type');
});

test('the artifact type is the media type of the config', async () => {
  const registry = await startForTest();
  await seedImage(registry, 'app', 'v1');
  const type = 'application/vnd.amazon.soci.index.v2+json';
  const manifest = Buffer.from(
    makeManifest(Buffer.from('{}'), []).toString().replace('application/vnd.oci.image.config.v1+json', type),
  );
  await pushManifest(registry, 'app', digestOf(manifest), manifest);
  expect(registry.events.at(-1)?.detail).toMatchObject({ 'image-tag': '', 'artifact-media-type': type });
});

test('moving a tag raises an event, repeating a push does not', async () => {
  const registry = await startForTest();
  const { manifest } = await seedImage(registry, 'app', 'v1');
  await pushManifest(registry, 'app', 'v1', manifest);
  await pushManifest(registry, 'app', 'v2', manifest);
  await seedImage(registry, 'app', 'v2', 'another');
  expect(registry.events.map(({ detail }) => detail['image-tag'])).toEqual(['v1', 'v2', 'v2']);
});

test('deleting a manifest raises an event per tag', async () => {
  const registry = await startForTest();
  const { manifest, digest } = await seedImage(registry, 'app', 'v1');
  await pushManifest(registry, 'app', 'v2', manifest);
  await fetch(`${registry.url}/v2/app/manifests/${digest}`, { method: 'DELETE' });
  expect(registry.events.slice(2).map(({ detail }) => [detail['action-type'], detail['image-tag']])).toEqual([
    ['DELETE', 'v1'],
    ['DELETE', 'v2'],
  ]);
});
