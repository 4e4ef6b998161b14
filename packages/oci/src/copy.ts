import type { Fetcher, Mounter, Prober, Pusher } from './content.ts';
import type { Descriptor } from './descriptor.ts';
import { OciError } from './errors.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { isManifestOrIndex, isNonDistributable } from './media-types.ts';
import { readVerified } from './read.ts';
import { checkBounds, listSuccessors, nodeKey, type WalkOptions } from './walk.ts';

/** Enough to hide a registry's latency, few enough for its rate limits. */
const DEFAULT_CONCURRENCY = 4;

/** Options of {@link copyImage}. */
export interface CopyOptions extends WalkOptions {
  /** Pieces of content in flight at a time, at least 1. @default 4 */
  readonly concurrency?: number;
  /**
   * Whether the caller knows that the target holds a piece with everything below it: it is then neither probed nor copied.
   *
   * @default nothing is known
   */
  readonly present?: (descriptor: Descriptor) => boolean;
  /**
   * Repository of the target's registry that has the source's blobs: they are mounted from there where the target is a
   * `Mounter` and the registry agrees, and copied otherwise.
   *
   * @default every blob is copied
   */
  readonly mountFrom?: string;
  /**
   * Looks below manifests that the target has already, and copies what is missing there. Registries refuse a manifest
   * whose parts are missing, with few exceptions, so that they hold whole graphs and need no such look; a layout may hold
   * part of one, as `skopeo copy` without `--all` leaves it.
   *
   * @default false: what is below a manifest that is there is taken to be there
   */
  readonly repair?: boolean;
  /** Told of every piece once it is dealt with. @default nobody is told */
  readonly onProgress?: (progress: CopyProgress) => void;
}

/**
 * What became of one piece of content: `copied`; `mounted` from another repository; `present`, the target had it, and of
 * a manifest what is below; or `elsewhere`, a non-distributable layer that the source does not hold either.
 */
export interface CopyProgress {
  /** The piece. */
  readonly descriptor: Descriptor;
  /** What became of it. */
  readonly outcome: 'copied' | 'mounted' | 'present' | 'elsewhere';
}

/** What {@link copyImage} did. */
export interface CopyResult {
  /** Pieces of content copied. */
  readonly copied: number;
  /** Their bytes. */
  readonly bytes: number;
  /** Pieces of content mounted from another repository. */
  readonly mounted: number;
  /** Pieces that the target had already. What is below a manifest among them was not looked at, and is not counted. */
  readonly present: number;
}

/**
 * Copies an image, an image index or an artifact with everything it refers to: leaves before roots, so that the target
 * never holds a manifest with something missing, several pieces at a time. What the target has is skipped; of a manifest
 * that it has, everything below too (see {@link CopyOptions.repair}). Blobs are passed on as streams; every byte is
 * verified by the target's `push`. Names are not copied: tag the root afterwards.
 *
 * @throws OciError `LIMIT_EXCEEDED`; what reading the source and writing the target throw; the signal's reason. The first
 * failure ends what is in flight, and is the one that is thrown.
 */
export async function copyImage(
  source: Fetcher,
  target: Pusher & Prober & Partial<Mounter>,
  root: Descriptor,
  options: CopyOptions = {},
): Promise<CopyResult> {
  return new ImageCopy(source, target, root, options).run();
}

/** One run of {@link copyImage}. */
class ImageCopy {
  readonly #source: Fetcher;
  readonly #target: Pusher & Prober & Partial<Mounter>;
  readonly #root: Descriptor;
  readonly #options: CopyOptions;
  readonly #slots: Semaphore;
  readonly #abort = new AbortController();
  readonly #call: { readonly signal: AbortSignal };
  /** What was met, counted. */
  readonly #met = new Set<string>();
  /** What was begun, by what it is; each with its end. */
  readonly #begun = new Map<string, Promise<void>>();
  /** Ends of manifests that wait in memory for what they name. */
  readonly #held = new Set<Promise<void>>();
  readonly #maxHeld: number;
  readonly #counts = { copied: 0, bytes: 0, mounted: 0, present: 0 };

