import { get } from 'node:https';
import { expect, test } from 'vitest';
import { makeServerIdentity } from './certificate.ts';
import { seedImage } from './fixtures/image.ts';
import { startForTest } from './fixtures/running.ts';
import { pushBlob } from './fixtures/upload.ts';
import { startTestRegistry } from './start-test-registry.ts';

/** Status of a GET by TLS, or what went wrong. */
function statusByTls(url: string, ca: string): Promise<number | string> {
  return new Promise((resolve) => {
    const request = get(url, { ca, agent: false }, (answer) => resolve(answer.resume().statusCode ?? 0));
    request.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
  });
}

test('several run beside each other, each with its own content', async () => {
  const [one, two] = [await startForTest(), await startForTest()];
  const digest = await pushBlob(one, 'app', Buffer.from('x'));
  expect(one.host).not.toBe(two.host);
  expect(one.url).toBe(`http://${one.host}`);
  expect(await one.blob('app', digest)).toEqual(Buffer.from('x'));
  expect(await two.blob('app', digest)).toBeUndefined();
});

test('requests are recorded as they come, until they are cleared', async () => {
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

test('TLS, with an authority of its own, on the OCI API and the storage', async () => {
  const registry = await startForTest({ tls: true, redirects: true });
  const ca = registry.ca as string;
  expect(registry.url).toMatch(/^https:/);
  expect(await statusByTls(`${registry.url}/v2/`, ca)).toBe(200);
  expect(await statusByTls(`${registry.url.replace('127.0.0.1', 'localhost')}/v2/`, ca)).toBe(200);
  expect(await statusByTls(`${registry.storageUrl}/`, ca)).toBe(403);
  expect(await statusByTls(`${registry.url}/v2/`, makeServerIdentity().ca)).toMatch(/SIGNATURE|CERT/);
});

test('TLS with a certificate of yours', async () => {
  const { key, cert, ca } = makeServerIdentity();
  const registry = await startForTest({ tls: { key, cert } });
  expect(registry.ca).toBeUndefined();
  expect(await statusByTls(`${registry.url}/v2/`, ca)).toBe(200);
});

test('a port that is taken is an error', async () => {
  const registry = await startForTest();
  const port = Number(new URL(registry.url).port);
  await expect(startTestRegistry({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test.each([{ rate: 0 }, { latency: -1 }, { pageSize: Number.NaN }, { tokenLifetime: 0 }])(
  'an option that makes no sense is refused: %o',
  async (options) => {
    await expect(startTestRegistry(options)).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  },
);

test('it stops at once, whatever is under way', async () => {
  const registry = await startForTest();
  const digest = await registry.putBlob('app', Buffer.alloc(1_000_000));
  registry.inject({ fault: { kind: 'stall', afterBytes: 10 } });
  const reading = (await fetch(`${registry.url}/v2/app/blobs/${digest}`)).arrayBuffer();
  await Promise.all([registry.stop(), expect(reading).rejects.toThrow()]);
  await expect(fetch(`${registry.url}/v2/`)).rejects.toThrow();
});
