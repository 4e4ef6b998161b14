import type {
  ByteRange,
  CallOptions,
  Fetcher,
  FetchOptions,
  Prober,
  PushContent,
  Pusher,
  RangeFetcher,
} from './content.ts';
import type { Descriptor } from './descriptor.ts';

/**
 * Combines two stores: writes go to `upper`, reads come from `upper` or else from `lower`, which is never written. When
 * an image is converted, its few new manifests can be written to a memory store over the store with the old content.
 * The overlay is then the source to copy the image or write it as an archive.
 */
export class OverlayStore implements Fetcher, RangeFetcher, Prober, Pusher {
  readonly #upper: Fetcher & RangeFetcher & Prober & Pusher;
  readonly #lower: Fetcher & RangeFetcher & Prober;

  constructor(upper: Fetcher & RangeFetcher & Prober & Pusher, lower: Fetcher & RangeFetcher & Prober) {
    this.#upper = upper;
    this.#lower = lower;
  }

  async *fetch(target: Descriptor, options?: FetchOptions): AsyncGenerator<Uint8Array, void, undefined> {
    yield* (await this.#holder(target, options)).fetch(target, options);
  }

  async fetchRange(target: Descriptor, range: ByteRange, options?: CallOptions): Promise<Uint8Array> {
    return (await this.#holder(target, options)).fetchRange(target, range, options);
  }

  async exists(target: Descriptor, options?: CallOptions): Promise<boolean> {
    return (await this.#upper.exists(target, options)) || (await this.#lower.exists(target, options));
  }

  async push(target: Descriptor, content: PushContent, options?: CallOptions): Promise<void> {
    if (await this.exists(target, options)) return;
    await this.#upper.push(target, content, options);
  }

  async #holder(target: Descriptor, options?: CallOptions): Promise<Fetcher & RangeFetcher> {
    return (await this.#upper.exists(target, options)) ? this.#upper : this.#lower;
  }
}
