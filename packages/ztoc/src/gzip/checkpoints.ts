import { ZtocError } from '../errors.ts';

/**
 * A point in a gzip layer from which decompression can start: just before a deflate block's header.
 * `inputOffset` counts the file bytes consumed, a partly used byte included, of which `bits` (0 to 7) are unused;
 * `outputOffset` the bytes decompressed before it, over all members.
 */
export interface GzipCheckpoint {
  readonly inputOffset: number;
  readonly outputOffset: number;
  readonly bits: number;
  /** The 32,768 bytes of output before the point, zeros where there was less. */
  readonly window: Uint8Array;
}

/** Bytes of a deflate window (RFC 1951, section 2). */
export const WINDOW_SIZE = 32_768;

/*
 * The packed form (ztoc/compression/gzip_zinfo.c, `zinfo_to_blob`), little-endian:
 *
 *   0   int32  count
 *   4   int64  span size
 *   12  count times:
 *         0   int64  input offset
 *         8   int64  output offset
 *         16  uint8  bits
 *         17  the window
 *
 * An older form leaves out the first checkpoint, which it takes to stand right after a gzip header of ten bytes.
 */
/** Bytes before the first packed checkpoint. */
export const PACKED_HEADER_SIZE = 12;
/** Bytes of a packed checkpoint. */
export const PACKED_CHECKPOINT_SIZE = 17 + WINDOW_SIZE;
const IMPLIED_FIRST_INPUT_OFFSET = 10;

/**
 * Unpacks checkpoints, in the present form or the older one, and checks that they can be those of a gzip layer: the
 * first starts the output, and each stands further on than the one before.
 * @param bytes The `checkpoints` of a gzip layer's zTOC. The windows are views of it.
 * @param base Where they start in the zTOC, for the offsets of errors. @default 0
 * @returns The checkpoints, and the bytes of output that a span was to have at the least.
 * @throws {ZtocError} `ZTOC_INVALID`
 */
export function unpackCheckpoints(
  bytes: Uint8Array,
  base = 0,
): { readonly spanSize: number; readonly checkpoints: readonly GzipCheckpoint[] } {
  if (bytes.length < PACKED_HEADER_SIZE)
    fail(`their header takes ${PACKED_HEADER_SIZE} bytes, and there are ${bytes.length}`, base);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getInt32(0, true);
  const packedCount = (bytes.length - PACKED_HEADER_SIZE) / PACKED_CHECKPOINT_SIZE;
  if (count < 1 || (packedCount !== count && packedCount !== count - 1)) {
    fail(`${count} of them cannot take ${bytes.length} bytes`, base);
  }

  const checkpoints: GzipCheckpoint[] = [];
  if (packedCount === count - 1) {
    const window = new Uint8Array(WINDOW_SIZE);
    checkpoints.push({ inputOffset: IMPLIED_FIRST_INPUT_OFFSET, outputOffset: 0, bits: 0, window });
  }
  for (let at = PACKED_HEADER_SIZE; at < bytes.length; at += PACKED_CHECKPOINT_SIZE) {
    const checkpoint: GzipCheckpoint = {
      inputOffset: readByteCount(view, at, base),
      outputOffset: readByteCount(view, at + 8, base),
      bits: view.getUint8(at + 16),
      window: bytes.subarray(at + 17, at + PACKED_CHECKPOINT_SIZE),
    };
    checkOrder(checkpoints.at(-1), checkpoint, base + at);
    checkpoints.push(checkpoint);
  }
  return { spanSize: readByteCount(view, 4, base), checkpoints };
}

function checkOrder(previous: GzipCheckpoint | undefined, checkpoint: GzipCheckpoint, offset: number): void {
  const { inputOffset, outputOffset, bits } = checkpoint;
  if (bits > 7) fail(`${bits} bits of a byte are said to be unused`, offset);
  if (bits > 0 && inputOffset === 0) fail('unused bits are claimed before the first byte', offset);
  if (previous === undefined) {
    if (outputOffset !== 0) fail(`the first stands at output offset ${outputOffset}, not 0`, offset);
    return;
  }
  // No deflate block takes less than ten bits, so the input always moves on; empty blocks leave the output where it was.
  if (inputOffset <= previous.inputOffset || outputOffset < previous.outputOffset) {
    const before = `${previous.inputOffset}, ${previous.outputOffset}`;
    fail(`one at input offset ${inputOffset}, output offset ${outputOffset} follows one at ${before}`, offset);
  }
}

function readByteCount(view: DataView, at: number, base: number): number {
  const value = view.getBigInt64(at, true);
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) fail(`an offset or size is ${value}`, base + at);
  return Number(value);
}

function fail(reason: string, offset: number): never {
  const message = `the checkpoints of the zTOC are malformed: ${reason} (at byte ${offset})`;
  throw new ZtocError('ZTOC_INVALID', message, { offset });
}

/** Moved at a time: at most so much exists twice. */
const MOVE_SIZE = 1 << 20;

/**
 * Packs the checkpoints of a layer as they come. The buffer grows and shrinks in place, because windows are most of what
 * indexing a layer keeps in memory: 32 KiB for each span.
 */
export class CheckpointPacker {
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

  /** Adds a checkpoint, copying its window. @throws {ZtocError} `LIMIT_EXCEEDED` */
  add({ inputOffset, outputOffset, bits, window }: GzipCheckpoint): void {
    if (this.#count === this.#maxCount) {
      const message = `the layer has more than ${this.#maxCount} spans by byte ${inputOffset}: use a larger span size, or raise maxSpans`;
      throw new ZtocError('LIMIT_EXCEEDED', message, { offset: inputOffset });
    }
    const at = this.#buffer.byteLength;
    this.#buffer.resize(at + PACKED_CHECKPOINT_SIZE);
    this.#view.setBigInt64(at, BigInt(inputOffset), true);
    this.#view.setBigInt64(at + 8, BigInt(outputOffset), true);
    this.#view.setUint8(at + 16, bits);
    new Uint8Array(this.#buffer, at + 17, WINDOW_SIZE).set(window);
    this.#count += 1;
  }

  /** Moves the packed form to `target`, its memory being given back on the way. Nothing is left here. */
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
