import { FILE_METADATA, TOC, ZTOC } from '../encoding/schema.ts';
import { FlatbufferReader } from '../flatbuffers/flatbuffer-reader.ts';
import type { FileEntry } from '../ztoc.ts';

/** Type of an entry: the first character of a `FileType`, which is different for each. */
export const ENTRY_TYPE = { directory: 0x64, hardLink: 0x68, symlink: 0x73 } as const;

/** Receives a string of an entry, which is `bytes` from `start` to `end`, and the type of the entry. */
type NameVisitor = (type: number, bytes: Uint8Array, start: number, end: number) => void;

/** The names and types of the entries of a layer, without their other fields. */
export interface EntryNames {
  /** Returns whether an entry has a type of {@link ENTRY_TYPE}. */
  hasType(type: number): boolean;
  /** Calls `visit` with the name of each entry, in archive order. */
  visitNames(visit: NameVisitor): void;
  /** Calls `visit` with the link target of each entry, in archive order. It is empty if the entry is not a link. */
  visitLinkNames(visit: NameVisitor): void;
}

/** Names of entries that are decoded, or that an iterable decodes. */
export class DecodedNames implements EntryNames {
  readonly #files: Iterable<FileEntry>;

  constructor(files: Iterable<FileEntry>) {
    this.#files = files;
  }

  hasType(type: number): boolean {
    for (const file of this.#files) if (file.type.charCodeAt(0) === type) return true;
    return false;
  }

  visitNames(visit: NameVisitor): void {
    for (const { type, name } of this.#files) visit(type.charCodeAt(0), name, 0, name.length);
  }

  visitLinkNames(visit: NameVisitor): void {
    for (const { type, linkName } of this.#files) visit(type.charCodeAt(0), linkName, 0, linkName.length);
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

  hasType(type: number): boolean {
    return this.#entryTypes().includes(type);
  }

  visitNames(visit: NameVisitor): void {
    this.#visit(FILE_METADATA.name, visit);
  }

  visitLinkNames(visit: NameVisitor): void {
    this.#visit(FILE_METADATA.linkname, visit);
  }

  #visit(field: number, visit: NameVisitor): void {
    const types = this.#entryTypes();
    const bytes = this.#bytes;
    let entry = 0;
    this.#visitStrings(field, (start, end) => visit(types[entry++] as number, bytes, start, end));
  }

  /** Returns the first character of the type of each entry. */
  #entryTypes(): Uint8Array {
    if (this.#types !== undefined) return this.#types;
    const types = new Uint8Array(this.#length);
    const bytes = this.#bytes;
    let entry = 0;
    this.#visitStrings(FILE_METADATA.type, (start) => {
      types[entry++] = bytes[start] as number;
    });
    this.#types = types;
    return types;
  }

  #visitStrings(field: number, visit: (start: number, end: number) => void): void {
    // A new reader, because each counts what it reads against a limit.
    new FlatbufferReader(this.#bytes, 'zTOC').visitStrings(this.#start, this.#length, field, visit);
  }
}
