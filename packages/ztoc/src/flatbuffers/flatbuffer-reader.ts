import { NO_BYTES } from '../byte-strings.ts';
import { ZtocError } from '../errors.ts';

/** Bytes of an offset, a vector's length, a table's link to its vtable. */
const OFFSET_SIZE = 4;
/** Bytes of a vtable before its slots: its own size and the table's, two bytes each. */
const VTABLE_HEADER_SIZE = 4;
/** What a part is charged beside its bytes, at the least, so that no reference to it is free. */
const PART_SIZE = OFFSET_SIZE + 1;

/**
 * How often over a buffer may be told. Writers may let equal strings share their bytes, so a buffer's parts can add up
 * to more than it holds; without a bound, a few megabytes of references to one large vector unfold into gigabytes.
 */
const MAX_SHARING = 4;

/**
 * Reads a FlatBuffers buffer that nobody vouches for: every offset, vtable, length and string is checked against the
 * buffer before it is used, which the accessors of the `flatbuffers` package leave to their caller.
 * Format: flatbuffers.dev/internals. All integers are little-endian.
 */
export class FlatbufferReader {
  /** The whole buffer. */
  readonly bytes: Uint8Array;
  /** The same, for its integers. */
  readonly view: DataView;
  readonly #what: string;
  readonly #base: number;
  #budget: number;

  /**
   * @param bytes The whole buffer.
   * @param what What the buffer is, for messages: "zTOC".
   * @param base Where the buffer starts in what the caller was given, for the offsets of errors. @default 0
   */
  constructor(bytes: Uint8Array, what: string, base = 0) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
    this.#base = base;
    this.#budget = bytes.length * MAX_SHARING;
  }

  /** The table that the buffer starts with an offset to. */
  root(): FlatbufferTable {
    return this.tableAt(0);
  }

  /** The table that the offset at `position` leads to. */
  tableAt(position: number): FlatbufferTable {
    return new FlatbufferTable(this, this.#follow(position));
  }

  /** The bytes of the string that the offset at `position` leads to: a view. */
  stringAt(position: number): Uint8Array {
    const { start, length } = this.vectorAt(position, 1);
    return this.bytes.subarray(start, start + length);
  }

  /** Where the elements of the vector lie that the offset at `position` leads to. */
  vectorAt(position: number, elementSize: number): FlatbufferVector {
    const at = this.#follow(position);
    this.require(at, OFFSET_SIZE, 'a vector');
    const length = this.view.getUint32(at, true);
    const start = at + OFFSET_SIZE;
    this.require(start, length * elementSize, `a vector of ${length} elements`);
    this.charge(PART_SIZE + length * elementSize, at);
    return { start, length };
  }

  /** Makes sure that `size` bytes lie at `position`. */
  require(position: number, size: number, what: string): void {
    if (position < 0 || position > this.bytes.length - size) {
      this.fail(`${what} does not lie within its ${this.bytes.length} bytes`, position);
    }
  }

  /** Counts `size` bytes as told, and refuses a buffer that tells far more than it holds: see {@link MAX_SHARING}. */
  charge(size: number, position: number): void {
    this.#budget -= size;
    if (this.#budget < 0) this.fail(`its parts add up to more than ${MAX_SHARING} times its size`, position);
  }

  /** @throws {ZtocError} `ZTOC_INVALID`, always. */
  fail(reason: string, position: number): never {
    const offset = this.#base + position;
    throw new ZtocError('ZTOC_INVALID', `not a valid ${this.#what}: ${reason} (at byte ${offset})`, { offset });
  }

  #follow(position: number): number {
    this.require(position, OFFSET_SIZE, 'an offset');
    return position + this.view.getUint32(position, true);
  }
}

/** The elements of a vector. */
export interface FlatbufferVector {
  /** Where the first stands in the buffer. */
  readonly start: number;
  /** How many there are. */
  readonly length: number;
}

