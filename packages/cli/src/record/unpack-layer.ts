import { createGunzip, type Gunzip } from 'node:zlib';
import { type CallOptions, type Descriptor, type Fetcher, isEncrypted, verifyStream } from '@soci/oci';
import { decompressZstd } from '@soci/oci/zstd';
import { CliError } from '../errors.ts';

/** Size of a decompressed chunk, in bytes. Large chunks need fewer iterations of the event loop. */
const CHUNK_SIZE = 1 << 18;

const GZIP = [0x1f, 0x8b] as const;
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd] as const;

/** How the content of a layer is compressed. */
export type LayerFormat = 'gzip' | 'zstd' | 'tar';

/** Options of {@link unpackLayer}. */
export interface UnpackOptions extends CallOptions {
  /** Called with the number of compressed bytes of each chunk. */
  readonly onRead: (bytes: number) => void;
  /** Called with the format, before the first chunk. */
  readonly onFormat: (format: LayerFormat) => void;
  /** Maximum number of uncompressed bytes. */
  readonly maxSize: number;
}

/**
 * Returns the tar archive of a layer, and verifies the digest of the compressed bytes. The content decides about the format,
 * whatever the media type says, as in containerd.
 *
 * @throws CliError `SOURCE_INVALID` for a layer that is encrypted, damaged or too large; OciError for wrong bytes; errors of
 *   the store.
 */
export async function* unpackLayer(
  store: Fetcher,
  layer: Descriptor,
  { onRead, onFormat, maxSize, ...call }: UnpackOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (isEncrypted(layer.mediaType)) throw new CliError('SOURCE_INVALID', `layer ${layer.digest} is encrypted`);
  let size = 0;
  try {
    for await (const chunk of decompress(verifyStream(store.fetch(layer, call), layer, call), onRead, onFormat)) {
      size += chunk.length;
      if (size > maxSize) {
        const message = `layer ${layer.digest}: the unpacked image has more than ${maxSize} bytes`;
        throw new CliError('SOURCE_INVALID', message);
      }
      yield chunk;
    }
  } catch (error) {
    throw toLayerError(layer, error);
  }
}

/** Adds the digest of the layer to an error of the decoders. Returns other errors unchanged. */
function toLayerError({ digest }: Descriptor, error: unknown): unknown {
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (!/^Z(?:STD)?_/.test(code)) return error;
  return new CliError('SOURCE_INVALID', `cannot unpack layer ${digest}: ${message}`, { cause: error });
}

async function* decompress(
  chunks: AsyncIterable<Uint8Array>,
  onRead: UnpackOptions['onRead'],
  onFormat: UnpackOptions['onFormat'],
): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = chunks[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array();
  while (head.length < ZSTD.length) {
    const { done, value } = await iterator.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  async function* all(): AsyncGenerator<Uint8Array, void, undefined> {
    onRead(head.length);
    yield head;
    for await (const chunk of { [Symbol.asyncIterator]: () => iterator }) {
      onRead(chunk.length);
      yield chunk;
    }
  }
  const startsWith = (magic: readonly number[]) => magic.every((byte, position) => head[position] === byte);
  const format = startsWith(GZIP) ? 'gzip' : startsWith(ZSTD) ? 'zstd' : 'tar';
  onFormat(format);
  if (format === 'gzip') yield* gunzip(all());
  else if (format === 'zstd') yield* decompressZstd(all());
  else yield* all();
}

async function* gunzip(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const stream = createGunzip({ chunkSize: CHUNK_SIZE });
  const feeding = feed(chunks, stream);
  for await (const chunk of stream) yield chunk as Uint8Array;
  await feeding;
}

/** Writes chunks to a stream. Destroys the stream with the error if reading or writing fails. */
async function feed(chunks: AsyncIterable<Uint8Array>, stream: Gunzip): Promise<void> {
  try {
    for await (const chunk of chunks) {
      await new Promise<void>((resolve, reject) => {
        stream.write(chunk, (error) => (error ? reject(error) : resolve()));
      });
    }
    stream.end();
  } catch (error) {
    stream.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}
