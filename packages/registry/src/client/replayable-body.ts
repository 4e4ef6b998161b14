import type { HttpBody, StreamedBody } from '../transport/http-message.ts';

/** The body of a request, through all of its attempts: knows whether it can be sent once more. */
export class ReplayableBody {
  /** What the sender gets; undefined where the request has no body. */
  readonly value: HttpBody | undefined;
  #isWhole = true;

  constructor(body: HttpBody | undefined) {
    this.value = body === undefined || body instanceof Uint8Array ? body : this.#watch(body);
  }

  /** Whether it can be sent: not where a stream that opens but once was read from, or where its source failed. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  #watch(body: StreamedBody): StreamedBody {
    return { size: body.size, isRepeatable: body.isRepeatable, open: () => this.#read(body) };
  }

  async *#read(body: StreamedBody): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of body.open()) {
        this.#isWhole &&= body.isRepeatable;
        yield chunk;
      }
    } catch (error) {
      // Whoever reads the source has tried again already.
      this.#isWhole = false;
      throw error;
    }
  }
}

/**
 * Bytes that are not sent again by themselves: of what follows an attempt that broke off, whoever sends them must decide,
 * as the registry may have taken a part.
 */
export function sentOnce(content: Uint8Array): StreamedBody {
  return streamOnce([content], content.length);
}

/** A stream that can be read only once. */
export function streamOnce(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, size: number): StreamedBody {
  return {
    size,
    isRepeatable: false,
    async *open() {
      yield* chunks;
    },
  };
}
