import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { seedImage } from '../fixtures/image.ts';
import { startForTest } from '../fixtures/start-for-test.ts';
import { completeUpload, errorOf, openUpload } from '../fixtures/upload.ts';
import type { TestRegistry } from '../test-registry.ts';
import type { Fault } from './faults.ts';

const SIZE = 300_000;

async function withBlob(
  fault?: Fault,
): Promise<{ registry: TestRegistry; url: string; bytes: Buffer; digest: string }> {
  const registry = await startForTest();
  const bytes = Buffer.from(Array.from({ length: SIZE }, (_, at) => at % 251));
  const digest = await registry.putBlob('app', bytes);
  if (fault !== undefined) registry.inject({ fault });
  return { registry, url: `${registry.url}/v2/app/blobs/${digest}`, bytes, digest };
}

/** Reads until the connection ends, and returns the body and how it ended. */
function readRaw(url: string): Promise<{ body: Buffer; end: 'FIN' | 'RST' }> {
  const { port, pathname } = new URL(url);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), '127.0.0.1');
    const finish = (end: 'FIN' | 'RST') => {
      const all = Buffer.concat(chunks);
      resolve({ body: all.subarray(all.indexOf('\r\n\r\n') + 4), end });
    };
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', () => finish('FIN'));
    socket.on('error', () => finish('RST'));
    socket.write(`GET ${pathname} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  });
}

test('status responds with 429 and Retry-After', async () => {
  const { registry, url } = await withBlob();
  const fault = registry.inject({ times: 2, fault: { kind: 'status', status: 429, retryAfter: 3 } });
  for (let count = 1; count <= 2; count++) {
    const response = await fetch(url);
    expect(response.headers.get('retry-after')).toBe('3');
    expect(await errorOf(response)).toEqual([429, 'TOOMANYREQUESTS']);
    expect(fault.hits).toBe(count);
  }
  expect((await fetch(url)).status).toBe(200);
});

test('status responds with a given body', async () => {
  const { url } = await withBlob({ kind: 'status', status: 503, body: 'slow down' });
  const response = await fetch(url);
  expect([response.status, await response.text()]).toEqual([503, 'slow down']);
});

test('a fault occurs for matching requests, after a number of them, a number of times', async () => {
  const { registry, url } = await withBlob();
  await seedImage(registry, 'app', 'v1');
  const on = { port: 'registry', method: 'GET', path: /\/manifests\/v\d$/ } as const;
  registry.inject({ on, after: 1, times: 2, fault: { kind: 'status', status: 500 } });
  const tag = `${registry.url}/v2/app/manifests/v1`;
  const statuses: number[] = [];
  for (const each of [tag, url, tag, tag, tag]) statuses.push((await fetch(each)).status);
  statuses.push((await fetch(tag, { method: 'HEAD' })).status);
  expect(statuses).toEqual([200, 200, 500, 500, 200, 200]);
});

test('if two faults match, the first one occurs, and both count skipped requests', async () => {
  const { registry, url } = await withBlob();
  registry.inject({ fault: { kind: 'status', status: 500 } });
  registry.inject({ after: 2, fault: { kind: 'status', status: 502 } });
  expect([(await fetch(url)).status, (await fetch(url)).status, (await fetch(url)).status]).toEqual([500, 200, 502]);
});

test('a removed fault no longer occurs', async () => {
  const { registry, url } = await withBlob();
  const fault = registry.inject({ times: Number.POSITIVE_INFINITY, fault: { kind: 'status', status: 500 } });
  expect((await fetch(url)).status).toBe(500);
  fault.remove();
  expect((await fetch(url)).status).toBe(200);
  expect(fault.hits).toBe(1);
});

test('rejects an invalid count', async () => {
  const registry = await startForTest();
  const inject = () => registry.inject({ after: -1, fault: { kind: 'reset' } });
  expect(inject).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
});

test('reset before the response', async () => {
  const { registry, url } = await withBlob({ kind: 'reset' });
  expect(await readRaw(url)).toEqual({ body: Buffer.alloc(0), end: 'RST' });
  expect(registry.requests[0]?.status).toBe(0);
});

test('reset after a number of bytes', async () => {
  const { registry, url } = await withBlob({ kind: 'reset', afterBytes: 100_000 });
  const { body, end } = await readRaw(url);
  expect(end).toBe('RST');
  expect(body.length).toBeLessThanOrEqual(100_000); // a reset discards what the client has not read
  expect(registry.requests[0]).toMatchObject({ status: 200, bytesOut: 100_000 });
});

test('truncate ends the response cleanly', async () => {
  const { url, bytes } = await withBlob({ kind: 'truncate', afterBytes: 100_000 });
  const { body, end } = await readRaw(url);
  expect(end).toBe('FIN');
  expect(body).toEqual(bytes.subarray(0, 100_000));
});

test('stall after a number of bytes, or before the response', async () => {
  const { registry, url, bytes } = await withBlob({ kind: 'stall', afterBytes: 5 });
  const abort = new AbortController();
  const reader = (await fetch(url, { signal: abort.signal })).body?.getReader();
  expect(Buffer.from((await reader?.read())?.value ?? [])).toEqual(bytes.subarray(0, 5));
  const next = reader?.read();
  expect(await Promise.race([next, new Promise((resolve) => setTimeout(resolve, 50, 'nothing'))])).toBe('nothing');
  abort.abort();
  await expect(next).rejects.toThrow();

  registry.inject({ fault: { kind: 'stall' } });
  await expect(fetch(url, { signal: AbortSignal.timeout(50) })).rejects.toThrow(/timeout/);
  expect((await fetch(url)).status).toBe(200);
});

test('reset discards an upload', async () => {
  const { registry, bytes, digest } = await withBlob();
  const location = await openUpload(registry, 'other');
  registry.inject({ on: { method: 'PUT' }, fault: { kind: 'reset', afterBytes: 50_000 } });
  await expect(completeUpload(location, digest, Buffer.from(bytes))).rejects.toThrow();
  expect(registry.requests.at(-1)).toMatchObject({ method: 'PUT', bytesIn: 50_000, status: 0 });
  expect(await registry.blob('other', digest)).toBeUndefined();
});

test('lost-response handles the request', async () => {
  const { registry, bytes, digest } = await withBlob();
  const location = await openUpload(registry, 'other');
  registry.inject({ on: { method: 'PUT' }, fault: { kind: 'lost-response' } });
  await expect(completeUpload(location, digest, Buffer.from(bytes))).rejects.toThrow();
  expect(await registry.blob('other', digest)).toHaveLength(SIZE);
});

test('wrong-bytes changes one byte of one response', async () => {
  const { url, bytes } = await withBlob({ kind: 'wrong-bytes', atByte: 123_456 });
  const got = Buffer.from(await (await fetch(url)).arrayBuffer());
  expect(got.length).toBe(SIZE);
  const different = [...got.keys()].filter((at) => got[at] !== bytes[at]);
  expect(different).toEqual([123_456]);
  expect(Buffer.from(await (await fetch(url)).arrayBuffer())).toEqual(bytes);
});

test('wrong-digest-header changes the digest', async () => {
  const { url, digest } = await withBlob({ kind: 'wrong-digest-header' });
  const header = (await fetch(url)).headers.get('docker-content-digest');
  expect(header).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(header).not.toBe(digest);
});

test('slow limits the rate', async () => {
  const { url } = await withBlob({ kind: 'slow', rate: 1_500_000 });
  const start = performance.now();
  expect((await (await fetch(url)).arrayBuffer()).byteLength).toBe(SIZE);
  expect(performance.now() - start).toBeGreaterThan(190); // 300,000 bytes at 1.5 MB/s: 200 ms
});

test('html responds with an HTML page', async () => {
  const { url } = await withBlob({ kind: 'html' });
  const response = await fetch(url);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html']);
  expect(await response.text()).toMatch(/^<!DOCTYPE html>/);
});

test('redirect responds with any location', async () => {
  const { url } = await withBlob({ kind: 'redirect', location: 'http://169.254.169.254/latest' });
  const response = await fetch(url, { redirect: 'manual' });
  expect([response.status, response.headers.get('location')]).toEqual([307, 'http://169.254.169.254/latest']);
});

test('headers adds and replaces headers', async () => {
  const { url } = await withBlob({
    kind: 'headers',
    headers: { 'Content-Type': 'text/odd', 'X-Bomb': 'x'.repeat(9000) },
  });
  const { headers } = await fetch(url);
  expect([headers.get('content-type'), headers.get('x-bomb')?.length]).toEqual(['text/odd', 9000]);
});

test('faults also apply to the ECR API', async () => {
  const registry = await startForTest();
  registry.inject({ on: { port: 'aws' }, fault: { kind: 'status', status: 500 } });
  expect((await fetch(`${registry.url}/v2/`)).status).toBe(200);
  expect((await fetch(registry.awsEndpoint, { method: 'POST' })).status).toBe(500);
});
