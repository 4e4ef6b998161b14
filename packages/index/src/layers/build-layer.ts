import { digestOf } from '@soci/oci';
import { buildZtoc, type FileEntry, type Ztoc, ZtocError } from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';
import type { LayerProgress } from '../progress.ts';
import type { LayerSettings, LayerTask } from './layer-plan.ts';
import { findPrefetchSpans } from './prefetch-spans.ts';

/** A zTOC, encoded, and what the rest of the work needs to know of it. Plain data: it comes from worker threads. */
export interface BuiltLayer extends KnownZtoc {
  readonly ztoc: Uint8Array;
  /** `built` from the layer's bytes here, or `reused` from an earlier run. */
  readonly origin: 'built' | 'reused';
  /** Wall time of building it, or of finding and checking it. */
  readonly seconds: number;
}

/** Builds a zTOC in this thread. @throws SociIndexError `LAYER_INVALID`, `LAYER_MISMATCH`; what `chunks` throws. */
export async function buildLayer(
  chunks: AsyncIterable<Uint8Array>,
  task: LayerTask,
  settings: LayerSettings,
  onProgress: (progress: LayerProgress) => void,
  signal?: AbortSignal,
): Promise<BuiltLayer> {
  const started = performance.now();
  const { spanSize, buildToolIdentifier, limits } = settings;
  const { ztoc, bytes, layerDigest, layerSize } = await buildZtoc(boundLayer(chunks, task), {
    spanSize,
    buildToolIdentifier,
    limits,
    compression: task.compression,
    onProgress,
    ...(signal && { signal }),
  }).catch((error: unknown) => {
    throw error instanceof ZtocError ? layerError(task, error) : error;
  });
  if (layerDigest !== task.digest || layerSize !== task.size) {
    const found =
      layerSize === task.size ? `its digest is ${layerDigest}` : `it has ${layerSize} bytes, not ${task.size}`;
    const message = `layer ${task.digest} is not what its descriptor says: ${found}`;
    throw new SociIndexError('LAYER_MISMATCH', message, { digest: task.digest });
  }
  const seconds = (performance.now() - started) / 1000;
  return { ...describeZtoc(ztoc, bytes, settings), ztoc: bytes, origin: 'built', seconds };
}

/** Passes a layer on, and stops where it is longer than its descriptor says. */
export async function* boundLayer(
  chunks: AsyncIterable<Uint8Array>,
  { digest, size }: Pick<LayerTask, 'digest' | 'size'>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > size) {
      const message = `layer ${digest} is not what its descriptor says: it has more than ${size} bytes`;
      throw new SociIndexError('LAYER_MISMATCH', message, { digest });
    }
    yield chunk;
  }
}

/** The error of a layer whose data is broken. */
export function layerError(
  { digest, mediaType }: Pick<LayerTask, 'digest' | 'mediaType'>,
  cause: ZtocError,
): SociIndexError {
  const code = cause.code === 'LIMIT_EXCEEDED' || cause.code === 'OPTION_INVALID' ? cause.code : 'LAYER_INVALID';
  return new SociIndexError(code, `layer ${digest} (${mediaType}): ${cause.message}`, { cause, digest });
}

/** What the rest of the work needs to know of a zTOC. Plain data: it comes from worker threads. */
export type KnownZtoc = Readonly<ReturnType<typeof describeZtoc>>;

/** Tells of a zTOC what the rest of the work needs to know. */
export function describeZtoc(
  ztoc: Ztoc,
  bytes: Uint8Array,
  { spanSize, prefetchPaths }: Pick<LayerSettings, 'spanSize' | 'prefetchPaths'>,
) {
  return {
    ztocDigest: digestOf(bytes),
    ztocSize: bytes.length,
    spans: ztoc.maxSpanId + 1,
    files: ztoc.files.length,
    uncompressedSize: ztoc.uncompressedArchiveSize,
    /** Whether a file has extended attributes, or a folder is opaque. */
    hasXattrs: ztoc.files.some(hasXattr),
    /** Of each path to look up the spans that hold it, or null if the layer does not. */
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
