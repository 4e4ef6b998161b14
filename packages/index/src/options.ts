import type { CallOptions, Descriptor, Platform, StreamPusher } from '@soci/oci';
import { type Compression, DEFAULT_BUILD_TOOL_IDENTIFIER, DEFAULT_SPAN_SIZE, type ZtocLimits } from '@soci/ztoc';
import { SociIndexError } from './errors.ts';
import { encodeProfile } from './profile/parse-profile.ts';
import type { StartProfile } from './profile/start-profile.ts';
import type { IndexProgress } from './progress.ts';

/** Default of {@link SociIndexOptions.minLayerSize}: 10 MiB, as in soci-snapshotter v0.16.1 (soci/soci_index.go). */
export const DEFAULT_MIN_LAYER_SIZE = 10 << 20;

/** Formats of `recompress`, in the order in which provenance annotations digest them. */
const RECOMPRESSIBLE_FORMATS = ['zstd', 'tar'] as const;

/** Upper limit of the default for `jobs`. More threads use more memory and are hardly faster. */
const DEFAULT_JOBS_CAP = 8;

/**
 * Optimization of a SOCI index. `xattr` marks layers that have no extended attributes and no opaque directories, so that
 * the snapshotter does not look for them.
 */
export type Optimization = 'xattr';

/** Format of layers that can be recompressed: `zstd`, or uncompressed `tar`. */
export type RecompressibleFormat = 'zstd' | 'tar';

/** Options of {@link buildSociIndex} and {@link convertImage}. */
export interface SociIndexOptions extends CallOptions {
  /** Platforms to index. The image must have all of them. @default all platforms of the image */
  readonly platforms?: readonly Platform[];
  /**
   * Minimum distance between checkpoints, in bytes of uncompressed data; at least 1. `auto` places checkpoints so that the
   * start of a container reads little: see `profile` and docs/decisions/037. Not with `compat`.
   *
   * @default 4 MiB; `auto` with `profile`
   */
  readonly spanSize?: number | 'auto';
  /**
   * What the start of a container reads, as `parseProfile` returns it. Only with the span size `auto`. `prefetchFiles` count
   * as files of the profile. If the image has none of its files, the result equals that of the default span size.
   *
   * @default with `spanSize: 'auto'`, predicted from the image
   */
  readonly profile?: StartProfile;
  /** Minimum size of an indexed layer, in compressed bytes. Smaller layers are skipped. @default 10 MiB */
  readonly minLayerSize?: number;
  /** Optimizations to apply. @default [] */
  readonly optimizations?: readonly Optimization[];
  /**
   * Paths of files that runtimes prefetch. Each is found as a container sees it: through links, without removed files. With
   * `compat`, the path must be exactly as in the archive.
   *
   * @default []
   */
  readonly prefetchFiles?: readonly string[];
  /**
   * Whether to index an image if one of `prefetchFiles` is missing in the indexed layers of all platforms. If `false`, the
   * run fails with `PREFETCH_FILE_NOT_FOUND`. A file that only some platforms have is not an error. With `compat`, missing
   * files are always allowed, as in soci.
   *
   * @default false
   */
  readonly allowMissingPrefetch?: boolean;
  /** Tool name to write into each zTOC. It changes the digests. @default `AWS SOCI CLI v0.2` */
  readonly buildToolIdentifier?: string;
  /** `soci-cli`: same output and same errors as `soci` of soci-snapshotter v0.16.1. @default differs, see docs/formats.md */
  readonly compat?: 'soci-cli';
  /**
   * Formats of layers to recompress with gzip, so that they can be indexed: `zstd`, `tar`. Only for version 2, and not with
   * `compat`. The image configuration does not change. Layers smaller than `minLayerSize` do not change.
   *
   * @default [] no layer is recompressed
   */
  readonly recompress?: readonly RecompressibleFormat[];
  /**
   * Store that recompressed layers are written to while they are read. If it needs their digest first, or if this option is
   * not set, `isStored` of `ConvertedImage.recompressed` is false.
   *
   * @default recompressed layers are not written
   */
  readonly layerTarget?: StreamPusher;
  /**
   * Takes each zTOC as soon as it is complete, while other layers are read. It may store it: then its memory is released,
   * `artifacts` do not contain it, and it does not count towards `maxZtocsSize`. Called for at most 8 zTOCs at the same time.
   * Not called with the span size `auto` and with `prefetchFiles`, which need all zTOCs at the end.
   *
   * @default all zTOCs are in memory until the result is returned
   */
  readonly storeZtoc?: ZtocStorage;
  /**
   * Source of existing zTOCs. A layer is not read if the source has a zTOC for it with the same settings.
   *
   * @default all layers are read
   */
  readonly reuse?: ZtocSource;
  /** Number of layers built at the same time. More than one are built on worker threads. @default number of cores, at most 8 */
  readonly jobs?: number;
  /** Limits for images. @default see {@link IndexLimits} */
  readonly limits?: IndexLimits;
  /** Limits for layers. @default see `ZtocLimits` of `@soci/ztoc` */
  readonly layerLimits?: ZtocLimits;
  /** Called for each progress event. @default no calls */
  readonly onProgress?: (progress: IndexProgress) => void;
}

