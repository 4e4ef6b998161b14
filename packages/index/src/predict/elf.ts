import type { ByteRange } from '@soci/oci';
import { subtractRanges } from './byte-ranges.ts';

/** Reads bytes of a file. Fewer bytes at the end; `undefined` if they cannot be read. */
export type ReadBytes = (offset: number, length: number) => Promise<Uint8Array | undefined>;

/** What a loader reads from an ELF file. */
export interface ElfFile {
  /** Number of the instruction set (`e_machine`). */
  readonly machine: number;
  readonly is64Bit: boolean;
  /** Path of the program interpreter: the loader. */
  readonly interpreter: string | undefined;
  /** Names of the needed libraries (`DT_NEEDED`). */
  readonly needed: readonly string[];
  /** Directories of `DT_RPATH`. */
  readonly rpath: readonly string[];
  /** Directories of `DT_RUNPATH`. */
  readonly runpath: readonly string[];
  readonly segments: readonly ElfSegment[];
  readonly sections: readonly ElfSection[];
  /** Sizes of the large data objects (`MIN_LARGE_OBJECT`) in the dynamic symbol table, with their place in the file. */
  readonly largeObjects: readonly ByteRange[];
  /** Number of functions that run when the file is loaded (`DT_INIT_ARRAY`). */
  readonly constructors: number;
}

/** A segment that is loaded into memory (`PT_LOAD`). */
interface ElfSegment {
  readonly offset: number;
  readonly address: number;
  /** Size in the file, in bytes. */
  readonly size: number;
  readonly isWritable: boolean;
}

/** A section with content in the file that is loaded into memory. */
interface ElfSection extends ByteRange {
  readonly name: string;
  readonly isExecutable: boolean;
}

/** Maximum number of program headers. Linux accepts 64 KiB of them. */
const MAX_SEGMENTS = 1024;
/** Maximum number of section headers. Programs have 30 to 60. */
const MAX_SECTIONS = 4096;
/** Maximum number of needed libraries, and of directories in a search path. */
const MAX_NAMES = 512;
/** Maximum size of the dynamic section, in bytes: 4,096 entries of 16 bytes. */
const MAX_DYNAMIC_SIZE = 64 << 10;
/** Maximum size of the section names, in bytes. */
const MAX_SECTION_NAMES = 64 << 10;
/** Maximum size of the dynamic symbol table, in bytes. That of a program with 170,000 symbols. */
const MAX_SYMBOLS_SIZE = 4 << 20;
/** Maximum length of a name or path, in bytes. */
const MAX_NAME = 4096;
/** Number of bytes that are read first. They contain the headers of most files. */
const HEAD_SIZE = 4096;

/** Sections that only exceptions and debuggers read. A smaller one is read with the sections around it. */
const UNWIND_SECTIONS: ReadonlySet<string> = new Set(['.eh_frame', '.gcc_except_table']);
/** Size from which code of a library is called only in parts, in bytes: 2 to 6 % of numerical libraries. */
const MIN_LARGE_CODE = 16 << 20;
/** The same for a library with many constructors, which run code in all of its parts: 40 % of libarrow. */
const MIN_LARGE_CODE_OF_CONSTRUCTORS = 32 << 20;
/** Number of constructors that are many. Libraries in C have 1 to 3. */
const MANY_CONSTRUCTORS = 32;
/** Bytes at the start of large code that are read: it contains constructors. */
const LARGE_CODE_START = 128 << 10;
/** Size from which a data object is a database that is read only in parts, such as that of ICU, in bytes. */
const MIN_LARGE_OBJECT = 4 << 20;
/** Gaps up to this size are read too, in bytes: Linux reads up to 128 KiB before and after what is needed. */
const READ_AHEAD = 256 << 10;

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_RPATH = 15;
const DT_INIT_ARRAYSZ = 27;
const DT_RUNPATH = 29;
const SHT_NOBITS = 8;
const SHT_DYNSYM = 11;
const SHF_ALLOC = 2;
const SHF_EXECINSTR = 4;
const STT_OBJECT = 1;

/** Returns whether bytes start as an ELF file. */
export function isElf(head: Uint8Array): boolean {
  return head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46;
}

