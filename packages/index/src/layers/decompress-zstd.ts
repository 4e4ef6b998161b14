import { createZstdDecompress, type ZstdDecompress } from 'node:zlib';
import { SociIndexError } from '../errors.ts';

/** Size of the decompressed chunks, in bytes. */
const CHUNK_SIZE = 1 << 18;

/**
 * Decompresses zstd data of any number of frames. `zstd:chunked` layers have one frame per file. node:zlib ends at the end
 * of a frame, and ignores what follows it in the same chunk.
 *
 * @param chunks - A chunk may be overwritten when the next one is requested.
 * @throws An error of node:zlib, with a code that starts with `Z`, if the data is invalid; errors of `chunks`.
 */
export async function* decompressZstd(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const input = chunks[Symbol.asyncIterator]();
  let rest: Uint8Array | undefined = new Uint8Array(0);
  try {
    for (;;) {
      while (rest?.length === 0) rest = await readNext(input);
      if (rest === undefined) return;
      const frame = createZstdDecompress({ chunkSize: CHUNK_SIZE });
      const feeding = feedFrame(frame, rest, input);
      yield* frame;
      rest = await feeding;
    }
  } finally {
    await input.return?.();
  }
}

/** Writes chunks until a frame ends. Returns the bytes after the frame, or undefined at the end of the input. */
async function feedFrame(
  frame: ZstdDecompress,
  first: Uint8Array,
  input: AsyncIterator<Uint8Array>,
): Promise<Uint8Array | undefined> {
  let settle = () => {};
  // A write that contains the end of a frame is never confirmed. The stream is closed instead.
  frame.once('close', () => settle());
  try {
    let written = 0;
    for (let chunk: Uint8Array | undefined = first; chunk !== undefined; chunk = await readNext(input)) {
      const bytes = chunk;
      written += bytes.length;
      await new Promise<void>((resolve) => {
        settle = resolve;
        frame.write(bytes, () => resolve());
      });
      const left = written - frame.bytesWritten;
      if (left > 0 || frame.destroyed) return bytes.subarray(bytes.length - left);
    }
    frame.end();
  } catch (error) {
    frame.destroy(error as Error);
  }
  return undefined;
}

async function readNext(input: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
  const next = await input.next();
  return next.done ? undefined : next.value;
}

/** Converts an error of {@link decompressZstd}. Returns other errors unchanged. */
export function toZstdError(
  error: unknown,
  { digest, mediaType }: { readonly digest: string; readonly mediaType: string },
): unknown {
  if (!(error instanceof Error) || !('code' in error) || !/^Z(?:STD)?_/.test(String(error.code))) return error;
  const isTooLarge = error.code === 'ZSTD_error_frameParameter_windowTooLarge';
  const problem = isTooLarge
    ? 'decompression needs more than 128 MiB of memory'
    : `invalid zstd data: ${error.message}`;
  const code = isTooLarge ? 'LIMIT_EXCEEDED' : 'LAYER_INVALID';
  return new SociIndexError(code, `layer ${digest} (${mediaType}): ${problem}`, { cause: error, digest });
}
