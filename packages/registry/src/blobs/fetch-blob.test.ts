import { EventEmitter, once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Descriptor, type FetchOptions, verifyStream } from '@soci/oci';
import { Random } from '@soci/test-content';
import type { Fault, FaultRule } from '@soci/test-registry';
import { describe, expect, test } from 'vitest';
import { BlobUrlCache } from './blob-url-cache.ts';
import { fetchBlob } from './fetch-blob.ts';
import {
  describeBlob,
  gather,
  QUICK_RETRY,
  REPOSITORY,
  type ServedBlob,
  serveBlob,
  startServer,
} from './fixtures/served-blob.ts';
import { DEFAULT_MAX_READ_AHEAD, ReadAheadPool } from './read-ahead-pool.ts';
import { type BlobOptions, RemoteBlob } from './remote-blob.ts';

const MIB = 1 << 20;

/** Stall timeout in tests that wait for a stall, in milliseconds. */
const SHORT_STALL = 500;

/** Reads the whole blob and verifies its digest. */
async function fetchWhole(
  served: Pick<ServedBlob, 'http' | 'target'>,
  options: BlobOptions & FetchOptions = {},
): Promise<Buffer> {
  const chunks = fetchBlob(new RemoteBlob(served.http, REPOSITORY, served.target, { retry: QUICK_RETRY, ...options }));
  return gather(verifyStream(chunks, served.target));
}

function ranges({ registry }: ServedBlob): (string | undefined)[] {
  return registry.requests.filter(({ status }) => status < 300).map(({ range }) => range);
}

