import { setTimeout as wait } from 'node:timers/promises';
import { MEDIA_TYPE_OCI_LAYER_GZIP } from '@soci/oci';
import { contentOf, noise, streamOf } from '@soci/test-content';
import type { TestRegistry } from '@soci/test-registry';
import { expect, test } from 'vitest';
import { openTestRepository } from '../fixtures/opened-repository.ts';
import { openScriptedRepository } from '../fixtures/scripted-registry.ts';

const MIB = 2 ** 20;
const small = contentOf(MEDIA_TYPE_OCI_LAYER_GZIP, 'a small blob');
const large = contentOf(MEDIA_TYPE_OCI_LAYER_GZIP, noise(20_000_000));
const identity = ({ descriptor: { digest, size } }: typeof large) => ({ digest, size });

const methods = (server: TestRegistry) => server.requests.map(({ method }) => method).join(' ');

/** Compares the blob without the test runner, which would print millions of bytes. */
async function isStored(server: TestRegistry, { descriptor, bytes } = large): Promise<boolean> {
  const stored = await server.blob('team/app', descriptor.digest);
  return stored !== undefined && Buffer.compare(stored, bytes) === 0;
}

/** Yields half of the large blob, then throws. */
async function* failing(failure: Error): AsyncGenerator<Uint8Array> {
  yield* streamOf(large.bytes.subarray(0, 15_000_000));
  throw failure;
}

test.each([{ ecr: false }, { ecr: true }])(
  'uploads chunks of 8 MiB, and returns the digest (ecr: $ecr)',
  async ({ ecr }) => {
    const { repository, server } = await openTestRepository({ ecr, autoCreate: true, absoluteLocations: true });
    expect(await repository.pushStream(streamOf(large.bytes))).toEqual(identity(large));
    expect(methods(server)).toBe('POST PATCH PATCH PATCH PUT');
    expect(await isStored(server)).toBe(true);
  },
);

test.each([
  ['nothing', 0, 'HEAD POST PUT'],
  ['one byte less than a chunk', 8 * MIB - 1, 'HEAD POST PUT'],
  ['a whole chunk', 8 * MIB, 'POST PATCH PUT'],
  ['two whole chunks', 16 * MIB, 'POST PATCH PATCH PUT'],
])('uploads a stream of %s', async (_, size, expected) => {
  const { repository, server } = await openTestRepository();
  const content = contentOf(MEDIA_TYPE_OCI_LAYER_GZIP, noise(size));
  expect(await repository.pushStream(streamOf(content.bytes, 700_001))).toEqual(identity(content));
  expect(methods(server)).toBe(expected);
  expect(await isStored(server, content)).toBe(true);
});

test('does not upload a small blob that exists', async () => {
  const { repository, server } = await openTestRepository();
  await repository.push(small.descriptor, small.bytes);
  server.clearRequests();
  expect(await repository.pushStream(streamOf(small.bytes))).toEqual(identity(small));
  expect(methods(server)).toBe('HEAD');
});

test('resumes a chunk that breaks off at the offset of the registry', async () => {
  const { repository, server } = await openTestRepository();
  server.inject({ on: { method: 'PATCH' }, after: 1, fault: { kind: 'reset', afterBytes: 3_000_000 } });
  expect(await repository.pushStream(streamOf(large.bytes))).toEqual(identity(large));
  expect(methods(server)).toBe('POST PATCH PATCH GET PATCH PATCH PUT');
  expect(await isStored(server)).toBe(true);
});

test.each([
  ['a chunk', 'PATCH'],
  ['the last request', 'PUT'],
])('recovers if the response to %s is lost', async (_, method) => {
  const { repository, server } = await openTestRepository();
  server.inject({ on: { method }, fault: { kind: 'lost-response' } });
  expect(await repository.pushStream(streamOf(large.bytes))).toEqual(identity(large));
  expect(await isStored(server)).toBe(true);
});

test('succeeds if another upload has stored the blob in the meantime', async () => {
  const { repository, server } = await openTestRepository();
  await repository.push(large.descriptor, large.bytes);
  server.clearRequests();
  // The answer of Amazon ECR to the last request.
  const body = '{"errors":[{"code":"BLOB_UPLOAD_INVALID","message":"LayerAlreadyExistsException"}]}';
  server.inject({ on: { method: 'PUT' }, fault: { kind: 'status', status: 400, body } });
  expect(await repository.pushStream(streamOf(large.bytes))).toEqual(identity(large));
  expect(methods(server)).toBe('POST PATCH PATCH PATCH PUT HEAD DELETE');
});

