import { FILE_METADATA, TOC, ZTOC } from '../encoding/schema.ts';
import { FlatbufferReader } from '../flatbuffers/flatbuffer-reader.ts';
import type { FileEntry } from '../ztoc.ts';

/** Type of an entry: the first character of a `FileType`, which is different for each. */
export const ENTRY_TYPE = { directory: 0x64, hardLink: 0x68, symlink: 0x73 } as const;

/** Receives a string of an entry: `bytes` from `start` to `end`. */
type NameVisitor = (bytes: Uint8Array, start: number, end: number) => void;

/** The names and types of the entries of a layer, without their other fields. */
export interface EntryNames {
  /** Calls `visit` with the name of each entry, in archive order. @param type One of {@link ENTRY_TYPE}. @default all */
  visitNames(visit: NameVisitor, type?: number): void;
  /** Calls `visit` with the target of each hard link, in archive order. */
  visitHardLinkTargets(visit: NameVisitor): void;
}

/** Names of entries that are decoded, or that an iterable decodes. */
export class DecodedNames implements EntryNames {
  readonly #files: Iterable<FileEntry>;

  constructor(files: Iterable<FileEntry>) {
    this.#files = files;
  }

  visitNames(visit: NameVisitor, only?: number): void {
    for (const { type, name } of this.#files) {
      if (only === undefined || type.charCodeAt(0) === only) visit(name, 0, name.length);
    }
  }

  visitHardLinkTargets(visit: NameVisitor): void {
    for (const { type, linkName } of this.#files) if (type === 'hardlink') visit(linkName, 0, linkName.length);
  }
}

/** Names of the entries of a zTOC. Decodes no entry, so that a million of them need no objects. */
export class EncodedNames implements EntryNames {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #length: number;
  #types: Uint8Array | undefined;

  /** @param bytes The whole zTOC, with types that `decodeZtoc` accepts. */
  constructor(bytes: Uint8Array) {
    const root = new FlatbufferReader(bytes, 'zTOC').root();
    const { start, length } = root.table(ZTOC.toc, 'table of contents').offsets(TOC.metadata);
    this.#bytes = bytes;
    this.#start = start;
    this.#length = length;
  }

  visitNames(visit: NameVisitor, type?: number): void {
    if (type === undefined) this.#visitAll(FILE_METADATA.name, visit);
    else this.#visitType(FILE_METADATA.name, visit, type);
  }

  visitHardLinkTargets(visit: NameVisitor): void {
    this.#visitType(FILE_METADATA.linkname, visit, ENTRY_TYPE.hardLink);
  }

  #visitAll(field: number, visit: NameVisitor): void {
    const bytes = this.#bytes;
    this.#reader().visitStrings(this.#start, this.#length, field, (start, end) => visit(bytes, start, end));
  }

  /** Visits the entries of a type. Does not touch the others: mostly, they are many. */
  #visitType(field: number, visit: NameVisitor, type: number): void {
    const types = this.#entryTypes();
    const bytes = this.#bytes;
    const reader = this.#reader();
    const visitString = (start: number, end: number) => visit(bytes, start, end);
    for (let first = types.indexOf(type); first >= 0; ) {
      let end = first + 1;
      while (types[end] === type) end++;
      reader.visitStrings(this.#start + 4 * first, end - first, field, visitString);
      first = types.indexOf(type, end);
    }
  }

  /** Returns the first character of the type of each entry. */
  #entryTypes(): Uint8Array {
    if (this.#types !== undefined) return this.#types;
    const types = new Uint8Array(this.#length);
    let entry = 0;
    this.#visitAll(FILE_METADATA.type, (bytes, start) => {
      types[entry++] = bytes[start] as number;
    });
    this.#types = types;
    return types;
  }

  /** Returns a new reader, because each counts what it reads against a limit. */
  #reader(): FlatbufferReader {
    return new FlatbufferReader(this.#bytes, 'zTOC');
  }
}
