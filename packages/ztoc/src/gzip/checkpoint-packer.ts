import type { CheckpointSource } from '../envelope/encode.ts';
import { ZtocError } from '../errors.ts';
import { type GzipCheckpoint, PACKED_CHECKPOINT_SIZE, PACKED_HEADER_SIZE, writeCheckpoint } from './checkpoint.ts';

/** Moved at a time: at most so much exists twice. */
const MOVE_SIZE = 1 << 20;

/**
 * Packs the checkpoints of a layer as they come. The buffer grows and shrinks in place, because windows are most of what
 * indexing a layer keeps in memory: 32 KiB for each span.
 */
export class CheckpointPacker implements CheckpointSource {
  readonly #maxCount: number;
  readonly #buffer: ArrayBuffer;
  readonly #view: DataView;
  #count = 0;

  /**
   * @param spanSize Bytes of output that a span was to have at the least.
   * @param maxCount How many checkpoints there may be.
   */
  constructor(spanSize: number, maxCount: number) {
    this.#maxCount = maxCount;
    this.#buffer = new ArrayBuffer(PACKED_HEADER_SIZE, {
      maxByteLength: PACKED_HEADER_SIZE + maxCount * PACKED_CHECKPOINT_SIZE,
    });
    this.#view = new DataView(this.#buffer);
    this.#view.setBigInt64(4, BigInt(spanSize), true);
  }

  /** How many checkpoints were added. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of the packed form. */
  get size(): number {
    return this.#buffer.byteLength;
  }

  /**
   * Adds a checkpoint, copying its window.
   * @throws {ZtocError} `LIMIT_EXCEEDED`
   */
  add(checkpoint: GzipCheckpoint): void {
    if (this.#count === this.#maxCount) {
      throw new ZtocError(
        'LIMIT_EXCEEDED',
        `the layer has more than ${this.#maxCount} spans by byte ${checkpoint.inputOffset}: use a larger span size, or raise maxSpans`,
        { offset: checkpoint.inputOffset },
      );
    }
    const at = this.#buffer.byteLength;
    this.#buffer.resize(at + PACKED_CHECKPOINT_SIZE);
    writeCheckpoint(this.#view, at, checkpoint);
    this.#count += 1;
  }

  /** Moves the packed form (`checkpoint.ts`) to `target`, its memory being given back on the way. Nothing is left here. */
  moveTo(target: Uint8Array): void {
    this.#view.setInt32(0, this.#count, true);
    const packed = new Uint8Array(this.#buffer);
    for (let end = this.#buffer.byteLength; end > 0; ) {
      const start = Math.max(0, end - MOVE_SIZE);
      target.set(packed.subarray(start, end), start);
      this.#buffer.resize(start);
      end = start;
    }
  }
}
