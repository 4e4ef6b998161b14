import { toByteString } from '../tar/byte-string.ts';

/** A path in an archive: a string is taken as UTF-8, bytes as they are, since not all tar names are UTF-8. */
export type ArchivePath = string | Uint8Array;

const UTF8 = new TextEncoder();

/** The path as it is, in a byte string: one character a byte, so that nothing is lost and paths can be keys. */
export function pathText(path: ArchivePath): string {
  return toByteString(typeof path === 'string' ? UTF8.encode(path) : path);
}

/** Finds what {@link normalisePath} would change: an empty segment, `.` or `..`. */
const IRREGULAR = /(?:^|\/)\.{0,2}(?:\/|$)/;

/** The path in a byte string, without a leading slash, empty segments, `.` and `..`, which at the root stays there. */
export function normalisePath(path: ArchivePath): string {
  const text = pathText(path);
  if (!IRREGULAR.test(text)) return text;
  const segments: string[] = [];
  for (const segment of text.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return segments.join('/');
}

/** A path for a message: as UTF-8, shortened. */
export function showPath(path: ArchivePath): string {
  const text = typeof path === 'string' ? path : new TextDecoder().decode(path.subarray(0, 400));
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
