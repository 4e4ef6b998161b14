/** Bytes that do not change any more, in memory or in a file. */
export interface StoredBlob {
  /** In bytes. */
  readonly size: number;
  /** Yields `length` bytes from `offset`. A chunk is good until the next one is asked for. */
  chunks(offset: number, length: number): AsyncGenerator<Uint8Array, void, undefined>;
}

/** Large enough that a blob costs few turns, small enough that a reader who leaves is noticed soon. */
export const CHUNK_SIZE = 1 << 20;

/** The whole of a blob in one piece, for manifests and for tests. */
export async function readBlob(blob: StoredBlob): Promise<Uint8Array> {
  const whole = Buffer.allocUnsafe(blob.size);
  let length = 0;
  for await (const chunk of blob.chunks(0, blob.size)) {
    whole.set(chunk, length);
    length += chunk.length;
  }
  return whole;
}
