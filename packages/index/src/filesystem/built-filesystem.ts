import { type Fetcher, OciError, type RangeFetcher } from '@soci/oci';
import { openEncodedZtoc, type SpanCandidates } from '@soci/ztoc';
import type { ResolvedOptions } from '../options.ts';
import { ImageFilesystem } from './image-filesystem.ts';
import { openLayerSource, type SourceLayer } from './layer-source.ts';

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
