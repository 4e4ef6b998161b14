import type { Fetcher, Mounter, Prober, Pusher } from './content.ts';
import type { Descriptor } from './descriptor.ts';
import { OciError } from './errors.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { isManifestOrIndex, isNonDistributable } from './media-types.ts';
import { readAgainIfDamaged, readVerified } from './read.ts';
import { checkBounds, listSuccessors, nodeKey, type WalkOptions } from './walk.ts';

/** Enough to hide the latency of a registry, few enough for its rate limits. */
const DEFAULT_CONCURRENCY = 4;

/** Options of {@link copyImage}. */
export interface CopyOptions extends WalkOptions {
  /** Maximum number of blobs and manifests in flight, at least 1. @default 4 */
  readonly concurrency?: number;
  /**
   * Returns whether the target is known to have content and everything below it. It is then neither probed nor copied.
   *
   * @default nothing is known
   */
  readonly present?: (descriptor: Descriptor) => boolean;
  /**
   * Repository of the target's registry that has the blobs of the source. Blobs are mounted from it if the target is a
   * `Mounter` and the registry accepts the mount, and copied otherwise.
   *
   * @default every blob is copied
   */
  readonly mountFrom?: string;
  /**
   * Checks the content below manifests that the target has already, and copies what is missing. Most registries reject
   * a manifest before the content that it refers to, so their images are complete. A layout may contain part of an
   * image: `skopeo copy` without `--all` creates such layouts.
   *
   * @default false: content below an existing manifest is assumed to exist
   */
  readonly repair?: boolean;
  /** Called for every blob and manifest when it is done. @default not called */
  readonly onProgress?: (progress: CopyProgress) => void;
}

/**
 * Outcome for one blob or manifest: `copied`; `mounted` from another repository; `present` if the target had it, and
 * for a manifest the content below it; or `elsewhere` for a non-distributable layer that the source does not have
 * either.
 */
export interface CopyProgress {
  /** The blob or manifest. */
  readonly descriptor: Descriptor;
  /** What was done. */
  readonly outcome: 'copied' | 'mounted' | 'present' | 'elsewhere';
}

/** Result of {@link copyImage}. */
export interface CopyResult {
  /** Number of blobs and manifests copied. */
  readonly copied: number;
  /** Their total size in bytes. */
  readonly bytes: number;
  /** Number of blobs mounted from another repository. */
  readonly mounted: number;
  /** Number of blobs and manifests that the target had. Content below such a manifest is not checked or counted. */
  readonly present: number;
}

/**
 * Copies an image, an image index or an artifact with everything that it refers to. Leaves are copied before roots, so
 * the target never has an incomplete manifest. Several blobs are copied at a time. Content that the target has is
 * skipped; for a manifest also the content below it (see {@link CopyOptions.repair}). Blobs are streamed, and the
 * target's `push` verifies every byte. A damaged blob is read again, once. Tags are not copied: tag the root afterwards.
 *
 * @throws OciError `LIMIT_EXCEEDED`; errors from source and target; the reason of the signal. The first failure aborts
 * the other transfers and is thrown.
 */
export async function copyImage(
  source: Fetcher,
  target: Pusher & Prober & Partial<Mounter>,
  root: Descriptor,
  options: CopyOptions = {},
): Promise<CopyResult> {
  return new ImageCopy(source, target, root, options).run();
}

/** State of one {@link copyImage} call. */
class ImageCopy {
  readonly #source: Fetcher;
  readonly #target: Pusher & Prober & Partial<Mounter>;
  readonly #root: Descriptor;
  readonly #options: CopyOptions;
  readonly #slots: Semaphore;
  readonly #abort = new AbortController();
  readonly #call: { readonly signal: AbortSignal };
  /** Keys of the content visited so far. */
  readonly #visited = new Set<string>();
  /** Completion of each piece of content that was started, by key. */
  readonly #started = new Map<string, Promise<void>>();
  /** Completion of the manifests that wait in memory for the content that they refer to. */
  readonly #waitingManifests = new Set<Promise<void>>();
  readonly #maxWaitingManifests: number;
  readonly #counts = { copied: 0, bytes: 0, mounted: 0, present: 0 };

