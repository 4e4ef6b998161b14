import type { IncomingMessage } from 'node:http';
import { toConnectionError } from './connection-error.ts';
import { BodyStallDetector } from './stall-detection.ts';

/** 64 KiB: reading this much is cheaper than a new connection. */
const MAX_DISCARDED = 2 ** 16;

/** Maximum time for reading a discarded body, in milliseconds. */
const DISCARD_TIMEOUT = 2000;

/** 256 KiB: the connection is paused while the consumer has not taken that much. */
const MAX_BUFFERED = 2 ** 18;

/** 64 KiB: smaller chunks are joined. Over TLS, a chunk has at most 16 KiB, and each one costs its consumers CPU time. */
const CHUNK_SIZE = 2 ** 16;

/** The body of a response. It can be read once, or discarded. */
export class ResponseBody implements AsyncIterable<Uint8Array> {
  readonly #response: IncomingMessage;
  readonly #stallDetector: BodyStallDetector;
  #failure: { readonly error: unknown } | undefined;
  #isRead = false;
  #wake: () => void = () => undefined;
  /** Chunks that the consumer has not taken, and their size with that of the joined chunks. */
  #chunks: Uint8Array[] = [];
  #buffered = 0;
  /** Where small chunks are joined, and their size. */
  #joined: Uint8Array | undefined;
  #joinedSize = 0;

  /**
   * @param request - The request, as formatted by `describeRequest`.
   * @param stallTimeout - Milliseconds without progress after which reading fails; only the time spent waiting for
   * bytes counts.
   * @param signal - Aborts reading with its reason.
   */
  constructor(response: IncomingMessage, request: string, stallTimeout: number, signal: AbortSignal | undefined) {
    this.#response = response;
    this.#stallDetector = new BodyStallDetector(request, stallTimeout, (error) => this.#fail(error));
    const onAbort = () => {
      this.#chunks = [];
      this.#joinedSize = 0;
      this.#fail(signal?.reason);
    };
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
    response.on('data', (chunk: Buffer) => this.#receive(chunk)).on('end', () => this.#wake());
    try {
      for (;;) {
        const chunk = this.#chunks.shift() ?? this.#takeJoined();
        if (chunk !== undefined) {
          this.#buffered -= chunk.length;
          yield chunk;
        } else if (this.#failure !== undefined) {
          throw this.#failure.error;
        } else if (response.readableEnded) {
          return;
        } else {
          if (response.isPaused()) response.resume();
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

  #receive(chunk: Buffer): void {
    this.#stallDetector.receive(chunk.length);
    if (this.#buffered === 0) setImmediate(() => this.#wake()); // after the other chunks that have arrived
    this.#buffered += chunk.length;
    if (this.#buffered >= MAX_BUFFERED) this.#response.pause();
    if (chunk.length > CHUNK_SIZE / 2 || this.#joinedSize + chunk.length > CHUNK_SIZE) {
      const joined = this.#takeJoined();
      if (joined !== undefined) this.#chunks.push(joined);
    }
    if (chunk.length > CHUNK_SIZE / 2) this.#chunks.push(toOwnBuffer(chunk));
    else this.#join(chunk);
  }

  #join(chunk: Buffer): void {
    this.#joined ??= allocate(CHUNK_SIZE);
    this.#joined.set(chunk, this.#joinedSize);
    this.#joinedSize += chunk.length;
    releaseMemory(chunk);
  }

  /** Returns the joined chunks, if any. */
  #takeJoined(): Uint8Array | undefined {
    const [joined, size] = [this.#joined, this.#joinedSize];
    if (joined === undefined || size === 0) return undefined;
    this.#joinedSize = 0;
    if (size < CHUNK_SIZE) return joined.slice(0, size);
    this.#joined = undefined;
    return joined;
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

/** Allocates memory that is not zeroed, because all of it is overwritten. */
function allocate(size: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
}

/** Node.js allocates each chunk separately, but does not guarantee it. Shared memory must not be transferred. */
function toOwnBuffer(chunk: Buffer): Uint8Array {
  return chunk.byteLength === chunk.buffer.byteLength ? new Uint8Array(chunk.buffer) : new Uint8Array(chunk);
}

/**
 * Frees the memory of a chunk that is no longer needed. Otherwise the chunks of a fast stream accumulate to 64 MB
 * before they are garbage-collected. Does nothing if the chunk is part of a larger buffer, which others may use, or was
 * transferred.
 */
export function releaseMemory({ buffer, byteLength }: Uint8Array): void {
  if (byteLength > 0 && byteLength === buffer.byteLength) (buffer as ArrayBuffer).transfer(0);
}
