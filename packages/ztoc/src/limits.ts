import { ZtocError } from './errors.ts';

/**
 * Limits on untrusted layers. Exceeding one throws `LIMIT_EXCEEDED` before memory is allocated.
 * The defaults are far above the needs of real images.
 */
export interface ZtocLimits {
  /** Maximum uncompressed size of a layer, in bytes. @default 128 GiB */
  readonly maxUncompressedSize?: number;
  /**
   * Maximum number of tar entries of a layer. Each needs 100 to 300 bytes of memory during a build, and as much in the
   * zTOC.
   * @default 4,000,000
   */
  readonly maxEntries?: number;
  /**
   * Maximum total size of the names, link targets, user and group names, and PAX records of a layer, in bytes. PAX
   * records contain extended attributes and sparse maps. Each counts 32 bytes more than its key and value, as in a zTOC.
   * @default 256 MiB
   */
  readonly maxMetadataSize?: number;
  /**
   * Maximum size of the encoded zTOC of a layer, in bytes. It is estimated a few percent high while the layer is read.
   * The memory of a build is about this size, plus 100 MB.
   * @default 512 MiB
   */
  readonly maxZtocSize?: number;
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
  /** Most layers with as many entries exceed `maxZtocSize` first. */
  maxEntries: 4_000_000,
  /** A million entries with 268 bytes each. Ordinary ones have 70 to 100: docs/decisions/034-bounds-of-metadata.md. */
  maxMetadataSize: 2 ** 28,
  /** 64 GiB of data at the default span size, or three million ordinary entries. */
  maxZtocSize: 2 ** 29,
  /** Small spans reach this limit, spans of the default size `maxZtocSize`. */
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

/** Counts the size of a zTOC while its layer is read, so that nothing is allocated for a zTOC that is too large. */
export class ZtocSizeLimit {
  readonly #limit: number;
  #size = 0;

  /** @param limit Maximum size in bytes: `maxZtocSize`. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Adds `size` bytes. `offset` is the position in the layer or its tar stream, for the message.
   * @throws {ZtocError} `LIMIT_EXCEEDED`
   */
  add(size: number, offset: number): void {
    this.#size += size;
    if (this.#size <= this.#limit) return;
    const message = `the zTOC of the layer exceeds maxZtocSize (${this.#limit} bytes) at byte ${offset}. Use a larger span size, or raise the limit if you trust the layer.`;
    throw new ZtocError('LIMIT_EXCEEDED', message, { offset });
  }
}
