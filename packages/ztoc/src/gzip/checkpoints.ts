import { ZtocError } from '../errors.ts';

/**
 * A point in a gzip layer at which decompression can start: just before the header of a deflate block. `inputOffset` is
 * the number of bytes of the layer consumed, including a partly used byte, of which `bits` (0 to 7) are unused.
 * `outputOffset` is the number of bytes decompressed before this point, over all members.
 */
export interface GzipCheckpoint {
  readonly inputOffset: number;
  readonly outputOffset: number;
  readonly bits: number;
  /** The 32,768 bytes of output before this point, padded with zeros at the start. */
  readonly window: Uint8Array;
}

/** Where a span starts, without the window that is needed to inflate it. */
export type SpanStart = Omit<GzipCheckpoint, 'window'>;

/** Size of the deflate window in bytes (RFC 1951, section 2). */
export const WINDOW_SIZE = 32_768;

/*
 * Packed format (ztoc/compression/gzip_zinfo.c, `zinfo_to_blob`), little-endian:
 *
 *   0   int32  count
 *   4   int64  span size
 *   12  repeated count times:
 *         0   int64  input offset
 *         8   int64  output offset
 *         16  uint8  bits
 *         17  window
 *
 * An older version omits the first checkpoint and assumes that it follows a gzip header of ten bytes.
 */
/** Size of the header before the first packed checkpoint. */
export const PACKED_HEADER_SIZE = 12;
/** Size of a packed checkpoint. */
export const PACKED_CHECKPOINT_SIZE = 17 + WINDOW_SIZE;
const IMPLIED_FIRST_INPUT_OFFSET = 10;

/**
 * Unpacks checkpoints, in the current or the older version of the format. Checks that they can belong to a gzip layer:
 * the first one is at output offset 0, and the input offsets increase.
 * @param bytes The `checkpoints` of a gzip layer's zTOC. The windows are views of it.
 * @param base Offset of the checkpoints in the zTOC, for the offsets of errors. @default 0
 * @returns The checkpoints, and the minimum span size in bytes of output.
 * @throws {ZtocError} `ZTOC_INVALID`
 */
