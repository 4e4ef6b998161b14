import type { HttpBody, StreamedBody } from './http-message.ts';

/** The body of a request, through all of its attempts: knows whether it can be sent once more. */
export class SentBody {
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
