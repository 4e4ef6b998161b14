import { get as getPlain } from 'node:http';
import { get } from 'node:https';
import { expect, test } from 'vitest';
import { makeServerIdentity } from './certificate.ts';
import { seedImage } from './fixtures/image.ts';
import { startForTest } from './fixtures/start-for-test.ts';
import { pushBlob } from './fixtures/upload.ts';
import { startTestRegistry } from './start-test-registry.ts';

/** Returns the status of a GET over TLS, or the error. */
function statusByTls(url: string, ca: string): Promise<number | string> {
  return new Promise((resolve) => {
    const request = get(url, { ca, agent: false }, (response) => resolve(response.resume().statusCode ?? 0));
    request.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
  });
}

test('several registries run at the same time with separate content', async () => {
  const [one, two] = [await startForTest(), await startForTest()];
  const digest = await pushBlob(one, 'app', Buffer.from('x'));
  expect(one.host).not.toBe(two.host);
  expect(one.url).toBe(`http://${one.host}`);
  expect(await one.blob('app', digest)).toEqual(Buffer.from('x'));
  expect(await two.blob('app', digest)).toBeUndefined();
});

test('answers as the proxy of a client, under any host', async () => {
  const registry = await startForTest();
  await seedImage(registry, 'app', 'v1');
  const { hostname, port } = new URL(registry.url);
  const path = 'http://registry.example/v2/app/tags/list?n=10';
  const status = await new Promise((resolve) => {
    getPlain({ hostname, port, path, agent: false }, (response) => resolve(response.resume().statusCode));
  });
  expect(status).toBe(200);
  expect(registry.requests.at(-1)).toMatchObject({ path: '/v2/app/tags/list', query: 'n=10' });
});

test('records requests until they are cleared', async () => {
  const registry = await startForTest();
  const { layer } = await seedImage(registry, 'app', 'v1');
  registry.clearRequests();
  await (await fetch(`${registry.url}/v2/app/blobs/${layer}?a=b`, { headers: { range: 'bytes=1-2' } })).text();
  expect(registry.requests).toEqual([
    {
      port: 'registry',
      method: 'GET',
      path: `/v2/app/blobs/${layer}`,
      query: 'a=b',
      status: 206,
      bytesIn: 0,
      bytesOut: 2,
      authorization: false,
      range: 'bytes=1-2',
    },
  ]);
});

test('serves the OCI API and the storage over TLS with a generated certificate', async () => {
  const registry = await startForTest({ tls: true, redirects: true });
  const ca = registry.ca as string;
  expect(registry.url).toMatch(/^https:/);
  expect(await statusByTls(`${registry.url}/v2/`, ca)).toBe(200);
  expect(await statusByTls(`${registry.url.replace('127.0.0.1', 'localhost')}/v2/`, ca)).toBe(200);
  expect(await statusByTls(`${registry.storageUrl}/`, ca)).toBe(403);
  expect(await statusByTls(`${registry.url}/v2/`, makeServerIdentity().ca)).toMatch(/SIGNATURE|CERT/);
});

test('serves TLS with a given certificate', async () => {
  const { key, cert, ca } = makeServerIdentity();
  const registry = await startForTest({ tls: { key, cert } });
  expect(registry.ca).toBeUndefined();
  expect(await statusByTls(`${registry.url}/v2/`, ca)).toBe(200);
});

test('rejects a port in use', async () => {
  const registry = await startForTest();
  const port = Number(new URL(registry.url).port);
  await expect(startTestRegistry({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test.each([{ rate: 0 }, { latency: -1 }, { pageSize: Number.NaN }, { tokenLifetime: 0 }])(
  'rejects the options %o',
  async (options) => {
    await expect(startTestRegistry(options)).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  },
);

test('stops at once and closes running requests', async () => {
  const registry = await startForTest();
  const digest = await registry.putBlob('app', Buffer.alloc(1_000_000));
  registry.inject({ fault: { kind: 'stall', afterBytes: 10 } });
  const reading = (await fetch(`${registry.url}/v2/app/blobs/${digest}`)).arrayBuffer();
  await Promise.all([registry.stop(), expect(reading).rejects.toThrow()]);
  await expect(fetch(`${registry.url}/v2/`)).rejects.toThrow();
});
