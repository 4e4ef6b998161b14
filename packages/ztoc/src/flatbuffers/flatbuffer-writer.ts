import { byteAt } from '../byte-strings.ts';
import type { TarInteger } from '../ztoc.ts';

const UTF8 = new TextEncoder();

/** Below this size, a loop is faster than the call that copies bytes. */
const SHORT = 48;

/** Buffers of this size and above are mapped: see {@link sizeToAllocate}. */
const LARGE = 1 << 20;
/** glibc always maps more than 32 MiB (`DEFAULT_MMAP_THRESHOLD_MAX` in malloc.c). */
const MAPPED = 33 << 20;

/**
 * Returns the size of a buffer, at least `capacity`. glibc maps the memory of a large buffer, and returns it to the system when it
 * is freed. But after that, it takes buffers of this size from its heap, and keeps up to twice as much in each thread. It does not
 * do so if the buffer has more than 32 MiB. What is not written needs no memory.
 */
function sizeToAllocate(capacity: number): number {
  return capacity < LARGE ? capacity : Math.max(capacity, MAPPED);
}

/** Offset of a written table, string or vector: its distance from the end of the buffer, in bytes. */
export type Offset = number;

/** Layout of a table: its size and the position of each field in it, 0 if the field is omitted. */
interface Vtable {
  readonly size: number;
  readonly fields: readonly number[];
  readonly offset: Offset;
}

/**
 * Writes a FlatBuffer from its end to its start, byte-identical to the FlatBuffers library for Go, which the reference
 * uses (flatbuffers.dev/internals; google/flatbuffers, go/builder.go). Referenced parts are written before the table or
 * vector that refers to them, and tables with the same layout share their vtable.
 *
 * The library's builder for JavaScript would copy all data. Checkpoints are most of a zTOC and should exist only once;
 * {@link byteVector} allows the caller to move them into the buffer.
 */
