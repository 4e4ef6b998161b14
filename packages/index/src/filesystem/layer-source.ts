import type { CallOptions, Descriptor, Fetcher, RangeFetcher } from '@soci/oci';
import type { RandomAccessSource } from '@soci/ztoc';
import { fetchRecompressed, type RecompressedLayer } from '../layers/recompress-layer.ts';
import { rangesOf } from './read-layer.ts';
import { StreamSource } from './stream-source.ts';

/** A layer of an image that is being indexed. */
export interface SourceLayer {
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
