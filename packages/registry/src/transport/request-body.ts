import type { ClientRequest } from 'node:http';
import { OciError } from '@soci/oci';
import type { HttpBody } from './http-message.ts';
import type { StallTimer } from './stall-detection.ts';

/** Bytes written to the socket at a time: small enough to see progress on a slow connection. */
const PIECE_SIZE = 2 ** 16;

/** Returns the size of a body, in bytes. */
export function bodySize(body: HttpBody): number {
  return body instanceof Uint8Array ? body.length : body.size;
}

/**
 * Sends the body of a request with backpressure, and ends the request. Stops if the response arrives early, which means
 * that the server rejected the request.
 *
 * Copies each piece. If the response arrives early, the socket may still send a piece, while the caller already uses the memory
 * of the body for something else.
 *
 * @param timer - Runs only while waiting for the server.
 * @param isOver - Returns whether the request has been answered or has failed.
 * @throws OciError `SIZE_MISMATCH` if a stream is longer or shorter than declared; what the stream throws
 */
export async function sendBody(
  message: ClientRequest,
  body: HttpBody | undefined,
  timer: StallTimer,
  isOver: () => boolean,
): Promise<void> {
  const size = body === undefined ? 0 : bodySize(body);
  const copy = new Uint8Array(Math.min(size, PIECE_SIZE));
  let sent = 0;
  for await (const chunk of chunksOf(body)) {
    sent += chunk.length;
    if (sent > size) throw sizeMismatch(sent, size);
    for (let offset = 0; offset < chunk.length; offset += PIECE_SIZE) {
      if (isOver()) return;
      const piece = chunk.subarray(offset, offset + PIECE_SIZE);
      copy.set(piece);
      timer.start('sending the request');
      await write(message, copy.subarray(0, piece.length));
      timer.stop();
    }
  }
  if (isOver()) return;
  if (sent < size) throw sizeMismatch(sent, size);
  timer.start('sending the request');
  message.end();
}

function chunksOf(body: HttpBody | undefined): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (body === undefined) return [];
  return body instanceof Uint8Array ? [body] : body.open();
}

/** Writes a piece. Resolves when the socket no longer needs its memory, or nothing more needs to be written. */
function write(message: ClientRequest, piece: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      message.off('response', done).off('close', done);
      resolve();
    };
    message.once('response', done).once('close', done);
    message.write(piece, done);
  });
}

function sizeMismatch(sent: number, size: number): OciError {
  const amount = sent > size ? `more than ${size} bytes` : `${sent} bytes`;
  return new OciError('SIZE_MISMATCH', `the request body has ${amount}, expected ${size}`);
}