/**
 * Limits on the memory and time that a hostile image can cost. `ZtocLimits` of `@soci/ztoc` limits single layers.
 * Exceeding a limit throws `LIMIT_EXCEEDED`. The defaults are far above the values of real images.
 */
export interface IndexLimits {
  /** Maximum size of a manifest, image index or image configuration, in bytes. @default 4 MiB, the limit of registries */
  readonly maxDocumentSize?: number;
  /** Maximum total size of these documents, in bytes. Each read counts. @default 64 MiB */
  readonly maxDocumentsSize?: number;
  /**
   * Maximum number of descriptors visited in one traversal of an image. Each visit counts.
   *
   * @default 10,000, as in containerd (core/images/handlers.go, `maxReferences`)
   */
  readonly maxReferences?: number;
  /** Maximum number of platforms of an image that is read or indexed. Large images have about twenty. @default 128 */
  readonly maxPlatforms?: number;
  /** Maximum size of a zTOC or prefetch artifact, in bytes. A zTOC has 32 KiB per span and about 100 bytes per file. @default 512 MiB */
  readonly maxZtocSize?: number;
  /**
   * Maximum total size of the zTOCs in memory of an image that is indexed, in bytes. Existing zTOCs that would exceed it are
   * not reused. Those that `storeZtoc` stored do not count, but all together have at most 2 GiB, or this size if it is larger.
   *
   * @default 2 GiB
   */
  readonly maxZtocsSize?: number;
  /** Maximum length of a span during verification, in bytes. @default 256 MiB, 64 times the default span size */
  readonly maxSpanLength?: number;
}

/** Layer to find a zTOC for. */
export interface ReusableLayer {
  /** Digest of the layer. */
  readonly digest: string;
  /** Bytes of the layer. */
  readonly size: number;
  /** Media type of the layer. */
  readonly mediaType: string;
  /** How the layer is decompressed. It changes the zTOC. */
  readonly compression: Compression;
}

/** Settings that, together with the layer, determine the bytes of a zTOC with a fixed span size. */
export interface ZtocSettings {
  /** Minimum distance between checkpoints, in bytes of uncompressed data. */
  readonly spanSize: number;
  /** Tool name in the zTOC. */
  readonly buildToolIdentifier: string;
}

/** Source of existing zTOCs. */
export interface ZtocSource {
  /**
   * Finds a zTOC for a layer that was built with the same settings. Several calls may run at the same time.
   *
   * @returns The bytes of the zTOC, checked against their digest, or `undefined` if no zTOC is known.
   * @throws An error ends the whole run. Return `undefined` if the layer should be read instead.
   */
  find(layer: ReusableLayer, settings: ZtocSettings, options?: CallOptions): Promise<Uint8Array | undefined>;
  /**
   * Finds a zTOC for a layer that was built with the span size `auto`. Like `find`.
   *
   * @default no such zTOC is reused
   */
  findGuided?(
    layer: ReusableLayer,
    settings: GuidedZtocSettings,
    options?: CallOptions,
  ): Promise<GuidedZtoc | undefined>;
}

/** Settings of a zTOC that was built with the span size `auto`. */
export interface GuidedZtocSettings extends Pick<ZtocSettings, 'buildToolIdentifier'> {
  /** Value of `ANNOTATION_READS_DIGEST`. @default any */
  readonly readsDigest?: string;
}

/** A zTOC that was built with the span size `auto`. */
export interface GuidedZtoc {
  /** The bytes of the zTOC, checked against their digest. */
  readonly bytes: Uint8Array;
  /** Value of `ANNOTATION_READS_DIGEST` on its descriptor. */
  readonly readsDigest: string;
}

/** A zTOC that is complete. */
export interface CompleteZtoc {
  /** Descriptor of the zTOC, without annotations. */
  readonly descriptor: Descriptor;
  /** The zTOC. */
  readonly content: Uint8Array;
  /** The layer that it belongs to. */
  readonly layer: Descriptor;
  /** Whether the layer is the result of a recompression, and may not be stored yet. */
  readonly isRecompressed: boolean;
  /** Whether the zTOC was `built` from the layer or `reused`. */
  readonly origin: 'built' | 'reused';
}