/** One table of a buffer, its vtable checked. Fields that were left out read as their defaults. */
export class FlatbufferTable {
  /** Where the table stands in its buffer. */
  readonly position: number;
  readonly #reader: FlatbufferReader;
  readonly #vtable: number;
  readonly #vtableSize: number;
  readonly #size: number;

  /** Use {@link FlatbufferReader.root} and {@link FlatbufferReader.tableAt}. */
  constructor(reader: FlatbufferReader, position: number) {
    const { view } = reader;
    reader.require(position, OFFSET_SIZE, 'a table');
    const vtable = position - view.getInt32(position, true);
    reader.require(vtable, VTABLE_HEADER_SIZE, 'the vtable of a table');
    const vtableSize = view.getUint16(vtable, true);
    const size = view.getUint16(vtable + 2, true);
    if (vtableSize < VTABLE_HEADER_SIZE || size < OFFSET_SIZE)
      reader.fail('a vtable is shorter than its header', vtable);
    reader.require(vtable, vtableSize, 'a vtable');
    reader.require(position, size, 'a table');
    reader.charge(size, position);
    this.position = position;
    this.#reader = reader;
    this.#vtable = vtable;
    this.#vtableSize = vtableSize;
    this.#size = size;
  }

  /** Where the field of `slot` stands, 0 when it was left out. */
  field(slot: number, size: number): number {
    const entry = VTABLE_HEADER_SIZE + 2 * slot;
    if (entry + 2 > this.#vtableSize) return 0;
    const offset = this.#reader.view.getUint16(this.#vtable + entry, true);
    if (offset === 0) return 0;
    if (offset < OFFSET_SIZE || offset + size > this.#size) {
      this.#reader.fail(`field ${slot} lies outside its table`, this.position);
    }
    return this.position + offset;
  }

  /** An 8-bit integer. */
  int8(slot: number, absent: number): number {
    const at = this.field(slot, 1);
    return at === 0 ? absent : this.#reader.view.getInt8(at);
  }

  /** A signed 32-bit integer, 0 when left out. */
  int32(slot: number): number {
    const at = this.field(slot, 4);
    return at === 0 ? 0 : this.#reader.view.getInt32(at, true);
  }

  /** An unsigned 32-bit integer, 0 when left out. */
  uint32(slot: number): number {
    return this.int32(slot) >>> 0;
  }

  /** A signed 64-bit integer, 0 when left out: a `bigint` only where a `number` would not be exact. */
  int64(slot: number): number | bigint {
    const at = this.field(slot, 8);
    if (at === 0) return 0;
    const { view } = this.#reader;
    const value = view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
    return Number.isSafeInteger(value) ? value : view.getBigInt64(at, true);
  }

  /** A 64-bit integer that counts bytes: not negative, and below 2^53. */
  byteCount(slot: number, what: string): number {
    const value = this.int64(slot);
    if (typeof value === 'bigint' || value < 0) {
      this.#reader.fail(`${what} is ${value}, not from 0 to 2^53 - 1`, this.field(slot, 8));
    }
    return value;
  }

  /** The bytes of a string or byte vector: a view, empty when left out. */
  bytes(slot: number): Uint8Array {
    const at = this.field(slot, OFFSET_SIZE);
    return at === 0 ? NO_BYTES : this.#reader.stringAt(at);
  }

  /** A vector of offsets, empty when left out. */
  offsets(slot: number): FlatbufferVector {
    const at = this.field(slot, OFFSET_SIZE);
    return at === 0 ? { start: 0, length: 0 } : this.#reader.vectorAt(at, OFFSET_SIZE);
  }

  /** A table that must be there. */
  table(slot: number, what: string): FlatbufferTable {
    const at = this.field(slot, OFFSET_SIZE);
    if (at === 0) this.#reader.fail(`it has no ${what}`, this.position);
    return this.#reader.tableAt(at);
  }
}