  constructor(source: Fetcher, target: Pusher & Prober & Partial<Mounter>, root: Descriptor, options: CopyOptions) {
    const { concurrency = DEFAULT_CONCURRENCY, signal } = options;
    if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
      throw new OciError('OPTION_INVALID', `concurrency is a whole number, 1 or more, found ${concurrency}`);
    }
    this.#source = source;
    this.#target = target;
    this.#root = root;
    this.#options = options;
    this.#slots = new Semaphore(concurrency);
    this.#maxHeld = 2 * concurrency;
    const own = this.#abort.signal;
    this.#call = { signal: signal === undefined ? own : AbortSignal.any([signal, own]) };
  }

  async run(): Promise<CopyResult> {
    try {
      await this.#begin(this.#root, 1);
      await Promise.all(this.#begun.values());
      return this.#counts;
    } catch (error) {
      this.#abort.abort(error);
      // Nothing goes on behind the caller's back.
      await Promise.allSettled(this.#begun.values());
      throw this.#call.signal.reason;
    }
  }

  /**
   * Begins to copy a piece with everything below it, and returns when all of that is begun. What waits for its slot
   * holds up what comes after it.
   */
  async #begin(descriptor: Descriptor, depth: number): Promise<void> {
    const { limits = {}, present } = this.#options;
    if (this.#met.has(nodeKey(descriptor))) return;
    this.#met.add(nodeKey(descriptor));
    checkBounds(this.#root, descriptor, { met: this.#met.size, depth }, limits);
    if (present?.(descriptor)) {
      this.#end(descriptor, 'present');
    } else if (isManifestOrIndex(descriptor.mediaType)) {
      await this.#beginManifest(descriptor, depth);
    } else {
      await this.#slots.acquire();
      const copying = this.#inSlot(() => this.#copyBlob(descriptor));
      void this.#follow(descriptor, copying);
    }
  }

  async #beginManifest(descriptor: Descriptor, depth: number): Promise<void> {
    const { limits = {}, repair = false } = this.#options;
    await this.#slots.acquire();
    const { isThere, raw } = await this.#inSlot(async () => {
      const isThere = await this.#target.exists(descriptor, this.#call);
      const options = { maxSize: limits.maxManifestSize ?? DEFAULT_LIMITS.maxManifestSize, ...this.#call };
      return { isThere, raw: isThere && !repair ? undefined : await readVerified(this.#source, descriptor, options) };
    });
    if (raw === undefined) {
      this.#end(descriptor, 'present');
      return;
    }
    const successors = listSuccessors(descriptor, raw, limits);
    for (const successor of successors) await this.#begin(successor, depth + 1);
    const end = this.#follow(descriptor, this.#finishManifest(descriptor, isThere ? undefined : raw, successors));
    this.#held.add(end);
    end.then(() => this.#held.delete(end)).catch(() => {});
    // However many manifests wait for one slow blob, few of them wait in memory.
    while (this.#held.size > this.#maxHeld) await Promise.race(this.#held);
  }

  async #finishManifest(
    descriptor: Descriptor,
    raw: Uint8Array | undefined,
    successors: readonly Descriptor[],
  ): Promise<CopyProgress['outcome']> {
    await Promise.all(successors.map((successor) => this.#begun.get(nodeKey(successor))));
    if (raw === undefined) return 'present';
    await this.#slots.acquire();
    await this.#inSlot(() => this.#target.push(descriptor, raw, this.#call));
    return 'copied';
  }

  async #copyBlob(descriptor: Descriptor): Promise<CopyProgress['outcome']> {
    const { mountFrom } = this.#options;
    if (await this.#target.exists(descriptor, this.#call)) return 'present';
    if (mountFrom !== undefined && (await this.#target.mount?.(descriptor, mountFrom, this.#call))) return 'mounted';
    try {
      // Not with `reuseChunks`: a target may have sent on, but not yet let go of, a chunk when it asks for the next.
      const content = {
        [Symbol.asyncIterator]: () => this.#source.fetch(descriptor, this.#call)[Symbol.asyncIterator](),
      };
      await this.#target.push(descriptor, content, this.#call);
      return 'copied';
    } catch (error) {
      const isMissing = error instanceof OciError && error.code === 'NOT_FOUND';
      if (isMissing && isNonDistributable(descriptor.mediaType)) return 'elsewhere';
      throw error;
    }
  }

  /** Works in a slot that was acquired, and releases it. */
  async #inSlot<T>(work: () => Promise<T>): Promise<T> {
    try {
      this.#call.signal.throwIfAborted();
      return await work();
    } catch (error) {
      // Before the slot is released: nothing more is to be begun.
      this.#abort.abort(error);
      throw error;
    } finally {
      this.#slots.release();
    }
  }

  /** Lets a piece come to its end on its own. The first that fails ends the others. */
  #follow(descriptor: Descriptor, work: Promise<CopyProgress['outcome']>): Promise<void> {
    const end = work.then((outcome) => this.#end(descriptor, outcome));
    this.#begun.set(nodeKey(descriptor), end);
    end.catch((error: unknown) => this.#abort.abort(error));
    return end;
  }

  #end(descriptor: Descriptor, outcome: CopyProgress['outcome']): void {
    if (!this.#begun.has(nodeKey(descriptor))) this.#begun.set(nodeKey(descriptor), Promise.resolve());
    if (outcome !== 'elsewhere') this.#counts[outcome] += 1;
    if (outcome === 'copied') this.#counts.bytes += descriptor.size;
    this.#options.onProgress?.({ descriptor, outcome });
  }
}

/** Lets a limited number of pieces of work run at a time; the others wait, in the order in which they came. */
class Semaphore {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#free = limit;
  }

  /** Resolves when there is a slot. Each must be released. */
  async acquire(): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Gives a slot to the one that has waited longest. */
  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
