import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { deflateSync } from 'node:zlib';
import { concat, goldenLayerPath, readGoldenLayer, seededRandom, TAR_END, tarHeader } from '@soci/test-content';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type BuildZtocOptions, buildZtoc } from '../build/build-ztoc.ts';
import { gzipMember } from '../gzip/fixtures/gzip-member.ts';
import { mixedBytes } from '../gzip/fixtures/layer-data.ts';
import { type ClosableSecondThread, startSecondThread, startThreadOf } from './second-thread.ts';

vi.mock('node:worker_threads', { spy: true });

/** A thread of the usual size, and one whose buffers are full and used again all the time. */
const threads: ClosableSecondThread[] = [];

beforeAll(async () => {
  const small = { ring: 8192, outputParts: 3, records: 8 };
  for (const thread of [await startSecondThread(), await startThreadOf(small)]) {
    threads.push(thread as ClosableSecondThread);
  }
});

afterAll(() => Promise.all(threads.map((thread) => thread.close())));

function* chunksOf(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Returns everything that a build returns, or the error. */
async function outcomeOf(bytes: Uint8Array, chunkSize: number, options: BuildZtocOptions): Promise<unknown> {
  try {
    const { layerDigest, candidates, otherSpans, bytes: ztoc } = await buildZtoc(chunksOf(bytes, chunkSize), options);
    return { layerDigest, ztoc: Buffer.from(ztoc).toString('base64'), candidates, otherSpans };
  } catch (error) {
    const { code, message, offset } = error as { code?: string; message: string; offset?: number };
    return { code, message, offset };
  }
}

/** Expects the same outcome with each thread and without one. Returns it. */
async function expectSame(bytes: Uint8Array, chunkSize: number, options: BuildZtocOptions = {}): Promise<unknown> {
  const alone = await outcomeOf(bytes, chunkSize, options);
  for (const thread of threads) expect(await outcomeOf(bytes, chunkSize, { ...options, thread })).toEqual(alone);
  return alone;
}

const built = { layerDigest: expect.stringMatching(/^sha256:/) };

/** A tar archive with one file. */
function tarOf(size: number, seed = 1): Uint8Array {
  return concat(tarHeader({ name: 'file', size }), mixedBytes(size, seed), new Uint8Array(-size & 511), TAR_END);
}

/** A tar archive with files of random sizes. */
function tarOfFiles(size: number, seed: number): Uint8Array {
  const random = seededRandom(seed);
  const parts: Uint8Array[] = [];
  for (let left = size; left > 0; ) {
    const length = Math.min(left, 1 + random(60_000));
    parts.push(tarHeader({ name: `file-${left}`, size: length }), mixedBytes(length, seed + left));
    parts.push(new Uint8Array(-length & 511));
    left -= length;
  }
  return concat(...parts, TAR_END);
}

function divide(bytes: Uint8Array, size: number): Uint8Array[] {
  return [...chunksOf(bytes, size)];
}

/** Divides bytes into gzip members. */
function membersOf(bytes: Uint8Array, size: number): Buffer[] {
  return divide(bytes, size).map((part) => gzipMember(part));
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0x10;
  return copy;
}

const GOLDEN = readdirSync(dirname(goldenLayerPath('plain.tar'))).sort();

describe('a layer has the same result with another thread', () => {
  it.each(GOLDEN)('golden layer %s', async (name) => {
    const bytes = readGoldenLayer(name);
    await expectSame(bytes, 1 << 18, { spanSize: 65_536 });
    await expectSame(bytes, 97, { spanSize: 4096 });
  });

  it.each([
    ['one member that is larger than all buffers', () => gzipMember(tarOf(9 << 20))],
    ['stored blocks', () => gzipMember(tarOf(9 << 20), { level: 0 })],
    [
      'output that is far larger than the layer',
      () => gzipMember(concat(tarHeader({ name: 'zeros', size: 300 << 20 }), new Uint8Array(300 << 20), TAR_END)),
    ],
    ['many members', () => concat(...membersOf(tarOf(5 << 20), 30_000))],
    ['uncompressed data', () => tarOf(9 << 20)],
  ])('%s', async (_what, layer) => {
    const bytes = layer();
    expect(await expectSame(bytes, bytes.length)).toMatchObject(built);
    expect(await expectSame(bytes, 100_003, { spanSize: 1 << 20 })).toMatchObject(built);
    expect(await expectSame(bytes, 1 << 18, { spanSize: 'auto' })).toMatchObject(built);
  });

  const tar = tarOfFiles(400_000, 1);
  it.each([
    ['members of 1,000 bytes', divide(tar, 1000).map((part) => gzipMember(part))],
    ['members of several blocks', divide(tar, 90_000).map((part) => gzipMember(part, { memLevel: 1 }))],
    ['stored members', divide(tar, 9000).map((part) => gzipMember(part, { level: 0 }))],
    ['empty members', divide(tar, 900).flatMap((part) => [gzipMember(part), gzipMember(new Uint8Array(0))])],
    [
      'headers with all fields, as of bgzip',
      divide(tar, 20_000).map((part, i) =>
        gzipMember(part, { extra: Buffer.from(`BC${'x'.repeat(i)}`), name: `${i}`, comment: 'c', headerCrc: true }),
      ),
    ],
    [
      'headers that are longer than a buffer and contain headers',
      divide(tar, 40_000).map((part, i) =>
        gzipMember(part, {
          extra: Buffer.concat([Buffer.alloc(i), Buffer.alloc(65_000, gzipMember(part).subarray(0, 10))]),
        }),
      ),
    ],
    ['long headers', divide(tar, 20_000).map((part, i) => gzipMember(part, { extra: Buffer.alloc(300 * i) }))],
    [
      'members in zlib format after the archive',
      [gzipMember(tar), deflateSync(tar), gzipMember(tar), deflateSync(tar)],
    ],
    [
      'a member in zlib format that is shorter than a header of gzip',
      [gzipMember(tar), deflateSync(new Uint8Array(0))],
    ],
  ])('%s', async (_what, members) => {
    for (const spanSize of [1, 5000, 70_000, 'auto'] as const) {
      const layer = concat(...members);
      expect(await expectSame(layer, layer.length, { spanSize, otherSpanSizes: [9000] })).toMatchObject(built);
      expect(await expectSame(layer, 1009, { spanSize, otherSpanSizes: [9000] })).toMatchObject(built);
    }
  });
});

describe('an invalid layer has the same error with another thread', () => {
  const members = membersOf(tarOf(2 << 20), 200_000);
  const [first, second, third, ...rest] = members as [Buffer, Buffer, Buffer, ...Buffer[]];
  const wrongCrc = flipped(second, second.length - 8);
  const wrongLength = flipped(second, second.length - 1);
  const offset = first.length + second.length - 8;

  it.each([
    ['a wrong CRC-32', concat(first, wrongCrc, third, ...rest), 'GZIP_CHECKSUM_MISMATCH'],
    ['a wrong length', concat(first, wrongLength, third, ...rest), 'GZIP_CHECKSUM_MISMATCH'],
    ['two wrong members', concat(first, wrongLength, flipped(third, third.length - 8)), 'GZIP_CHECKSUM_MISMATCH'],
    ['a wrong CRC-32 before invalid data', concat(first, wrongCrc, flipped(third, 100)), 'GZIP_CHECKSUM_MISMATCH'],
    ['a wrong CRC-32 before an invalid header', concat(first, wrongCrc, flipped(third, 0)), 'GZIP_CHECKSUM_MISMATCH'],
    ['a wrong CRC-32 before the end', concat(first, wrongCrc, third.subarray(0, 50)), 'GZIP_CHECKSUM_MISMATCH'],
  ])('%s', async (_what, bytes, code) => {
    expect(await expectSame(bytes, 1 << 18)).toMatchObject({ code, offset });
    expect(await expectSame(bytes, 1000)).toMatchObject({ code, offset });
  });

  it('an error before a wrong CRC-32', async () => {
    const bad = flipped(tarOf(1 << 20), 10);
    const member = gzipMember(bad);
    const bytes = flipped(member, member.length - 8);
    expect(await expectSame(bytes, 1 << 18)).toMatchObject({ code: 'TAR_INVALID', offset: 0 });
  });

  it('a limit', async () => {
    const bytes = gzipMember(tarOf(4 << 20));
    const limits = { maxUncompressedSize: 1 << 20 };
    expect(await expectSame(bytes, 1 << 18, { limits })).toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(await expectSame(bytes, 1 << 18, { spanSize: 1, limits: { maxSpans: 2 } })).toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
  });

  it('an error of the caller, which can use the thread again', async () => {
    const onEntry = () => {
      throw new Error('of the caller');
    };
    expect(await expectSame(first, 1 << 18, { onEntry })).toMatchObject({ message: 'of the caller' });
    expect(await expectSame(concat(...members), 1 << 18)).toMatchObject(built);
  });

  it.each(Array.from({ length: 12 }, (_, seed) => seed))('random layers and damages, seed %i', async (seed) => {
    const random = seededRandom(1000 + seed);
    for (let round = 0; round < 25; round++) {
      const content = tarOfFiles(20_000 + random(150_000), seed * 100 + round);
      if (random(4) === 0) content[random(content.length)] = random(256);
      const parts = divide(content, random(4) === 0 ? content.length : 200 + random(40_000));
      const parameters = () => ({ level: random(10), memLevel: 1 + random(9), strategy: random(5) });
      const layer = concat(...parts.map((part) => gzipMember(part, parameters())));
      for (let damages = random(3); damages > 0; damages--) layer[random(layer.length)] = random(256);
      const end = random(4) === 0 ? random(layer.length) : layer.length;
      const limits = [
        {},
        { maxUncompressedSize: random(content.length) },
        { maxSpans: random(20) },
        { maxEntries: random(4) },
        { maxZtocSize: random(200_000) },
      ][random(5)] as object;
      await expectSame(layer.subarray(0, end), 1 + random(layer.length), { spanSize: 1 + random(30_000), limits });
    }
  });

  it('an error of the source comes after those of the bytes before it', async () => {
    const layer = concat(...membersOf(tarOf(400_000), 30_000));
    layer[layer.length - 1000] = 0;
    layer[layer.length - 999] = 0;
    async function* lost(): AsyncGenerator<Uint8Array> {
      yield layer;
      throw new Error('connection lost');
    }
    const outcome = (options: BuildZtocOptions) =>
      buildZtoc(lost(), options).then(
        () => 'built',
        (error: { code?: string; message: string }) => error.code ?? error.message,
      );
    expect(await outcome({})).toMatch(/^(GZIP|TAR)_/);
    for (const thread of threads) expect(await outcome({ thread })).toBe(await outcome({}));
  });
});

it('a thread can be used again after an abort, and helps one build at a time', async () => {
  const abort = new AbortController();
  const layer = gzipMember(tarOf(4 << 20));
  const [thread] = threads as [ClosableSecondThread];
  async function* aborting(): AsyncGenerator<Uint8Array> {
    yield layer.subarray(0, 1 << 20);
    await expect(buildZtoc([layer], { thread })).rejects.toThrow('another layer');
    abort.abort(new Error('stop'));
    yield layer.subarray(1 << 20);
  }
  await expect(buildZtoc(aborting(), { thread, signal: abort.signal })).rejects.toThrow('stop');
  expect(await expectSame(layer, 1 << 18)).toMatchObject(built);
});

it('a closed thread cannot be used', async () => {
  const closed = (await startSecondThread()) as ClosableSecondThread;
  await closed.close();
  await closed.close();
  await expect(buildZtoc([], { thread: closed })).rejects.toThrow('the second thread has ended');
});

it.each([
  ['gzip', gzipMember(tarOf(1 << 20))],
  ['uncompressed', tarOf(1 << 20)],
])('a build of %s data fails if its thread ends', async (_compression, layer) => {
  const lost = (await startSecondThread()) as ClosableSecondThread;
  const worker = vi.mocked(Worker).mock.results.at(-1)?.value as Worker;
  async function* losing(): AsyncGenerator<Uint8Array> {
    yield layer.subarray(0, 100_000);
    await worker.terminate();
    yield layer.subarray(100_000);
  }
  await expect(buildZtoc(losing(), { thread: lost })).rejects.toThrow('the second thread failed: it exited');
});

it('startSecondThread returns undefined if a thread cannot start', async () => {
  vi.mocked(Worker).mockImplementationOnce(() => {
    throw new Error('no threads here');
  });
  expect(await startSecondThread()).toBeUndefined();
});
