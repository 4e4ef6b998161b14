import { digestOf } from '@soci/oci';
import {
  buildZtoc,
  checkRuntime,
  decodeZtocFiles,
  type FileEntry,
  type FileType,
  type RuntimeFindings,
  type SecondThread,
  type SpanCandidates,
  type SpanStart,
  spanSizeOf,
  type Ztoc,
  ZtocError,
} from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';
import type { LayerProgress } from '../progress.ts';
import { EntryNames } from '../warnings/entry-names.ts';
import { resizeWarnings, toLayerWarnings } from '../warnings/layer-warning.ts';
import type { LayerSettings, LayerTask } from './layer-plan.ts';
import { PrefetchSearch } from './prefetch-spans.ts';
import type { RecompressedLayer } from './recompress-layer.ts';

/** An encoded zTOC with its summary. Plain data, because worker threads send it. */
export interface BuiltLayer extends ZtocSummary {
  /** The encoded zTOC. Empty if it was stored: see `storeZtoc` of the options. */
  readonly ztoc: Uint8Array;
  /** Digest and size of the layer that the zTOC belongs to. */
  readonly layer: { readonly digest: string; readonly size: number };
  /** How the layer was recompressed. Absent if it is unchanged. */
  readonly recompressed?: RecompressedLayer;
  /** With the span size `auto`, of a gzip layer: finer checkpoints than the zTOC has. */
  readonly candidates?: SpanCandidates;
  /** For each of `otherSpanSizes`, where spans would start; of a gzip layer. */
  readonly otherSpans?: readonly (readonly SpanStart[])[];
  /** With the span size `auto`: value of `ANNOTATION_READS_DIGEST`. Absent until the zTOC is final. */
  readonly readsDigest?: string;
  /** Whether the zTOC was `built` from the layer or `reused`. */
  readonly origin: 'built' | 'reused';
  /** Time to build the zTOC, or to find and check an existing one, in seconds. */
  readonly seconds: number;
}

/**
 * Builds a zTOC in this thread. Does not compare the layer with its descriptor: see {@link requireMatch}.
 *
 * @throws SociIndexError `LAYER_INVALID`, `LIMIT_EXCEEDED`; errors of `chunks`.
 */
export async function buildLayer(
  chunks: AsyncIterable<Uint8Array>,
  task: LayerTask,
  settings: LayerSettings,
  onProgress: (progress: LayerProgress) => void,
  { signal, thread }: { readonly signal?: AbortSignal; readonly thread?: SecondThread } = {},
): Promise<BuiltLayer> {
  const started = performance.now();
  const { spanSize, otherSpanSizes, buildToolIdentifier, limits } = settings;
  const summary = new ZtocSummarizer(settings);
  const { ztoc, bytes, runtime, layerDigest, layerSize, candidates, otherSpans } = await buildZtoc(chunks, {
    spanSize,
    ...(otherSpanSizes && { otherSpanSizes }),
    layerSize: task.size,
    buildToolIdentifier,
    limits,
    compression: task.compression,
    onEntry: (file) => summary.add(file),
    ...(settings.prefetchPaths.length === 0 && { onPlainEntry: summary.addPlain }),
    onProgress,
    ...(signal && { signal }),
    ...(thread && { thread }),
  }).catch((error: unknown) => {
    throw error instanceof ZtocError ? toLayerError(task, error) : error;
  });
  const layer = { digest: layerDigest, size: layerSize };
  const seconds = (performance.now() - started) / 1000;
  const built = { ...summary.finish(ztoc, bytes, runtime), ztoc: bytes, layer, origin: 'built', seconds } as const;
  return { ...built, ...(candidates && { candidates }), ...(otherSpans && { otherSpans }) };
}

/** @throws SociIndexError `LAYER_MISMATCH` if a layer does not have the digest and size of its descriptor. */
export function requireMatch(expected: Pick<LayerTask, 'digest' | 'size'>, actual: BuiltLayer['layer']): void {
  const { digest, size } = expected;
  if (actual.digest === digest && actual.size === size) return;
  const difference =
    actual.size === size ? `its digest is ${actual.digest}` : `it has ${actual.size} bytes, expected ${size}`;
  const message = `layer ${digest} does not match its descriptor: ${difference}`;
  throw new SociIndexError('LAYER_MISMATCH', message, { digest });
}

/** A layer has more bytes than its descriptor says. */
export class OversizedLayerError extends SociIndexError {}

/** Yields the chunks of a layer. @throws OversizedLayerError, with the code `LAYER_MISMATCH` */
export async function* limitLayerSize(
  chunks: AsyncIterable<Uint8Array>,
  { digest, size }: Pick<LayerTask, 'digest' | 'size'>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > size) {
      const message = `layer ${digest} does not match its descriptor: it has more than ${size} bytes`;
      throw new OversizedLayerError('LAYER_MISMATCH', message, { digest });
    }
    yield chunk;
  }
}

