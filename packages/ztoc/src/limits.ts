import { ZtocError } from './errors.ts';

/**
 * Limits on untrusted layers. Exceeding one throws `LIMIT_EXCEEDED` before memory is allocated.
 * The defaults are far above the needs of real images.
 */
export interface ZtocLimits {
  /** Maximum uncompressed size of a layer, in bytes. @default 128 GiB */
  readonly maxUncompressedSize?: number;
  /**
   * Maximum number of tar entries of a layer. Each needs 300 to 800 bytes of memory during a build.
   * @default 4,000,000
   */
  readonly maxEntries?: number;
  /**
   * Maximum total size of the names, link targets and PAX records of a layer, in bytes. Each PAX record counts 200
   * bytes in addition to its content, to account for the memory that it needs.
   * @default 1 GiB
   */
  readonly maxMetadataSize?: number;
  /** Maximum number of checkpoints, and so of spans, of a layer. Each needs 32 KiB. @default 32,768 */
  readonly maxSpans?: number;
  /**
   * Maximum number of checkpoints before the first byte of output; empty blocks and members create them.
   * @default 1024
   */
  readonly maxEmptySpans?: number;
}

/** Defaults of {@link ZtocLimits}. */
export const DEFAULT_LIMITS = {
  /**
   * More than twice the largest layer that registries accept (ECR: 52,000 MiB compressed). Decompressing up to this
   * limit takes a few minutes, which a hundred megabytes of hostile input can cause.
   */
  maxUncompressedSize: 2 ** 37,
  /** Needs 1 to 3 GB of memory. */
  maxEntries: 4_000_000,
  maxMetadataSize: 2 ** 30,
  /** 1 GiB of windows, 128 GiB of data at the default span size. */
  maxSpans: 32_768,
  /**
   * 32 MiB of windows. Compressors create one or two such checkpoints; hostile input can create one with five bytes.
   */
  maxEmptySpans: 1024,
};

/** Fills in the defaults. @throws {ZtocError} `OPTION_INVALID` unless every limit is a whole number, at least 0. */
export function resolveLimits(limits: ZtocLimits = {}): Required<ZtocLimits> {
  const resolved = { ...DEFAULT_LIMITS };
  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof ZtocLimits)[]) {
    resolved[name] = requireWhole(name, limits[name] ?? DEFAULT_LIMITS[name], 0);
  }
  return resolved;
}

/**
 * Returns the value of an option.
 * @throws {ZtocError} `OPTION_INVALID` unless it is a whole number, at least `minimum`.
 */
export function requireWhole(name: string, value: number, minimum: number): number {
  if (Number.isSafeInteger(value) && value >= minimum) return value;
  throw new ZtocError('OPTION_INVALID', `${name} must be a whole number, at least ${minimum}; got ${value}`);
}