  constructor(source: Fetcher, target: Pusher & Prober & Partial<Mounter>, root: Descriptor, options: CopyOptions) {
    const { concurrency = DEFAULT_CONCURRENCY, signal } = options;
    if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
      throw new OciError('OPTION_INVALID', `concurrency must be a whole number, at least 1; got ${concurrency}`);
    }
    this.#source = source;
    this.#target = target;
    this.#root = root;
    this.#options = options;
    this.#slots = new Semaphore(concurrency);
    this.#maxWaitingManifests = 2 * concurrency;
    const own = this.#abort.signal;
    this.#call = { signal: signal === undefined ? own : AbortSignal.any([signal, own]) };
  }

  async run(): Promise<CopyResult> {
    try {
      await this.#start(this.#root, 1);
      await Promise.all(this.#started.values());
      return this.#counts;
    } catch (error) {
      this.#abort.abort(error);
      // No transfer may continue after the call returns.
      await Promise.allSettled(this.#started.values());
      throw this.#call.signal.reason;
    }
  }

  /**
   * Starts copying a blob, or a manifest with everything below it. Returns when all of it has started. While it waits
   * for a slot, nothing after it starts.
   */
  async #start(descriptor: Descriptor, depth: number): Promise<void> {
    const { limits = {}, present } = this.#options;
    if (this.#visited.has(nodeKey(descriptor))) return;
    this.#visited.add(nodeKey(descriptor));
    checkBounds(this.#root, descriptor, { count: this.#visited.size, depth }, limits);
    if (present?.(descriptor)) {
      this.#complete(descriptor, 'present');
    } else if (isManifestOrIndex(descriptor.mediaType)) {
      await this.#startManifest(descriptor, depth);
    } else {
      await this.#slots.acquire();
      const copying = this.#withSlot(() => this.#copyBlob(descriptor));
      void this.#track(descriptor, copying);
    }
  }

  async #startManifest(descriptor: Descriptor, depth: number): Promise<void> {
    const { limits = {}, repair = false } = this.#options;
    await this.#slots.acquire();
    const { exists, raw } = await this.#withSlot(async () => {
      const exists = await this.#target.exists(descriptor, this.#call);
      const options = { maxSize: limits.maxManifestSize ?? DEFAULT_LIMITS.maxManifestSize, ...this.#call };
      return { exists, raw: exists && !repair ? undefined : await readVerified(this.#source, descriptor, options) };
    });
    if (raw === undefined) {
      this.#complete(descriptor, 'present');
      return;
    }
    const successors = listSuccessors(descriptor, raw, limits);
    for (const successor of successors) await this.#start(successor, depth + 1);
    const completion = this.#track(descriptor, this.#finishManifest(descriptor, exists ? undefined : raw, successors));
    this.#waitingManifests.add(completion);
    completion.then(() => this.#waitingManifests.delete(completion)).catch(() => {});
    // Limits the memory for manifests that all wait for one slow blob.
    while (this.#waitingManifests.size > this.#maxWaitingManifests) await Promise.race(this.#waitingManifests);
  }

  async #finishManifest(
    descriptor: Descriptor,
    raw: Uint8Array | undefined,
    successors: readonly Descriptor[],
  ): Promise<CopyProgress['outcome']> {
    await Promise.all(successors.map((successor) => this.#started.get(nodeKey(successor))));
    if (raw === undefined) return 'present';
    await this.#slots.acquire();
    await this.#withSlot(() => this.#target.push(descriptor, raw, this.#call));
    return 'copied';
  }

  async #copyBlob(descriptor: Descriptor): Promise<CopyProgress['outcome']> {
    const { mountFrom } = this.#options;
    if (await this.#target.exists(descriptor, this.#call)) return 'present';
    if (mountFrom !== undefined && (await this.#target.mount?.(descriptor, mountFrom, this.#call))) return 'mounted';
    try {
      // Without `reuseChunks`: the target may still be sending a chunk when it requests the next one.
      const content = {
        [Symbol.asyncIterator]: () => this.#source.fetch(descriptor, this.#call)[Symbol.asyncIterator](),
      };
      await readAgainIfDamaged(() => this.#target.push(descriptor, content, this.#call));
      return 'copied';
    } catch (error) {
      const isMissing = error instanceof OciError && error.code === 'NOT_FOUND';
      if (isMissing && isNonDistributable(descriptor.mediaType)) return 'elsewhere';
      throw error;
    }
  }

  /** Runs work in an acquired slot, and releases the slot. */
  async #withSlot<T>(work: () => Promise<T>): Promise<T> {
    try {
      this.#call.signal.throwIfAborted();
      return await work();
    } catch (error) {
      // Abort before the slot is released, so that nothing else starts.
      this.#abort.abort(error);
      throw error;
    } finally {
      this.#slots.release();
    }
  }

  /** Records the completion of a piece of content. The first failure aborts the others. */
  #track(descriptor: Descriptor, work: Promise<CopyProgress['outcome']>): Promise<void> {
    const completion = work.then((outcome) => this.#complete(descriptor, outcome));
    this.#started.set(nodeKey(descriptor), completion);
    completion.catch((error: unknown) => this.#abort.abort(error));
    return completion;
  }

  #complete(descriptor: Descriptor, outcome: CopyProgress['outcome']): void {
    if (!this.#started.has(nodeKey(descriptor))) this.#started.set(nodeKey(descriptor), Promise.resolve());
    if (outcome !== 'elsewhere') this.#counts[outcome] += 1;
    if (outcome === 'copied') this.#counts.bytes += descriptor.size;
    this.#options.onProgress?.({ descriptor, outcome });
  }
}

/** Limits the number of concurrent tasks. Waiting tasks are served in order of arrival. */
class Semaphore {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#free = limit;
  }

  /** Waits for a slot. Release each acquired slot. */
  async acquire(): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Releases a slot to the task that has waited longest. */
  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
