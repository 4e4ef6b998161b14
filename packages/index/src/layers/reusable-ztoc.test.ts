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

/** Sizes of a packed gzip checkpoint and of the header before the first one, in bytes. */
const CHECKPOINT_SIZE = 32_785;
const HEADER_SIZE = 12;

async function* once(bytes: Uint8Array) {
  yield bytes;
}

describe('checkReusableZtoc', () => {
  let bytes: Uint8Array;
  let ztoc: Ztoc;
  let layer: { digest: string; size: number; compression: 'gzip' };
  const check = (changed: Uint8Array, settings: LayerSettings = SETTINGS) =>
    checkReusableZtoc(changed, layer, settings, NO_LIMIT);

  beforeAll(async () => {
    const content = makeLayer('a', 9 << 20).bytes;
    layer = { digest: digestOf(content), size: content.length, compression: 'gzip' };
    ({ bytes } = await buildZtoc(once(content), SETTINGS));
    ztoc = decodeZtoc(bytes);
    expect(ztoc.maxSpanId).toBeGreaterThan(50);
  });

  it('accepts a zTOC of the layer with the same settings, and returns its summary', () => {
    expect(check(bytes, { ...SETTINGS, prefetchPaths: ['a', 'b'] })).toEqual({
      ztocDigest: digestOf(bytes),
      ztocSize: bytes.length,
      spanSize: SETTINGS.spanSize,
      spans: ztoc.maxSpanId + 1,
      files: 1,
      uncompressedSize: ztoc.uncompressedArchiveSize,
      warnings: [],
      impliedDirectories: [],
      names: expect.any(Uint8Array),
      hasXattrs: false,
      prefetch: [{ start: 0, end: ztoc.maxSpanId }, null],
    });
  });

  it('rejects a zTOC of another layer or with other settings', () => {
    expect(checkReusableZtoc(bytes, { ...layer, size: 10 }, SETTINGS, NO_LIMIT)).toMatchObject({
      rejected: 'other-layer',
    });
    expect(checkReusableZtoc(bytes, { ...layer, compression: 'uncompressed' }, SETTINGS, NO_LIMIT)).toMatchObject({
      rejected: 'other-layer',
    });
    expect(check(bytes, { ...SETTINGS, spanSize: 65_537 })).toMatchObject({ rejected: 'other-settings' });
    expect(check(bytes, { ...SETTINGS, buildToolIdentifier: 'x' })).toMatchObject({ rejected: 'other-settings' });
  });

  it('rejects a zTOC that is too large or malformed', () => {
    expect(checkReusableZtoc(bytes, layer, SETTINGS, bytes.length - 1)).toMatchObject({ rejected: 'too-large' });
    expect(check(bytes, { ...SETTINGS, limits: { maxSpans: 10 } })).toMatchObject({ rejected: 'too-large' });
    expect(check(new Uint8Array(1000))).toMatchObject({ rejected: 'malformed' });
    expect(check(new Uint8Array())).toMatchObject({ rejected: 'malformed' });
  });

  it('rejects a zTOC with a different encoding', () => {
    expect(check(Buffer.concat([bytes, Buffer.alloc(4)]))).toMatchObject({ rejected: 'malformed' });
  });

  it('rejects a zTOC with checkpoints only for the first gzip member', () => {
    const known = 3;
    const checkpoints = Buffer.from(ztoc.checkpoints.subarray(0, HEADER_SIZE + known * CHECKPOINT_SIZE));
    checkpoints.writeInt32LE(known);
    const spanDigests = ztoc.spanDigests.slice(0, known);
    const truncated = encodeZtoc({ ...ztoc, checkpoints, spanDigests, maxSpanId: known - 1 });
    expect(check(truncated)).toMatchObject({
      rejected: 'wrong-spans',
      message: expect.stringContaining('span 2 of 3'),
    });
  });

  it('rejects a zTOC with additional checkpoints', () => {
    const checkpoints = Buffer.from(ztoc.checkpoints);
    // Move the second checkpoint to an offset where the first span is too short.
    checkpoints.writeBigInt64LE(1000n, HEADER_SIZE + CHECKPOINT_SIZE + 8);
    expect(check(encodeZtoc({ ...ztoc, checkpoints }))).toMatchObject({ rejected: 'wrong-spans' });
  });

  it('accepts or rejects arbitrary changes without throwing', async () => {
    const content = makeLayer('b', 1000).bytes;
    const small = await buildZtoc(once(content), SETTINGS);
    const own = { digest: digestOf(content), size: content.length, compression: 'gzip' as const };
    const last = small.bytes.length - 1;
    // Most of a small zTOC is the window of its only checkpoint. Test changes elsewhere more often.
    const position = fc.oneof(
      fc.nat(last),
      fc.nat(200),
      fc.nat(300).map((fromEnd) => last - fromEnd),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(position, fc.nat(255)), { minLength: 1, maxLength: 4 }), (changes) => {
        const damaged = small.bytes.slice();
        for (const [at, value] of changes) damaged[at] = value;
        const checked = checkReusableZtoc(damaged, own, SETTINGS, NO_LIMIT);
        expect('rejected' in checked || checked.ztocDigest === digestOf(damaged)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('accepts zTOCs of layers that Node compressed, at any level', async () => {
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
