import type { ClientRequest } from 'node:http';
import { OciError } from '@soci/oci';
import type { HttpBody } from './http-message.ts';
import type { StallTimer } from './stall-detection.ts';

/** Handed to the socket at a time: so that a slow connection is seen to move. */
const PIECE_SIZE = 2 ** 16;

/** The bytes of a body. */
export function bodySize(body: HttpBody): number {
  return body instanceof Uint8Array ? body.length : body.size;
}

/**
 * Sends the body of a request as fast as the other side takes it, and ends the request. Stops where an answer comes before
 * all is sent: that is a refusal.
 *
 * @param timer - Runs only while the other side is waited for.
 * @param isOver - Whether the request was answered, or broke.
 * @throws OciError `SIZE_MISMATCH` where a stream is longer or shorter than it claims; what the stream throws.
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

/** Settles when more can be sent, or no more need be. */
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
  const amount = sent > size ? 'more bytes' : `${sent} bytes`;
  return new OciError('SIZE_MISMATCH', `the body of a request has ${amount}, not the ${size} that it was said to have`);
}
