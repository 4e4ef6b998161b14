import { ZtocError } from './errors.ts';

/**
 * Bounds on what a hostile layer may cost. Each raises `LIMIT_EXCEEDED` before anything is buffered.
 * Defaults are far above what real images hold.
 */
export interface ZtocLimits {
  /** Uncompressed bytes of one layer. @default 128 GiB */
  readonly maxUncompressedSize?: number;
  /** Tar entries of one layer. Each takes 300 to 800 bytes of memory until the zTOC is made. @default 4,000,000 */
  readonly maxEntries?: number;
  /**
   * Bytes that names, links and PAX records of one layer may take together; each PAX record counts 200 bytes besides its
   * own, which is what keeping it costs.
   * @default 1 GiB
   */
  readonly maxMetadataSize?: number;
  /** Checkpoints (and so spans) of one layer; each takes 32 KiB. @default 32,768 */
  readonly maxSpans?: number;
  /** Checkpoints of one layer before its first byte of output: empty blocks and members make them. @default 1024 */
  readonly maxEmptySpans?: number;
}

/** The defaults of {@link ZtocLimits}. */
export const DEFAULT_LIMITS = {
  /**
   * More than twice the largest layer that registries take (ECR: 52,000 MiB compressed), and a few minutes' work that a
   * bomb of a hundred megabytes could ask for.
   */
  maxUncompressedSize: 2 ** 37,
  /** 1 to 3 GB of memory. */
  maxEntries: 4_000_000,
  maxMetadataSize: 2 ** 30,
  /** 1 GiB of windows, 128 GiB of data at the default span size. */
  maxSpans: 32_768,
  /** 32 MiB of windows. Compressors make one or two; five bytes of a hostile layer make one more. */
  maxEmptySpans: 1024,
};

/** Fills in the defaults. @throws {ZtocError} `OPTION_INVALID` unless every limit is a whole number from 0 up. */
export function resolveLimits(limits: ZtocLimits = {}): Required<ZtocLimits> {
  const resolved = { ...DEFAULT_LIMITS };
  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof ZtocLimits)[]) {
    resolved[name] = requireWhole(name, limits[name] ?? DEFAULT_LIMITS[name], 0);
  }
  return resolved;
}

/** Returns the value of an option. @throws {ZtocError} `OPTION_INVALID` unless it is a whole number from `least` up. */
export function requireWhole(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new ZtocError('OPTION_INVALID', `${name} is ${value}, and must be a whole number from ${least} up`);
}