/**
 * Parses an ELF executable or shared library: 32 and 64 bits, both byte orders. Parts that are malformed, or larger than the
 * limits of this file, are left out.
 *
 * @returns `undefined` if the file is not ELF or has no valid header.
 * @see System V Application Binary Interface, chapters 4 and 5; elf(5)
 */
export async function parseElf(read: ReadBytes, size: number): Promise<ElfFile | undefined> {
  const head = await read(0, Math.min(HEAD_SIZE, size));
  if (head === undefined || head.length < 64 || !isElf(head)) return undefined;
  const [, , , , elfClass, byteOrder] = head;
  if ((elfClass !== 1 && elfClass !== 2) || (byteOrder !== 1 && byteOrder !== 2)) return undefined;
  const file = new ElfReader(read, size, head, elfClass === 2, byteOrder === 1);
  const view = file.view(head);
  const { is64Bit } = file;
  const headers = await file.table(
    view.word(is64Bit ? 32 : 28),
    view.u16(is64Bit ? 54 : 42),
    view.u16(is64Bit ? 56 : 44),
    MAX_SEGMENTS,
  );
  const segments: ElfSegment[] = [];
  let dynamic: ByteRange | undefined;
  let interpreter: string | undefined;
  for (const header of headers) {
    const type = header.u32(0);
    const offset = header.word(is64Bit ? 8 : 4);
    const address = header.word(is64Bit ? 16 : 8);
    const length = header.word(is64Bit ? 32 : 16);
    const flags = header.u32(is64Bit ? 4 : 24);
    if (type === PT_LOAD) segments.push({ offset, address, size: length, isWritable: (flags & 2) !== 0 });
    else if (type === PT_DYNAMIC) dynamic = { offset, length };
    else if (type === PT_INTERP) interpreter ??= await file.string(offset);
  }
  const sections = await readSections(file, view);
  const entries = await readDynamic(file, dynamic);
  return {
    machine: view.u16(18),
    is64Bit,
    interpreter: interpreter || undefined,
    ...(await readNames(file, entries, segments)),
    segments,
    sections: sections.loaded,
    largeObjects: await readLargeObjects(file, sections.symbols, segments),
    constructors: Math.floor((valueOfTag(entries, DT_INIT_ARRAYSZ) ?? 0) / (is64Bit ? 8 : 4)),
  };
}

/**
 * Returns the bytes of an ELF file that a start reads: the loaded segments, without the sections that only exceptions read,
 * without large data objects, and for a library without most of large code.
 */
export function rangesOfElf(elf: ElfFile, size: number, { isProgram }: { readonly isProgram: boolean }): ByteRange[] {
  const loaded = [{ offset: 0, length: 64 }, ...elf.segments.map(({ offset, size: length }) => ({ offset, length }))];
  const largeCode = elf.constructors >= MANY_CONSTRUCTORS ? MIN_LARGE_CODE_OF_CONSTRUCTORS : MIN_LARGE_CODE;
  const unused: ByteRange[] = [...elf.largeObjects];
  for (const { name, offset, length, isExecutable } of elf.sections) {
    if (UNWIND_SECTIONS.has(name)) unused.push({ offset, length });
    else if (isExecutable && !isProgram && length > largeCode) {
      unused.push({ offset: offset + LARGE_CODE_START, length: length - LARGE_CODE_START });
    }
  }
  const ranges = subtractRanges(loaded, unused, { end: size, minGap: READ_AHEAD });
  const last = ranges.at(-1);
  const loadedEnd = Math.max(...loaded.map(({ offset, length }) => offset + length));
  if (last === undefined || last.offset + last.length < loadedEnd || size - loadedEnd > READ_AHEAD) return ranges;
  return [...ranges.slice(0, -1), { offset: last.offset, length: size - last.offset }];
}

/** An entry of the dynamic section. */
interface DynamicEntry {
  readonly tag: number;
  readonly value: number;
}

