import { equalBytes, NO_BYTES } from '../byte-strings.ts';
import { ZtocError } from '../errors.ts';

/** Size of an offset, of the length of a vector, and of the link from a table to its vtable. */
const OFFSET_SIZE = 4;
/** Size of a vtable before its slots: its own size and that of the table, two bytes each. */
const VTABLE_HEADER_SIZE = 4;
/** Minimum charge for a part in addition to its bytes, so that no reference to it is free. */
const PART_SIZE = OFFSET_SIZE + 1;

/**
 * Limit on the sum of the parts of a buffer, as a multiple of its size. Writers may let equal strings share their
 * bytes, so the sum can exceed the size. Without a limit, a few megabytes of references to one large vector could
 * expand to gigabytes.
 */
const MAX_SHARING = 4;

/**
 * Reads an untrusted FlatBuffers buffer. Every offset, vtable, length and string is checked against the buffer before
 * it is used; the accessors of the `flatbuffers` package do not check them. Format: flatbuffers.dev/internals. All
 * integers are little-endian.
 */
export class FlatbufferReader {
  /** The whole buffer. */
  readonly bytes: Uint8Array;
  /** View of the same bytes, to read integers. */
  readonly view: DataView;
  readonly #name: string;
  readonly #base: number;
  #budget: number;

  /**
   * @param bytes The whole buffer.
   * @param name Name of the buffer in error messages, such as "zTOC".
   * @param base Offset of the buffer in the input of the caller, for the offsets of errors. @default 0
   */
  constructor(bytes: Uint8Array, name: string, base = 0) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#name = name;
    this.#base = base;
    this.#budget = bytes.length * MAX_SHARING;
  }

  /** Returns the root table. */
  root(): FlatbufferTable {
    return this.tableAt(0);
  }

  /** Returns the table at the offset stored at `position`. */
  tableAt(position: number): FlatbufferTable {
    return new FlatbufferTable(this, this.#follow(position));
  }

  /** Returns a view of the string at the offset stored at `position`. */
  stringAt(position: number): Uint8Array {
    const { start, length } = this.vectorAt(position, 1);
    return this.bytes.subarray(start, start + length);
  }

  /** Returns the vector at the offset stored at `position`. */
  vectorAt(position: number, elementSize: number): FlatbufferVector {
    const at = this.#follow(position);
    this.require(at, OFFSET_SIZE, 'a vector');
    const length = this.view.getUint32(at, true);
    const start = at + OFFSET_SIZE;
    // Most vectors are valid: their number of elements becomes text only if one is not.
    if (start > this.bytes.length - length * elementSize) {
      this.require(start, length * elementSize, `a vector of ${length} elements`);
    }
    this.charge(PART_SIZE + length * elementSize, at);
    return { start, length };
  }

  /**
   * Calls `visit` for the string in a field of each table of a vector, with its start and end in the buffer. Like
   * {@link tableAt} and {@link FlatbufferTable.vector}, without objects and calls for what is valid: this is most of the time
   * that a few lookups in a zTOC take.
   * @param start Position of the first element. All elements are in the buffer.
   */
  visitStrings(start: number, length: number, slot: number, visit: (start: number, end: number) => void): void {
    const { view } = this;
    const size = view.byteLength;
    const entry = VTABLE_HEADER_SIZE + 2 * slot;
    for (let i = 0; i < length; i++) {
      const position = start + OFFSET_SIZE * i;
      const table = position + view.getUint32(position, true);
      const vtable = table <= size - OFFSET_SIZE ? table - view.getInt32(table, true) : -1;
      const vtableSize = vtable >= 0 && vtable + entry + 2 <= size ? view.getUint16(vtable, true) : 0;
      const tableSize = vtableSize < entry + 2 ? 0 : view.getUint16(vtable + 2, true);
      const offset = tableSize < 2 * OFFSET_SIZE ? 0 : view.getUint16(vtable + entry, true);
      const isField = offset >= OFFSET_SIZE && offset + OFFSET_SIZE <= tableSize && table + tableSize <= size;
      const vector = isField ? table + offset + view.getUint32(table + offset, true) : size;
      const first = vector + OFFSET_SIZE;
      const end = vector <= size - OFFSET_SIZE ? first + view.getUint32(vector, true) : size + 1;
      if (end <= size && vtable + vtableSize <= size) {
        this.charge(tableSize + PART_SIZE + end - first, vector);
        visit(first, end);
      } else {
        // The field is absent, or this throws.
        const { start: at, length: count } = this.tableAt(position).vector(slot);
        visit(at, at + count);
      }
    }
  }

  /** Checks that `size` bytes exist at `position`. */
  require(position: number, size: number, what: string): void {
    if (position < 0 || position > this.bytes.length - size) {
      this.fail(`${what} exceeds the ${this.bytes.length} bytes of the buffer`, position);
    }
  }

  /** Counts `size` bytes, and fails if the parts of the buffer add up to too much: see {@link MAX_SHARING}. */
  charge(size: number, position: number): void {
    this.#budget -= size;
    if (this.#budget < 0) this.fail(`the parts add up to more than ${MAX_SHARING} times the size`, position);
  }

  /** @throws {ZtocError} `ZTOC_INVALID`, always. */
  fail(reason: string, position: number): never {
    const offset = this.#base + position;
    throw new ZtocError('ZTOC_INVALID', `invalid ${this.#name}: ${reason} (at byte ${offset})`, { offset });
  }

  #follow(position: number): number {
    this.require(position, OFFSET_SIZE, 'an offset');
    return position + this.view.getUint32(position, true);
  }
}

