import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Fault, RequestRecord } from './faults.ts';
import type { Pacer } from './pacer.ts';
import { Refusal } from './reply.ts';

/** Thrown where the connection is gone: there is nobody to answer. */
export class ConnectionGone extends Error {
  override readonly name = 'ConnectionGone';
}

/** A request as the handlers see it. */
export interface Incoming {
  readonly method: string;
  /** Without the query, as it was sent: dots and escapes are not resolved. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  /** Scheme and host that the client sees. */
  readonly origin: string;
  /** What its `Content-Length` says; undefined of a body in chunks. 0 without a body. */
  readonly length: number | undefined;
  /** The body as it comes. Throws where the connection breaks, as it may by a fault. */
  body(): AsyncGenerator<Uint8Array, void, undefined>;
  /** The body in one piece. @throws Refusal 413 where it is larger than `limit` bytes. */
  wholeBody(limit: number, what: string): Promise<Uint8Array>;
}

export function makeIncoming(
  message: IncomingMessage,
  record: Writable<RequestRecord>,
  origin: string,
  fault: Fault | undefined,
  pacer: Pacer | undefined,
): Incoming {
  const { headers, socket } = message; // A message whose connection is gone has no socket.
  const isChunked = headers['transfer-encoding'] !== undefined;
  const length = isChunked ? undefined : Number(headers['content-length'] ?? 0);
  const { method, path } = record;

  async function* body() {
    const cut = cutOf(fault) ?? Number.POSITIVE_INFINITY;
    pacer?.begin();
    // A handler that has seen enough can still answer: the connection is not ended with the reading.
    const chunks: AsyncIterable<Buffer> = message.iterator({ destroyOnReturn: false });
    for await (const chunk of chunks) {
      await pacer?.spend(chunk.length);
      const left = cut - record.bytesIn;
      const part = chunk.subarray(0, Math.min(chunk.length, left));
      record.bytesIn += part.length;
      yield part;
      if (chunk.length < left) continue;
      if (fault?.kind === 'stall') {
        message.pause();
        await closed(socket);
      } else resetConnection(socket);
      throw new ConnectionGone();
    }
  }

  async function wholeBody(limit: number, what: string) {
    const tooLarge = () => new Refusal(413, 'SIZE_INVALID', `${what} must not be larger than ${limit} bytes`);
    if ((length ?? 0) > limit) throw tooLarge();
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of body()) {
      size += chunk.length;
      if (size > limit) throw tooLarge();
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  return { method, path, query: new URLSearchParams(record.query), headers, origin, length, body, wholeBody };
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

/** Bytes of the body, of the request or of the answer, after which a fault breaks the connection. */
export function cutOf(fault: Fault | undefined): number | undefined {
  return fault?.kind === 'reset' || fault?.kind === 'stall' ? fault.afterBytes : undefined;
}
