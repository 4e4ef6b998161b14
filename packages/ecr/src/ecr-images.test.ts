import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openEcrImages } from './ecr-images.ts';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'aws-s3cret' };

let registry: TestRegistry;
beforeEach(async () => {
  registry = await startTestRegistry({ auth: 'ecr', ecr: true, autoCreate: true });
});
afterEach(() => registry.stop());

const open = () =>
  openEcrImages({
    registry: { account: '123456789012', region: 'us-east-1' },
    credentials: KEYS,
    endpoint: registry.awsEndpoint,
  });

/** Stores an image index that differs by its annotation. */
const put = (tag: string, name: string) =>
  registry.putManifest(
    'app',
    tag,
    INDEX,
    Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [], annotations: { name } })),
  );

async function tags(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { tag, digest } of open().listTags('app')) found[tag] = digest;
  return found;
}

it('lists tags with their digests, from all pages', async () => {
  const digests = Array.from({ length: 1005 }, (_, i) => put(`v${i}`, `${i % 3}`));
  const found = await tags();
  expect(Object.keys(found)).toHaveLength(1005);
  expect([found.v0, found.v1004]).toEqual([digests[0], digests[1004]]);
});

it('deletes a single tag, and an image with all its tags', async () => {
  const [one, two] = [put('v1', 'one'), put('v2', 'two')];
  put('latest', 'one');
  expect(await open().delete('app', [{ tag: 'v1' }])).toEqual([]);
  expect(await tags()).toEqual({ latest: one, v2: two });
  expect(await open().delete('app', [{ digest: one }])).toEqual([]);
  expect(await tags()).toEqual({ v2: two });
});

it('returns the images that were not deleted, across several calls', async () => {
  const missing = Array.from({ length: 150 }, (_, i) => ({ tag: `missing-${i}` }));
  put('v1', 'one');
  registry.clearRequests();
  const failures = await open().delete('app', missing);
  expect(failures).toHaveLength(150);
  expect(failures[149]).toMatchObject({ tag: 'missing-149', code: 'ImageNotFound' });
  expect(registry.requests).toHaveLength(2);
});

it('distinguishes a missing repository from denied access', async () => {
  await expect(open().delete('other', [{ tag: 'v1' }])).rejects.toMatchObject({ name: 'OciError', code: 'NOT_FOUND' });
  const aborted = AbortSignal.abort(new Error('aborted'));
  await expect(open().delete('app', [{ tag: 'v1' }], { signal: aborted })).rejects.toThrow('aborted');
  registry.inject({
    on: { port: 'aws' },
    fault: { kind: 'status', status: 400, body: '{"__type":"AccessDeniedException","message":"no"}' },
  });
  await expect(open().delete('app', [{ tag: 'v1' }])).rejects.toMatchObject({
    code: 'ACCESS_DENIED',
    message: expect.stringContaining('allow it on app'),
  });
});

it('tells an archived image from an active and a missing one', async () => {
  const [active, archived] = [put('v1', 'one'), put('v2', 'two')];
  registry.archive('app', 'v2');
  expect(await open().isArchived('app', { digest: active })).toBe(false);
  expect(await open().isArchived('app', { digest: archived })).toBe(true);
  expect(await open().isArchived('app', { tag: 'v2' })).toBe(true);
  expect(await open().isArchived('app', { tag: 'v3' })).toBe(false);
  registry.denyAccess('app');
  await expect(open().isArchived('app', { digest: archived })).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
});
