import { gzipSync } from 'node:zlib';
import { digestOf } from '@soci/oci';
import { makeLayer } from '@soci/test-content';
import { buildZtoc, decodeZtoc, encodeZtoc, type Ztoc } from '@soci/ztoc';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LayerSettings } from './layer-plan.ts';
import { checkReusableZtoc } from './reusable-ztoc.ts';

const SETTINGS: LayerSettings = {
  spanSize: 65_536,
  buildToolIdentifier: 'AWS SOCI CLI v0.2',
  limits: {},
  prefetchPaths: [],
};
const NO_LIMIT = 1 << 29;

/** Bytes of a packed gzip checkpoint, and of what stands before the first. */
const CHECKPOINT_SIZE = 32_785;
const HEADER_SIZE = 12;

async function* once(bytes: Uint8Array) {
  yield bytes;
}

describe('checkReusableZtoc', () => {
  let bytes: Uint8Array;
  let ztoc: Ztoc;
  let layer: { digest: string; size: number; compression: 'gzip' };
  const adopt = (changed: Uint8Array, settings: LayerSettings = SETTINGS) =>
    checkReusableZtoc(changed, layer, settings, NO_LIMIT);

  beforeAll(async () => {
    const content = makeLayer('a', 9 << 20).bytes;
    layer = { digest: digestOf(content), size: content.length, compression: 'gzip' };
    ({ bytes } = await buildZtoc(once(content), SETTINGS));
    ztoc = decodeZtoc(bytes);
    expect(ztoc.maxSpanId).toBeGreaterThan(50);
  });

  it('takes a zTOC of the layer and these settings, and tells what a build would', () => {
    expect(adopt(bytes, { ...SETTINGS, prefetchPaths: ['a', 'b'] })).toEqual({
      ztocDigest: digestOf(bytes),
      ztocSize: bytes.length,
      spans: ztoc.maxSpanId + 1,
      files: 1,
      uncompressedSize: ztoc.uncompressedArchiveSize,
      hasXattrs: false,
      prefetch: [{ start: 0, end: ztoc.maxSpanId }, null],
    });
  });

  it('refuses one of another layer, or of other settings', () => {
    expect(checkReusableZtoc(bytes, { ...layer, size: 10 }, SETTINGS, NO_LIMIT)).toMatchObject({
      rejected: 'other-layer',
    });
    expect(checkReusableZtoc(bytes, { ...layer, compression: 'uncompressed' }, SETTINGS, NO_LIMIT)).toMatchObject({
      rejected: 'other-layer',
    });
    expect(adopt(bytes, { ...SETTINGS, spanSize: 65_537 })).toMatchObject({ rejected: 'other-settings' });
    expect(adopt(bytes, { ...SETTINGS, buildToolIdentifier: 'x' })).toMatchObject({ rejected: 'other-settings' });
  });

  it('refuses what is too large, or no zTOC', () => {
    expect(checkReusableZtoc(bytes, layer, SETTINGS, bytes.length - 1)).toMatchObject({ rejected: 'too-large' });
    expect(adopt(bytes, { ...SETTINGS, limits: { maxSpans: 10 } })).toMatchObject({ rejected: 'too-large' });
    expect(adopt(new Uint8Array(1000))).toMatchObject({ rejected: 'malformed' });
    expect(adopt(new Uint8Array())).toMatchObject({ rejected: 'malformed' });
  });

  it('refuses one that building would have laid out otherwise', () => {
    expect(adopt(Buffer.concat([bytes, Buffer.alloc(4)]))).toMatchObject({ rejected: 'malformed' });
  });

  it('refuses one that knows the checkpoints of the first gzip member only', () => {
    const known = 3;
    const checkpoints = Buffer.from(ztoc.checkpoints.subarray(0, HEADER_SIZE + known * CHECKPOINT_SIZE));
    checkpoints.writeInt32LE(known);
    const spanDigests = ztoc.spanDigests.slice(0, known);
    const truncated = encodeZtoc({ ...ztoc, checkpoints, spanDigests, maxSpanId: known - 1 });
    expect(adopt(truncated)).toMatchObject({
      rejected: 'wrong-spans',
      message: expect.stringContaining('span 2 of 3'),
    });
  });

  it('refuses one with more checkpoints than are taken', () => {
    const checkpoints = Buffer.from(ztoc.checkpoints);
    // The second moves to where the first span is not yet as long as it has to be.
    checkpoints.writeBigInt64LE(1000n, HEADER_SIZE + CHECKPOINT_SIZE + 8);
    expect(adopt(encodeZtoc({ ...ztoc, checkpoints }))).toMatchObject({ rejected: 'wrong-spans' });
  });

  it('takes or refuses whatever it is given', async () => {
    const content = makeLayer('b', 1000).bytes;
    const small = await buildZtoc(once(content), SETTINGS);
    const own = { digest: digestOf(content), size: content.length, compression: 'gzip' as const };
    const last = small.bytes.length - 1;
    // The window of the only checkpoint is most of a small zTOC: damage elsewhere is more telling.
    const place = fc.oneof(
      fc.nat(last),
      fc.nat(200),
      fc.nat(300).map((fromEnd) => last - fromEnd),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 4 }), (changes) => {
        const damaged = small.bytes.slice();
        for (const [at, value] of changes) damaged[at] = value;
        const adopted = checkReusableZtoc(damaged, own, SETTINGS, NO_LIMIT);
        expect('rejected' in adopted || adopted.ztocDigest === digestOf(damaged)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('takes what Node compresses, whatever the level', async () => {
    const zeros = Buffer.alloc(40 << 20);
    for (const level of [1, 6, 9]) {
      const content = gzipSync(zeros, { level });
      const built = await buildZtoc(once(content), SETTINGS);
      const same = { digest: digestOf(content), size: content.length, compression: 'gzip' as const };
      expect(checkReusableZtoc(built.bytes, same, SETTINGS, NO_LIMIT)).toMatchObject({
        ztocDigest: digestOf(built.bytes),
      });
    }
  });
});
