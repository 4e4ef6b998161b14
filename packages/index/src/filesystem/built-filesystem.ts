import { type CallOptions, type Descriptor, type Fetcher, OciError, type RangeFetcher } from '@soci/oci';
import { openEncodedZtoc, type RandomAccessSource, type SpanCandidates } from '@soci/ztoc';
import { fetchRecompressed, type RecompressedLayer } from '../layers/recompress-layer.ts';
import type { ResolvedOptions } from '../options.ts';
import { ImageFilesystem } from './image-filesystem.ts';
import { rangesOf } from './read-layer.ts';
import { StreamSource } from './stream-source.ts';

/** A layer whose zTOC is in memory, or that is read from start to end. */
export interface FilesystemLayer extends SourceLayer {
  /** Encoded zTOC. */
  readonly ztoc?: Uint8Array;
  /** Candidates from the same build. Files are then read through them, and not verified. */
  readonly candidates?: SpanCandidates | undefined;
}

/** Maximum number of bytes of a layer that one request fetches and keeps: a prediction reads small parts of files, in order. */
const MAX_FETCH_SIZE = 1 << 20;

/** Opens the file system of an image that is being indexed: its zTOCs are in memory, and valid. */
export function openBuiltFilesystem(
  store: Fetcher & Partial<RangeFetcher>,
  layers: readonly FilesystemLayer[],
  { limits, signal }: Pick<ResolvedOptions, 'limits' | 'signal'>,
): ImageFilesystem {
  const call = signal === undefined ? {} : { signal };
  const sources = new Map(layers.map((layer) => [layer.descriptor.digest, openLayerSource(layer, store, call)]));
  const built = new Map(layers.map((layer) => [layer.descriptor.digest, layer]));
  return new ImageFilesystem({
    store: {
      fetch: (target, options) => store.fetch(target, options),
      fetchRange(target, { offset, length }, options) {
        const source = sources.get(target.digest);
        if (source === undefined) throw new OciError('NOT_FOUND', `no layer has the digest ${target.digest}`);
        return source.read(offset, length, options);
      },
    },
    layers: layers.map(({ descriptor }) => descriptor),
    indexes: [],
    openBuilt: ({ digest }, source) => {
      const { ztoc, candidates } = built.get(digest) ?? {};
      return ztoc && openEncodedZtoc(ztoc, source, { candidates, maxFetchSize: MAX_FETCH_SIZE });
    },
    maxZtocSize: limits.maxZtocSize,
    signal,
  });
}

/** A layer of an image that is being indexed. */
interface SourceLayer {
  /** Descriptor of the layer in the result. */
  readonly descriptor: Descriptor;
  /** How the layer was recompressed, if it was. */
  readonly recompressed?: RecompressedLayer;
}

/**
 * Returns random access to a layer. A layer that was recompressed is recompressed again, because its bytes may not be stored
 * yet. Without range requests, the layer is read from its start. Reads in ascending order then need one pass.
 */
export function openLayerSource(
  { descriptor, recompressed }: SourceLayer,
  store: Fetcher & Partial<RangeFetcher>,
  call: CallOptions,
): RandomAccessSource {
  const { size } = descriptor;
  if (recompressed !== undefined) {
    return new StreamSource(() => fetchRecompressed(store, recompressed, call.signal), size);
  }
  if (hasRanges(store)) return rangesOf(descriptor, { store, call, onRead: () => {} });
  return new StreamSource(() => store.fetch(descriptor, { ...call, reuseChunks: true }), size);
}

function hasRanges(store: Fetcher & Partial<RangeFetcher>): store is Fetcher & RangeFetcher {
  return store.fetchRange !== undefined;
}