/** Location of the elements of a vector. */
export interface FlatbufferVector {
  /** Position of the first element in the buffer. */
  readonly start: number;
  /** Number of elements. */
  readonly length: number;
}

/** A table of a buffer, with a checked vtable. Absent fields read as their defaults. */
export class FlatbufferTable {
  /** Position of the table in its buffer. */
  readonly position: number;
  /** Position of its vtable, which describes where its fields are. */
  readonly vtable: number;
  readonly #reader: FlatbufferReader;
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
    this.vtable = vtable;
    this.#vtableSize = vtableSize;
    this.#size = size;
  }

  /** Returns the position of the field in `slot`, or 0 if it is absent. */
  field(slot: number, size: number): number {
    const entry = VTABLE_HEADER_SIZE + 2 * slot;
    if (entry + 2 > this.#vtableSize) return 0;
    const offset = this.#reader.view.getUint16(this.vtable + entry, true);
    if (offset === 0) return 0;
    if (offset < OFFSET_SIZE || offset + size > this.#size) {
      this.#reader.fail(`field ${slot} is outside its table`, this.position);
    }
    return this.position + offset;
  }

  /** Reads an 8-bit integer. */
  int8(slot: number, absent: number): number {
    const at = this.field(slot, 1);
    return at === 0 ? absent : this.#reader.view.getInt8(at);
  }

  /** Reads a signed 32-bit integer, 0 if absent. */
  int32(slot: number): number {
    const at = this.field(slot, 4);
    return at === 0 ? 0 : this.#reader.view.getInt32(at, true);
  }

  /** Reads an unsigned 32-bit integer, 0 if absent. */
  uint32(slot: number): number {
    return this.int32(slot) >>> 0;
  }

  /** Reads a signed 64-bit integer, 0 if absent. Returns a `bigint` only if a `number` would not be exact. */
  int64(slot: number): number | bigint {
    const at = this.field(slot, 8);
    if (at === 0) return 0;
    const { view } = this.#reader;
    const value = view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
    return Number.isSafeInteger(value) ? value : view.getBigInt64(at, true);
  }

  /** Reads a 64-bit byte count: not negative, and below 2^53. */
  byteCount(slot: number, what: string): number {
    const value = this.int64(slot);
    if (typeof value === 'bigint' || value < 0) {
      this.#reader.fail(`${what} is ${value}, not in the range 0 to 2^53 - 1`, this.field(slot, 8));
    }
    return value;
  }

  /** Returns a view of a string or byte vector, empty if absent. */
  bytes(slot: number): Uint8Array {
    const at = this.field(slot, OFFSET_SIZE);
    return at === 0 ? NO_BYTES : this.#reader.stringAt(at);
  }

  /** Reads like {@link bytes}. Returns `previous` if it has the same bytes, which saves a view. */
  bytesOr(slot: number, previous: Uint8Array): Uint8Array {
    const at = this.field(slot, OFFSET_SIZE);
    if (at === 0) return NO_BYTES;
    const { start, length } = this.#reader.vectorAt(at, 1);
    const { bytes } = this.#reader;
    return equalBytes(previous, bytes, start, length) ? previous : bytes.subarray(start, start + length);
  }

  /** Returns the location of a string or byte vector, empty if absent. Needs no view. */
  vector(slot: number): FlatbufferVector {
    const at = this.field(slot, OFFSET_SIZE);
    return at === 0 ? { start: 0, length: 0 } : this.#reader.vectorAt(at, 1);
  }

  /** Returns a vector of offsets, empty if absent. */
  offsets(slot: number): FlatbufferVector {
    const at = this.field(slot, OFFSET_SIZE);
    return at === 0 ? { start: 0, length: 0 } : this.#reader.vectorAt(at, OFFSET_SIZE);
  }

  /** Returns a required table. */
  table(slot: number, what: string): FlatbufferTable {
    const at = this.field(slot, OFFSET_SIZE);
    if (at === 0) this.#reader.fail(`the ${what} is missing`, this.position);
    return this.#reader.tableAt(at);
  }
}
