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
  let sent = 0;
  for await (const chunk of chunksOf(body)) {
    sent += chunk.length;
    if (sent > size) throw sizeMismatch(sent, size);
    for (let offset = 0; offset < chunk.length; offset += PIECE_SIZE) {
      if (isOver()) return;
      if (message.write(chunk.subarray(offset, offset + PIECE_SIZE))) continue;
      timer.start('sending the request');
      await drained(message);
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

/** Resolves when more can be written, or nothing more needs to be. */
function drained(message: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ['drain', 'response', 'close']) message.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'response', 'close']) message.once(event, done);
  });
}

function sizeMismatch(sent: number, size: number): OciError {
  const amount = sent > size ? `more than ${size} bytes` : `${sent} bytes`;
  return new OciError('SIZE_MISMATCH', `the request body has ${amount}, expected ${size}`);
}
