import { posix } from 'node:path';
import { type FileEntry, listSpans, spanSizeOf, type Ztoc } from '@soci/ztoc';

/** A range of consecutive spans, inclusive. */
export interface PrefetchSpan {
  readonly start: number;
  readonly end: number;
}

/** Normalizes a path like entries of a layer: no leading slash, no `.` and `..` (soci/soci_index.go, `buildPrefetchLayer`). */
export function cleanPrefetchPath(path: string): string {
  return posix.resolve('/', `/${path}`).slice(1);
}

/** Finds the spans of the first entry with the exact name of each path, as soci does. */
export class PrefetchSearch {
  readonly #paths: readonly string[];
  /** Start and end of the file of each path, as offsets in the uncompressed layer. */
  readonly #found = new Map<string, { readonly start: number; readonly end: number } | undefined>();

  constructor(paths: readonly string[]) {
    this.#paths = paths.map((path) => keyOf(Buffer.from(path)));
    for (const path of this.#paths) this.#found.set(path, undefined);
  }

  /** Adds the next entry of the layer. */
  add({ name, uncompressedOffset, uncompressedSize }: FileEntry): void {
    if (this.#paths.length === 0) return;
    const key = keyOf(name);
    if (!this.#found.has(key) || this.#found.get(key) !== undefined) return;
    this.#found.set(key, { start: uncompressedOffset, end: uncompressedOffset + uncompressedSize });
  }

  /** Returns the spans of each path, or null if the layer does not contain it. */
  finish(ztoc: Ztoc): (PrefetchSpan | null)[] {
    if (this.#paths.length === 0) return [];
    const spanOf = locateSpans(ztoc);
    return this.#paths.map((path) => {
      const found = this.#found.get(path);
      if (found === undefined) return null;
      const start = spanOf(found.start);
      // Like soci, include the byte after the file, which may be in the next span.
      return { start, end: Math.max(start, spanOf(found.end)) };
    });
  }
}

/** Encodes a name as latin1, which preserves all bytes. */
function keyOf(name: Uint8Array): string {
  return Buffer.from(name.buffer, name.byteOffset, name.length).toString('latin1');
}

/** Returns a function that finds the span of an offset; past the end, the last span (gzip_zinfo.c, `pt_index_from_ucmp_offset`). */
export function locateSpans(ztoc: Omit<Ztoc, 'files'>): (offset: number) => number {
  if (ztoc.compression === 'uncompressed') {
    const spanSize = spanSizeOf(ztoc);
    return (offset) => Math.floor(offset / spanSize);
  }
  const starts = listSpans(ztoc).map(({ uncompressedStart }) => uncompressedStart);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  };
}

/** Sorts ranges and merges those that overlap or are adjacent (soci/soci_index.go, `normalizePrefetchSpans`). */
export function joinSpans(spans: readonly PrefetchSpan[]): PrefetchSpan[] {
  const joined: PrefetchSpan[] = [];
  for (const span of spans.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    const last = joined.at(-1);
    if (last !== undefined && span.start <= last.end + 1) {
      joined[joined.length - 1] = { start: last.start, end: Math.max(last.end, span.end) };
    } else {
      joined.push(span);
    }
  }
  return joined;
}
