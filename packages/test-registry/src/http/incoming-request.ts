import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Fault, RequestRecord } from './faults.ts';
import type { Pacer } from './pacer.ts';
import { RequestError } from './reply.ts';

/** Thrown if the connection is closed, so that no response can be sent. */
export class ConnectionClosedError extends Error {
  override readonly name = 'ConnectionClosedError';
}

/** A request, as seen by the handlers. */
export interface IncomingRequest {
  readonly method: string;
  /** Path as received, without the query. Dots and escapes are not resolved. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  /** Scheme and host used by the client. */
  readonly origin: string;
  /** The `Content-Length`; undefined for a chunked body, 0 without a body. */
  readonly length: number | undefined;
  /** Yields the body. Throws if the connection breaks, including by a fault. */
  body(): AsyncGenerator<Uint8Array, void, undefined>;
  /** Reads the whole body. @throws RequestError 413 if it is larger than `limit` bytes */
  wholeBody(limit: number, what: string): Promise<Uint8Array>;
}

export function createIncomingRequest(
  message: IncomingMessage,
  record: Writable<RequestRecord>,
  origin: string,
  fault: Fault | undefined,
  pacer: Pacer | undefined,
): IncomingRequest {
  const { headers, socket } = message; // A message whose connection is closed has no socket.
  const isChunked = headers['transfer-encoding'] !== undefined;
  const length = isChunked ? undefined : Number(headers['content-length'] ?? 0);
  const { method, path } = record;

  async function* body() {
    const breakAt = breakOffset(fault) ?? Number.POSITIVE_INFINITY;
    pacer?.begin();
    // Keeps the connection open, so that a handler that stops reading can still respond.
    const chunks: AsyncIterable<Buffer> = message.iterator({ destroyOnReturn: false });
    for await (const chunk of chunks) {
      await pacer?.spend(chunk.length);
      const left = breakAt - record.bytesIn;
      const part = chunk.subarray(0, Math.min(chunk.length, left));
      record.bytesIn += part.length;
      yield part;
      if (chunk.length < left) continue;
      if (fault?.kind === 'stall') {
        message.pause();
        await closed(socket);
      } else resetConnection(socket);
      throw new ConnectionClosedError();
    }
  }

  async function wholeBody(limit: number, what: string) {
    const tooLarge = () => new RequestError(413, 'SIZE_INVALID', `${what} must not be larger than ${limit} bytes`);
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

/** Makes the properties writable. */
export type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * Resets a plain TCP connection; over TLS it can only be closed. `resetAndDestroy` would end it cleanly first, so that
 * the client would see either an end or a reset. Therefore this sets the internal flag of `resetAndDestroy` only.
 */
export function resetConnection(socket: Socket): void {
  if (!('encrypted' in socket)) Object.assign(socket, { resetAndClosing: true });
  socket.destroy();
}

/** Waits until the connection is closed. */
export async function closed(socket: Socket): Promise<void> {
  if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve));
}

/** Returns the offset in the body, of the request or of the response, at which a fault breaks the connection. */
export function breakOffset(fault: Fault | undefined): number | undefined {
  return fault?.kind === 'reset' || fault?.kind === 'stall' ? fault.afterBytes : undefined;
}
