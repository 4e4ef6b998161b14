import { describe, expect, it } from 'vitest';
import { PACKED_CHECKPOINT_SIZE, PACKED_HEADER_SIZE, unpackCheckpoints, WINDOW_SIZE } from './checkpoint.ts';
import { CheckpointPacker } from './checkpoint-packer.ts';

/** Enough for the packed form to be moved in several steps. */
const COUNT = 100;

const checkpoints = Array.from({ length: COUNT }, (_, i) => ({
  inputOffset: 10 + 1000 * i,
  outputOffset: 70_000 * i,
  bits: i % 8,
  window: new Uint8Array(WINDOW_SIZE).fill(i + 1),
}));

describe('a checkpoint packer', () => {
  it('moves the packed form to where it belongs, and keeps nothing', () => {
    const packer = new CheckpointPacker(65_536, COUNT);
    for (const checkpoint of checkpoints) packer.add(checkpoint);
    expect(packer.count).toBe(COUNT);
    expect(packer.size).toBe(PACKED_HEADER_SIZE + COUNT * PACKED_CHECKPOINT_SIZE);
    const target = new Uint8Array(packer.size);
    packer.moveTo(target);
    expect(unpackCheckpoints(target)).toEqual({ spanSize: 65_536, checkpoints });
    expect(packer.size).toBe(0);
  });

  it('copies the windows, which are views of what is written next', () => {
    const window = new Uint8Array(WINDOW_SIZE).fill(1);
    const packer = new CheckpointPacker(1, 1);
    packer.add({ inputOffset: 10, outputOffset: 0, bits: 0, window });
    window.fill(2);
    const target = new Uint8Array(packer.size);
    packer.moveTo(target);
    expect(unpackCheckpoints(target).checkpoints[0].window).toEqual(new Uint8Array(WINDOW_SIZE).fill(1));
  });

  it('takes no more than it may', () => {
    const packer = new CheckpointPacker(1, 1);
    packer.add(checkpoints[0]);
    expect(() => packer.add(checkpoints[1])).toThrow(
      expect.objectContaining({ code: 'LIMIT_EXCEEDED', offset: checkpoints[1].inputOffset }),
    );
  });
});
