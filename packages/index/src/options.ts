import type { CallOptions, Platform } from '@soci/oci';
import { type Compression, DEFAULT_BUILD_TOOL_IDENTIFIER, DEFAULT_SPAN_SIZE, type ZtocLimits } from '@soci/ztoc';
import { SociIndexError } from './errors.ts';
import type { IndexProgress } from './progress.ts';

/** Layers smaller than this are not worth an index: 10 MiB (soci-snapshotter v0.16.1, soci/soci_index.go). */
export const DEFAULT_MIN_LAYER_SIZE = 10 << 20;

/** Threads beyond which more layers at a time bring little but memory. */
const DEFAULT_JOBS_CAP = 8;

/**
 * What a SOCI index may be optimized for. `xattr`: layers without extended attributes and opaque folders are marked, so
 * that the snapshotter need not look for any.
 */
export type Optimization = 'xattr';

/** Options of {@link buildSociIndex} and {@link convertImage}. */
export interface SociIndexOptions extends CallOptions {
  /** Platforms to index, each of which the image must have. @default every platform that the image runs on */
  readonly platforms?: readonly Platform[];
  /** Uncompressed bytes between the points of a layer where reading can start; at least 1. @default 4 MiB */
  readonly spanSize?: number;
  /** Layers of fewer bytes (compressed) are skipped; 0 skips none. @default 10 MiB */
  readonly minLayerSize?: number;
  /** What to optimize for. @default [] */
  readonly optimizations?: readonly Optimization[];
  /** Paths of files whose spans are to be fetched first; each is looked up from the topmost layer down. @default [] */
  readonly prefetchFiles?: readonly string[];
  /** Who makes the index; part of each zTOC, so that digests agree only while it does. @default `AWS SOCI CLI v0.2` */
  readonly buildToolIdentifier?: string;
  /** `soci-cli`: exactly the bytes, and the refusals, of the reference's command line. @default our own, README "Differences" */
  readonly compat?: 'soci-cli';
  /**
   * Knows zTOCs that were built before: a layer whose zTOC it finds, made with the same settings, is not read.
   *
   * @default every layer is read
   */
  readonly reuse?: ZtocSource;
  /** Layers built at a time: one in the calling thread, several on a worker thread each. @default the cores there are, up to 8 */
  readonly jobs?: number;
  /** Bounds on what a hostile image may cost. @default see {@link IndexLimits} */
  readonly limits?: IndexLimits;
  /** Bounds on what a hostile layer may cost. @default see `ZtocLimits` of `@soci/ztoc` */
  readonly layerLimits?: ZtocLimits;
  /** Called as the work goes on. @default no calls */
  readonly onProgress?: (progress: IndexProgress) => void;
}

/**
 * Bounds on what a hostile image may cost, in addition to those of a layer (`ZtocLimits` of `@soci/ztoc`). Each raises
 * `LIMIT_EXCEEDED`. Defaults are far above what real images hold.
 */
export interface IndexLimits {
  /** Bytes of one manifest, image index or image configuration. @default 4 MiB, what registries take as a manifest */
  readonly maxDocumentSize?: number;
  /** Bytes of all of them together, each time one is read. @default 64 MiB */
  readonly maxDocumentsSize?: number;
  /**
   * Descriptors met on one walk through an image, those met twice counted twice.
   *
   * @default 10,000, as in containerd (core/images/handlers.go, `maxReferences`)
   */
  readonly maxReferences?: number;
  /** Platforms indexed in one run. @default 128; the widest images have about twenty */
  readonly maxPlatforms?: number;
  /** Bytes of one zTOC or prefetch artifact that is read. @default 512 MiB: a zTOC grows by 32 KiB a span and some 100 bytes a file */
  readonly maxZtocSize?: number;
  /** Bytes that one span may hold when it is read back. @default 256 MiB, 64 times the default span size */
  readonly maxSpanLength?: number;
}

