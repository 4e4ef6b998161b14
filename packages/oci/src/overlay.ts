import type {
  ByteRange,
  CallOptions,
  Fetcher,
  FetchOptions,
  Prober,
  PushContent,
  Pusher,
  RangeFetcher,
  RangeOptions,
} from './content.ts';
import type { Descriptor } from './descriptor.ts';

/**
 * Combines two stores. Writes go to `upper`. Reads come from `upper` if it has the content, otherwise from `lower`,
 * which is never written. For example, write the new manifests of a converted image to a memory store over the store of
 * the original image, and copy or archive the image from the overlay.
 */
export class OverlayStore implements Fetcher, RangeFetcher, Prober, Pusher {
  readonly #upper: Fetcher & RangeFetcher & Prober & Pusher;
  readonly #lower: Fetcher & RangeFetcher & Prober;

  constructor(upper: Fetcher & RangeFetcher & Prober & Pusher, lower: Fetcher & RangeFetcher & Prober) {
    this.#upper = upper;
    this.#lower = lower;
  }

  async *fetch(target: Descriptor, options?: FetchOptions): AsyncGenerator<Uint8Array, void, undefined> {
    yield* (await this.#storeOf(target, options)).fetch(target, options);
  }

  async fetchRange(target: Descriptor, range: ByteRange, options?: RangeOptions): Promise<Uint8Array> {
    return (await this.#storeOf(target, options)).fetchRange(target, range, options);
  }

  async exists(target: Descriptor, options?: CallOptions): Promise<boolean> {
    return (await this.#upper.exists(target, options)) || (await this.#lower.exists(target, options));
  }

  async push(target: Descriptor, content: PushContent, options?: CallOptions): Promise<void> {
    if (await this.exists(target, options)) return;
    await this.#upper.push(target, content, options);
  }

  async #storeOf(target: Descriptor, options?: CallOptions): Promise<Fetcher & RangeFetcher> {
    return (await this.#upper.exists(target, options)) ? this.#upper : this.#lower;
  }
}
