import { buffer } from 'node:stream/consumers';
import { constants, createDeflateRaw, deflateRawSync } from 'node:zlib';
import { concat, seededRandom, TAR_END, tarHeader } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { type BuildZtocOptions, buildZtoc } from '../build/build-ztoc.ts';
import { gzipMember } from '../gzip/fixtures/gzip-member.ts';
import { mixedBytes } from '../gzip/fixtures/layer-data.ts';
import { EagerThread } from './fixtures/eager-thread.ts';

const thread = new EagerThread();

/** Returns everything that a build returns, or the error. */
async function outcomeOf(bytes: Uint8Array, options: BuildZtocOptions): Promise<unknown> {
  try {
    const { layerDigest, candidates, otherSpans, bytes: ztoc } = await buildZtoc([bytes], options);
    return { layerDigest, ztoc: Buffer.from(ztoc).toString('base64'), candidates, otherSpans };
  } catch (error) {
    const { code, message, offset } = error as { code?: string; message: string; offset?: number };
    return { code, message, offset };
  }
}

/** Expects the same outcome with and without blocks that were decoded ahead. Returns it, and how often such blocks were used. */
async function compare(bytes: Uint8Array, options: BuildZtocOptions = {}) {
  const alone = await outcomeOf(bytes, options);
  const before = thread.usedRuns;
  expect(await outcomeOf(bytes, { ...options, thread })).toEqual(alone);
  return { outcome: alone, usedRuns: thread.usedRuns - before };
}

/** A tar archive with files of random sizes. */
function tarOf(size: number, seed: number): Uint8Array {
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
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

const built = { layerDigest: expect.any(String) };
const SPAN_SIZES = [1, 5000, 70_000, 'auto'] as const;
const tar = tarOf(400_000, 1);

describe('blocks that are decoded ahead are used, and change nothing', () => {
  it.each([
    ['members of 1,000 bytes', divide(tar, 1000).map((part) => gzipMember(part))],
    ['members of 30,000 bytes', divide(tar, 30_000).map((part) => gzipMember(part))],
    ['members of several blocks', divide(tar, 90_000).map((part) => gzipMember(part, { memLevel: 1 }))],
    ['stored members', divide(tar, 9000).map((part) => gzipMember(part, { level: 0 }))],
    ['empty members', divide(tar, 900).flatMap((part) => [gzipMember(part), gzipMember(new Uint8Array(0))])],
    [
      'headers with all fields, as of bgzip',
      divide(tar, 20_000).map((part, i) =>
        gzipMember(part, { extra: Buffer.from(`BC${'x'.repeat(i)}`), name: `${i}`, comment: 'c', headerCrc: true }),
      ),
    ],
    ['one member with independent parts, as of pigz -i', [flushed(divide(tar, 20_000))]],
  ])('%s', async (_what, members) => {
    for (const spanSize of SPAN_SIZES) {
      const { outcome, usedRuns } = await compare(concat(...members), { spanSize, otherSpanSizes: [9000] });
      expect(outcome).toMatchObject(built);
      expect(usedRuns).toBeGreaterThan(0);
    }
  });
});

/** Compresses parts into one member, so that no part needs an earlier one. */
function flushed(parts: readonly Uint8Array[]): Uint8Array {
  const whole = gzipMember(concat(...parts));
  const last = parts.length - 1;
  const deflated = parts.map((part, i) =>
    deflateRawSync(part, { finishFlush: i < last ? constants.Z_FULL_FLUSH : constants.Z_FINISH }),
  );
  return concat(whole.subarray(0, 10), ...deflated, whole.subarray(-8));
}

/** Compresses parts into one member, with an empty stored block between them. Parts refer to earlier ones. */
async function flushedTogether(parts: readonly Uint8Array[]): Promise<Uint8Array> {
  const deflate = createDeflateRaw();
  const deflated = buffer(deflate);
  for (const part of parts.slice(0, -1)) {
    deflate.write(part);
    await new Promise<void>((resolve) => deflate.flush(constants.Z_SYNC_FLUSH, resolve));
  }
  deflate.end(parts.at(-1));
  const whole = gzipMember(concat(...parts));
  return concat(whole.subarray(0, 10), await deflated, whole.subarray(-8));
}

describe('data that only looks like a start changes nothing', () => {
  it('a stored gzip file in the layer', async () => {
    const inner = concat(...divide(tar, 2000).map((part) => gzipMember(part)));
    const outer = concat(
      tarHeader({ name: 'a.gz', size: inner.length }),
      inner,
      new Uint8Array(-inner.length & 511),
      TAR_END,
    );
    expect(await compare(gzipMember(outer, { level: 0 }))).toMatchObject({ outcome: built, usedRuns: 0 });
  });

  it('flushes after which matches refer to earlier output', async () => {
    const file = mixedBytes(2000, 3);
    const copies = Array.from({ length: 200 }, (_, i) =>
      concat(tarHeader({ name: `copy-${i}`, size: file.length }), file, new Uint8Array(-file.length & 511)),
    );
    const layer = await flushedTogether(divide(concat(...copies, TAR_END), 20_000));
    expect(await compare(layer)).toMatchObject({ outcome: built, usedRuns: 0 });
  });
});

describe('an invalid layer has the same error', () => {
  it.each(Array.from({ length: 12 }, (_, seed) => seed))('random layers and damages, seed %i', async (seed) => {
    const random = seededRandom(1000 + seed);
    for (let round = 0; round < 25; round++) {
      const content = tarOf(20_000 + random(150_000), seed * 100 + round);
      if (random(4) === 0) content[random(content.length)] = random(256);
      const parts = divide(content, 200 + random(40_000));
      const isOneMember = random(4) === 0;
      const parameters = () => ({ level: random(10), memLevel: 1 + random(9), strategy: random(5) });
      const layer = isOneMember ? flushed(parts) : concat(...parts.map((part) => gzipMember(part, parameters())));
      for (let damages = random(3); damages > 0; damages--) layer[random(layer.length)] = random(256);
      const end = random(4) === 0 ? random(layer.length) : layer.length;
      const limits = [
        {},
        { maxUncompressedSize: random(content.length) },
        { maxSpans: random(20) },
        { maxEntries: random(4) },
        { maxZtocSize: random(200_000) },
      ][random(5)] as object;
      await compare(layer.subarray(0, end), { spanSize: 1 + random(30_000), limits });
    }
  });
});

it('an error of the source comes after those of the bytes before it', async () => {
  const layer = concat(...divide(tar, 30_000).map((part) => gzipMember(part)));
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
  expect(await outcome({ thread })).toBe(await outcome({}));
});
