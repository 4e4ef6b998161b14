/**
 * Frees the memory of a chunk that nobody needs any more. Left to the garbage collector, the chunks of a fast stream pile
 * up to 64 MB before it looks at them. Does nothing where the chunk is part of a larger buffer, which others may use, where
 * it was transferred, and on runtimes that cannot (Node.js before 22).
 */
export function releaseMemory(chunk: Uint8Array): void {
  const buffer: { readonly byteLength: number; transfer?(length: number): unknown } = chunk.buffer;
  if (chunk.byteLength > 0 && chunk.byteLength === buffer.byteLength) buffer.transfer?.(0);
}
