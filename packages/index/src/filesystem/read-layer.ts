import { type CallOptions, type Descriptor, type Fetcher, isEncrypted, OciError, type RangeFetcher } from '@soci/oci';
import { decompressZstd } from '@soci/oci/zstd';
import { buildZtoc, openZtoc, type RandomAccessSource, ZtocError, type ZtocReader } from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';
import { limitLayerSize, requireMatch, toLayerError } from '../layers/build-layer.ts';
import { readAgainIfDamaged } from '../layers/damaged-layer.ts';
import { checkFormat } from '../layers/layer-format.ts';
import { toZstdError, verifyLayer } from '../layers/recompress-layer.ts';
import { StreamSource } from './stream-source.ts';

/** Where {@link readLayer} reads from. */
export interface LayerStore {
  readonly store: Fetcher & RangeFetcher;
  readonly call: CallOptions;
  /** Called with the number of bytes of the layer that were read. */
  readonly onRead: (bytes: number) => void;
}

/**
 * Reads a layer without a zTOC from start to end, and once more if it is damaged. The content decides about the format: gzip,
 * zstd or tar, whatever the media type says, as in containerd. Files of a gzip layer or a tar are then read as through a zTOC.
 * A zstd layer is decompressed again, up to the file. Memory does not depend on the size of the layer.
 *
 * @throws SociIndexError `LAYER_INVALID`, `LAYER_MISMATCH`, `LIMIT_EXCEEDED`; errors of the store.
 */
export async function readLayer(layer: Descriptor, { store, call, onRead }: LayerStore): Promise<ZtocReader> {
  const { digest, mediaType } = layer;
  if (isEncrypted(mediaType)) throw new SociIndexError('LAYER_INVALID', `layer ${digest} is encrypted`, { digest });
  async function* fetch(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of limitLayerSize(store.fetch(layer, { ...call, reuseChunks: true }), layer)) {
      onRead(chunk.length);
      yield chunk;
    }
  }
  return readAgainIfDamaged(async () => {
    const checked = await checkFormat<'gzip' | 'tar' | 'zstd'>(fetch(), 'tar', ['gzip', 'zstd']);
    if ('mismatch' in checked) {
      const message = `layer ${digest} (${mediaType}) has ${checked.mismatch} data. Supported are gzip, zstd and tar`;
      throw new SociIndexError('LAYER_INVALID', message, { digest });
    }
    const { chunks, format } = checked;
    if (format !== 'zstd') {
      const { ztoc, layerDigest, layerSize } = await buildZtoc(chunks, call).catch((error: unknown) => {
        throw error instanceof ZtocError ? toLayerError(layer, error) : error;
      });
      requireMatch(layer, { digest: layerDigest, size: layerSize });
      return openZtoc(ztoc, rangesOf(layer, { store, call, onRead }));
    }
    const content = decompressZstd(verifyLayer(chunks, layer));
    const { ztoc, layerSize } = await buildZtoc(content, { ...call, compression: 'uncompressed' }).catch(
      (error: unknown) => {
        throw error instanceof ZtocError ? toLayerError(layer, error) : toZstdError(error, layer);
      },
    );
    return openZtoc(ztoc, new StreamSource(() => decompressZstd(fetch()), layerSize));
  });
}

/** Returns random access to the bytes of a layer. */
export function rangesOf(layer: Descriptor, { store, onRead }: LayerStore): RandomAccessSource {
  return {
    size: layer.size,
    read: (offset, length, { signal, buffer } = {}) => {
      onRead(length);
      return store.fetchRange(layer, { offset, length }, { buffer, ...(signal && { signal }) });
    },
  };
}

/** Returns whether an error is caused by a missing, damaged or unsupported layer or zTOC, not by the connection or an option. */
export function isContentError(error: unknown): error is OciError | SociIndexError | ZtocError {
  if (error instanceof ZtocError) return error.code !== 'OPTION_INVALID' && error.code !== 'SOURCE_READ_FAILED';
  if (error instanceof SociIndexError)
    return ['LAYER_INVALID', 'LAYER_MISMATCH', 'LIMIT_EXCEEDED'].includes(error.code);
  const codes: readonly string[] = ['NOT_FOUND', 'SIZE_MISMATCH', 'DIGEST_MISMATCH', 'LIMIT_EXCEEDED'];
  return error instanceof OciError && codes.includes(error.code);
}
