import type { HttpBody, StreamedBody } from '../transport/http-message.ts';

/** The body of a request across all attempts. Tracks whether it can be sent again. */
export class ReplayableBody {
  /** The body to send; undefined if the request has none. */
  readonly value: HttpBody | undefined;
  #canReplay = true;

  constructor(body: HttpBody | undefined) {
    this.value = body === undefined || body instanceof Uint8Array ? body : this.#track(body);
  }

  /** Whether the body can be sent again. False if a single-use stream was read from, or if its source failed. */
  get canReplay(): boolean {
    return this.#canReplay;
  }

  #track(body: StreamedBody): StreamedBody {
    return { size: body.size, isRepeatable: body.isRepeatable, open: () => this.#read(body) };
  }

  async *#read(body: StreamedBody): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of body.open()) {
        this.#canReplay &&= body.isRepeatable;
        yield chunk;
      }
    } catch (error) {
      // The source has its own retries.
      this.#canReplay = false;
      throw error;
    }
  }
}

/**
 * Wraps bytes so that they are not resent automatically. The registry may have stored part of a failed request, so the
 * caller must decide.
 */
export function singleUseBytes(content: Uint8Array): StreamedBody {
  return singleUseStream([content], content.length);
}

/** Wraps a stream that can be read only once. */
export function singleUseStream(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, size: number): StreamedBody {
  return {
    size,
    isRepeatable: false,
    async *open() {
      yield* chunks;
    },
  };
}
