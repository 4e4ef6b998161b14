import type { StreamedBody } from '../transport/http-message.ts';

/**
 * Bytes that are not sent again by themselves: of what follows an attempt that broke off, whoever sends them must decide,
 * as the registry may have taken a part.
 */
export function sentOnce(content: Uint8Array): StreamedBody {
  return streamOnce([content], content.length);
}

/** A stream that can be read only once. */
export function streamOnce(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, size: number): StreamedBody {
  return {
    size,
    isRepeatable: false,
    async *open() {
      yield* chunks;
    },
  };
}
