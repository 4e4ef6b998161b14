import type { FileEntry, TarContents, Ztoc } from '@soci/ztoc';
import type { Problem } from './problem.ts';

/** Reports the first entry of a zTOC that is not the archive's, or where it ends otherwise. */
export function compareContents(
  ztoc: Ztoc,
  { files, uncompressedArchiveSize }: TarContents,
  report: (problem: Problem) => void,
): void {
  const length = Math.max(files.length, ztoc.files.length);
  for (let i = 0; i < length; i += 1) {
    const there = files[i];
    const told = ztoc.files[i];
    if (there !== undefined && told !== undefined && isSameEntry(there, told)) continue;
    const which = told ?? there;
    const what =
      told === undefined
        ? 'lacks'
        : there === undefined
          ? 'lists, and the archive has not,'
          : 'has otherwise than the archive';
    const file = which === undefined ? '' : nameOf(which);
    report({ code: 'file-list-mismatch', file, message: `the zTOC ${what} entry ${i}, ${JSON.stringify(file)}` });
    return;
  }
  if (uncompressedArchiveSize !== ztoc.uncompressedArchiveSize) {
    const message = `the zTOC is of an archive of ${ztoc.uncompressedArchiveSize} bytes, and the layer's has ${uncompressedArchiveSize}`;
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

/** An entry's name for people to read: what is not UTF-8 in it is replaced. */
export function nameOf({ name }: FileEntry): string {
  return new TextDecoder().decode(name);
}
