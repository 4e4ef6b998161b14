import { byteAt } from '../byte-strings.ts';
import type { TarInteger } from '../ztoc.ts';

const UTF8 = new TextEncoder();

/** Below this many bytes a loop beats the call that copies them. */
const SHORT = 48;

/** The offset of a table, string or vector that was written: its distance from the buffer's end, in bytes. */
export type Written = number;

/** The shape of tables: their size, and where in them each field lies, 0 where it is left out. */
interface Vtable {
  readonly size: number;
  readonly fields: readonly number[];
  readonly written: Written;
}

/**
 * Writes one FlatBuffer, from its end to its front, byte for byte as the FlatBuffers library does in Go, which the
 * reference uses (flatbuffers.dev/internals; google/flatbuffers, go/builder.go). What a table or vector refers to is
 * written before it, and tables of one shape share their vtable.
 *
 * The library's own builder for JavaScript would do, were it not for memory: it copies all it is given, and most of a
 * zTOC are checkpoints that should exist once. {@link byteVector} lets them be moved in.
 */
export class FlatbufferWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  /** Where in the buffer its content starts; all before it is free, and zero. */
  #front: number;
  /** The largest alignment that anything needed, and so the buffer needs. */
  #alignment = 1;

  /** Of the table under way: how many fields it may have, each one's offset, 0 where it is left out, and where the table ends. */
  #fieldCount = 0;
  readonly #fields: Written[] = [];
  #tableEnd = 0;
  /** The vtables written, by a hash of their content. */
  readonly #vtables = new Map<number, Vtable[]>();

  /** @param capacity Bytes to have room for at once; past that the buffer is copied to grow. At least 1. */
  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
    this.#front = capacity;
  }

  /** Writes a string, given as text or in UTF-8. */
  string(text: string | Uint8Array): Written {
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

  /** Writes a vector of `size` bytes, which `fill` puts in their place. */
  byteVector(size: number, fill: (target: Uint8Array<ArrayBuffer>) => void): Written {
    const start = this.#openBytes(size);
    fill(this.#bytes.subarray(start, start + size));
    return this.#closeVector(size);
  }

  /** Writes a vector of references. */
  vector(elements: ArrayLike<Written>): Written {
    this.#prepare(4, 4 * elements.length);
    for (let i = elements.length - 1; i >= 0; i--) this.#putReference(elements[i] as Written);
    return this.#closeVector(elements.length);
  }

  /** Starts a table; its fields come next, in any order. @param fieldCount How many fields its schema has. */
  startTable(fieldCount: number): void {
    this.#fieldCount = fieldCount;
    for (let slot = 0; slot < fieldCount; slot++) this.#fields[slot] = 0;
    this.#tableEnd = this.#size;
  }

  /** Adds a field that refers to what was written before. */
  reference(slot: number, target: Written): void {
    this.#prepare(4, 0);
    this.#putReference(target);
    this.#fields[slot] = this.#size;
  }

  /** Adds a field of 8 bits, unless it has its default. */
  int8(slot: number, value: number, byDefault: number): void {
    if (value === byDefault) return;
    this.#prepare(1, 0);
    this.#front -= 1;
    this.#view.setInt8(this.#front, value);
    this.#fields[slot] = this.#size;
  }

  /** Adds a field of 32 bits, signed or not, unless it is 0, the default. */
  int32(slot: number, value: number): void {
    if (value === 0) return;
    this.#prepare(4, 0);
    this.#putInt32(value);
    this.#fields[slot] = this.#size;
  }

  /** Adds a field of 64 bits, unless it is 0, the default. */
  int64(slot: number, value: TarInteger): void {
    // Most device numbers are 0, and nearly all others are numbers: bigints would take longer than all else.
    if (value === 0 || value === 0n) return;
    this.#prepare(8, 0);
    this.#front -= 8;
    if (typeof value === 'bigint') {
      this.#view.setBigInt64(this.#front, value, true);
    } else {
      this.#view.setInt32(this.#front, value, true);
      this.#view.setInt32(this.#front + 4, Math.floor(value / 2 ** 32), true);
    }
    this.#fields[slot] = this.#size;
  }

  /** Ends the table under way. */
  endTable(): Written {
    this.#prepare(4, 0);
    this.#front -= 4;
    const table = this.#size;
    const at = this.#front;
    // Where the table's vtable lies, seen from the table; vtables come before the first table of their shape.
    this.#view.setInt32(at, this.#vtable(table) - table, true);
    return table;
  }

  /** Ends the buffer. @returns a view of its end, from the first byte in use */
  finish(root: Written): Uint8Array<ArrayBuffer> {
    this.#prepare(this.#alignment, 4);
    this.#putReference(root);
    return this.#bytes.subarray(this.#front);
  }

  /** The vtable of the table under way, written now if there is none like it. */
  #vtable(table: Written): Written {
    const fields = this.#fields;
    let count = this.#fieldCount;
    while (count > 0 && fields[count - 1] === 0) count--;
    const size = table - this.#tableEnd;
    let hash = size;
    for (let slot = 0; slot < count; slot++) {
      const field = fields[slot] as Written;
      const place = field === 0 ? 0 : table - field;
      fields[slot] = place;
      hash = (Math.imul(hash, 31) + place) | 0;
    }
    const alike = this.#vtables.get(hash) ?? [];
    for (const vtable of alike) if (isSame(vtable, size, fields, count)) return vtable.written;

    this.#prepare(2, 2 * count + 2);
    for (let slot = count - 1; slot >= 0; slot--) this.#putUint16(fields[slot] as number);
    this.#putUint16(size);
    this.#putUint16(2 * count + 4);
    alike.push({ size, fields: fields.slice(0, count), written: this.#size });
    this.#vtables.set(hash, alike);
    return this.#size;
  }

  /** Bytes written so far. */
  get #size(): number {
    return this.#bytes.length - this.#front;
  }

  /** Makes room for `size` bytes of content. @returns where they start */
  #openBytes(size: number): number {
    this.#prepare(4, size);
    this.#front -= size;
    return this.#front;
  }

  #closeVector(count: number): Written {
    this.#putInt32(count);
    return this.#size;
  }

  #putReference(target: Written): void {
    this.#putInt32(this.#size + 4 - target);
  }

  #putUint16(value: number): void {
    this.#front -= 2;
    this.#view.setUint16(this.#front, value, true);
  }

  #putInt32(value: number): void {
    this.#front -= 4;
    this.#view.setInt32(this.#front, value, true);
  }

  /** Pads so that a value of `alignment` bytes, with `following` ones written before it, is aligned; and makes room for all. */
  #prepare(alignment: number, following: number): void {
    if (alignment > this.#alignment) this.#alignment = alignment;
    const padding = -(this.#size + following) & (alignment - 1);
    if (this.#front < padding + following + alignment) this.#grow(padding + following + alignment);
    this.#front -= padding;
  }

  #grow(needed: number): void {
    const size = this.#size;
    const bytes = new Uint8Array(2 * this.#bytes.length + needed);
    bytes.set(this.#bytes.subarray(this.#front), bytes.length - size);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
    this.#front = bytes.length - size;
  }
}

/** Nearly all text is; and encoding many short strings one by one would take longer than all else. */
function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

function isSame(vtable: Vtable, size: number, fields: readonly number[], count: number): boolean {
  if (vtable.size !== size || vtable.fields.length !== count) return false;
  for (let slot = 0; slot < count; slot++) if (vtable.fields[slot] !== fields[slot]) return false;
  return true;
}
