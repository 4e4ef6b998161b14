import { createHash } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import type { TestRegistryOptions } from './options.ts';
import { startTestRegistry } from './start-test-registry.ts';
import type { TestRegistry } from './test-registry.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const running: TestRegistry[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((registry) => registry.stop()));
});

async function start(options?: TestRegistryOptions): Promise<TestRegistry> {
  const registry = await startTestRegistry(options);
  running.push(registry);
  return registry;
}

const sha256 = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

async function pushBlob(registry: TestRegistry, name: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const begun = await fetch(`${registry.url}/v2/${name}/blobs/uploads/`, { method: 'POST' });
  expect(begun.status).toBe(202);
  const location = new URL(begun.headers.get('location') as string, registry.url);
  const digest = sha256(bytes);
  location.searchParams.set('digest', digest);
  const done = await fetch(location, { method: 'PUT', body: bytes });
  expect(done.status).toBe(201);
  return digest;
}

test('an image that was pushed is pulled again', async () => {
  const registry = await start();
  const layer = Buffer.alloc(3_000_000, 7);
  const config = Buffer.from('{}');
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        digest: await pushBlob(registry, 'a/b', config),
        size: 2,
      },
      layers: [
        {
          mediaType: 'application/vnd.oci.image.layer.v1.tar',
          digest: await pushBlob(registry, 'a/b', layer),
          size: layer.length,
        },
      ],
    }),
  );
  const put = await fetch(`${registry.url}/v2/a/b/manifests/v1`, {
    method: 'PUT',
    body: manifest,
    headers: { 'content-type': MANIFEST },
  });
  expect(await put.text()).toBe('');
  expect(put.status).toBe(201);
  const got = await fetch(`${registry.url}/v2/a/b/manifests/v1`);
  expect(Buffer.from(await got.arrayBuffer()).equals(manifest)).toBe(true);
  const blob = await fetch(`${registry.url}/v2/a/b/blobs/${sha256(layer)}`);
  expect(sha256(new Uint8Array(await blob.arrayBuffer()))).toBe(sha256(layer));
  const part = await fetch(`${registry.url}/v2/a/b/blobs/${sha256(layer)}`, { headers: { range: 'bytes=10-19' } });
  expect([part.status, part.headers.get('content-range'), (await part.arrayBuffer()).byteLength]).toEqual([
    206,
    'bytes 10-19/3000000',
    10,
  ]);
  expect(await (await fetch(`${registry.url}/v2/a/b/tags/list`)).json()).toEqual({ name: 'a/b', tags: ['v1'] });
  expect(registry.events.map(({ detail }) => detail['image-tag'])).toEqual(['v1']);
});

test('blobs are redirected to the storage, which takes no credentials', async () => {
  const registry = await start({ redirects: true, auth: 'ecr' });
  const digest = await registry.putBlob('a', Buffer.from('hello'));
  const { username, password } = registry.credentials;
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const url = `${registry.url}/v2/a/blobs/${digest}`;
  expect((await fetch(url)).status).toBe(401);
  const redirect = await fetch(url, { headers: { authorization }, redirect: 'manual' });
  expect(redirect.status).toBe(307);
  const location = redirect.headers.get('location') as string;
  expect(await (await fetch(location)).text()).toBe('hello');
  expect((await fetch(location, { headers: { authorization } })).status).toBe(400);
  registry.expireUrls();
  expect((await fetch(location)).status).toBe(403);
  registry.expireTokens();
  expect((await fetch(url, { headers: { authorization } })).status).toBe(401);
});

test('a fault happens when it is told to', async () => {
  const registry = await start();
  const digest = await registry.putBlob('a', Buffer.alloc(5_000_000));
  const fault = registry.inject({ after: 1, on: { path: '/blobs/' }, fault: { kind: 'reset', afterBytes: 1_500_000 } });
  const url = `${registry.url}/v2/a/blobs/${digest}`;
  expect((await (await fetch(url)).arrayBuffer()).byteLength).toBe(5_000_000);
  await expect(fetch(url).then((response) => response.arrayBuffer())).rejects.toThrow();
  expect((await (await fetch(url)).arrayBuffer()).byteLength).toBe(5_000_000);
  expect(fault.hits).toBe(1);
  expect(registry.requests.map(({ bytesOut }) => bytesOut)).toEqual([5_000_000, 1_500_000, 5_000_000]);
});
