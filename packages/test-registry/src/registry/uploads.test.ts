import { digestOf } from '@soci/oci';
import { expect, test } from 'vitest';
import { startForTest } from '../fixtures/start-for-test.ts';
import { completeUpload, errorOf, locationOf, openUpload, pushBlob, sendChunk } from '../fixtures/upload.ts';

const hello = Buffer.from('hello ');
const world = Buffer.from('world');
const whole = Buffer.from('hello world');

test('accepts a monolithic upload', async () => {
  const registry = await startForTest();
  const response = await completeUpload(await openUpload(registry, 'team/app'), digestOf(whole), whole);
  expect(response.status).toBe(201);
  expect(response.headers.get('docker-content-digest')).toBe(digestOf(whole));
  expect(response.headers.get('location')).toBe(`/v2/team/app/blobs/${digestOf(whole)}`);
  expect(Buffer.from((await registry.blob('team/app', digestOf(whole))) ?? [])).toEqual(whole);
});

test('accepts a chunked upload', async () => {
  const registry = await startForTest();
  const opened = await openUpload(registry, 'app');
  const first = await sendChunk(opened, hello, 0);
  expect([first.status, first.headers.get('range')]).toEqual([202, '0-5']);
  const second = await sendChunk(locationOf(first, registry), world, 6);
  expect([second.status, second.headers.get('range')]).toEqual([202, '0-10']);
  expect((await completeUpload(locationOf(second, registry), digestOf(whole))).status).toBe(201);
});

test('accepts the last chunk with the request that completes the upload', async () => {
  const registry = await startForTest();
  const part = await sendChunk(await openUpload(registry, 'app'), hello, 0);
  expect((await completeUpload(locationOf(part, registry), digestOf(whole), world)).status).toBe(201);
});

test('rejects a chunk out of order, and continues the upload', async () => {
  const registry = await startForTest();
  const location = await openUpload(registry, 'app');
  await sendChunk(location, hello, 0);
  const again = await sendChunk(location, hello, 0);
  expect([again.status, again.headers.get('range')]).toEqual([416, '0-5']);
  expect((await sendChunk(location, world, 7)).status).toBe(416);
  expect((await sendChunk(location, world, 6)).status).toBe(202);
  expect((await completeUpload(location, digestOf(whole))).status).toBe(201);
});

test('rejects a chunk whose length does not match its range', async () => {
  const registry = await startForTest();
  const location = await openUpload(registry, 'app');
  expect(await errorOf(await sendChunk(location, hello, 0, { 'content-range': '0-6' }))).toEqual([400, 'SIZE_INVALID']);
  const { body } = new Response(hello);
  const inChunks = { method: 'PATCH', headers: { 'content-range': '0-5' }, body, duplex: 'half' } as RequestInit;
  expect(await errorOf(await fetch(location, inChunks))).toEqual([400, 'SIZE_INVALID']);
  const standard = { 'content-range': 'bytes 0-5/11' };
  expect(await errorOf(await sendChunk(location, hello, 0, standard))).toEqual([400, 'BLOB_UPLOAD_INVALID']);
});

test('appends a chunk without a range', async () => {
  const registry = await startForTest();
  const location = await openUpload(registry, 'app');
  await sendChunk(location, hello, 0, {});
  await sendChunk(location, world, 6, {});
  expect((await completeUpload(location, digestOf(whole))).status).toBe(201);
});

test('reports the offset of an upload, and cancels it', async () => {
  const registry = await startForTest();
  const location = await openUpload(registry, 'app');
  const fresh = await fetch(location);
  expect([fresh.status, fresh.headers.get('range')]).toEqual([204, '0-0']);
  await sendChunk(location, hello, 0);
  expect((await fetch(location)).headers.get('range')).toBe('0-5');
  expect((await fetch(location, { method: 'DELETE' })).status).toBe(204);
  expect(await errorOf(await fetch(location))).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
});

test('rejects an upload URL without its query', async () => {
  const registry = await startForTest();
  const location = await openUpload(registry, 'app');
  expect(location.search).not.toBe('');
  const bare = new URL(location.pathname, registry.url);
  expect(await errorOf(await completeUpload(bare, digestOf(whole), whole))).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
});

test('rejects an upload in another repository', async () => {
  const registry = await startForTest();
  const location = await openUpload(registry, 'app');
  location.pathname = location.pathname.replace('/app/', '/other/');
  expect(await errorOf(await completeUpload(location, digestOf(whole), whole))).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
});

test('rejects a missing, invalid or wrong digest, and discards the upload', async () => {
  const registry = await startForTest();
  const missing = await fetch(await openUpload(registry, 'app'), { method: 'PUT', body: whole });
  expect(await errorOf(missing)).toEqual([400, 'DIGEST_INVALID']);
  const none = await completeUpload(await openUpload(registry, 'app'), 'sha256:1234', whole);
  expect(await errorOf(none)).toEqual([400, 'DIGEST_INVALID']);
  const location = await openUpload(registry, 'app');
  expect(await errorOf(await completeUpload(location, digestOf(whole), world))).toEqual([400, 'DIGEST_INVALID']);
  expect((await fetch(location)).status).toBe(404);
  expect(await registry.blob('app', digestOf(whole))).toBeUndefined();
});

