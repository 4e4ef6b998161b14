import type { IncomingMessage } from 'node:http';

/** A body that was read; of one that is larger than it may be, the size only. */
export type RequestBody = { readonly bytes: Buffer } | { readonly size: number };

/** Reads a body to its end, so that there is an answer to one that is larger than `limit` bytes, too. */
export async function readBody(message: IncomingMessage, limit: number): Promise<RequestBody> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
    else chunks.length = 0;
  }
  return size <= limit ? { bytes: Buffer.concat(chunks) } : { size };
}