describe('reading a blob over one connection', () => {
  test.each([0, 1, 100_000, 3 * MIB])('reads %i bytes with one request', async (size) => {
    const served = await serveBlob(size);
    expect(await fetchWhole(served)).toEqual(Buffer.from(served.content));
    expect(served.registry.requests).toHaveLength(1);
  });

  test('follows the redirect to the storage without credentials', async () => {
    const served = await serveBlob(MIB, { redirects: true, auth: 'ecr' });
    expect(await fetchWhole(served)).toEqual(Buffer.from(served.content));
    expect(served.registry.requests.at(-1)).toMatchObject({ port: 'storage', status: 200, authorization: false });
  });

  test('yields chunks that can be kept and transferred', async () => {
    const served = await serveBlob(MIB);
    const received: Uint8Array[] = [];
    for await (const chunk of fetchBlob(new RemoteBlob(served.http, REPOSITORY, served.target))) {
      received.push(structuredClone(chunk, { transfer: [chunk.buffer as ArrayBuffer] }));
    }
    expect(Buffer.concat(received)).toEqual(Buffer.from(served.content));
  });

  test('yields chunks that can be transferred if many arrive at once', async () => {
    const content = new Random(4).bytes(200_000);
    const http = await startServer((_request, response) => {
      for (let at = 0; at < content.length; at += 1000) response.write(content.subarray(at, at + 1000));
      response.end();
    });
    const received: Uint8Array[] = [];
    for await (const chunk of fetchBlob(new RemoteBlob(http, REPOSITORY, describeBlob(content)))) {
      received.push(structuredClone(chunk, { transfer: [chunk.buffer as ArrayBuffer] }));
    }
    expect(Buffer.concat(received).equals(content)).toBe(true);
  });

  test.each([1000, 100_000])('reuses only memory that is not shared: chunks of %i bytes', async (size) => {
    const content = new Random(4).bytes(1_000_000);
    const http = await startServer((_request, response) => {
      for (let at = 0; at < content.length; at += size) response.write(content.subarray(at, at + size));
      response.end();
    });
    const read = await fetchWhole({ http, target: describeBlob(content) }, { reuseChunks: true });
    expect(read.equals(content)).toBe(true);
  });

  test('reads a slow body as long as bytes arrive', async () => {
    const served = await serveBlob(MIB / 2, {}, SHORT_STALL);
    served.registry.inject({ fault: { kind: 'slow', rate: 500_000 } });
    expect((await fetchWhole(served)).equals(served.content)).toBe(true);
    expect(served.registry.requests).toHaveLength(1);
  });

  test('rejects with NOT_FOUND if the blob does not exist', async () => {
    const served = await serveBlob(10);
    const missing = describeBlob(new Uint8Array([1]));
    await expect(fetchWhole({ ...served, target: missing })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('rejects an invalid digest before sending a request', async () => {
    const served = await serveBlob(10);
    const target = { ...served.target, digest: 'sha256:../../other/manifests/latest' };
    await expect(fetchWhole({ ...served, target })).rejects.toMatchObject({ code: 'DIGEST_INVALID' });
    expect(served.registry.requests).toHaveLength(0);
  });

  test('rejects with the reason of its signal in the middle of a body', async () => {
    const served = await serveBlob(MIB);
    served.registry.inject({ fault: { kind: 'stall', afterBytes: MIB / 2 } });
    const abort = new AbortController();
    const reason = new Error('aborted');
    const reading = async () => {
      for await (const _ of fetchBlob(new RemoteBlob(served.http, REPOSITORY, served.target), { signal: abort.signal }))
        abort.abort(reason);
    };
    await expect(reading()).rejects.toBe(reason);
  });
});

describe('a body that breaks off', () => {
  test.each<Fault>([
    { kind: 'reset', afterBytes: 300_000 },
    { kind: 'stall', afterBytes: 300_000 },
    { kind: 'truncate', afterBytes: 300_000 },
  ])('is resumed at the first missing byte: $kind', async (fault) => {
    const served = await serveBlob(MIB, { redirects: true }, SHORT_STALL);
    served.registry.inject({ on: { port: 'storage' }, fault });
    expect(await fetchWhole(served)).toEqual(Buffer.from(served.content));
    expect(ranges(served).slice(0, 2)).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]\d*-1048575$/)]);
  });

  test('may break off more often than maxAttempts, as long as there is progress', async () => {
    const served = await serveBlob(MIB);
    const fault = served.registry.inject({ times: 12, fault: { kind: 'reset', afterBytes: 80_000 } });
    expect(await fetchWhole(served, { retry: { ...QUICK_RETRY, maxAttempts: 2 } })).toEqual(
      Buffer.from(served.content),
    );
    expect(fault.hits).toBe(12);
  });

  test('fails after maxAttempts without progress', async () => {
    const served = await serveBlob(MIB);
    const fault = served.registry.inject({ times: Number.POSITIVE_INFINITY, fault: { kind: 'reset', afterBytes: 10 } });
    await expect(fetchWhole(served)).rejects.toMatchObject({ name: 'RegistryError', code: 'CONNECTION_FAILED' });
    expect(fault.hits).toBe(6);
  });

  test('is resumed with a new URL if the old one has expired', async () => {
    const served = await serveBlob(MIB, { redirects: true });
    served.registry.inject({ on: { port: 'storage' }, fault: { kind: 'reset', afterBytes: 500_000 } });
    const urlCache = new BlobUrlCache();
    let isFirst = true;
    const chunks = fetchBlob(new RemoteBlob(served.http, REPOSITORY, served.target, { urlCache, retry: QUICK_RETRY }));
    const read = await gather(
      (async function* () {
        for await (const chunk of chunks) {
          if (isFirst) served.registry.expireUrls();
          isFirst = false;
          yield chunk;
        }
      })(),
    );
    expect(read).toEqual(Buffer.from(served.content));
  });

  test('is resumed with a new token if the old one has expired', async () => {
    const served = await serveBlob(MIB, { auth: 'ecr' });
    served.registry.inject({ on: { method: 'GET' }, after: 1, fault: { kind: 'reset', afterBytes: 500_000 } });
    served.registry.inject({ on: { method: 'GET' }, after: 2, fault: { kind: 'expire-token' } });
    expect(await fetchWhole(served)).toEqual(Buffer.from(served.content));
    expect(served.registry.requests.map(({ status }) => status)).toEqual([401, 200, 401, 206]);
  });

  test('is resumed if the server returns shorter ranges than requested', async () => {
    const content = new Random(1).bytes(10_000);
    const http = await startServer((request, response) => {
      const first = Number(/=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const part = content.subarray(first, first + 3000);
      const range =
        first === 0 ? {} : { 'content-range': `bytes ${first}-${first + part.length - 1}/${content.length}` };
      response.writeHead(first === 0 ? 200 : 206, { 'content-length': part.length, ...range }).end(part);
    });
    expect(await fetchWhole({ http, target: describeBlob(content) })).toEqual(Buffer.from(content));
  });
});

