import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { type CountingProxy, type ProxyOptions, startProxy } from './proxy.ts';

const BLOB = Buffer.alloc(500_000, 'blob');

/** Starts a proxy for a server that answers `/blob`, with ranges, and `/host`, the Host header of the request. */
async function startForTest(options: Omit<ProxyOptions, 'upstream'> = {}): Promise<CountingProxy> {
  const server = createServer(({ url, headers }, response) => {
    const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '');
    if (url?.startsWith('/host')) response.end(headers.host);
    else if (!url?.startsWith('/blob')) response.writeHead(404).end('no such blob');
    else if (range === null) response.end(BLOB);
    else response.writeHead(206).end(BLOB.subarray(Number(range[1]), Number(range[2]) + 1));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy = await startProxy({ upstream: `127.0.0.1:${(server.address() as AddressInfo).port}`, ...options });
  onTestFinished(async () => {
    await proxy.stop();
    server.closeAllConnections();
    server.close();
  });
  return proxy;
}

async function fetchBytes(url: string, headers: Record<string, string> = {}): Promise<Buffer> {
  return Buffer.from(await (await fetch(url, { headers })).arrayBuffer());
}

test('a response passes unchanged, and is recorded with its path, status, bytes and user agent', async () => {
  const proxy = await startForTest();
  expect(await fetchBytes(`http://${proxy.host}/blob?a=b`, { 'user-agent': 'tester/1' })).toEqual(BLOB);
  expect(proxy.requests).toEqual([
    { method: 'GET', path: '/blob', range: undefined, status: 200, bytes: BLOB.length, userAgent: 'tester/1' },
  ]);
});

test('a range is passed on and recorded', async () => {
  const proxy = await startForTest();
  expect(await fetchBytes(`http://${proxy.host}/blob`, { range: 'bytes=10-19' })).toHaveLength(10);
  expect(proxy.requests).toMatchObject([{ range: 'bytes=10-19', status: 206, bytes: 10 }]);
});

test('a failure of the registry is passed on', async () => {
  const proxy = await startForTest();
  expect((await fetch(`http://${proxy.host}/missing`)).status).toBe(404);
  expect(proxy.requests).toMatchObject([{ path: '/missing', status: 404 }]);
});

test('the registry receives the host of the proxy, so that its redirects lead through the proxy', async () => {
  const proxy = await startForTest();
  expect((await fetchBytes(`http://${proxy.host}/host`)).toString()).toBe(proxy.host);
});

test('the log can be cleared', async () => {
  const proxy = await startForTest();
  await fetchBytes(`http://${proxy.host}/blob`);
  proxy.clear();
  expect(proxy.requests).toEqual([]);
});

test('an unreachable registry is a 502', async () => {
  const proxy = await startProxy({ upstream: '127.0.0.1:1' });
  onTestFinished(() => proxy.stop());
  expect((await fetch(`http://${proxy.host}/blob`)).status).toBe(502);
});

test('each request waits for the latency', async () => {
  const proxy = await startForTest({ latency: 150 });
  const started = performance.now();
  await fetchBytes(`http://${proxy.host}/host`);
  expect(performance.now() - started).toBeGreaterThanOrEqual(149);
});

test('parallel responses share the bandwidth', async () => {
  const proxy = await startForTest({ bytesPerSecond: 2_000_000 });
  const started = performance.now();
  await Promise.all([1, 2].map(() => fetchBytes(`http://${proxy.host}/blob`)));
  // 1 MB. The last bytes may be sent up to one pause earlier.
  expect(performance.now() - started).toBeGreaterThan(350);
});

test('a client that disconnects is recorded with the bytes that were sent', async () => {
  const proxy = await startForTest({ bytesPerSecond: 1_000_000 });
  await new Promise<void>((resolve) => {
    const request = get(`http://${proxy.host}/blob`, (response) => {
      response.once('data', () => request.destroy());
      response.on('close', resolve);
      response.on('error', () => {});
    });
  });
  while (proxy.requests.length === 0) await wait(10);
  expect(proxy.requests[0]?.bytes).toBeGreaterThan(0);
  expect(proxy.requests[0]?.bytes).toBeLessThan(BLOB.length);
});
