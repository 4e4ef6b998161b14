/**
 * Frees the memory of a chunk that is no longer needed. Otherwise the chunks of a fast stream accumulate to 64 MB
 * before they are garbage-collected. Does nothing if the chunk is part of a larger buffer, which others may use, or was
 * transferred.
 */
export function releaseMemory({ buffer, byteLength }: Uint8Array): void {
  if (byteLength > 0 && byteLength === buffer.byteLength) (buffer as ArrayBuffer).transfer(0);
}