/** A layer whose zTOC is looked for. */
export interface ReusableLayer {
  /** Digest of the layer. */
  readonly digest: string;
  /** Bytes of the layer. */
  readonly size: number;
  /** Media type of the layer. */
  readonly mediaType: string;
  /** How the layer is read: a zTOC of the same bytes read otherwise is another one. */
  readonly compression: Compression;
}

/** What a zTOC's bytes depend on, in addition to its layer. */
export interface ZtocSettings {
  /** Bytes between the points of the layer where reading can start. */
  readonly spanSize: number;
  /** Who is said to have made the zTOC. */
  readonly buildToolIdentifier: string;
}

/** Knows zTOCs that were built before. */
export interface ZtocSource {
  /**
   * Finds the zTOC of a layer that was built with the same settings. Several layers may be asked for at a time.
   *
   * @returns Its bytes, which are those that their descriptor names, or undefined where none is known.
   * @throws What ends the whole run: the signal's reason, but nothing that reading the layer would make good.
   */
  find(layer: ReusableLayer, settings: ZtocSettings, options?: CallOptions): Promise<Uint8Array | undefined>;
}

/** Options with their defaults filled in, checked. */
export type ResolvedOptions = Readonly<ReturnType<typeof resolveOptions>>;

/**
 * Checks a caller's options and fills in the defaults.
 *
 * @param cores - How many threads can run at a time on this machine.
 * @throws SociIndexError `OPTION_INVALID`
 */
export function resolveOptions(options: SociIndexOptions, cores: number) {
  const { optimizations = [], compat } = options;
  for (const optimization of optimizations) {
    if (optimization !== 'xattr') throw optionError('optimizations', 'holds no other than xattr', optimization);
  }
  if (compat !== undefined && compat !== 'soci-cli') throw optionError('compat', 'is soci-cli or absent', compat);
  return {
    platforms: options.platforms,
    spanSize: checkWholeNumber('spanSize', options.spanSize ?? DEFAULT_SPAN_SIZE, 1),
    minLayerSize: checkWholeNumber('minLayerSize', options.minLayerSize ?? DEFAULT_MIN_LAYER_SIZE, 0),
    markMissingXattrs: optimizations.includes('xattr'),
    prefetchFiles: options.prefetchFiles ?? [],
    buildToolIdentifier: options.buildToolIdentifier ?? DEFAULT_BUILD_TOOL_IDENTIFIER,
    isCompat: compat === 'soci-cli',
    reuse: options.reuse,
    jobs: checkWholeNumber('jobs', options.jobs ?? Math.min(cores, DEFAULT_JOBS_CAP), 1),
    limits: resolveLimits(options.limits),
    layerLimits: options.layerLimits ?? ({} as ZtocLimits),
    signal: options.signal,
    onProgress: options.onProgress ?? ((_: IndexProgress) => {}),
  };
}

/** Every bound, with its default if the caller has set none. */
export function resolveLimits(limits: IndexLimits = {}): Required<IndexLimits> {
  return {
    maxDocumentSize: limits.maxDocumentSize ?? 4 << 20,
    maxDocumentsSize: limits.maxDocumentsSize ?? 64 << 20,
    maxReferences: limits.maxReferences ?? 10_000,
    maxPlatforms: limits.maxPlatforms ?? 128,
    maxZtocSize: limits.maxZtocSize ?? 512 << 20,
    maxSpanLength: limits.maxSpanLength ?? 256 << 20,
  };
}

/** @throws SociIndexError `OPTION_INVALID` if an option is not a whole number, `least` or more. */
export function checkWholeNumber(name: string, value: number, least: number): number {
  if (!Number.isSafeInteger(value) || value < least)
    throw optionError(name, `is a whole number, ${least} or more`, value);
  return value;
}

function optionError(name: string, rule: string, value: unknown): SociIndexError {
  const found = typeof value === 'number' ? value : JSON.stringify(value);
  return new SociIndexError('OPTION_INVALID', `${name} ${rule}, found ${found}`);
}