/** Converts an error of a layer to a {@link SociIndexError}. */
export function toLayerError(
  { digest, mediaType }: Pick<LayerTask, 'digest' | 'mediaType'>,
  cause: ZtocError,
): SociIndexError {
  const code = cause.code === 'LIMIT_EXCEEDED' || cause.code === 'OPTION_INVALID' ? cause.code : 'LAYER_INVALID';
  return new SociIndexError(code, `layer ${digest} (${mediaType}): ${cause.message}`, { cause, digest });
}

/** Properties of a zTOC that SOCI indexes and reports need. Plain data, because worker threads send it. */
export type ZtocSummary = Readonly<ReturnType<ZtocSummarizer['finish']>>;

/** Creates the summary of a zTOC from its entries, one after the other: a layer can have millions of them. */
export class ZtocSummarizer {
  readonly #prefetch: PrefetchSearch;
  readonly #names = new EntryNames();
  #files = 0;
  #hasXattrs = false;

  constructor({ prefetchPaths }: Pick<LayerSettings, 'prefetchPaths'>) {
    this.#prefetch = new PrefetchSearch(prefetchPaths);
  }

  /** Adds an entry. Keeps no bytes of it. */
  add(file: FileEntry): void {
    this.#files += 1;
    this.#hasXattrs ||= hasXattr(file);
    this.#prefetch.add(file);
    this.#names.add(file.type, file.name);
  }

  /** Adds an ordinary entry by its type and name: see `onPlainEntry` of `buildZtoc`. Not if there are `prefetchPaths`. */
  readonly addPlain = (type: FileType, bytes: Uint8Array, start: number, end: number): void => {
    this.#files += 1;
    this.#hasXattrs ||= endsWith(bytes, OPAQUE_SUFFIX, start, end);
    this.#names.add(type, bytes, start, end);
  };

  /**
   * Returns the summary. Does not read the entries of `ztoc`, because they need much memory.
   * @param findings - What the runtime does with the zTOC.
   */
  finish(ztoc: Ztoc, bytes: Uint8Array, findings: RuntimeFindings) {
    return {
      ztocDigest: digestOf(bytes),
      ztocSize: bytes.length,
      /** Minimum distance between checkpoints in the zTOC, in bytes of uncompressed data. */
      spanSize: spanSizeOf(ztoc),
      spans: ztoc.maxSpanId + 1,
      files: this.#files,
      uncompressedSize: ztoc.uncompressedArchiveSize,
      /** What the runtime does differently than expected. */
      warnings: toLayerWarnings(findings, ztoc, bytes.length),
      /** Directories that no entry describes: see `RuntimeFindings` of `@soci/ztoc`. */
      impliedDirectories: findings.impliedDirectories,
      /** The names of the entries: see {@link EntryNames}. */
      names: this.#names.finish(),
      /** Whether a file has extended attributes, or a directory is opaque. */
      hasXattrs: this.#hasXattrs,
      /** For each path of `prefetchFiles`, its spans, or null if the layer does not contain it. */
      prefetch: this.#prefetch.finish(ztoc),
    };
  }
}

/** Creates the summary of an existing zTOC. Decodes its files one by one. */
export function summarizeZtoc(
  ztoc: Ztoc,
  bytes: Uint8Array,
  settings: Pick<LayerSettings, 'prefetchPaths'>,
): ZtocSummary {
  const summary = new ZtocSummarizer(settings);
  for (const file of decodeZtocFiles(bytes)) summary.add(file);
  return summary.finish(ztoc, bytes, checkRuntime(ztoc, decodeZtocFiles(bytes)));
}

/** Returns the parts of a summary that change with the spans of a zTOC. */
export function resizeSummary(
  { warnings }: ZtocSummary,
  ztoc: Omit<Ztoc, 'files'>,
  bytes: Uint8Array,
): Pick<ZtocSummary, 'ztocDigest' | 'ztocSize' | 'spanSize' | 'spans' | 'warnings'> {
  return {
    ztocDigest: digestOf(bytes),
    ztocSize: bytes.length,
    spanSize: spanSizeOf(ztoc),
    spans: ztoc.maxSpanId + 1,
    warnings: resizeWarnings(warnings, ztoc, bytes.length),
  };
}

const XATTR_PREFIX = new TextEncoder().encode('SCHILY.xattr.');
const OPAQUE_SUFFIX = new TextEncoder().encode('.wh..wh..opq');

/** See soci/soci_index.go, `shouldDisableXattrs`; ztoc/tar.go, `Xattrs`. */
function hasXattr({ name, paxRecords }: FileEntry): boolean {
  return (
    endsWith(name, OPAQUE_SUFFIX) || paxRecords.some(([key]) => endsWith(key, XATTR_PREFIX, 0, XATTR_PREFIX.length))
  );
}

/** Returns whether the bytes from `start` to `end` end with a suffix. */
function endsWith(bytes: Uint8Array, suffix: Uint8Array, start = 0, end = bytes.length): boolean {
  const at = end - suffix.length;
  return at >= start && end <= bytes.length && suffix.every((byte, i) => bytes[at + i] === byte);
}
