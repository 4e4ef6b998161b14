import { createGunzip, type Gunzip } from 'node:zlib';
import type { Compression } from '@soci/ztoc';

/** Bytes of output a piece: large pieces cost fewer turns of the event loop. */
const PIECE_SIZE = 1 << 18;

/**
 * Decompresses a layer from its start with Node's own zlib, which shares nothing with the decoder that zTOCs are made
 * by and read with. A chunk is done with when the next one is asked for.
 */
export async function* decodeStraight(
  chunks: AsyncIterable<Uint8Array>,
  compression: Compression,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (compression === 'uncompressed') {
    yield* chunks;
    return;
  }
  const gunzip = createGunzip({ chunkSize: PIECE_SIZE });
  const feeding = feed(chunks, gunzip);
  for await (const piece of gunzip) yield piece as Uint8Array;
  await feeding;
}

/** Its failures, and those of the chunks, come out of the stream. */
async function feed(chunks: AsyncIterable<Uint8Array>, gunzip: Gunzip): Promise<void> {
  try {
    for await (const chunk of chunks) {
      await new Promise<void>((resolve, reject) => {
        gunzip.write(chunk, (error) => (error ? reject(error) : resolve()));
      });
    }
    gunzip.end();
  } catch (error) {
    gunzip.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}
