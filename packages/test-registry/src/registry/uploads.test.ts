import { digestOf } from '@soci/oci';
import { expect, test } from 'vitest';
import { startForTest } from '../fixtures/running.ts';
import { beginUpload, endUpload, locationOf, pushBlob, refusalOf, sendPart } from '../fixtures/upload.ts';

const hello = Buffer.from('hello ');
const world = Buffer.from('world');
const whole = Buffer.from('hello world');

test('a blob is pushed in one piece', async () => {
  const registry = await startForTest();
  const answer = await endUpload(await beginUpload(registry, 'team/app'), digestOf(whole), whole);
  expect(answer.status).toBe(201);
  expect(answer.headers.get('docker-content-digest')).toBe(digestOf(whole));
  expect(answer.headers.get('location')).toBe(`/v2/team/app/blobs/${digestOf(whole)}`);
  expect(Buffer.from((await registry.blob('team/app', digestOf(whole))) ?? [])).toEqual(whole);
});

test('a blob is pushed in parts, each at the end of the last', async () => {
  const registry = await startForTest();
  const begun = await beginUpload(registry, 'app');
  const first = await sendPart(begun, hello, 0);
  expect([first.status, first.headers.get('range')]).toEqual([202, '0-5']);
  const second = await sendPart(locationOf(first, registry), world, 6);
  expect([second.status, second.headers.get('range')]).toEqual([202, '0-10']);
  expect((await endUpload(locationOf(second, registry), digestOf(whole))).status).toBe(201);
});

test('the last part may come with the end of the upload', async () => {
  const registry = await startForTest();
  const part = await sendPart(await beginUpload(registry, 'app'), hello, 0);
  expect((await endUpload(locationOf(part, registry), digestOf(whole), world)).status).toBe(201);
});

test('a part that is out of order is refused, and the upload goes on', async () => {
  const registry = await startForTest();
  const location = await beginUpload(registry, 'app');
  await sendPart(location, hello, 0);
  const again = await sendPart(location, hello, 0);
  expect([again.status, again.headers.get('range')]).toEqual([416, '0-5']);
  expect((await sendPart(location, world, 7)).status).toBe(416);
  expect((await sendPart(location, world, 6)).status).toBe(202);
  expect((await endUpload(location, digestOf(whole))).status).toBe(201);
});

test('a part has the length that its range says', async () => {
  const registry = await startForTest();
  const location = await beginUpload(registry, 'app');
  expect(await refusalOf(await sendPart(location, hello, 0, { 'content-range': '0-6' }))).toEqual([
    400,
    'SIZE_INVALID',
  ]);
  const { body } = new Response(hello);
  const inChunks = { method: 'PATCH', headers: { 'content-range': '0-5' }, body, duplex: 'half' } as RequestInit;
  expect(await refusalOf(await fetch(location, inChunks))).toEqual([400, 'SIZE_INVALID']);
  const standard = { 'content-range': 'bytes 0-5/11' };
  expect(await refusalOf(await sendPart(location, hello, 0, standard))).toEqual([400, 'BLOB_UPLOAD_INVALID']);
});

test('a body without a range is put at the end', async () => {
  const registry = await startForTest();
  const location = await beginUpload(registry, 'app');
  await sendPart(location, hello, 0, {});
  await sendPart(location, world, 6, {});
  expect((await endUpload(location, digestOf(whole))).status).toBe(201);
});

test('how far an upload is can be asked, and it can be cancelled', async () => {
  const registry = await startForTest();
  const location = await beginUpload(registry, 'app');
  const fresh = await fetch(location);
  expect([fresh.status, fresh.headers.get('range')]).toEqual([204, '0-0']);
  await sendPart(location, hello, 0);
  expect((await fetch(location)).headers.get('range')).toBe('0-5');
  expect((await fetch(location, { method: 'DELETE' })).status).toBe(204);
  expect(await refusalOf(await fetch(location))).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
});

test('the query of an upload is to be kept', async () => {
  const registry = await startForTest();
  const location = await beginUpload(registry, 'app');
  expect(location.search).not.toBe('');
  const bare = new URL(location.pathname, registry.url);
  expect(await refusalOf(await endUpload(bare, digestOf(whole), whole))).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
});

test('an upload belongs to its repository', async () => {
  const registry = await startForTest();
  const location = await beginUpload(registry, 'app');
  location.pathname = location.pathname.replace('/app/', '/other/');
  expect(await refusalOf(await endUpload(location, digestOf(whole), whole))).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
});

