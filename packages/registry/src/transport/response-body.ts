import type { IncomingMessage } from 'node:http';
import { toConnectionError } from './connection-error.ts';
import { BodyStallDetector } from './stall-detection.ts';

/** 64 KiB: to read so much is cheaper than a new connection. */
const MAX_DISCARDED = 2 ** 16;

/** Milliseconds that reading what nobody wants may take. */
const DISCARD_TIMEOUT = 2000;

/** The body of an answer: read once, or discarded. */
export class ResponseBody implements AsyncIterable<Uint8Array> {
  readonly #answer: IncomingMessage;
  readonly #watch: BodyStallDetector;
  #failure: { readonly error: unknown } | undefined;
  #isRead = false;
  #wake: () => void = () => undefined;

  /**
   * @param request - As `describeRequest` names it.
   * @param stallTimeout - Milliseconds without progress that count as a stall; only those in which bytes are waited for.
   * @param signal - Ends the reading with its reason.
   */
  constructor(answer: IncomingMessage, request: string, stallTimeout: number, signal: AbortSignal | undefined) {
    this.#answer = answer;
    this.#watch = new BodyStallDetector(request, stallTimeout, (error) => this.#fail(error));
    const onAbort = () => this.#fail(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    answer.on('error', (error) => this.#fail(toConnectionError(error, request)));
    answer.once('close', () => {
      signal?.removeEventListener('abort', onAbort);
      this.#watch.stop();
      this.#wake();
    });
  }

  /** Yields the bytes as they come, each chunk in memory of its own. Whoever stops early closes the connection. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const answer = this.#answer;
    this.#isRead = true;
    answer.on('readable', () => this.#wake()).on('end', () => this.#wake());
    try {
      for (;;) {
        if (this.#failure !== undefined) throw this.#failure.error;
        const chunk = answer.read() as Buffer | null;
        if (chunk !== null) {
          this.#watch.receive(chunk.length);
          yield ownMemory(chunk);
        } else if (answer.readableEnded) {
          return;
        } else {
          this.#watch.wait();
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      if (!answer.readableEnded) answer.destroy();
    }
  }

  /** As `HttpResponse.discard`. */
  discard(): void {
    const answer = this.#answer;
    if (this.#isRead || Number(answer.headers['content-length'] ?? 0) > MAX_DISCARDED) {
      if (!answer.readableEnded) answer.destroy();
      return;
    }
    this.#isRead = true;
    let length = 0;
    answer.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_DISCARDED) answer.destroy();
    });
    const timer = setTimeout(() => answer.destroy(), DISCARD_TIMEOUT).unref();
    answer.once('close', () => clearTimeout(timer));
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#answer.destroy();
    this.#wake();
  }
}

/** Node gives each piece of a body memory of its own, and promises it nowhere: what is shared must not be transferred. */
function ownMemory(chunk: Buffer): Uint8Array {
  return chunk.byteLength === chunk.buffer.byteLength ? new Uint8Array(chunk.buffer) : new Uint8Array(chunk);
}
