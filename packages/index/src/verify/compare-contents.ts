import { quoteText } from '@soci/oci';
import type { FileEntry, Ztoc } from '@soci/ztoc';
import type { Problem } from './problem.ts';

/** Maximum length of a file name in a message, in characters. */
const MAX_SHOWN_NAME = 200;

/** Compares the table of contents of a zTOC with the archive, one entry after the other. */
export class ContentsComparer {
  readonly #ztoc: Ztoc;
  #count = 0;
  #difference: Problem | undefined;

  constructor(ztoc: Ztoc) {
    this.#ztoc = ztoc;
  }

  /** Compares the next entry of the archive. Keeps no bytes of it. */
  add(actual: FileEntry): void {
    const position = this.#count++;
    if (this.#difference !== undefined) return;
    const listed = this.#ztoc.files[position];
    if (listed === undefined) this.#differs(position, actual, 'is missing in the zTOC');
    else if (!isSameEntry(actual, listed)) this.#differs(position, listed, 'differs between the zTOC and the archive');
  }

  /** Returns the first difference, if any. @param size Size of the archive in bytes. */
  finish(size: number): Problem | undefined {
    const { files, uncompressedArchiveSize } = this.#ztoc;
    const extra = files[this.#count];
    if (this.#difference === undefined && extra !== undefined)
      this.#differs(this.#count, extra, 'is in the zTOC but not in the archive');
    if (this.#difference !== undefined || size === uncompressedArchiveSize) return this.#difference;
    const message = `the archive has ${size} bytes, but the zTOC says ${uncompressedArchiveSize}`;
    return { code: 'file-list-mismatch', message };
  }

  #differs(position: number, entry: FileEntry, difference: string): void {
    const file = nameOf(entry);
    const message = `entry ${position} (${quoteText(file, MAX_SHOWN_NAME)}) ${difference}`;
    this.#difference = { code: 'file-list-mismatch', file, message };
  }
}

function isSameEntry(a: FileEntry, b: FileEntry): boolean {
  return (
    sameBytes(a.name, b.name) &&
    a.type === b.type &&
    a.uncompressedOffset === b.uncompressedOffset &&
    a.uncompressedSize === b.uncompressedSize &&
    sameBytes(a.linkName, b.linkName) &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    sameBytes(a.userName, b.userName) &&
    sameBytes(a.groupName, b.groupName) &&
    a.modTime === b.modTime &&
    a.devMajor === b.devMajor &&
    a.devMinor === b.devMinor &&
    a.paxRecords.length === b.paxRecords.length &&
    a.paxRecords.every(([key, value], i) => {
      const other = b.paxRecords[i];
      return other !== undefined && sameBytes(key, other[0]) && sameBytes(value, other[1]);
    })
  );
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** Returns the name of an entry for messages. Replaces invalid UTF-8. */
export function nameOf({ name }: FileEntry): string {
  return new TextDecoder().decode(name);
}