test('a digest that is missing, none, or of other content is refused, and nothing is kept', async () => {
  const registry = await startForTest();
  const missing = await fetch(await beginUpload(registry, 'app'), { method: 'PUT', body: whole });
  expect(await refusalOf(missing)).toEqual([400, 'DIGEST_INVALID']);
  const none = await endUpload(await beginUpload(registry, 'app'), 'sha256:1234', whole);
  expect(await refusalOf(none)).toEqual([400, 'DIGEST_INVALID']);
  const location = await beginUpload(registry, 'app');
  expect(await refusalOf(await endUpload(location, digestOf(whole), world))).toEqual([400, 'DIGEST_INVALID']);
  expect((await fetch(location)).status).toBe(404);
  expect(await registry.blob('app', digestOf(whole))).toBeUndefined();
});

test('sha512 is taken too', async () => {
  const registry = await startForTest();
  const digest = digestOf(whole, 'sha512');
  expect((await endUpload(await beginUpload(registry, 'app'), digest, whole)).status).toBe(201);
  expect(await (await fetch(`${registry.url}/v2/app/blobs/${digest}`)).text()).toBe('hello world');
});

test('a type that is no blob is refused', async () => {
  const registry = await startForTest();
  const answer = await sendPart(await beginUpload(registry, 'app'), hello, 0, { 'content-type': 'application/json' });
  expect(await refusalOf(answer)).toEqual([400, 'BLOB_UPLOAD_INVALID']);
});

test('a blob of another repository is mounted, one that is not there is uploaded', async () => {
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

test('a POST with the whole blob only begins an upload, or ends it, as the option says', async () => {
  const post = async (singlePost: boolean) => {
    const registry = await startForTest({ singlePost });
    const url = `${registry.url}/v2/app/blobs/uploads/?digest=${digestOf(whole)}`;
    const { status } = await fetch(url, { method: 'POST', body: whole });
    return [status, (await registry.blob('app', digestOf(whole))) !== undefined];
  };
  expect(await post(false)).toEqual([202, false]);
  expect(await post(true)).toEqual([201, true]);
});

test('a POST with a body and no digest is refused', async () => {
  const registry = await startForTest();
  const answer = await fetch(`${registry.url}/v2/app/blobs/uploads/`, { method: 'POST', body: whole });
  expect(await refusalOf(answer)).toEqual([400, 'BLOB_UPLOAD_INVALID']);
});

test('addresses are absolute where the option says so, under the name that the client uses', async () => {
  const registry = await startForTest({ absoluteLocations: true });
  const answer = await fetch(`${registry.url.replace('127.0.0.1', 'localhost')}/v2/app/blobs/uploads/`, {
    method: 'POST',
  });
  expect(answer.headers.get('location')).toMatch(/^http:\/\/localhost:\d+\/v2\/app\/blobs\/uploads\/.+\?_state=/);
});

test('a least size of parts is announced, and held to but for the last', async () => {
  const registry = await startForTest({ minChunkSize: 6 });
  const begun = await fetch(`${registry.url}/v2/app/blobs/uploads/`, { method: 'POST' });
  expect(begun.headers.get('oci-chunk-min-length')).toBe('6');
  const location = locationOf(begun, registry);
  expect((await sendPart(location, hello, 0)).status).toBe(202);
  expect((await sendPart(location, world, 6)).status).toBe(202);
  expect(await refusalOf(await sendPart(location, world, 11))).toEqual([400, 'BLOB_UPLOAD_INVALID']);
  expect((await endUpload(location, digestOf(whole))).status).toBe(201);
});

test('what came before a connection broke is kept', async () => {
  const registry = await startForTest();
  const location = await beginUpload(registry, 'app');
  registry.inject({ on: { method: 'PATCH' }, fault: { kind: 'reset', afterBytes: 8 } });
  await expect(sendPart(location, whole, 0)).rejects.toThrow();
  expect((await fetch(location)).headers.get('range')).toBe('0-7');
  expect((await sendPart(location, whole.subarray(8), 8)).status).toBe(202);
  expect((await endUpload(location, digestOf(whole))).status).toBe(201);
});

test('two requests do not write to an upload at the same time', async () => {
  const registry = await startForTest();
  const location = await beginUpload(registry, 'app');
  registry.inject({ on: { method: 'PATCH' }, fault: { kind: 'stall', afterBytes: 2 } });
  const abort = new AbortController();
  const stalled = fetch(location, { method: 'PATCH', body: hello, signal: abort.signal });
  await expect.poll(() => registry.requests.at(-1)?.bytesIn).toBe(2);
  expect(await refusalOf(await sendPart(location, world, 2))).toEqual([409, 'BLOB_UPLOAD_INVALID']);
  abort.abort();
  await expect(stalled).rejects.toThrow();
  await expect.poll(async () => (await sendPart(location, world, 2)).status).toBe(202);
});
