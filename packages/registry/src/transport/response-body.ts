import type { IncomingMessage } from 'node:http';
import { toConnectionError } from './connection-error.ts';
import { BodyStallDetector } from './stall-detection.ts';

/** 64 KiB: reading this much is cheaper than a new connection. */
const MAX_DISCARDED = 2 ** 16;

/** Maximum time for reading a discarded body, in milliseconds. */
const DISCARD_TIMEOUT = 2000;

/** The body of a response. It can be read once, or discarded. */
export class ResponseBody implements AsyncIterable<Uint8Array> {
  readonly #response: IncomingMessage;
  readonly #stallDetector: BodyStallDetector;
  #failure: { readonly error: unknown } | undefined;
  #isRead = false;
  #wake: () => void = () => undefined;

  /**
   * @param request - The request, as formatted by `describeRequest`.
   * @param stallTimeout - Milliseconds without progress after which reading fails; only the time spent waiting for
   * bytes counts.
   * @param signal - Aborts reading with its reason.
   */
  constructor(response: IncomingMessage, request: string, stallTimeout: number, signal: AbortSignal | undefined) {
    this.#response = response;
    this.#stallDetector = new BodyStallDetector(request, stallTimeout, (error) => this.#fail(error));
    const onAbort = () => this.#fail(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    response.on('error', (error) => this.#fail(toConnectionError(error, request)));
    response.once('close', () => {
      signal?.removeEventListener('abort', onAbort);
      this.#stallDetector.stop();
      this.#wake();
    });
  }

  /** Yields chunks, each in its own memory. Stopping early closes the connection. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const response = this.#response;
    this.#isRead = true;
    response.on('readable', () => this.#wake()).on('end', () => this.#wake());
    try {
      for (;;) {
        if (this.#failure !== undefined) throw this.#failure.error;
        const chunk = response.read() as Buffer | null;
        if (chunk !== null) {
          this.#stallDetector.receive(chunk.length);
          yield toOwnBuffer(chunk);
        } else if (response.readableEnded) {
          return;
        } else {
          this.#stallDetector.wait();
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      if (!response.readableEnded) response.destroy();
    }
  }

  /** See `HttpResponse.discard`. */
  discard(): void {
    const response = this.#response;
    if (this.#isRead || Number(response.headers['content-length'] ?? 0) > MAX_DISCARDED) {
      if (!response.readableEnded) response.destroy();
      return;
    }
    this.#isRead = true;
    let length = 0;
    response.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_DISCARDED) response.destroy();
    });
    const timer = setTimeout(() => response.destroy(), DISCARD_TIMEOUT).unref();
    response.once('close', () => clearTimeout(timer));
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#response.destroy();
    this.#wake();
  }
}

/** Node.js allocates each chunk separately, but does not guarantee it. Shared memory must not be transferred. */
function toOwnBuffer(chunk: Buffer): Uint8Array {
  return chunk.byteLength === chunk.buffer.byteLength ? new Uint8Array(chunk.buffer) : new Uint8Array(chunk);
}
