import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { concat, goldenLayerPath, readGoldenLayer, TAR_END, tarHeader } from '@soci/test-content';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type BuildZtocOptions, buildZtoc } from '../build/build-ztoc.ts';
import { gzipMember } from '../gzip/fixtures/gzip-member.ts';
import { mixedBytes } from '../gzip/fixtures/layer-data.ts';
import { type ClosableDigestThread, startDigestThread } from './digest-thread.ts';

vi.mock('node:worker_threads', { spy: true });

let thread: ClosableDigestThread;

beforeAll(async () => {
  thread = (await startDigestThread()) as ClosableDigestThread;
});

afterAll(() => thread.close());

function* chunksOf(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Returns the zTOC and the digest of a layer, or the error. */
async function outcomeOf(bytes: Uint8Array, chunkSize: number, options: BuildZtocOptions): Promise<unknown> {
  try {
    const built = await buildZtoc(chunksOf(bytes, chunkSize), options);
    return {
      digest: built.layerDigest,
      ztoc: Buffer.from(built.bytes).toString('base64'),
      candidates: built.candidates,
    };
  } catch (error) {
    const { code, message, offset } = error as { code?: string; message: string; offset?: number };
    return { code, message, offset };
  }
}

/** Expects the same result with and without the thread. Returns it. */
async function expectSame(bytes: Uint8Array, chunkSize: number, options: BuildZtocOptions = {}): Promise<unknown> {
  const alone = await outcomeOf(bytes, chunkSize, options);
  expect(await outcomeOf(bytes, chunkSize, { ...options, thread })).toEqual(alone);
  return alone;
}

/** A tar archive with one file. */
function tarOf(size: number, seed = 1): Uint8Array {
  return concat(tarHeader({ name: 'file', size }), mixedBytes(size, seed), new Uint8Array(-size & 511), TAR_END);
}

/** Divides bytes into gzip members. */
function membersOf(bytes: Uint8Array, size: number): Buffer[] {
  return [...chunksOf(bytes, size)].map((part) => gzipMember(part));
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0x10;
  return copy;
}

const GOLDEN = readdirSync(dirname(goldenLayerPath('plain.tar'))).sort();

describe('a layer has the same result with a digest thread', () => {
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
    const built = { digest: expect.stringMatching(/^sha256:/) };
    expect(await expectSame(bytes, bytes.length)).toMatchObject(built);
    expect(await expectSame(bytes, 100_003, { spanSize: 1 << 20 })).toMatchObject(built);
    expect(await expectSame(bytes, 1 << 18, { spanSize: 'auto' })).toMatchObject(built);
  });
});

describe('an invalid layer has the same error with a digest thread', () => {
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
    expect(await expectSame(concat(...members), 1 << 18)).toMatchObject({ digest: expect.any(String) });
  });
});

it('a digest thread can be used again after an abort, and helps one build at a time', async () => {
  const abort = new AbortController();
  const layer = gzipMember(tarOf(4 << 20));
  async function* aborting(): AsyncGenerator<Uint8Array> {
    yield layer.subarray(0, 1 << 20);
    await expect(buildZtoc([layer], { thread })).rejects.toThrow('another layer');
    abort.abort(new Error('stop'));
    yield layer.subarray(1 << 20);
  }
  await expect(buildZtoc(aborting(), { thread, signal: abort.signal })).rejects.toThrow('stop');
  expect(await expectSame(layer, 1 << 18)).toMatchObject({ digest: expect.any(String) });
});

it('a closed thread cannot be used', async () => {
  const closed = (await startDigestThread()) as ClosableDigestThread;
  await closed.close();
  await closed.close();
  await expect(buildZtoc([], { thread: closed })).rejects.toThrow('the thread that computes digests has ended');
});

it('a build fails if its thread ends', async () => {
  const lost = (await startDigestThread()) as ClosableDigestThread;
  const worker = vi.mocked(Worker).mock.results.at(-1)?.value as Worker;
  const layer = gzipMember(tarOf(1 << 20));
  async function* losing(): AsyncGenerator<Uint8Array> {
    yield layer.subarray(0, 100_000);
    await worker.terminate();
    yield layer.subarray(100_000);
  }
  await expect(buildZtoc(losing(), { thread: lost })).rejects.toThrow('the thread that computes digests failed');
});

it('startDigestThread returns undefined if a thread cannot start', async () => {
  vi.mocked(Worker).mockImplementationOnce(() => {
    throw new Error('no threads here');
  });
  expect(await startDigestThread()).toBeUndefined();
});
