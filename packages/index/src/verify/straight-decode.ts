import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Compression } from '@soci/ztoc';

/** Bytes of output a piece: large pieces cost fewer turns of the event loop. */
const PIECE_SIZE = 1 << 18;

/**
 * Decompresses a layer from its start with Node's own zlib, which shares nothing with the decoder that zTOCs are made
 * by and read with.
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
  const feeding = pipeline(chunks, gunzip);
  // Its failure comes out of the stream as well; the last line is for a failure after that.
  feeding.catch(() => {});
  for await (const piece of gunzip) yield piece as Uint8Array;
  await feeding;
}
