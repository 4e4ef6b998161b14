import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Fault } from './faults.ts';
import type { Pacer } from './pacer.ts';
import { Refusal } from './reply.ts';
import type { RequestRecord } from './request-record.ts';

/** Thrown where the connection is gone: there is nobody to answer. */
export class ConnectionGone extends Error {
  override readonly name = 'ConnectionGone';
}

/** A request as the handlers see it. */
export class Incoming {
  readonly method: string;
  /** Without the query, as it was sent: dots and escapes are not resolved. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  /** Scheme and host that the client sees. */
  readonly origin: string;
  readonly #message: IncomingMessage;
  /** Kept from the start: a message whose connection is gone has none. */
  readonly #socket: Socket;
  readonly #record: Writable<RequestRecord>;
  readonly #fault: Fault | undefined;
  readonly #pacer: Pacer | undefined;

  constructor(
    message: IncomingMessage,
    record: Writable<RequestRecord>,
    origin: string,
    fault?: Fault | undefined,
    pacer?: Pacer | undefined,
  ) {
    this.method = record.method;
    this.path = record.path;
    this.query = new URLSearchParams(record.query);
    this.headers = message.headers;
    this.origin = origin;
    this.#message = message;
    this.#socket = message.socket;
    this.#record = record;
    this.#fault = fault;
    this.#pacer = pacer;
  }

  /** What its `Content-Length` says; undefined of a body in chunks. 0 without a body. */
  get length(): number | undefined {
    if (this.headers['transfer-encoding'] !== undefined) return undefined;
    return Number(this.headers['content-length'] ?? 0);
  }

  /** The body as it comes. Throws where the connection breaks, as it may by a fault. */
  async *body(): AsyncGenerator<Uint8Array, void, undefined> {
    const cut = cutOf(this.#fault);
    this.#pacer?.begin();
    // A handler that has seen enough can still answer: the connection is not ended with the reading.
    const chunks: AsyncIterable<Buffer> = this.#message.iterator({ destroyOnReturn: false });
    for await (const chunk of chunks) {
      await this.#pacer?.spend(chunk.length);
      const left = cut - this.#record.bytesIn;
      const part = chunk.subarray(0, Math.min(chunk.length, left));
      this.#record.bytesIn += part.length;
      yield part;
      if (chunk.length >= left) await this.#breakOff();
    }
  }

  /** The body in one piece. @throws Refusal 413 where it is larger than `limit` bytes. */
  async wholeBody(limit: number, what: string): Promise<Uint8Array> {
    const tooLarge = () => new Refusal(413, 'SIZE_INVALID', `${what} must not be larger than ${limit} bytes`);
    if ((this.length ?? 0) > limit) throw tooLarge();
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of this.body()) {
      size += chunk.length;
      if (size > limit) throw tooLarge();
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  async #breakOff(): Promise<never> {
    if (this.#fault?.kind === 'stall') {
      this.#message.pause();
      await closed(this.#socket);
    } else resetConnection(this.#socket);
    throw new ConnectionGone();
  }
}

/** What the server fills in as it goes. */
export type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * Ends a connection with a reset where it is plain TCP; through TLS it can only be closed. `resetAndDestroy` would first end
 * it in good order, and whether a client then sees an end or a reset would be chance: what that sets is set here alone.
 */
export function resetConnection(socket: Socket): void {
  if (!('encrypted' in socket)) Object.assign(socket, { resetAndClosing: true });
  socket.destroy();
}

/** Waits until the connection is closed. */
export async function closed(socket: Socket): Promise<void> {
  if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve));
}

function cutOf(fault: Fault | undefined): number {
  const cuts = fault?.kind === 'reset' || fault?.kind === 'stall';
  return cuts ? (fault.afterBytes ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
}
