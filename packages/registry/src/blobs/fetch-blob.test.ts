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
  serveAnswers,
  serveBlob,
} from './fixtures/served-blob.ts';
import { DEFAULT_MAX_READ_AHEAD, ReadAheadPool } from './read-ahead-pool.ts';
import { type BlobOptions, RemoteBlob } from './remote-blob.ts';

const MIB = 1 << 20;

/** Milliseconds, where a test waits for a stall. */
const SHORT_STALL = 500;

/** Reads the whole blob as a builder does, digest and all. */
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

describe('a blob over one connection', () => {
  test.each([0, 1, 100_000, 3 * MIB])('gives %i bytes with one request', async (size) => {
    const served = await serveBlob(size);
    expect(await fetchWhole(served)).toEqual(Buffer.from(served.content));
    expect(served.registry.requests).toHaveLength(1);
  });

  test('follows the registry to its storage', async () => {
    const served = await serveBlob(MIB, { redirects: true, auth: 'ecr' });
    expect(await fetchWhole(served)).toEqual(Buffer.from(served.content));
    expect(served.registry.requests.at(-1)).toMatchObject({ port: 'storage', status: 200, authorization: false });
  });

  test('gives chunks that may be kept and transferred', async () => {
    const served = await serveBlob(MIB);
    const kept: Uint8Array[] = [];
    for await (const chunk of fetchBlob(new RemoteBlob(served.http, REPOSITORY, served.target))) {
      kept.push(structuredClone(chunk, { transfer: [chunk.buffer as ArrayBuffer] }));
    }
    expect(Buffer.concat(kept)).toEqual(Buffer.from(served.content));
  });

  test('gives chunks that may be transferred where many come at a time', async () => {
    const content = new Random(4).bytes(200_000);
    const http = await serveAnswers((_request, response) => {
      for (let at = 0; at < content.length; at += 1000) response.write(content.subarray(at, at + 1000));
      response.end();
    });
    const kept: Uint8Array[] = [];
    for await (const chunk of fetchBlob(new RemoteBlob(http, REPOSITORY, describeBlob(content)))) {
      kept.push(structuredClone(chunk, { transfer: [chunk.buffer as ArrayBuffer] }));
    }
    expect(Buffer.concat(kept).equals(content)).toBe(true);
  });

  test.each([1000, 100_000])('uses memory again only where nobody else has it: pieces of %i bytes', async (size) => {
    const content = new Random(4).bytes(1_000_000);
    const http = await serveAnswers((_request, response) => {
      for (let at = 0; at < content.length; at += size) response.write(content.subarray(at, at + size));
      response.end();
    });
    const read = await fetchWhole({ http, target: describeBlob(content) }, { reuseChunks: true });
    expect(read.equals(content)).toBe(true);
  });

  test('waits for a slow body, as long as bytes come', async () => {
    const served = await serveBlob(MIB / 2, {}, SHORT_STALL);
    served.registry.inject({ fault: { kind: 'slow', rate: 500_000 } });
    expect((await fetchWhole(served)).equals(served.content)).toBe(true);
    expect(served.registry.requests).toHaveLength(1);
  });

  test('says that the registry does not have it', async () => {
    const served = await serveBlob(10);
    const missing = describeBlob(new Uint8Array([1]));
    await expect(fetchWhole({ ...served, target: missing })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('asks for nothing whose digest is none: it would become part of a URL', async () => {
    const served = await serveBlob(10);
    const target = { ...served.target, digest: 'sha256:../../other/manifests/latest' };
    await expect(fetchWhole({ ...served, target })).rejects.toMatchObject({ code: 'DIGEST_INVALID' });
    expect(served.registry.requests).toHaveLength(0);
  });

  test('ends with the reason of its signal, in the middle', async () => {
    const served = await serveBlob(MIB);
    served.registry.inject({ fault: { kind: 'stall', afterBytes: MIB / 2 } });
    const abort = new AbortController();
    const reason = new Error('enough');
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
  ])('goes on where it was: $kind', async (fault) => {
    const served = await serveBlob(MIB, { redirects: true }, SHORT_STALL);
    served.registry.inject({ on: { port: 'storage' }, fault });
    expect(await fetchWhole(served)).toEqual(Buffer.from(served.content));
    expect(ranges(served).slice(0, 2)).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]\d*-1048575$/)]);
  });

  test('may break off more often than a request is sent again, as long as bytes come in between', async () => {
    const served = await serveBlob(MIB);
    const fault = served.registry.inject({ times: 12, fault: { kind: 'reset', afterBytes: 80_000 } });
    expect(await fetchWhole(served, { retry: { ...QUICK_RETRY, maxAttempts: 2 } })).toEqual(
      Buffer.from(served.content),
    );
    expect(fault.hits).toBe(12);
  });

  test('is given up where nothing more comes', async () => {
    const served = await serveBlob(MIB);
    const fault = served.registry.inject({ times: Number.POSITIVE_INFINITY, fault: { kind: 'reset', afterBytes: 10 } });
    await expect(fetchWhole(served)).rejects.toMatchObject({ name: 'RegistryError', code: 'CONNECTION_FAILED' });
    expect(fault.hits).toBe(6);
  });

  test('goes on with a new URL where the old one has expired', async () => {
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

  test('goes on with a new token where the old one has expired', async () => {
    const served = await serveBlob(MIB, { auth: 'ecr' });
    served.registry.inject({ on: { method: 'GET' }, after: 1, fault: { kind: 'reset', afterBytes: 500_000 } });
    served.registry.inject({ on: { method: 'GET' }, after: 2, fault: { kind: 'expire-token' } });
    expect(await fetchWhole(served)).toEqual(Buffer.from(served.content));
    expect(served.registry.requests.map(({ status }) => status)).toEqual([401, 200, 401, 206]);
  });

  test('goes on over a server that gives less than was asked for', async () => {
    const content = new Random(1).bytes(10_000);
    const http = await serveAnswers((request, response) => {
      const first = Number(/=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const part = content.subarray(first, first + 3000);
      const range =
        first === 0 ? {} : { 'content-range': `bytes ${first}-${first + part.length - 1}/${content.length}` };
      response.writeHead(first === 0 ? 200 : 206, { 'content-length': part.length, ...range }).end(part);
    });
    expect(await fetchWhole({ http, target: describeBlob(content) })).toEqual(Buffer.from(content));
  });
});

describe('answers that are not the blob', () => {
  const content = new Random(2).bytes(100_000);
  const target = describeBlob(content);

  /** Breaks off the first answer in the middle, then answers as given. */
  function breakThen(status: number, headers: Record<string, string>, body: Uint8Array = content.subarray(50_000)) {
    let count = 0;
    return serveAnswers((_request, response) => {
      count += 1;
      if (count > 1) response.writeHead(status, headers).end(body);
      else
        response
          .writeHead(200, { 'content-length': content.length })
          .write(content.subarray(0, 50_000), () => response.destroy());
    });
  }

  test('bytes that are others are found by their receiver', async () => {
    const served = await serveBlob(MIB);
    served.registry.inject({ fault: { kind: 'wrong-bytes', atByte: 700_000 } });
    await expect(fetchWhole(served)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  test('a page of HTML is refused, with what it may be', async () => {
    const served = await serveBlob(MIB);
    served.registry.inject({ fault: { kind: 'html' } });
    const error = { code: 'RESPONSE_INVALID', message: expect.stringContaining('HTML') };
    await expect(fetchWhole(served)).rejects.toMatchObject(error);
  });

  test.each([target.size - 1, target.size + 1])('a blob of another size than %i is refused', async (size) => {
    const http = await serveAnswers((_request, response) => response.writeHead(200).end(content));
    const lying: Descriptor = { ...target, size };
    await expect(
      gather(fetchBlob(new RemoteBlob(http, REPOSITORY, lying, { retry: QUICK_RETRY }))),
    ).rejects.toMatchObject({
      name: size < target.size ? 'OciError' : 'RegistryError',
    });
  });

  test('a blob that is longer than said is refused before it is read', async () => {
    const served = await serveBlob(MIB);
    const lying = { ...served.target, size: 10 };
    const chunks = fetchBlob(new RemoteBlob(served.http, REPOSITORY, lying));
    await expect(chunks.next()).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
  });

  test('a blob that is shorter than said is refused at its end', async () => {
    const served = await serveBlob(MIB);
    const lying = { ...served.target, size: MIB + 1 };
    await expect(gather(fetchBlob(new RemoteBlob(served.http, REPOSITORY, lying)))).rejects.toMatchObject({
      code: 'SIZE_MISMATCH',
    });
  });

  test.each([
    ['another part', { 'content-range': 'bytes 0-49999/100000' }, 'RESPONSE_INVALID'],
    ['no Content-Range', {}, 'RESPONSE_INVALID'],
    ['more than was asked for', { 'content-range': 'bytes 50000-100000/*' }, 'RESPONSE_INVALID'],
    ['a part of something larger', { 'content-range': 'bytes 50000-99999/100001' }, 'SIZE_MISMATCH'],
  ])('a part is refused that is %s', async (_what, headers, code) => {
    const http = await breakThen(206, headers);
    await expect(fetchWhole({ http, target })).rejects.toMatchObject({ code });
  });

  test('a part is refused where all was asked for', async () => {
    const http = await serveAnswers((_request, response) => {
      response.writeHead(206, { 'content-range': 'bytes 0-99999/100000' }).end(content);
    });
    await expect(fetchWhole({ http, target })).rejects.toMatchObject({ code: 'RESPONSE_INVALID' });
  });

  test('what was read is passed over where the server knows no ranges', async () => {
    const http = await breakThen(200, {}, content);
    expect(await fetchWhole({ http, target })).toEqual(Buffer.from(content));
  });

  test('a server without ranges that keeps breaking off is not read for ever', async () => {
    let count = 0;
    const http = await serveAnswers((_request, response) => {
      count += 1;
      const length = Math.min(90_000, 50_000 + count * 10_000);
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, length), () => response.destroy());
    });
    await expect(fetchWhole({ http, target })).rejects.toMatchObject({ name: 'RegistryError', code: 'UNSUPPORTED' });
    expect(count).toBe(3);
  });
});

describe('a blob over several connections', () => {
  const SIZE = 28 * MIB + 12_345;
  /** A receiver that does nothing waits for this most of the time, also where other programs take most of the processor. */
  const SLOW = { rate: 12_000_000 };

  function partsOf(served: ServedBlob): number {
    return ranges(served).filter((range) => range !== undefined).length;
  }

  test('is asked for in parts where the network holds the receiver up, and comes in order', async () => {
    const served = await serveBlob(SIZE, { ...SLOW, redirects: true });
    const urlCache = new BlobUrlCache();
    const readAhead = new ReadAheadPool();
    expect((await fetchWhole(served, { urlCache, readAhead })).equals(served.content)).toBe(true);
    expect(partsOf(served)).toBeGreaterThanOrEqual(3);
    // The registry was asked once: the parts went where it had led.
    expect(served.registry.requests.filter(({ port }) => port === 'registry')).toHaveLength(1);
    expect(readAhead.acquire(8)).toHaveLength(DEFAULT_MAX_READ_AHEAD / (4 * MIB));
  });

  test.each([true, false])('gives the same bytes where chunks are reused: %s', async (reuseChunks) => {
    const served = await serveBlob(SIZE, SLOW);
    expect((await fetchWhole(served, { readAhead: new ReadAheadPool(), reuseChunks })).equals(served.content)).toBe(
      true,
    );
    expect(partsOf(served)).toBeGreaterThanOrEqual(3);
  });

  test('gives the memory back when its receiver stops', async () => {
    const served = await serveBlob(SIZE, SLOW);
    const readAhead = new ReadAheadPool(8 * MIB);
    let length = 0;
    for await (const chunk of fetchBlob(new RemoteBlob(served.http, REPOSITORY, served.target, { readAhead }))) {
      length += chunk.length;
      if (length > 14 * MIB) break;
    }
    expect(partsOf(served)).toBeGreaterThanOrEqual(1);
    expect(readAhead.acquire(8)).toHaveLength(2);
  });

  test('goes on over one connection where the server knows no ranges', async () => {
    const content = new Random(3).bytes(SIZE);
    let [whole, refused] = [0, 0];
    const http = await serveAnswers(async (request, response) => {
      if (request.headers.range === undefined) whole += 1;
      else refused += 1;
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
    expect(refused).toBeGreaterThan(0);
  });

  test('goes back to one connection where several are slower', async () => {
    const content = new Random(6).bytes(48 * MIB);
    const requested: number[] = [];
    const http = await serveAnswers(async ({ headers }, response) => {
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
    // The whole, two rounds of two parts, one that was in flight, and the rest in one.
    expect(requested).toHaveLength(7);
    expect(requested.at(-1)).toBeGreaterThan(4 * MIB);
  });

  test('ends with the error of a part, when it is its turn', async () => {
    const served = await serveBlob(SIZE, SLOW);
    const fault = { kind: 'status', status: 403 } as const;
    served.registry.inject({ after: 2, times: Number.POSITIVE_INFINITY, fault });
    await expect(fetchWhole(served, { readAhead: new ReadAheadPool() })).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    });
  });
});

describe('faults at random moments', () => {
  const SIZE = 26 * MIB + 1;

  /** What a seed makes of a read: one body that breaks for certain, and three faults more, after some requests or bytes. */
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

  test.each(Array.from({ length: 20 }, (_, seed) => seed))('end in the very same bytes: seed %i', async (seed) => {
    const served = await serveBlob(SIZE, { redirects: true, auth: 'ecr', rate: 60_000_000 }, SHORT_STALL);
    const injected = faultsOf(seed).map((rule) => served.registry.inject(rule));
    const readAhead = new ReadAheadPool(seed % 2 === 0 ? DEFAULT_MAX_READ_AHEAD : 0);
    const options = { urlCache: new BlobUrlCache(), readAhead, reuseChunks: seed % 4 < 2 };
    expect((await fetchWhole(served, options)).equals(served.content)).toBe(true);
    expect(injected.reduce((hits, fault) => hits + fault.hits, 0)).toBeGreaterThan(0);
  });
});
