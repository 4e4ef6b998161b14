import { quoteText } from '@soci/oci';
import type { FileEntry, TarContents, Ztoc } from '@soci/ztoc';
import type { Problem } from './problem.ts';

/** Maximum length of a file name in a message, in characters. */
const MAX_SHOWN_NAME = 200;

/** Reports the first difference between the table of contents of a zTOC and the archive. */
export function compareContents(
  ztoc: Ztoc,
  { files, uncompressedArchiveSize }: TarContents,
  report: (problem: Problem) => void,
): void {
  const length = Math.max(files.length, ztoc.files.length);
  for (let i = 0; i < length; i += 1) {
    const actual = files[i];
    const listed = ztoc.files[i];
    if (actual !== undefined && listed !== undefined && isSameEntry(actual, listed)) continue;
    const entry = listed ?? actual;
    const file = entry === undefined ? '' : nameOf(entry);
    const difference =
      listed === undefined
        ? 'is missing in the zTOC'
        : actual === undefined
          ? 'is in the zTOC but not in the archive'
          : 'differs between the zTOC and the archive';
    report({
      code: 'file-list-mismatch',
      file,
      message: `entry ${i} (${quoteText(file, MAX_SHOWN_NAME)}) ${difference}`,
    });
    return;
  }
  if (uncompressedArchiveSize !== ztoc.uncompressedArchiveSize) {
    const message = `the archive has ${uncompressedArchiveSize} bytes, but the zTOC says ${ztoc.uncompressedArchiveSize}`;
    report({ code: 'file-list-mismatch', message });
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