test('supports sha512', async () => {
  const registry = await startForTest();
  const digest = digestOf(whole, 'sha512');
  expect((await completeUpload(await openUpload(registry, 'app'), digest, whole)).status).toBe(201);
  expect(await (await fetch(`${registry.url}/v2/app/blobs/${digest}`)).text()).toBe('hello world');
});

test('rejects a wrong Content-Type', async () => {
  const registry = await startForTest();
  const response = await sendChunk(await openUpload(registry, 'app'), hello, 0, { 'content-type': 'application/json' });
  expect(await errorOf(response)).toEqual([400, 'BLOB_UPLOAD_INVALID']);
});

test('mounts a blob of another repository, or opens an upload if it does not exist', async () => {
  const registry = await startForTest();
  const digest = await pushBlob(registry, 'base', whole);
  const post = (query: string) => fetch(`${registry.url}/v2/app/blobs/uploads/?${query}`, { method: 'POST' });
  const unknown = await post(`mount=${digestOf(hello)}&from=base`);
  expect([unknown.status, unknown.headers.get('location')]).toEqual([202, expect.stringContaining('/uploads/')]);
  expect((await post(`mount=${digest}&from=nowhere`)).status).toBe(202);
  expect((await fetch(`${registry.url}/v2/app/blobs/${digest}`)).status).toBe(404);
  const mounted = await post(`mount=${digest}&from=base`);
  expect([mounted.status, mounted.headers.get('location')]).toEqual([201, `/v2/app/blobs/${digest}`]);
  expect((await fetch(`${registry.url}/v2/app/blobs/${digest}`)).status).toBe(200);
});

test('a POST with the whole blob opens or completes an upload, depending on singlePost', async () => {
  const post = async (singlePost: boolean) => {
    const registry = await startForTest({ singlePost });
    const url = `${registry.url}/v2/app/blobs/uploads/?digest=${digestOf(whole)}`;
    const { status } = await fetch(url, { method: 'POST', body: whole });
    return [status, (await registry.blob('app', digestOf(whole))) !== undefined];
  };
  expect(await post(false)).toEqual([202, false]);
  expect(await post(true)).toEqual([201, true]);
});

test('rejects a POST with a body but without a digest', async () => {
  const registry = await startForTest();
  const response = await fetch(`${registry.url}/v2/app/blobs/uploads/`, { method: 'POST', body: whole });
  expect(await errorOf(response)).toEqual([400, 'BLOB_UPLOAD_INVALID']);
});

test('sends absolute URLs with the host of the client if configured', async () => {
  const registry = await startForTest({ absoluteLocations: true });
  const response = await fetch(`${registry.url.replace('127.0.0.1', 'localhost')}/v2/app/blobs/uploads/`, {
    method: 'POST',
  });
  expect(response.headers.get('location')).toMatch(/^http:\/\/localhost:\d+\/v2\/app\/blobs\/uploads\/.+\?_state=/);
});

test('announces and enforces the minimum chunk size, except for the last chunk', async () => {
  const registry = await startForTest({ minChunkSize: 6 });
  const opened = await fetch(`${registry.url}/v2/app/blobs/uploads/`, { method: 'POST' });
  expect(opened.headers.get('oci-chunk-min-length')).toBe('6');
  const location = locationOf(opened, registry);
  expect((await sendChunk(location, hello, 0)).status).toBe(202);
  expect((await sendChunk(location, world, 6)).status).toBe(202);
  expect(await errorOf(await sendChunk(location, world, 11))).toEqual([400, 'BLOB_UPLOAD_INVALID']);
  expect((await completeUpload(location, digestOf(whole))).status).toBe(201);
});

test('keeps the bytes received before a connection broke', async () => {
  const registry = await startForTest();
  const location = await openUpload(registry, 'app');
  registry.inject({ on: { method: 'PATCH' }, fault: { kind: 'reset', afterBytes: 8 } });
  await expect(sendChunk(location, whole, 0)).rejects.toThrow();
  expect((await fetch(location)).headers.get('range')).toBe('0-7');
  expect((await sendChunk(location, whole.subarray(8), 8)).status).toBe(202);
  expect((await completeUpload(location, digestOf(whole))).status).toBe(201);
});

test('rejects concurrent writes to an upload', async () => {
  const registry = await startForTest();
  const location = await openUpload(registry, 'app');
  registry.inject({ on: { method: 'PATCH' }, fault: { kind: 'stall', afterBytes: 2 } });
  const abort = new AbortController();
  const stalled = fetch(location, { method: 'PATCH', body: hello, signal: abort.signal });
  await expect.poll(() => registry.requests.at(-1)?.bytesIn).toBe(2);
  expect(await errorOf(await sendChunk(location, world, 2))).toEqual([409, 'BLOB_UPLOAD_INVALID']);
  abort.abort();
  await expect(stalled).rejects.toThrow();
  await expect.poll(async () => (await sendChunk(location, world, 2)).status).toBe(202);
});
