import { createGzip, type Gzip } from 'node:zlib';
import {
  createDigester,
  type Descriptor,
  type Fetcher,
  layerCompression,
  MEDIA_TYPE_DOCKER_LAYER_GZIP,
  MEDIA_TYPE_OCI_LAYER_GZIP,
} from '@soci/oci';
import { decompressZstd } from '@soci/oci/zstd';
import { SociIndexError } from '../errors.ts';
import type { RecompressibleFormat } from '../options.ts';
import { limitLayerSize, requireMatch } from './build-layer.ts';

/** gzip level of recompressed layers: the default of gzip, as fast as `zstd -d | gzip`. It changes the digests. */
export const RECOMPRESSION_LEVEL = 6;

/** Size of the compressed chunks, in bytes. */
const CHUNK_SIZE = 1 << 18;

/** The byte "operating system" of a gzip header is `unknown`, so that it does not depend on the platform. @see RFC 1952, 2.3.1 */
const GZIP_OS = { offset: 9, unknown: 255 };

/** Prefixes of annotations that describe the compressed bytes of a layer, and become wrong. */
const ANNOTATIONS_OF_BYTES = [
  'io.github.containers.zstd-chunked.',
  'containerd.io/snapshot/stargz/',
  'io.containers.estargz.',
];

/** A layer to recompress. */
export interface RecompressionSource {
  /** Descriptor of the layer. Its media type may be wrong. */
  readonly layer: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>;
  /** Actual format of the layer. */
  readonly format: RecompressibleFormat;
  /** Digest of the uncompressed layer in the image configuration. */
  readonly diffId: string;
}

/** A recompressed layer. */
export interface RecompressedLayer extends RecompressionSource {
  /** Digest and size of the gzip layer. */
  readonly gzip: { readonly digest: string; readonly size: number };
  /** Whether the gzip layer was written to the target. If not, {@link fetchRecompressed} creates it again. */
  readonly isStored: boolean;
}

/**
 * Recompresses a layer with gzip. The bytes depend only on the uncompressed layer, {@link RECOMPRESSION_LEVEL} and the zlib
 * of Node.js. Verifies the layer and its uncompressed content before it yields the last bytes.
 *
 * @param chunks - The layer. A chunk may be overwritten when the next one is requested.
 * @throws SociIndexError `LAYER_MISMATCH` if the layer does not match its descriptor; `LAYER_INVALID` if it is not valid
 *   zstd; `MANIFEST_INVALID` if its content does not match the diff_id; `LIMIT_EXCEEDED` if decompression needs too much memory; errors of `chunks`.
 */
export async function* recompressLayer(
  chunks: AsyncIterable<Uint8Array>,
  { layer, format, diffId }: RecompressionSource,
): AsyncGenerator<Uint8Array, void, undefined> {
  const verified = verifyLayer(chunks, layer);
  const tar = format === 'zstd' ? decompressZstd(verified) : verified;
  const gzip = createGzip({ level: RECOMPRESSION_LEVEL, chunkSize: CHUNK_SIZE });
  let isFirst = true;
  try {
    for await (const chunk of passThrough(gzip, verifyContent(tar, layer, diffId))) {
      // zlib writes the whole header at once.
      if (isFirst) chunk[GZIP_OS.offset] = GZIP_OS.unknown;
      isFirst = false;
      yield chunk;
    }
  } catch (error) {
    throw toZstdError(error, layer);
  }
}

/** Reads a layer and recompresses it again. */
export function fetchRecompressed(
  store: Fetcher,
  source: RecompressionSource,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  return recompressLayer(store.fetch(source.layer, { ...(signal && { signal }), reuseChunks: true }), source);
}

/** Returns the descriptor of a recompressed layer, without properties that describe its former bytes. */
export function describeRecompressed(
  { mediaType, urls, data, annotations, ...descriptor }: Descriptor,
  { gzip }: Pick<RecompressedLayer, 'gzip'>,
): Descriptor {
  const isDocker = mediaType.startsWith('application/vnd.docker.');
  const kept = Object.entries(annotations ?? {}).filter(
    ([name]) => !ANNOTATIONS_OF_BYTES.some((prefix) => name.startsWith(prefix)),
  );
  return {
    ...descriptor,
    mediaType: isDocker ? MEDIA_TYPE_DOCKER_LAYER_GZIP : MEDIA_TYPE_OCI_LAYER_GZIP,
    ...gzip,
    ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }),
  };
}

/** Returns the format of a layer that can be recompressed, according to its media type. */
export function recompressibleFormat(mediaType: string): RecompressibleFormat | undefined {
  const compression = layerCompression(mediaType);
  if (compression === 'zstd') return 'zstd';
  return compression === 'uncompressed' || compression === 'unknown' ? 'tar' : undefined;
}

/** Passes on a layer. Throws `LAYER_MISMATCH` at its end if it does not match its descriptor. */
export async function* verifyLayer(
  chunks: AsyncIterable<Uint8Array>,
  layer: RecompressionSource['layer'],
): AsyncGenerator<Uint8Array, void, undefined> {
  const digester = createDigester();
  let size = 0;
  for await (const chunk of limitLayerSize(chunks, layer)) {
    digester.update(chunk);
    size += chunk.length;
    yield chunk;
  }
  requireMatch(layer, { digest: digester.digest(), size });
}

/** Passes on uncompressed content. Throws at its end if it does not match the configuration of the image. */
async function* verifyContent(
  chunks: AsyncIterable<Uint8Array>,
  { digest }: RecompressionSource['layer'],
  diffId: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const digester = createDigester();
  for await (const chunk of chunks) {
    digester.update(chunk);
    yield chunk;
  }
  const actual = digester.digest();
  if (actual !== diffId) throw diffIdError(digest, actual, diffId);
}

/** Returns the error for a layer whose uncompressed content does not match the configuration of the image. */
export function diffIdError(digest: string, actual: string, expected: string): SociIndexError {
  const message = `layer ${digest} has the uncompressed digest ${actual}, but the image configuration has the diff_id ${expected}. Build the image again`;
  return new SociIndexError('MANIFEST_INVALID', message, { digest });
}

/** Yields the output of a stream while its input is written. */
async function* passThrough(
  stream: Gzip,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const writing = writeAll(stream, chunks).catch((error: Error) => void stream.destroy(error));
  try {
    yield* stream;
  } finally {
    stream.destroy();
    await writing;
  }
}

async function writeAll(stream: Gzip, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of chunks) {
    await new Promise<void>((resolve, reject) => {
      stream.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
  }
  stream.end();
}

/** Converts an error of `decompressZstd`. Returns other errors unchanged. */
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