test('fails if the registry rejects the last request, and cancels the upload', async () => {
  const { repository, server } = await openTestRepository();
  server.inject({ on: { method: 'PUT' }, fault: { kind: 'status', status: 400 } });
  await expect(repository.pushStream(streamOf(large.bytes))).rejects.toMatchObject({ code: 'UPLOAD_REFUSED' });
  expect(methods(server)).toBe('POST PATCH PATCH PATCH PUT HEAD DELETE');
  expect(await isStored(server)).toBe(false);
});

test.each([
  [0, 'POST PATCH GET DELETE POST PATCH PATCH PATCH PUT', 'starts over, with the first chunk from memory,'],
  [1, 'POST PATCH PATCH GET DELETE', 'returns nothing'],
])(
  'after a break in chunk %i that loses the upload, as in distribution, it requests %s and %s',
  async (after, expected) => {
    const { repository, server } = await openTestRepository();
    server.inject({ on: { method: 'PATCH' }, after, fault: { kind: 'reset', afterBytes: 3_000_000 } });
    const body = '{"errors":[{"code":"BLOB_UPLOAD_INVALID"}]}';
    server.inject({ on: { method: 'GET' }, fault: { kind: 'status', status: 404, body } });
    expect(await repository.pushStream(streamOf(large.bytes))).toEqual(after === 0 ? identity(large) : undefined);
    expect(methods(server)).toBe(expected);
    expect(await isStored(server)).toBe(after === 0);
  },
);

test.each([
  ['rejects chunks', {}, 'POST PATCH DELETE POST DELETE'],
  ['requires larger chunks', { 'oci-chunk-min-length': String(16 * MIB) }, 'POST DELETE'],
])('returns nothing if the registry %s, and leaves no upload open', async (_, headers, expected) => {
  const { repository, lines } = await openScriptedRepository(({ method }, response) => {
    if (method === 'POST') response.writeHead(202, { location: '/upload', ...headers }).end();
    else response.writeHead(method === 'PATCH' ? 405 : 204).end();
  });
  expect(await repository.pushStream(streamOf(large.bytes))).toBeUndefined();
  expect(lines.map((line) => line.split(' ')[0]).join(' ')).toBe(expected);
});

test('fails after maxAttempts if each attempt to send a chunk fails, and cancels the upload', async () => {
  const { reopen, server } = await openTestRepository();
  server.inject({ on: { method: 'PATCH' }, after: 1, times: 9, fault: { kind: 'status', status: 503 } });
  const pushed = reopen({ retry: { maxAttempts: 3, baseDelay: 1 } }).pushStream(streamOf(large.bytes));
  await expect(pushed).rejects.toThrow('(after 3 attempts)');
  expect(methods(server)).toBe('POST PATCH PATCH GET PATCH GET PATCH GET DELETE');
});

test('rejects with the error of the stream, cancels the upload, and stores nothing', async () => {
  const { repository, server } = await openTestRepository();
  const failure = new Error('the layer is damaged');
  await expect(repository.pushStream(failing(failure))).rejects.toBe(failure);
  expect(methods(server)).toBe('POST PATCH DELETE');
  expect(await isStored(server)).toBe(false);
});

test('rejects an aborted push with the reason, and cancels the upload', async () => {
  const { repository, server } = await openTestRepository();
  const abort = new AbortController();
  const reason = new Error('aborted');
  server.inject({ on: { method: 'PATCH' }, after: 1, fault: { kind: 'stall', afterBytes: 1000 } });
  async function* source() {
    for await (const chunk of streamOf(large.bytes)) {
      if (server.requests.filter(({ method }) => method === 'PATCH').length > 1) abort.abort(reason);
      yield chunk;
      await wait(1);
    }
  }
  await expect(repository.pushStream(source(), { signal: abort.signal })).rejects.toBe(reason);
  expect(methods(server).endsWith('DELETE')).toBe(true);
});

test('reads at most one chunk ahead of the chunk that it sends', async () => {
  let read = 0;
  let sent = 0;
  const ahead: number[] = [];
  const { repository } = await openScriptedRepository(({ method, body }, response) => {
    const respond = () => response.writeHead(method === 'PUT' ? 201 : 202, { location: '/upload' }).end();
    if (method !== 'PATCH') return void respond();
    // Time to read more than it should.
    setTimeout(() => {
      ahead.push(read - sent);
      sent += body.length;
      respond();
    }, 100);
  });
  async function* source() {
    const chunk = new Uint8Array(MIB);
    for (let i = 0; i < 50; i += 1) {
      read += chunk.length;
      yield chunk;
    }
  }
  expect(await repository.pushStream(source())).toMatchObject({ size: 50 * MIB });
  expect(ahead).toHaveLength(7);
  expect(Math.max(...ahead)).toBeLessThanOrEqual(17 * MIB);
});
