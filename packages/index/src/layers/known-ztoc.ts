import { digestOf } from '@soci/oci';
import type { FileEntry, Ztoc } from '@soci/ztoc';
import type { LayerSettings } from './layer-settings.ts';
import { findPrefetchSpans, type PrefetchSpan } from './prefetch-spans.ts';

/** What the rest of the work needs to know of a zTOC. Plain data: it comes from worker threads. */
export interface KnownZtoc {
  readonly ztocDigest: string;
  readonly ztocSize: number;
  readonly spans: number;
  readonly files: number;
  /** Bytes of the layer's tar archive. */
  readonly uncompressedSize: number;
  /** Whether a file has extended attributes, or a folder is opaque. */
  readonly hasXattrs: boolean;
  /** Of each path to look up the spans that hold it, or null where the layer does not. */
  readonly prefetch: readonly (PrefetchSpan | null)[];
}

/** Tells of a zTOC what the rest of the work needs to know. */
export function describeZtoc(
  ztoc: Ztoc,
  bytes: Uint8Array,
  { spanSize, prefetchPaths }: Pick<LayerSettings, 'spanSize' | 'prefetchPaths'>,
): KnownZtoc {
  return {
    ztocDigest: digestOf(bytes),
    ztocSize: bytes.length,
    spans: ztoc.maxSpanId + 1,
    files: ztoc.files.length,
    uncompressedSize: ztoc.uncompressedArchiveSize,
    hasXattrs: ztoc.files.some(hasXattr),
    prefetch: findPrefetchSpans(ztoc, prefetchPaths, spanSize),
  };
}

const XATTR_PREFIX = new TextEncoder().encode('SCHILY.xattr.');
const OPAQUE_SUFFIX = new TextEncoder().encode('.wh..wh..opq');

/** soci/soci_index.go, `shouldDisableXattrs`; ztoc/tar.go, `Xattrs`. */
function hasXattr({ name, paxRecords }: FileEntry): boolean {
  return (
    endsWith(name, OPAQUE_SUFFIX) ||
    paxRecords.some(([key]) => endsWith(key.subarray(0, XATTR_PREFIX.length), XATTR_PREFIX))
  );
}

function endsWith(bytes: Uint8Array, suffix: Uint8Array): boolean {
  const start = bytes.length - suffix.length;
  return start >= 0 && suffix.every((byte, i) => bytes[start + i] === byte);
}