describe('invalid responses', () => {
  const content = new Random(2).bytes(100_000);
  const target = describeBlob(content);

  /** Starts a server that breaks off its first response in the middle, and then responds as given. */
  function breakThen(status: number, headers: Record<string, string>, body: Uint8Array = content.subarray(50_000)) {
    let count = 0;
    return startServer((_request, response) => {
      count += 1;
      if (count > 1) response.writeHead(status, headers).end(body);
      else
        response
          .writeHead(200, { 'content-length': content.length })
          .write(content.subarray(0, 50_000), () => response.destroy());
    });
  }

  test('wrong bytes are detected by the digest check of the consumer', async () => {
    const served = await serveBlob(MIB);
    served.registry.inject({ fault: { kind: 'wrong-bytes', atByte: 700_000 } });
    await expect(fetchWhole(served)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  test('an HTML page is rejected', async () => {
    const served = await serveBlob(MIB);
    served.registry.inject({ fault: { kind: 'html' } });
    const error = { code: 'RESPONSE_INVALID', message: expect.stringContaining('HTML') };
    await expect(fetchWhole(served)).rejects.toMatchObject(error);
  });

  test.each([target.size - 1, target.size + 1])('a blob is rejected if its descriptor says %i bytes', async (size) => {
    const http = await startServer((_request, response) => response.writeHead(200).end(content));
    const wrong: Descriptor = { ...target, size };
    await expect(
      gather(fetchBlob(new RemoteBlob(http, REPOSITORY, wrong, { retry: QUICK_RETRY }))),
    ).rejects.toMatchObject({
      name: size < target.size ? 'OciError' : 'RegistryError',
    });
  });

  test('a blob longer than its descriptor says is rejected before it is read', async () => {
    const served = await serveBlob(MIB);
    const wrong = { ...served.target, size: 10 };
    const chunks = fetchBlob(new RemoteBlob(served.http, REPOSITORY, wrong));
    await expect(chunks.next()).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
  });

  test('a blob shorter than its descriptor says is rejected at its end', async () => {
    const served = await serveBlob(MIB);
    const wrong = { ...served.target, size: MIB + 1 };
    await expect(gather(fetchBlob(new RemoteBlob(served.http, REPOSITORY, wrong)))).rejects.toMatchObject({
      code: 'SIZE_MISMATCH',
    });
  });

  test.each([
    ['another range', { 'content-range': 'bytes 0-49999/100000' }, 'RESPONSE_INVALID'],
    ['no Content-Range', {}, 'RESPONSE_INVALID'],
    ['a longer range than requested', { 'content-range': 'bytes 50000-100000/*' }, 'RESPONSE_INVALID'],
    ['a range of a larger blob', { 'content-range': 'bytes 50000-99999/100001' }, 'SIZE_MISMATCH'],
  ])('a partial response with %s is rejected', async (_what, headers, code) => {
    const http = await breakThen(206, headers);
    await expect(fetchWhole({ http, target })).rejects.toMatchObject({ code });
  });

  test('a partial response to a request for the whole blob is rejected', async () => {
    const http = await startServer((_request, response) => {
      response.writeHead(206, { 'content-range': 'bytes 0-99999/100000' }).end(content);
    });
    await expect(fetchWhole({ http, target })).rejects.toMatchObject({ code: 'RESPONSE_INVALID' });
  });

  test('bytes already read are skipped if the server does not support ranges', async () => {
    const http = await breakThen(200, {}, content);
    expect(await fetchWhole({ http, target })).toEqual(Buffer.from(content));
  });

  test('a server without ranges that keeps breaking off is not read again forever', async () => {
    let count = 0;
    const http = await startServer((_request, response) => {
      count += 1;
      const length = Math.min(90_000, 50_000 + count * 10_000);
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, length), () => response.destroy());
    });
    await expect(fetchWhole({ http, target })).rejects.toMatchObject({ name: 'RegistryError', code: 'UNSUPPORTED' });
    expect(count).toBe(3);
  });
});

describe('reading a blob over several connections', () => {
  const SIZE = 28 * MIB + 12_345;
  /** Rate of a server for which an idle consumer waits most of the time, even on a loaded machine. */
  const SLOW = { rate: 12_000_000 };

  function partsOf(served: ServedBlob): number {
    return ranges(served).filter((range) => range !== undefined).length;
  }

  test('reads parts in order if the consumer is network-bound', async () => {
    const served = await serveBlob(SIZE, { ...SLOW, redirects: true });
    const urlCache = new BlobUrlCache();
    const readAhead = new ReadAheadPool();
    expect((await fetchWhole(served, { urlCache, readAhead })).equals(served.content)).toBe(true);
    expect(partsOf(served)).toBeGreaterThanOrEqual(3);
    // The registry received one request; the parts were requested from the storage directly.
    expect(served.registry.requests.filter(({ port }) => port === 'registry')).toHaveLength(1);
    expect(readAhead.used).toBe(0);
  });

  test.each([true, false])('yields the same bytes with reuseChunks: %s', async (reuseChunks) => {
    const served = await serveBlob(SIZE, SLOW);
    expect((await fetchWhole(served, { readAhead: new ReadAheadPool(), reuseChunks })).equals(served.content)).toBe(
      true,
    );
    expect(partsOf(served)).toBeGreaterThanOrEqual(3);
  });

  test('releases its memory when the consumer stops', async () => {
    const served = await serveBlob(SIZE, SLOW);
    const readAhead = new ReadAheadPool(8 * MIB);
    let length = 0;
    for await (const chunk of fetchBlob(new RemoteBlob(served.http, REPOSITORY, served.target, { readAhead }))) {
      length += chunk.length;
      if (length > 14 * MIB) break;
    }
    expect(partsOf(served)).toBeGreaterThanOrEqual(1);
    expect(readAhead.used).toBe(0);
  });

  test('continues over one connection if the server does not support ranges', async () => {
    const content = new Random(3).bytes(SIZE);
    let [whole, ranged] = [0, 0];
    const http = await startServer(async (request, response) => {
      if (request.headers.range === undefined) whole += 1;
      else ranged += 1;
      response.on('error', () => undefined).writeHead(200, { 'content-length': content.length });
      for (let at = 0; at < content.length && !response.destroyed; at += 500_000) {
        response.write(content.subarray(at, at + 500_000));
        await sleep(10);
      }
      response.end();
    });
    const target = describeBlob(content);
    expect((await fetchWhole({ http, target }, { readAhead: new ReadAheadPool() })).equals(content)).toBe(true);
    expect(whole).toBe(1);
    expect(ranged).toBeGreaterThan(0);
  });

  test('returns to one connection if several are slower', async () => {
    const content = new Random(6).bytes(48 * MIB);
    const requested: number[] = [];
    const http = await startServer(async ({ headers }, response) => {
      const [range, first, last] = /(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
      const part = content.subarray(Number(first ?? 0), Number(last ?? content.length - 1) + 1);
      const contentRange = `bytes ${range}/${content.length}`;
      requested.push(part.length);
      response.on('error', () => undefined);
      response.writeHead(first === undefined ? 200 : 206, first === undefined ? {} : { 'content-range': contentRange });
      const wait = part.length > 4 * MIB ? 5 : 50;
      for (let at = 0; at < part.length && !response.destroyed; at += MIB / 4) {
        response.write(part.subarray(at, at + MIB / 4));
        await sleep(wait);
      }
      response.end();
    });
    const options = { readAhead: new ReadAheadPool(8 * MIB) };
    expect((await fetchWhole({ http, target: describeBlob(content) }, options)).equals(content)).toBe(true);
    // The whole blob, two rounds of four parts, three in flight, and the rest.
    expect(requested).toHaveLength(13);
    expect(requested.at(-1)).toBeGreaterThan(4 * MIB);
  });

  /** Serves the whole blob so slowly that the client requests parts, and lets a test send the parts. */
  function serveParts(
    content: Uint8Array,
    sendPart: (response: ServerResponse, part: Uint8Array) => void | Promise<void>,
  ) {
    return startServer(async ({ headers }, response) => {
      const [range, first, last] = /(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
      response.on('error', () => undefined);
      if (range !== undefined) {
        response.statusCode = 206;
        response.setHeader('content-range', `bytes ${range}/${content.length}`);
        return sendPart(response, content.subarray(Number(first), Number(last) + 1));
      }
      for (let at = 0; at < content.length && !response.destroyed; at += MIB / 2) {
        response.write(content.subarray(at, at + MIB / 2));
        await sleep(40);
      }
      response.end();
    });
  }

  test('requests more parts than fit in the memory of a blob that has just started', async () => {
    const content = new Random(7).bytes(72 * MIB);
    const MORE_THAN_FIT = 9;
    let [inFlight, most] = [0, 0];
    const arrivals = new EventEmitter().setMaxListeners(0);
    const http = await serveParts(content, async (response, part) => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      arrivals.emit('part');
      const waiting = AbortSignal.timeout(20_000);
      while (most < MORE_THAN_FIT && !waiting.aborted) {
        await once(arrivals, 'part', { signal: waiting }).catch(() => undefined);
      }
      inFlight -= 1;
      response.end(part);
    });
    const options = { readAhead: new ReadAheadPool() };
    expect((await fetchWhole({ http, target: describeBlob(content) }, options)).equals(content)).toBe(true);
    expect(most).toBeGreaterThanOrEqual(MORE_THAN_FIT);
  });

  test('stops receiving when its memory is full, and gives the first part priority', async () => {
    const content = new Random(8).bytes(64 * MIB);
    const http = await serveParts(content, (response, part) => {
      response.end(part);
    });
    const readAhead = new ReadAheadPool(8 * MIB);
    const gathered: Uint8Array[] = [];
    let [length, most] = [0, 0];
    for await (const chunk of fetchBlob(new RemoteBlob(http, REPOSITORY, describeBlob(content), { readAhead }))) {
      length += chunk.length;
      gathered.push(chunk);
      // The parts arrive faster than they are consumed.
      if (length > 13 * MIB) await sleep(1);
      most = Math.max(most, readAhead.used);
    }
    expect(Buffer.concat(gathered).equals(content)).toBe(true);
    expect(most).toBeGreaterThan(4 * MIB);
    expect(most).toBeLessThan(9 * MIB);
    expect(readAhead.used).toBe(0);
  });

  test('uses more memory than at first while its consumer waits for the network', async () => {
    const content = new Random(9).bytes(96 * MIB);
    // The consumer waits for the last byte of each part, while others arrive.
    const http = await serveParts(content, async (response, part) => {
      response.write(part.subarray(0, -1));
      await sleep(500);
      response.end(part.subarray(-1));
    });
    const readAhead = new ReadAheadPool();
    let [length, most] = [0, 0];
    for await (const chunk of fetchBlob(new RemoteBlob(http, REPOSITORY, describeBlob(content), { readAhead }))) {
      length += chunk.length;
      most = Math.max(most, readAhead.used);
    }
    expect(length).toBe(content.length);
    expect(most).toBeGreaterThan(18 * MIB);
    expect(most).toBeLessThan(33 * MIB);
  });

  test('rejects with the error of a part when its turn comes', async () => {
    const served = await serveBlob(SIZE, SLOW);
    const fault = { kind: 'status', status: 403 } as const;
    served.registry.inject({ after: 2, times: Number.POSITIVE_INFINITY, fault });
    await expect(fetchWhole(served, { readAhead: new ReadAheadPool() })).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    });
  });
});

