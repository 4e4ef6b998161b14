import type { CallOptions, Fetcher, FetchOptions, Prober, Pusher } from './content.ts';
import type { Descriptor } from './descriptor.ts';

/**
 * Two stores as one: what is written goes to `upper`, what is read comes from `upper` or else from `lower`, which is
 * never written. Converting an image writes its few new pieces into memory over the store that holds the old ones; the
 * whole is then copied, or written as an archive, from the overlay.
 */
export class OverlayStore implements Fetcher, Prober, Pusher {
  readonly #upper: Fetcher & Prober & Pusher;
  readonly #lower: Fetcher & Prober;

  constructor(upper: Fetcher & Prober & Pusher, lower: Fetcher & Prober) {
    this.#upper = upper;
    this.#lower = lower;
  }

  async *fetch(target: Descriptor, options?: FetchOptions): AsyncGenerator<Uint8Array, void, undefined> {
    const store = (await this.#upper.exists(target, options)) ? this.#upper : this.#lower;
    yield* store.fetch(target, options);
  }

  async exists(target: Descriptor, options?: CallOptions): Promise<boolean> {
    return (await this.#upper.exists(target, options)) || (await this.#lower.exists(target, options));
  }

  async push(
    target: Descriptor,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    options?: CallOptions,
  ): Promise<void> {
    if (await this.exists(target, options)) return;
    await this.#upper.push(target, content, options);
  }
}