export class FlatbufferWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  /** Index of the first used byte of the buffer. The bytes before it are free, and zero. */
  #front: number;
  /** Largest alignment of any value, which is the alignment of the buffer. */
  #alignment = 1;

  /** Current table: its number of fields, the offset of each field (0 if omitted), and the offset of its end. */
  #fieldCount = 0;
  readonly #fields: Offset[] = [];
  #tableEnd = 0;
  /** Vtables written so far, by a hash of their content. */
  readonly #vtables = new Map<number, Vtable[]>();

  /** @param capacity Initial size of the buffer, at least 1. The buffer is copied when it has to grow. */
  constructor(capacity: number) {
    this.#bytes = new Uint8Array(4 * Math.ceil(sizeToAllocate(capacity) / 4));
    this.#view = new DataView(this.#bytes.buffer);
    this.#front = this.#bytes.length;
  }

  /**
   * Writes the end of another buffer of this class, so that the offsets of the parts in it stay valid. Call this first.
   * Later tables do not share the vtables in it, and later values determine the alignment of the buffer.
   */
  copyEnd(end: Uint8Array): void {
    this.#prepare(1, end.length);
    this.#front -= end.length;
    this.#bytes.set(end, this.#front);
  }

  /** Writes a string, given as text or as UTF-8. */
  string(text: string | Uint8Array): Offset {
    if (typeof text === 'string' && !isAscii(text)) return this.string(UTF8.encode(text));
    this.#prepare(1, 0);
    this.#front -= 1;
    const start = this.#openBytes(text.length);
    const bytes = this.#bytes;
    if (typeof text === 'string') for (let i = 0; i < text.length; i++) bytes[start + i] = text.charCodeAt(i);
    else if (text.length > SHORT) bytes.set(text, start);
    else for (let i = 0; i < text.length; i++) bytes[start + i] = byteAt(text, i);
    return this.#closeVector(text.length);
  }

  /** Number of bytes written so far. */
  get size(): number {
    return this.#size();
  }

  /**
   * Writes parts that are encoded already, before those written so far. Later tables do not share their vtables.
   * @param parts Encoded for their position in the buffer.
   * @param alignment Largest alignment of a value in them, in bytes.
   */
  prepend(parts: Uint8Array, alignment: number): void {
    if (alignment > this.#alignment) this.#alignment = alignment;
    this.#prepare(1, parts.length);
    this.#front -= parts.length;
    this.#bytes.set(parts, this.#front);
  }

  /** Writes a vector of `size` bytes. `fill` must write them to its argument. */
  byteVector(size: number, fill: (target: Uint8Array<ArrayBuffer>) => void): Offset {
    const start = this.#openBytes(size);
    fill(this.#bytes.subarray(start, start + size));
    return this.#closeVector(size);
  }

  /** Writes a vector of references. */
  vector(elements: ArrayLike<Offset>): Offset {
    const { length } = elements;
    this.#prepare(4, 4 * length);
    this.#front -= 4 * length;
    const view = this.#view;
    const front = this.#front;
    const size = this.#size();
    // Without calls, which V8 would compile for each image: they take longer to compile than to run.
    for (let i = 0; i < length; i++) view.setInt32(front + 4 * i, size - 4 * i - (elements[i] as Offset), true);
    return this.#closeVector(length);
  }

  /** Starts a table. Add its fields next, in any order. @param fieldCount Number of fields in its schema. */
  startTable(fieldCount: number): void {
    this.#fieldCount = fieldCount;
    for (let slot = 0; slot < fieldCount; slot++) this.#fields[slot] = 0;
    this.#tableEnd = this.#size();
  }

  /** Adds a field that refers to a part written before. */
  reference(slot: number, target: Offset): void {
    this.#prepare(4, 0);
    this.#putReference(target);
    this.#fields[slot] = this.#size();
  }

  /** Adds an 8-bit field, unless it has its default value. */
  int8(slot: number, value: number, defaultValue: number): void {
    if (value === defaultValue) return;
    this.#prepare(1, 0);
    this.#front -= 1;
    this.#view.setInt8(this.#front, value);
    this.#fields[slot] = this.#size();
  }

  /** Adds a 32-bit field, signed or unsigned, unless it is 0, the default. */
  int32(slot: number, value: number): void {
    if (value === 0) return;
    this.#prepare(4, 0);
    this.#putInt32(value);
    this.#fields[slot] = this.#size();
  }

  /** Adds a 64-bit field, unless it is 0, the default. */
  int64(slot: number, value: TarInteger): void {
    // Most values are numbers and many are 0. Converting all of them to bigint would dominate the run time.
    if (value === 0 || value === 0n) return;
    this.#prepare(8, 0);
    this.#front -= 8;
    if (typeof value === 'bigint') {
      this.#view.setBigInt64(this.#front, value, true);
    } else {
      this.#view.setInt32(this.#front, value, true);
      this.#view.setInt32(this.#front + 4, Math.floor(value / 2 ** 32), true);
    }
    this.#fields[slot] = this.#size();
  }

  /** Ends the current table. */
  endTable(): Offset {
    this.#prepare(4, 0);
    this.#front -= 4;
    const table = this.#size();
    const at = this.#front;
    // A table starts with the distance to its vtable, which is written before the first table with that layout.
    this.#view.setInt32(at, this.#vtable(table) - table, true);
    return table;
  }

  /** Ends the buffer. @returns a view of its used part */
  finish(root: Offset): Uint8Array<ArrayBuffer> {
    this.#prepare(this.#alignment, 4);
    this.#putReference(root);
    return this.#bytes.subarray(this.#front);
  }

  /** Returns the vtable of the current table, and writes it unless an equal one exists. */
  #vtable(table: Offset): Offset {
    const fields = this.#fields;
    let count = this.#fieldCount;
    while (count > 0 && fields[count - 1] === 0) count--;
    const size = table - this.#tableEnd;
    let hash = size;
    for (let slot = 0; slot < count; slot++) {
      const field = fields[slot] as Offset;
      const position = field === 0 ? 0 : table - field;
      fields[slot] = position;
      hash = (Math.imul(hash, 31) + position) | 0;
    }
    const candidates = this.#vtables.get(hash) ?? [];
    for (const vtable of candidates) if (equalVtable(vtable, size, fields, count)) return vtable.offset;

    this.#prepare(2, 2 * count + 2);
    for (let slot = count - 1; slot >= 0; slot--) this.#putUint16(fields[slot] as number);
    this.#putUint16(size);
    this.#putUint16(2 * count + 4);
    candidates.push({ size, fields: fields.slice(0, count), offset: this.#size() });
    this.#vtables.set(hash, candidates);
    return this.#size();
  }

  /** Returns the number of bytes written so far. Not a getter: V8 calls private getters through its runtime, which is slow. */
  #size(): number {
    return this.#bytes.length - this.#front;
  }

  /** Reserves `size` bytes. @returns index of the first one */
  #openBytes(size: number): number {
    this.#prepare(4, size);
    this.#front -= size;
    return this.#front;
  }

  #closeVector(count: number): Offset {
    this.#putInt32(count);
    return this.#size();
  }

  #putReference(target: Offset): void {
    this.#putInt32(this.#size() + 4 - target);
  }

  #putUint16(value: number): void {
    this.#front -= 2;
    this.#view.setUint16(this.#front, value, true);
  }

  #putInt32(value: number): void {
    this.#front -= 4;
    this.#view.setInt32(this.#front, value, true);
  }

  /** Pads so that a value of `alignment` bytes is aligned after `following` more bytes, and reserves space for all. */
  #prepare(alignment: number, following: number): void {
    if (alignment > this.#alignment) this.#alignment = alignment;
    const padding = -(this.#size() + following) & (alignment - 1);
    if (this.#front < padding + following + alignment) this.#grow(padding + following + alignment);
    this.#front -= padding;
  }

  #grow(needed: number): void {
    const size = this.#size();
    const bytes = new Uint8Array(2 * this.#bytes.length + 4 * Math.ceil(needed / 4));
    bytes.set(this.#bytes.subarray(this.#front), bytes.length - size);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
    this.#front = bytes.length - size;
  }
}

/**
 * Reports whether `text` is ASCII, as nearly all text is. Encoding many short strings one by one would dominate the run
 * time.
 */
function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

function equalVtable(vtable: Vtable, size: number, fields: readonly number[], count: number): boolean {
  if (vtable.size !== size || vtable.fields.length !== count) return false;
  for (let slot = 0; slot < count; slot++) if (vtable.fields[slot] !== fields[slot]) return false;
  return true;
}
