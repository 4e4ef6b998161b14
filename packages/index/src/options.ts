import type { CallOptions, Platform } from '@soci/oci';
import { DEFAULT_BUILD_TOOL_IDENTIFIER, DEFAULT_SPAN_SIZE, type ZtocLimits } from '@soci/ztoc';
import { SociIndexError } from './errors.ts';
import { type IndexLimits, resolveLimits } from './limits.ts';
import type { IndexProgress } from './progress.ts';
import type { ZtocSource } from './reuse/ztoc-source.ts';

/** Layers smaller than this are not worth an index: 10 MiB (soci-snapshotter v0.16.1, soci/soci_index.go). */
export const DEFAULT_MIN_LAYER_SIZE = 10 << 20;

/** Threads beyond which more layers at a time bring little but memory. */
export const DEFAULT_JOBS_CAP = 8;

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
  /** Layers of fewer bytes (compressed) are skipped; 0 skips none. @default {@link DEFAULT_MIN_LAYER_SIZE} */
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
   * Knows zTOCs that were built before: a layer whose zTOC it finds, made with the same settings, is not read
   * (`findReusableZtocs` looks into the images of a store).
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

/** Options with their defaults filled in, checked. */
export interface ResolvedOptions {
  readonly platforms: readonly Platform[] | undefined;
  readonly spanSize: number;
  readonly minLayerSize: number;
  readonly markMissingXattrs: boolean;
  readonly prefetchFiles: readonly string[];
  readonly buildToolIdentifier: string;
  readonly isCompat: boolean;
  readonly reuse: ZtocSource | undefined;
  readonly jobs: number;
  readonly limits: Required<IndexLimits>;
  readonly layerLimits: ZtocLimits;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (progress: IndexProgress) => void;
}

/**
 * Checks a caller's options and fills in the defaults.
 *
 * @param cores - How many threads can run at a time on this machine.
 * @throws SociIndexError `OPTION_INVALID`
 */
export function resolveOptions(options: SociIndexOptions, cores: number): ResolvedOptions {
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
    layerLimits: options.layerLimits ?? {},
    signal: options.signal,
    onProgress: options.onProgress ?? (() => {}),
  };
}

function checkWholeNumber(name: string, value: number, least: number): number {
  if (!Number.isSafeInteger(value) || value < least)
    throw optionError(name, `is a whole number, ${least} or more`, value);
  return value;
}

function optionError(name: string, rule: string, value: unknown): SociIndexError {
  return new SociIndexError('OPTION_INVALID', `${name} ${rule}, found ${JSON.stringify(value)}`);
}