describe('random faults', () => {
  const SIZE = 26 * MIB + 1;

  /**
   * Returns the faults of a seed: one body that always breaks off, and three more faults after some requests or bytes.
   */
  function faultsOf(seed: number): FaultRule[] {
    const random = new Random(seed);
    const storage = { port: 'storage' } as const;
    return [0, 1, 2, 3].map((index) => {
      const kind = (['reset', 'truncate', 'stall', 'expire-urls', 'expire-token'] as const)[
        random.below(index === 0 ? 2 : 5)
      ];
      const after = index === 0 ? 0 : random.below(2) + index;
      if (kind === 'expire-token') return { on: { port: 'registry' }, after, fault: { kind } };
      if (kind === 'expire-urls') return { on: storage, after, fault: { kind } };
      return { on: storage, after, fault: { kind: kind ?? 'reset', afterBytes: random.below(3 * MIB) } };
    });
  }

  test.each(Array.from({ length: 20 }, (_, seed) => seed))('do not change the bytes: seed %i', async (seed) => {
    const served = await serveBlob(SIZE, { redirects: true, auth: 'ecr', rate: 60_000_000 }, SHORT_STALL);
    const injected = faultsOf(seed).map((rule) => served.registry.inject(rule));
    const readAhead = new ReadAheadPool(seed % 2 === 0 ? DEFAULT_MAX_READ_AHEAD : 0);
    const options = { urlCache: new BlobUrlCache(), readAhead, reuseChunks: seed % 4 < 2 };
    expect((await fetchWhole(served, options)).equals(served.content)).toBe(true);
    expect(injected.reduce((hits, fault) => hits + fault.hits, 0)).toBeGreaterThan(0);
  });
});
