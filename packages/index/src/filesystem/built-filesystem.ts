import { type Descriptor, digestOf, type Fetcher, OciError, type RangeFetcher } from '@soci/oci';
import type { SpanCandidates } from '@soci/ztoc';
import type { ResolvedOptions } from '../options.ts';
import { MEDIA_TYPE_ZTOC } from '../vocabulary.ts';
import { ImageFilesystem } from './image-filesystem.ts';
import { openLayerSource, type SourceLayer } from './layer-source.ts';

/** A layer whose zTOC is in memory, or that is read from start to end. */
export interface FilesystemLayer extends SourceLayer {
  /** Encoded zTOC. */
  readonly ztoc?: Uint8Array;
  /** Candidates from the same build. Files are then read through them, and not verified. */
  readonly candidates?: SpanCandidates | undefined;
}

/** Opens the file system of an image that is being indexed: its zTOCs are in memory. */
export function openBuiltFilesystem(
  store: Fetcher & Partial<RangeFetcher>,
  layers: readonly FilesystemLayer[],
  { limits, signal }: Pick<ResolvedOptions, 'limits' | 'signal'>,
): ImageFilesystem {
  const call = signal === undefined ? {} : { signal };
  const sources = new Map(layers.map((layer) => [layer.descriptor.digest, openLayerSource(layer, store, call)]));
  const contents = new Map<string, Uint8Array>();
  const ztocs = layers.flatMap(({ descriptor: { digest: layerDigest, mediaType: layerMediaType }, ztoc }) => {
    if (ztoc === undefined) return [];
    const descriptor: Descriptor = { mediaType: MEDIA_TYPE_ZTOC, digest: digestOf(ztoc), size: ztoc.length };
    contents.set(descriptor.digest, ztoc);
    return [{ descriptor, layerDigest, layerMediaType, spanSize: 0, disablesXattrs: false }];
  });
  return new ImageFilesystem({
    store: {
      async *fetch(target, options) {
        const content = contents.get(target.digest);
        if (content === undefined) yield* store.fetch(target, options);
        else yield content;
      },
      fetchRange(target, { offset, length }, options) {
        const source = sources.get(target.digest);
        if (source === undefined) throw new OciError('NOT_FOUND', `no layer has the digest ${target.digest}`);
        return source.read(offset, length, options);
      },
    },
    layers: layers.map(({ descriptor }) => descriptor),
    indexes: [
      {
        descriptor: { mediaType: '', digest: '', size: 0 },
        version: 2,
        ztocs,
        prefetches: [],
        annotations: {},
      },
    ],
    candidates: new Map(
      layers.flatMap(({ descriptor: { digest }, candidates }) => (candidates ? [[digest, candidates] as const] : [])),
    ),
    maxZtocSize: limits.maxZtocSize,
    signal,
  });
}
