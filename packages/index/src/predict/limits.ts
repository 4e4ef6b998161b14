/** Limits of a prediction. A prediction that reaches one returns what it has found so far. */
export interface PredictionLimits {
  /** Maximum number of predicted files. @default 10,000 */
  readonly maxFiles?: number;
  /** Maximum number of directories that are listed. @default 20,000 */
  readonly maxDirectories?: number;
  /** Maximum number of bytes of files that are read, in total. @default 256 MiB */
  readonly maxBytes?: number;
  /** Maximum number of steps from the start command to a file: links between programs, libraries and modules. @default 64 */
  readonly maxDepth?: number;
  /**
   * Maximum time, in milliseconds. Only this limit makes predictions differ between machines, so it is far above what the
   * others permit. @default 120,000
   */
  readonly maxTime?: number;
}

/** A limit that a prediction reached. */
export type PredictionLimit = 'bytes' | 'depth' | 'directories' | 'files' | 'time';

/** Default of {@link PredictionLimits.maxFiles}. The largest start of our tests reads 2,000 files. */
const DEFAULT_MAX_FILES = 10_000;
/** Default of {@link PredictionLimits.maxDirectories}. */
const DEFAULT_MAX_DIRECTORIES = 20_000;
/** Default of {@link PredictionLimits.maxBytes}. */
const DEFAULT_MAX_BYTES = 256 << 20;
/** Default of {@link PredictionLimits.maxDepth}. */
const DEFAULT_MAX_DEPTH = 64;
/** Default of {@link PredictionLimits.maxTime}. */
const DEFAULT_MAX_TIME = 120_000;

/** What a prediction may still use. Methods return whether the use is within the limits. */
export class PredictionBudget {
  readonly signal: AbortSignal | undefined;
  readonly maxDepth: number;
  /** Limits that were reached. */
  readonly reached = new Set<PredictionLimit>();
  #files: number;
  #directories: number;
  #bytes: number;
  readonly #end: number;

  constructor(limits: PredictionLimits, signal: AbortSignal | undefined) {
    this.signal = signal;
    this.maxDepth = limits.maxDepth ?? DEFAULT_MAX_DEPTH;
    this.#files = limits.maxFiles ?? DEFAULT_MAX_FILES;
    this.#directories = limits.maxDirectories ?? DEFAULT_MAX_DIRECTORIES;
    this.#bytes = limits.maxBytes ?? DEFAULT_MAX_BYTES;
    this.#end = performance.now() + (limits.maxTime ?? DEFAULT_MAX_TIME);
  }

  takeFile(): boolean {
    return this.#check('files', this.#files-- > 0);
  }

  takeDirectory(): boolean {
    return this.hasTime() && this.#check('directories', this.#directories-- > 0);
  }

  takeBytes(count: number): boolean {
    if (!this.hasTime() || !this.#check('bytes', this.#bytes >= count)) return false;
    this.#bytes -= count;
    return true;
  }

  takeDepth(depth: number): boolean {
    return this.#check('depth', depth <= this.maxDepth);
  }

  hasTime(): boolean {
    this.signal?.throwIfAborted();
    return this.#check('time', performance.now() < this.#end);
  }

  #check(limit: PredictionLimit, isWithin: boolean): boolean {
    if (!isWithin) this.reached.add(limit);
    return isWithin;
  }
}
