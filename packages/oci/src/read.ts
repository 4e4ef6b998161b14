import type { CallOptions, Fetcher } from './content.ts';
import type { Descriptor } from './descriptor.ts';
import { createDigester, parseDigest } from './digest.ts';
import { OciError } from './errors.ts';
import { DEFAULT_LIMITS } from './limits.ts';

/** Options of {@link readVerified}. */
export interface ReadOptions extends CallOptions {
  /** Maximum size of the content in bytes, checked before it is fetched. @default 4 MiB */
  readonly maxSize?: number;
}

/**
 * Reads small content completely and verifies it against its descriptor. Reads it again, once, if it is damaged.
 *
 * @throws OciError `LIMIT_EXCEEDED` before anything is fetched; `SIZE_MISMATCH`, `DIGEST_MISMATCH`; errors of
 * `fetcher`.
 */
export async function readVerified(
  fetcher: Fetcher,
  descriptor: Descriptor,
  options: ReadOptions = {},
): Promise<Uint8Array> {
  const { maxSize = DEFAULT_LIMITS.maxManifestSize, signal } = options;
  if (descriptor.size > maxSize) {
    const message = `${descriptor.digest} (${descriptor.mediaType}) has ${descriptor.size} bytes, more than the limit of ${maxSize}`;
    throw new OciError('LIMIT_EXCEEDED', message);
  }
  const call = signal === undefined ? {} : { signal };
  return readAgainIfDamaged(async () => {
    const content = new Uint8Array(descriptor.size);
    let length = 0;
    for await (const chunk of verifyStream(fetcher.fetch(descriptor, call), descriptor, call)) {
      content.set(chunk, length);
      length += chunk.length;
    }
    return content;
  });
}

/**
 * Calls `read` again, once, if the content that it reads has the wrong size or digest: a cache or a proxy on the way
 * may have damaged it. Calls it only once if it has already read the content twice.
 *
 * @param read - Reads and verifies content from its start.
 * @throws OciError `SIZE_MISMATCH`, `DIGEST_MISMATCH` with a message that names both failures; other errors of `read`.
 */
export async function readAgainIfDamaged<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (first) {
    if (!isDamaged(first) || isDamaged(first.cause)) throw first;
    try {
      return await read();
    } catch (second) {
      if (!isDamaged(second)) throw second;
      const reads =
        first.message === second.message ? 'in both reads' : `second read; the first read: ${first.message}`;
      throw new OciError(second.code, `${second.message} (${reads})`, { cause: second });
    }
  }
}

function isDamaged(error: unknown): error is OciError {
  return error instanceof OciError && (error.code === 'DIGEST_MISMATCH' || error.code === 'SIZE_MISMATCH');
}

/**
 * Passes chunks on and verifies them against `descriptor`. The bytes are verified only when the stream has ended
 * without an error.
 *
 * @throws OciError `SIZE_MISMATCH` at the first excess byte or at the end; `DIGEST_MISMATCH` at the end.
 */
export async function* verifyStream(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  descriptor: Pick<Descriptor, 'digest' | 'size'>,
  options: CallOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const digester = createDigester(parseDigest(descriptor.digest).algorithm);
  let length = 0;
  for await (const chunk of chunks) {
    options.signal?.throwIfAborted();
    length += chunk.length;
    if (length > descriptor.size) {
      const message = `${descriptor.digest} has more than the ${descriptor.size} bytes in its descriptor`;
      throw new OciError('SIZE_MISMATCH', message);
    }
    // Hash the chunk before yielding it, because its receiver may transfer it to another thread.
    digester.update(chunk);
    yield chunk;
  }
  if (length !== descriptor.size) {
    throw new OciError('SIZE_MISMATCH', `${descriptor.digest} ended after ${length} of ${descriptor.size} bytes`);
  }
  const actual = digester.digest();
  if (actual !== descriptor.digest) {
    const message = `content of ${descriptor.digest} has digest ${actual}: it is damaged or not the requested content`;
    throw new OciError('DIGEST_MISMATCH', message);
  }
}