export function unpackCheckpoints(
  bytes: Uint8Array,
  base = 0,
): { readonly spanSize: number; readonly checkpoints: readonly GzipCheckpoint[] } {
  if (bytes.length < PACKED_HEADER_SIZE) {
    fail(`only ${bytes.length} bytes, but the header has ${PACKED_HEADER_SIZE}`, base);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getInt32(0, true);
  const packedCount = (bytes.length - PACKED_HEADER_SIZE) / PACKED_CHECKPOINT_SIZE;
  if (count < 1 || (packedCount !== count && packedCount !== count - 1)) {
    fail(`a count of ${count} does not match ${bytes.length} bytes`, base);
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
  if (bits > 7) fail(`${bits} unused bits in a byte`, offset);
  if (bits > 0 && inputOffset === 0) fail('unused bits before the first byte', offset);
  if (previous === undefined) {
    if (outputOffset !== 0) fail(`the first one has output offset ${outputOffset}, not 0`, offset);
    return;
  }
  // A deflate block has at least ten bits, so the input offset always increases. Empty blocks do not change the output.
  if (inputOffset <= previous.inputOffset || outputOffset < previous.outputOffset) {
    const before = `input offset ${previous.inputOffset}, output offset ${previous.outputOffset}`;
    fail(`input offset ${inputOffset}, output offset ${outputOffset} after ${before}`, offset);
  }
}

function readByteCount(view: DataView, at: number, base: number): number {
  const value = view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
  if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) return value;
  fail(`offset or size ${view.getBigInt64(at, true)} is out of range`, base + at);
}

function fail(reason: string, offset: number): never {
  const message = `invalid zTOC checkpoints: ${reason} (at byte ${offset})`;
  throw new ZtocError('ZTOC_INVALID', message, { offset });
}

/** Packs checkpoints into `target`, which has {@link packedSize} bytes. @param spanSize Minimum size of a span in bytes. */
export function packCheckpoints(checkpoints: readonly GzipCheckpoint[], spanSize: number, target: Uint8Array): void {
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  view.setInt32(0, checkpoints.length, true);
  view.setBigInt64(4, BigInt(spanSize), true);
  for (const [i, checkpoint] of checkpoints.entries()) {
    packCheckpoint(view, PACKED_HEADER_SIZE + i * PACKED_CHECKPOINT_SIZE, checkpoint);
  }
}

/** Returns the size of packed checkpoints in bytes. */
export function packedSize(count: number): number {
  return PACKED_HEADER_SIZE + count * PACKED_CHECKPOINT_SIZE;
}

/**
 * Moves the packed checkpoints for which `keep` returns true to the start of `packed`, in order.
 * @returns Their number.
 */
function retainPacked(packed: Uint8Array, keep: (outputOffset: number) => boolean): number {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  let end = PACKED_HEADER_SIZE;
  for (let at = PACKED_HEADER_SIZE; at < packed.length; at += PACKED_CHECKPOINT_SIZE) {
    if (!keep(Number(view.getBigInt64(at + 8, true)))) continue;
    if (at > end) packed.copyWithin(end, at, at + PACKED_CHECKPOINT_SIZE);
    end += PACKED_CHECKPOINT_SIZE;
  }
  return (end - PACKED_HEADER_SIZE) / PACKED_CHECKPOINT_SIZE;
}

/**
 * Removes the packed checkpoints for which `keep` returns false, and frees the memory. `packed` and its buffer cannot be used
 * afterwards.
 * @returns A copy of the remaining ones.
 */
export function retainCheckpoints(
  packed: Uint8Array<ArrayBuffer>,
  keep: (outputOffset: number) => boolean,
): Uint8Array<ArrayBuffer> {
  const { buffer } = packed;
  const size = packedSize(retainPacked(packed, keep));
  const kept = packed.slice(0, size);
  new DataView(kept.buffer).setInt32(0, (size - PACKED_HEADER_SIZE) / PACKED_CHECKPOINT_SIZE, true);
  // Frees the memory now. To shrink a resizable buffer would write zeros to it first.
  buffer.transferToFixedLength(0);
  return kept;
}

function packCheckpoint(view: DataView, at: number, checkpoint: GzipCheckpoint): void {
  view.setBigInt64(at, BigInt(checkpoint.inputOffset), true);
  view.setBigInt64(at + 8, BigInt(checkpoint.outputOffset), true);
  view.setUint8(at + 16, checkpoint.bits);
  new Uint8Array(view.buffer, view.byteOffset + at + 17, WINDOW_SIZE).set(checkpoint.window);
}

/** Bytes moved at a time, and so the maximum that exists twice. */
const MOVE_SIZE = 1 << 20;

/**
 * Bytes by which the buffer grows unless the caller knows more. Each time is a system call. Memory that is not written yet is
 * free, but V8 collects garbage more often because of it.
 */
const GROWTH = 1 << 20;

/**
 * Packs the checkpoints of a layer as they arrive. The buffer grows and shrinks in place, because the windows (32 KiB
 * for each span) are most of the memory that a build uses.
 */
export class CheckpointPacker {
  readonly #maxCount: number;
  readonly #growth: number;
  readonly #buffer: ArrayBuffer;
  readonly #view: DataView;
  #count = 0;
  #size = PACKED_HEADER_SIZE;

  /**
   * @param spanSize Minimum span size in bytes of output.
   * @param maxCount Maximum number of checkpoints.
   * @param growth Bytes by which the buffer grows.
   */
  constructor(spanSize: number, maxCount: number, growth: number = GROWTH) {
    this.#maxCount = maxCount;
    this.#growth = growth;
    this.#buffer = new ArrayBuffer(PACKED_HEADER_SIZE, {
      maxByteLength: PACKED_HEADER_SIZE + maxCount * PACKED_CHECKPOINT_SIZE,
    });
    this.#view = new DataView(this.#buffer);
    this.spanSize = spanSize;
  }

  /** Number of checkpoints added. */
  get count(): number {
    return this.#count;
  }

  /** Size of the packed format in bytes. */
  get size(): number {
    return this.#size;
  }

  /** Sets the minimum span size, in bytes of output. */
  set spanSize(spanSize: number) {
    this.#view.setBigInt64(4, BigInt(spanSize), true);
  }

  /** Adds a checkpoint and copies its window. @throws {ZtocError} `LIMIT_EXCEEDED` */
  add(checkpoint: GzipCheckpoint): void {
    const { inputOffset } = checkpoint;
    if (this.#count === this.#maxCount) {
      const message = `the layer has more than ${this.#maxCount} spans, up to byte ${inputOffset}. Use a larger span size or raise maxSpans.`;
      throw new ZtocError('LIMIT_EXCEEDED', message, { offset: inputOffset });
    }
    const at = this.#size;
    this.#size += PACKED_CHECKPOINT_SIZE;
    if (this.#size > this.#buffer.byteLength) {
      this.#buffer.resize(Math.min(this.#size + this.#growth, this.#buffer.maxByteLength));
    }
    packCheckpoint(this.#view, at, checkpoint);
    this.#count += 1;
  }

  /**
   * Removes the checkpoints for which `keep` returns false, in order. Keeps their memory for the next ones: to free it and to
   * get it again takes longer than to copy the windows.
   */
  retain(keep: (outputOffset: number) => boolean): void {
    this.#count = retainPacked(new Uint8Array(this.#buffer, 0, this.#size), keep);
    this.#size = packedSize(this.#count);
  }

  /** Removes the last checkpoint. */
  removeLast(): void {
    this.#count -= 1;
    this.#size -= PACKED_CHECKPOINT_SIZE;
  }

  /**
   * Returns the packed format, as a view of the buffer of this object. Call nothing else afterwards. The rest of the buffer was
   * hardly written, so it needs no memory. To shrink the buffer would write zeros there first.
   */
  take(): Uint8Array<ArrayBuffer> {
    this.#view.setInt32(0, this.#count, true);
    return new Uint8Array(this.#buffer, 0, this.#size);
  }

  /** Moves the packed format to `target` and frees the memory piece by piece. This object is empty afterwards. */
  moveTo(target: Uint8Array): void {
    this.#view.setInt32(0, this.#count, true);
    const packed = new Uint8Array(this.#buffer);
    while (this.#size > 0) {
      const start = Math.max(0, this.#size - MOVE_SIZE);
      target.set(packed.subarray(start, this.#size), start);
      this.#buffer.resize(start);
      this.#size = start;
    }
  }
}