async function readDynamic(file: ElfReader, dynamic: ByteRange | undefined): Promise<readonly DynamicEntry[]> {
  if (dynamic === undefined) return [];
  const entrySize = file.is64Bit ? 16 : 8;
  const count = Math.floor(Math.min(dynamic.length, MAX_DYNAMIC_SIZE) / entrySize);
  const entries = (await file.table(dynamic.offset, entrySize, count, count)).map((entry) => ({
    tag: entry.word(0),
    value: entry.word(entrySize / 2),
  }));
  const end = entries.findIndex(({ tag }) => tag === 0);
  return end < 0 ? entries : entries.slice(0, end);
}

/** Returns the offset in the file of an address, or `undefined` if no segment contains it. */
function offsetOf(address: number | undefined, segments: readonly ElfSegment[]): number | undefined {
  if (address === undefined) return undefined;
  const segment = segments.find((each) => address >= each.address && address - each.address < each.size);
  return segment && address - segment.address + segment.offset;
}

async function readNames(
  file: ElfReader,
  entries: readonly DynamicEntry[],
  segments: readonly ElfSegment[],
): Promise<Pick<ElfFile, 'needed' | 'rpath' | 'runpath'>> {
  const lists = { needed: [] as string[], rpath: [] as string[], runpath: [] as string[] };
  const base = offsetOf(valueOfTag(entries, DT_STRTAB), segments);
  if (base === undefined) return lists;
  for (const { tag, value } of entries) {
    if (tag !== DT_NEEDED && tag !== DT_RPATH && tag !== DT_RUNPATH) continue;
    if (lists.needed.length >= MAX_NAMES) break;
    const text = await file.string(base + value);
    if (text === undefined || text === '') continue;
    if (tag === DT_NEEDED) lists.needed.push(text);
    else lists[tag === DT_RPATH ? 'rpath' : 'runpath'] = text.split(':').slice(0, MAX_NAMES);
  }
  return lists;
}

function valueOfTag(entries: readonly DynamicEntry[], tag: number): number | undefined {
  return entries.find((entry) => entry.tag === tag)?.value;
}

async function readSections(
  file: ElfReader,
  header: ElfView,
): Promise<{ readonly loaded: ElfSection[]; readonly symbols: ByteRange | undefined }> {
  const { is64Bit } = file;
  const table = await file.table(
    header.word(is64Bit ? 40 : 32),
    header.u16(is64Bit ? 58 : 46),
    header.u16(is64Bit ? 60 : 48),
    MAX_SECTIONS,
  );
  const headers = table.map((section) => ({
    name: section.u32(0),
    type: section.u32(4),
    flags: section.word(8),
    offset: section.word(is64Bit ? 24 : 16),
    length: section.word(is64Bit ? 32 : 20),
  }));
  const named = headers[header.u16(is64Bit ? 62 : 50)];
  const names = named && (await file.bytes(named.offset, Math.min(named.length, MAX_SECTION_NAMES)));
  const loaded = headers
    .filter(({ type, flags }) => type !== SHT_NOBITS && (flags & SHF_ALLOC) !== 0)
    .map(({ name, flags, offset, length }) => ({
      name: names === undefined ? '' : stringAt(names, name),
      offset,
      length,
      isExecutable: (flags & SHF_EXECINSTR) !== 0,
    }));
  return { loaded, symbols: headers.find(({ type }) => type === SHT_DYNSYM) };
}

/** Finds large objects in read-only segments that are large enough for one. */
async function readLargeObjects(
  file: ElfReader,
  symbols: ByteRange | undefined,
  segments: readonly ElfSegment[],
): Promise<ByteRange[]> {
  const candidates = segments.filter(({ size, isWritable }) => !isWritable && size >= MIN_LARGE_OBJECT);
  if (symbols === undefined || candidates.length === 0) return [];
  const bytes = await file.bytes(symbols.offset, Math.min(symbols.length, MAX_SYMBOLS_SIZE));
  if (bytes === undefined) return [];
  const view = file.view(bytes);
  const [entrySize, typeAt] = file.is64Bit ? [24, 4] : [16, 12];
  const objects: ByteRange[] = [];
  // A library can have 170,000 symbols. Most are functions: this loop needs no optimizing compiler.
  for (let at = 0; at + entrySize <= bytes.length && objects.length < MAX_NAMES; at += entrySize) {
    if (((bytes[at + typeAt] as number) & 15) !== STT_OBJECT) continue;
    const object = readLargeObject(view, at, file.is64Bit, candidates);
    if (object !== undefined) objects.push(object);
  }
  return objects;
}

