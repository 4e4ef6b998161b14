import { digestOf } from '@soci/oci';
import { expect, test } from 'vitest';
import { startForTest } from '../fixtures/start-for-test.ts';
import { errorOf } from '../fixtures/upload.ts';

const content = Buffer.from('0123456789');

test('serves a blob for GET and HEAD', async () => {
  const registry = await startForTest();
  const digest = await registry.putBlob('app', content);
  const url = `${registry.url}/v2/app/blobs/${digest}`;
  const got = await fetch(url);
  expect(await got.text()).toBe('0123456789');
  expect(got.headers.get('docker-content-digest')).toBe(digest);
  const head = await fetch(url, { method: 'HEAD', headers: { range: 'bytes=2-4' } });
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10', '']);
});

test.each([
  ['bytes=2-4', '234', 'bytes 2-4/10'],
  ['bytes=7-', '789', 'bytes 7-9/10'],
  ['bytes=-2', '89', 'bytes 8-9/10'],
  ['bytes=-20', '0123456789', 'bytes 0-9/10'],
  ['bytes=9-99', '9', 'bytes 9-9/10'],
])('serves the range %s', async (range, text, contentRange) => {
  const registry = await startForTest();
  const digest = await registry.putBlob('app', content);
  const response = await fetch(`${registry.url}/v2/app/blobs/${digest}`, { headers: { range } });
  expect([response.status, await response.text(), response.headers.get('content-range')]).toEqual([
    206,
    text,
    contentRange,
  ]);
});

test.each(['bytes=10-', 'bytes=-0'])('rejects a range past the end: %s', async (range) => {
  const registry = await startForTest();
  const digest = await registry.putBlob('app', content);
  const response = await fetch(`${registry.url}/v2/app/blobs/${digest}`, { headers: { range } });
  expect([response.status, response.headers.get('content-range')]).toEqual([416, 'bytes */10']);
});

test.each(['bytes=4-2', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=-'])('ignores an invalid range: %s', async (range) => {
  const registry = await startForTest();
  const digest = await registry.putBlob('app', content);
  const response = await fetch(`${registry.url}/v2/app/blobs/${digest}`, { headers: { range } });
  expect([response.status, await response.text()]).toEqual([200, '0123456789']);
});

test('a blob belongs to its repository until it is deleted', async () => {
  const registry = await startForTest();
  const digest = await registry.putBlob('app', content);
  await registry.putBlob('other', Buffer.from('x'));
  const get = (name: string, reference: string, method = 'GET') =>
    fetch(`${registry.url}/v2/${name}/blobs/${reference}`, { method });
  expect(await errorOf(await get('other', digest))).toEqual([404, 'BLOB_UNKNOWN']);
  expect(await errorOf(await get('nowhere', digest))).toEqual([404, 'NAME_UNKNOWN']);
  expect(await errorOf(await get('app', 'sha256:abc'))).toEqual([400, 'DIGEST_INVALID']);
  expect((await get('app', digest, 'DELETE')).status).toBe(202);
  expect((await get('app', digest)).status).toBe(404);
  expect((await get('app', digest, 'DELETE')).status).toBe(404);
});

test('serves an empty blob', async () => {
  const registry = await startForTest();
  const digest = await registry.putBlob('app', new Uint8Array());
  expect(digest).toBe(digestOf(new Uint8Array()));
  const response = await fetch(`${registry.url}/v2/app/blobs/${digest}`);
  expect([response.status, await response.text()]).toEqual([200, '']);
});
