import { describe, expect, it } from 'vitest';
import { decodeZtoc } from '../encoding/decode-ztoc.ts';
import { readReferenceZtoc } from '../encoding/fixtures/reference-ztocs.ts';
import {
  CheckpointPacker,
  type GzipCheckpoint,
  PACKED_CHECKPOINT_SIZE,
  PACKED_HEADER_SIZE,
  unpackCheckpoints,
  WINDOW_SIZE,
} from './checkpoints.ts';
import { packCheckpoints } from './fixtures/pack-checkpoints.ts';

const checkpointOf = (inputOffset: number, outputOffset: number, bits = 0): GzipCheckpoint => ({
  inputOffset,
  outputOffset,
  bits,
  window: new Uint8Array(WINDOW_SIZE).fill(bits),
});

const three = [checkpointOf(10, 0), checkpointOf(5_000, 70_000, 3), checkpointOf(2 ** 40, 2 ** 42, 7)];

describe('packed checkpoints', () => {
  it('are packed as in the reference', () => {
    const { checkpoints: packed } = decodeZtoc(readReferenceZtoc('pax-xattrs.tar.gz'));
    const { spanSize, checkpoints } = unpackCheckpoints(packed);
    expect(spanSize).toBe(4_194_304);
    expect(checkpoints).toEqual([checkpointOf(10, 0)]);
    expect(packCheckpoints(checkpoints, spanSize)).toEqual(packed);
  });

  it('are unpacked unchanged, with windows as views', () => {
    const packed = packCheckpoints(three, 65_536);
    const unpacked = unpackCheckpoints(packed);
    expect(unpacked).toEqual({ spanSize: 65_536, checkpoints: three });
    for (const { window } of unpacked.checkpoints) expect(window.buffer).toBe(packed.buffer);
  });

  it('of the older version imply the first one (gzip_zinfo.c, ZINFO_VERSION_ONE)', () => {
    const packed = packCheckpoints(three.slice(1), 65_536);
    new DataView(packed.buffer).setInt32(0, 3, true);
    expect(unpackCheckpoints(packed).checkpoints).toEqual(three);
  });

  it('of the older version may be empty', () => {
    const packed = packCheckpoints([], 65_536);
    new DataView(packed.buffer).setInt32(0, 1, true);
    expect(unpackCheckpoints(packed).checkpoints).toEqual(three.slice(0, 1));
  });

  it('may share an output offset, because of empty blocks', () => {
    const empty = [checkpointOf(10, 0), checkpointOf(15, 0), checkpointOf(20, 0)];
    expect(unpackCheckpoints(packCheckpoints(empty, 0)).checkpoints).toEqual(empty);
  });

  it.each<[what: string, packed: Uint8Array, offset: number]>([
    ['empty data', new Uint8Array(0), 0],
    ['half a header', new Uint8Array(11), 0],
    ['a count of zero', packCheckpoints([], 1), 0],
    ['a truncated window', packCheckpoints(three, 1).subarray(0, -1), 0],
    ['an excess byte', Uint8Array.of(...packCheckpoints([], 1), 0), 0],
    ['a negative count', withInt32(packCheckpoints(three, 1), 0, -1), 0],
    ['a negative span size', withInt32(packCheckpoints(three, 1), 8, -1), 4],
    [
      'more unused bits than a byte has',
      packCheckpoints([checkpointOf(10, 0), checkpointOf(20, 30, 8)], 1),
      12 + 32_785,
    ],
    ['unused bits before the first byte', packCheckpoints([checkpointOf(0, 0, 1)], 1), 12],
    ['a first output offset other than 0', packCheckpoints([checkpointOf(10, 1)], 1), 12],
    ['equal input offsets', packCheckpoints([checkpointOf(10, 0), checkpointOf(10, 5)], 1), 12 + 32_785],
    [
      'a decreasing output offset',
      packCheckpoints([checkpointOf(10, 0), checkpointOf(20, 9), checkpointOf(30, 8)], 1),
      12 + 2 * 32_785,
    ],
    ['a negative offset', withInt32(packCheckpoints(three, 1), 12 + 4, -1), 12],
  ])('are rejected: %s', (_, packed, offset) => {
    expect(() => unpackCheckpoints(packed, 1000)).toThrow(
      expect.objectContaining({ code: 'ZTOC_INVALID', offset: 1000 + offset }),
    );
  });
});

function withInt32(packed: Uint8Array, at: number, value: number): Uint8Array {
  new DataView(packed.buffer).setInt32(at, value, true);
  return packed;
}

/** Enough checkpoints to move them in several steps. */
const COUNT = 100;

const checkpoints = Array.from({ length: COUNT }, (_, i) => ({
  inputOffset: 10 + 1000 * i,
  outputOffset: 70_000 * i,
  bits: i % 8,
  window: new Uint8Array(WINDOW_SIZE).fill(i + 1),
}));

describe('CheckpointPacker', () => {
  it('moves the packed checkpoints, and is empty afterwards', () => {
    const packer = new CheckpointPacker(65_536, COUNT);
    for (const checkpoint of checkpoints) packer.add(checkpoint);
    expect(packer.count).toBe(COUNT);
    expect(packer.size).toBe(PACKED_HEADER_SIZE + COUNT * PACKED_CHECKPOINT_SIZE);
    const target = new Uint8Array(packer.size);
    packer.moveTo(target);
    expect(unpackCheckpoints(target)).toEqual({ spanSize: 65_536, checkpoints });
    expect(packer.size).toBe(0);
  });

  it('copies the windows', () => {
    const window = new Uint8Array(WINDOW_SIZE).fill(1);
    const packer = new CheckpointPacker(1, 1);
    packer.add({ inputOffset: 10, outputOffset: 0, bits: 0, window });
    window.fill(2);
    const target = new Uint8Array(packer.size);
    packer.moveTo(target);
    expect(unpackCheckpoints(target).checkpoints[0]?.window).toEqual(new Uint8Array(WINDOW_SIZE).fill(1));
  });

  it('grows again after checkpoints were removed', () => {
    const packer = new CheckpointPacker(1, COUNT);
    for (const checkpoint of checkpoints.slice(0, 60)) packer.add(checkpoint);
    packer.retain((outputOffset) => outputOffset % 140_000 === 0);
    for (const checkpoint of checkpoints.slice(60)) packer.add(checkpoint);
    const kept = checkpoints.filter((_, i) => i >= 60 || i % 2 === 0);
    expect(packer.size).toBe(PACKED_HEADER_SIZE + kept.length * PACKED_CHECKPOINT_SIZE);
    expect(unpackCheckpoints(packer.take())).toEqual({ spanSize: 1, checkpoints: kept });
  });

  it('rejects more checkpoints than its limit', () => {
    const packer = new CheckpointPacker(1, 1);
    const [first, second] = checkpoints as [GzipCheckpoint, GzipCheckpoint];
    packer.add(first);
    expect(() => packer.add(second)).toThrow(
      expect.objectContaining({ code: 'LIMIT_EXCEEDED', offset: second.inputOffset }),
    );
  });
});
