import { Random } from '@soci/test-content';
import { describe, expect, test } from 'vitest';
import { BlobUrlCache } from './blob-url-cache.ts';
import { describeBlob, QUICK_RETRY, REPOSITORY, serveBlob, startServer } from './fixtures/served-blob.ts';
import { RemoteBlob } from './remote-blob.ts';
import { MAX_BYTES_SKIPPED, MAX_RANGE_LENGTH, readBlobRange } from './stream-range.ts';

const MIB = 1 << 20;

describe('readBlobRange', () => {
  test.each([
    [0, 1],
    [0, MIB],
    [MIB - 1, 1],
    [12_345, 600_000],
  ])('from %i returns exactly %i bytes', async (offset, length) => {
    const { http, target, content, registry } = await serveBlob(MIB);
    const bytes = await readBlobRange(new RemoteBlob(http, REPOSITORY, target), { offset, length });
    expect(Buffer.from(bytes).equals(content.subarray(offset, offset + length))).toBe(true);
    expect(registry.requests).toHaveLength(1);
    expect(registry.requests[0]?.bytesOut).toBe(length);
  });

  test('sends no request for an empty range', async () => {
    const { http, target, registry } = await serveBlob(10);
    expect(await readBlobRange(new RemoteBlob(http, REPOSITORY, target), { offset: 10, length: 0 })).toHaveLength(0);
    expect(registry.requests).toHaveLength(0);
  });

  test.each([
    [0, 11],
    [10, 1],
    [-1, 2],
    [0, -1],
    [0.5, 1],
    [Number.MAX_SAFE_INTEGER, 1],
    [Number.NaN, 1],
  ])('rejects an invalid range before sending a request: from %d, %d bytes', async (offset, length) => {
    const { http, target, registry } = await serveBlob(10);
    const reading = readBlobRange(new RemoteBlob(http, REPOSITORY, target), { offset, length });
    await expect(reading).rejects.toMatchObject({ name: 'OciError', code: 'RANGE_INVALID' });
    expect(registry.requests).toHaveLength(0);
  });

  test('rejects a range above the memory limit', async () => {
    const { http, target } = await serveBlob(10);
    const huge = { ...target, size: 2 ** 50 };
    const reading = readBlobRange(new RemoteBlob(http, REPOSITORY, huge), { offset: 0, length: MAX_RANGE_LENGTH + 1 });
    await expect(reading).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });

  test('rejects with NOT_FOUND if the blob does not exist', async () => {
    const { http } = await serveBlob(10);
    const missing = describeBlob(new Uint8Array(100));
    const reading = readBlobRange(new RemoteBlob(http, REPOSITORY, missing), { offset: 1, length: 1 });
    await expect(reading).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('resumes a body that broke off', async () => {
    const { http, target, content, registry } = await serveBlob(MIB, { redirects: true });
    registry.inject({ on: { port: 'storage' }, times: 2, fault: { kind: 'reset', afterBytes: 100_000 } });
    const options = { urlCache: new BlobUrlCache(), retry: QUICK_RETRY };
    const bytes = await readBlobRange(new RemoteBlob(http, REPOSITORY, target, options), {
      offset: 1000,
      length: 500_000,
    });
    expect(Buffer.from(bytes).equals(content.subarray(1000, 501_000))).toBe(true);
  });

  test('rejects with the reason of its signal', async () => {
    const { http, target, registry } = await serveBlob(10);
    registry.inject({ fault: { kind: 'stall' } });
    const signal = AbortSignal.timeout(50);
    const reading = readBlobRange(new RemoteBlob(http, REPOSITORY, target), { offset: 0, length: 1 }, { signal });
    await expect(reading).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});

describe('the storage URL of a blob', () => {
  test('is cached and then used directly, without credentials', async () => {
    const { http, target, registry } = await serveBlob(1000, { redirects: true, auth: 'ecr' });
    const urlCache = new BlobUrlCache();
    await readBlobRange(new RemoteBlob(http, REPOSITORY, target, { urlCache }), { offset: 0, length: 10 });
    registry.clearRequests();
    await readBlobRange(new RemoteBlob(http, REPOSITORY, target, { urlCache }), { offset: 10, length: 10 });
    expect(registry.requests).toMatchObject([{ port: 'storage', status: 206, authorization: false }]);
  });

  test.each([400, 401, 403, 404, 410])('is requested again if the storage responds with %i', async (status) => {
    const { http, target, content, registry } = await serveBlob(1000, { redirects: true });
    const urlCache = new BlobUrlCache();
    await readBlobRange(new RemoteBlob(http, REPOSITORY, target, { urlCache }), { offset: 0, length: 10 });
    registry.clearRequests();
    registry.inject({ on: { port: 'storage' }, fault: { kind: 'status', status } });
    const bytes = await readBlobRange(new RemoteBlob(http, REPOSITORY, target, { urlCache }), {
      offset: 10,
      length: 10,
    });
    expect(Buffer.from(bytes).equals(content.subarray(10, 20))).toBe(true);
    expect(registry.requests.map(({ port }) => port)).toEqual(['storage', 'registry', 'storage']);
  });

  test('is requested again if the storage cannot be reached', async () => {
    const { http, target, registry } = await serveBlob(1000, { redirects: true });
    const urlCache = new BlobUrlCache();
    urlCache.set(REPOSITORY, target.digest, new URL('http://127.0.0.1:9/gone?signature=secret'));
    expect(
      await readBlobRange(new RemoteBlob(http, REPOSITORY, target, { urlCache }), { offset: 0, length: 10 }),
    ).toHaveLength(10);
    expect(registry.requests.map(({ port }) => port)).toEqual(['registry', 'storage']);
  });

  test('is requested again if it expired on the way', async () => {
    const { http, target, registry } = await serveBlob(1000, { redirects: true });
    registry.inject({ on: { port: 'storage' }, fault: { kind: 'expire-urls' } });
    expect(await readBlobRange(new RemoteBlob(http, REPOSITORY, target), { offset: 0, length: 10 })).toHaveLength(10);
  });

  test('does not appear in the error if every URL is rejected', async () => {
    const { http, target, registry } = await serveBlob(1000, { redirects: true });
    const fault = { kind: 'status', status: 403 } as const;
    registry.inject({ on: { port: 'storage' }, times: Number.POSITIVE_INFINITY, fault });
    const failure = await readBlobRange(new RemoteBlob(http, REPOSITORY, target), { offset: 0, length: 10 }).catch(
      (error) => error,
    );
    expect(failure).toMatchObject({ code: 'ACCESS_DENIED', status: 403 });
    expect(`${failure.stack} ${JSON.stringify(failure)}`).not.toContain('X-Amz');
  });
});

describe('a registry without ranges', () => {
  const content = new Random(5).bytes(300_000);
  const target = describeBlob(content);

  test('is read from the start of the blob to the end of the range', async () => {
    const http = await startServer((_request, response) => response.end(content));
    const bytes = await readBlobRange(new RemoteBlob(http, REPOSITORY, target), { offset: 100_000, length: 1000 });
    expect(Buffer.from(bytes).equals(content.subarray(100_000, 101_000))).toBe(true);
  });

  test('fails if too many bytes would have to be skipped', async () => {
    const size = MAX_BYTES_SKIPPED + 1000;
    const http = await startServer((_request, response) =>
      response.writeHead(200, { 'content-length': size }).flushHeaders(),
    );
    const reading = readBlobRange(new RemoteBlob(http, REPOSITORY, { ...target, size }), {
      offset: MAX_BYTES_SKIPPED + 1,
      length: 10,
    });
    await expect(reading).rejects.toMatchObject({ name: 'RegistryError', code: 'UNSUPPORTED' });
  });
});