/** Stores a zTOC. @returns Whether it is stored. @throws An error ends the whole run. */
export type ZtocStorage = (ztoc: CompleteZtoc, options: CallOptions) => Promise<boolean>;

/** Validated options with defaults. */
export type ResolvedOptions = Readonly<ReturnType<typeof resolveOptions>>;

/**
 * Validates the options and applies the defaults.
 *
 * @param cores - Number of cores of this machine.
 * @throws SociIndexError `OPTION_INVALID`
 */
export function resolveOptions(options: SociIndexOptions, cores: number) {
  const { optimizations = [], compat, recompress = [] } = options;
  for (const optimization of optimizations) {
    if (optimization !== 'xattr') throw optionError('optimizations', 'may contain only xattr', optimization);
  }
  if (compat !== undefined && compat !== 'soci-cli')
    throw optionError('compat', 'must be soci-cli or undefined', compat);
  for (const format of recompress) {
    if (format !== 'zstd' && format !== 'tar') throw optionError('recompress', 'may contain only zstd and tar', format);
  }
  if (compat !== undefined && recompress.length > 0) {
    throw new SociIndexError(
      'OPTION_INVALID',
      'recompress and compat exclude each other: soci-cli does not recompress',
    );
  }
  return {
    platforms: options.platforms,
    spanSize: resolveSpanSize(options),
    profile: options.profile,
    minLayerSize: checkInteger('minLayerSize', options.minLayerSize ?? DEFAULT_MIN_LAYER_SIZE, 0),
    markMissingXattrs: optimizations.includes('xattr'),
    prefetchFiles: options.prefetchFiles ?? [],
    allowsMissingPrefetch: options.allowMissingPrefetch === true || compat === 'soci-cli',
    buildToolIdentifier: options.buildToolIdentifier ?? DEFAULT_BUILD_TOOL_IDENTIFIER,
    isCompat: compat === 'soci-cli',
    layerTarget: options.layerTarget,
    recompress: RECOMPRESSIBLE_FORMATS.filter((format) => recompress.includes(format)),
    storeZtoc: options.storeZtoc,
    reuse: options.reuse,
    /** Further span sizes, for an analysis. */
    otherSpanSizes: [] as readonly number[],
    jobs: checkInteger('jobs', options.jobs ?? Math.min(cores, DEFAULT_JOBS_CAP), 1),
    limits: resolveLimits(options.limits),
    layerLimits: options.layerLimits ?? ({} as ZtocLimits),
    signal: options.signal,
    onProgress: options.onProgress ?? ((_: IndexProgress) => {}),
  };
}

/** Returns the span size. @throws SociIndexError `OPTION_INVALID`, `PROFILE_INVALID` */
function resolveSpanSize({ spanSize, profile, compat }: SociIndexOptions): number | 'auto' {
  const isGuided = spanSize === 'auto' || (spanSize === undefined && profile !== undefined);
  if (!isGuided && profile !== undefined) {
    throw optionError('spanSize', 'must be auto if a profile is given', spanSize);
  }
  if (!isGuided) return checkInteger('spanSize', (spanSize as number | undefined) ?? DEFAULT_SPAN_SIZE, 1);
  if (compat !== undefined) {
    throw new SociIndexError(
      'OPTION_INVALID',
      'the span size auto and compat exclude each other: soci-cli has one span size for all layers',
    );
  }
  if (profile !== undefined) encodeProfile(profile);
  return 'auto';
}

/** Returns all limits, with defaults for those that are not set. */
export function resolveLimits(limits: IndexLimits = {}): Required<IndexLimits> {
  return {
    maxDocumentSize: limits.maxDocumentSize ?? 4 << 20,
    maxDocumentsSize: limits.maxDocumentsSize ?? 64 << 20,
    maxReferences: limits.maxReferences ?? 10_000,
    maxPlatforms: limits.maxPlatforms ?? 128,
    maxZtocSize: limits.maxZtocSize ?? 512 << 20,
    maxZtocsSize: limits.maxZtocsSize ?? 2 ** 31,
    maxSpanLength: limits.maxSpanLength ?? 256 << 20,
  };
}

/** @throws SociIndexError `OPTION_INVALID` if an option is not an integer of at least `minimum`. */
export function checkInteger(name: string, value: number, minimum: number): number {
  if (!Number.isSafeInteger(value) || value < minimum)
    throw optionError(name, `must be an integer of at least ${minimum}`, value);
  return value;
}

function optionError(name: string, rule: string, value: unknown): SociIndexError {
  const found = typeof value === 'number' ? value : JSON.stringify(value);
  return new SociIndexError('OPTION_INVALID', `${name} ${rule}, got ${found}`);
}