/** Returns the place of the object of a symbol in the file, if it is large and in one of the segments. */
function readLargeObject(
  view: ElfView,
  at: number,
  is64Bit: boolean,
  segments: readonly ElfSegment[],
): ByteRange | undefined {
  const length = view.word(at + (is64Bit ? 16 : 8));
  if (length < MIN_LARGE_OBJECT) return undefined;
  const address = view.word(at + (is64Bit ? 8 : 4));
  const segment = segments.find((each) => address >= each.address && address + length <= each.address + each.size);
  return segment && { offset: address - segment.address + segment.offset, length };
}

/** Reads numbers, tables and strings of an ELF file. Offsets outside the file give nothing. */
class ElfReader {
  readonly is64Bit: boolean;
  readonly #read: ReadBytes;
  readonly #size: number;
  readonly #head: Uint8Array;
  readonly #isLittleEndian: boolean;

  constructor(read: ReadBytes, size: number, head: Uint8Array, is64Bit: boolean, isLittleEndian: boolean) {
    this.#read = read;
    this.#size = size;
    this.#head = head;
    this.is64Bit = is64Bit;
    this.#isLittleEndian = isLittleEndian;
  }

  view(bytes: Uint8Array): ElfView {
    return new ElfView(bytes, this.is64Bit, this.#isLittleEndian);
  }

  async bytes(offset: number, length: number): Promise<Uint8Array | undefined> {
    if (offset < 0 || length <= 0 || offset >= this.#size) return undefined;
    const end = Math.min(offset + length, this.#size);
    return end <= this.#head.length ? this.#head.subarray(offset, end) : this.#read(offset, end - offset);
  }

  /** Returns the rows of a table. */
  async table(offset: number, rowSize: number, count: number, maxCount: number): Promise<ElfView[]> {
    const bytes = await this.bytes(offset, rowSize * Math.floor(Math.min(count, maxCount)));
    if (bytes === undefined) return [];
    return Array.from({ length: Math.floor(bytes.length / rowSize) }, (_, row) =>
      this.view(bytes.subarray(row * rowSize, (row + 1) * rowSize)),
    );
  }

  /** Returns the string at an offset, up to its null byte. */
  async string(offset: number): Promise<string | undefined> {
    const bytes = await this.bytes(offset, MAX_NAME);
    return bytes && stringAt(bytes, 0);
  }
}

/** Numbers in the byte order of an ELF file. Numbers outside the bytes are 0. */
class ElfView {
  readonly #view: DataView;
  readonly #is64Bit: boolean;
  readonly #isLittleEndian: boolean;

  constructor(bytes: Uint8Array, is64Bit: boolean, isLittleEndian: boolean) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#is64Bit = is64Bit;
    this.#isLittleEndian = isLittleEndian;
  }

  u16(offset: number): number {
    return offset + 2 <= this.#view.byteLength ? this.#view.getUint16(offset, this.#isLittleEndian) : 0;
  }

  u32(offset: number): number {
    return offset + 4 <= this.#view.byteLength ? this.#view.getUint32(offset, this.#isLittleEndian) : 0;
  }

  /** An address, offset or size: 64 bits, or 32 bits. Larger numbers than 2^53 are rounded. */
  word(offset: number): number {
    if (!this.#is64Bit) return this.u32(offset);
    if (offset + 8 > this.#view.byteLength) return 0;
    const [low, high] = this.#isLittleEndian ? [offset, offset + 4] : [offset + 4, offset];
    return this.#view.getUint32(high, this.#isLittleEndian) * 2 ** 32 + this.#view.getUint32(low, this.#isLittleEndian);
  }
}

/** Returns the text from an offset to the next null byte. */
function stringAt(bytes: Uint8Array, offset: number): string {
  const end = bytes.indexOf(0, offset);
  return Buffer.from(bytes.subarray(offset, end < 0 ? bytes.length : end)).toString();
}
