import { type CallOptions, type Descriptor, verifyStream } from '@soci/oci';

/**
 * Cuts a stream into pieces of `size` bytes, the last one shorter, each with memory of its own. The last piece comes only
 * after the whole stream was found to be what `target` says: whoever sends the pieces on never completes a false blob.
 *
 * @throws OciError `SIZE_MISMATCH`, `DIGEST_MISMATCH`
 */
export async function* cutVerified(
  chunks: AsyncIterable<Uint8Array>,
  target: Descriptor,
  size: number,
  call: CallOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  let held: Uint8Array | undefined;
  let piece = new Uint8Array(Math.min(size, target.size));
  let length = 0;
  let left = target.size;
  for await (let chunk of verifyStream(chunks, target, call)) {
    while (chunk.length > 0) {
      const taken = Math.min(chunk.length, piece.length - length);
      piece.set(chunk.subarray(0, taken), length);
      length += taken;
      chunk = chunk.subarray(taken);
      if (length < piece.length) break;
      if (held !== undefined) yield held;
      held = piece;
      left -= piece.length;
      piece = new Uint8Array(Math.min(size, left));
      length = 0;
    }
  }
  // The stream is as long as the descriptor says, so the piece that was held is the last.
  if (held !== undefined) yield held;
}
