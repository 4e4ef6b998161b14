import { type Zippable, zipSync } from 'fflate';

/** A date that zips can have, in local time, which is what they are written in: the same everywhere. */
const MODIFIED = new Date(1980, 0, 1, 0, 0, 0);

/** Zips are said to come from Unix, so that their files have permissions: those of a file that all may read. */
const UNIX = 3;
const READABLE_FILE = 0o100_644 << 16;

/** Makes a zip of files. The same files give the same bytes, wherever and whenever it is made. */
export function zipFiles(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const entries: Zippable = {};
  for (const [name, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    entries[name] = [content, { mtime: MODIFIED, os: UNIX, attrs: READABLE_FILE, level: 9 }];
  }
  return zipSync(entries);
}
